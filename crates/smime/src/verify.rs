mod judge;
mod signer;

use std::borrow::Cow;

use const_oid::ObjectIdentifier;

use crate::ber;
use crate::certificate::Certificate;
use crate::cms::signed::{SignedData, Unreadable};
use crate::ess::{self, LabelError, Receipt, RequestedReceipt, SecurityLabel, Services};
use crate::path::{Budget, PathError, Revocations, VerifiedPath};
use crate::provider::Provider;
use crate::recipients::Capabilities;
use crate::time::UnixTime;
use crate::timestamp::{TimestampError, Token};

use judge::judge;
pub(crate) use signer::{Content, find_signer};

/// Whom to believe.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Roots for signers.
    pub anchors: Vec<Certificate>,
    /// Roots for timestamp authorities.
    pub timestamp_anchors: Vec<Certificate>,
    /// Certificates that may lie between, known from elsewhere than the message.
    pub intermediates: Vec<Certificate>,
    /// Certificate revocation lists in DER.
    pub crls: Vec<Vec<u8>>,
    /// OCSP responses in DER.
    pub ocsp: Vec<Vec<u8>>,
    /// Whether a signer counts only if every certificate of its path is shown not to be revoked.
    pub revocation_required: bool,
}

impl Trust {
    /// What is known about revocations apart from any message.
    pub(crate) fn revocations(&self) -> Revocations<'_> {
        let mut known = Revocations::default();
        known.add(self.crls.iter().chain(&self.ocsp).map(Vec::as_slice));
        known
    }
}

/// Why a message cannot be taken for a SignedData at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not a SignedData, or broken.
    #[error("not a well-formed SignedData")]
    Malformed,
    /// More signers or certificates than any message has reason to have.
    #[error("the SignedData holds too much")]
    TooMany,
    /// The content is detached and was not given.
    #[error("the signed content is missing")]
    NoContent,
}

/// Why one signature is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The SignerInfo is malformed.
    #[error("the signer information is malformed")]
    Malformed,
    /// The signer's certificate is neither in the message nor known.
    #[error("the signer's certificate is missing")]
    NoCertificate,
    /// A mandatory signed attribute is absent (RFC 5652 5.3).
    #[error("a mandatory signed attribute is missing")]
    MissingAttribute,
    /// The signed content type is another than the content's.
    #[error("the signed content type differs")]
    ContentTypeMismatch,
    /// The content was changed.
    #[error("the content does not match its digest")]
    DigestMismatch,
    /// signingCertificate names another certificate (RFC 5035).
    #[error("the signature was made for another certificate")]
    CertificateMismatch,
    /// The signature does not belong to attributes and key.
    #[error("the signature does not match")]
    BadSignature,
    /// The signature holds, but by an algorithm or key size that no longer proves anything.
    #[error("the algorithm {0} is too weak")]
    WeakAlgorithm(&'static str),
    /// An algorithm that this crate or the provider does not have.
    #[error("the algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// No valid path leads from the certificate to a trust anchor.
    #[error("the certificate is not trusted: {0}")]
    Path(#[from] PathError),
}

/// What a signature's timestamp says.
#[derive(Clone, Debug)]
pub struct TimestampVerdict {
    /// The checked token, or why it does not count.
    pub token: Result<Token, TimestampError>,
}

/// One signer's verdict.
#[derive(Clone, Debug)]
pub struct SignerVerdict {
    /// The signer's certificate, where it was found.
    pub certificate: Option<Certificate>,
    /// The addresses that the certificate names.
    pub emails: Vec<String>,
    /// The path that proves the signature, or why it is not good.
    pub verdict: Result<VerifiedPath, SignerError>,
    /// The time that the signer claims.
    pub signing_time: Option<UnixTime>,
    /// The time that an authority vouches for.
    pub timestamp: Option<TimestampVerdict>,
    /// The certificate that the signer wants to be written to under (RFC 8551 2.5.3).
    pub encryption: Option<Certificate>,
    /// What the signer's program reads (RFC 8551 2.5.2).
    pub capabilities: Capabilities,
    /// The signatures over this signature (RFC 5652 11.4). Their verdicts change nothing about this one,
    /// and their own countersignatures are not looked at.
    pub countersignatures: Vec<SignerVerdict>,
    /// Its label, its request for a receipt and the like; empty unless the verdict is good.
    pub services: Services,
}

/// A SignedData that was read, with a verdict per signer.
///
/// The content is as good as the verdicts; without a good one it is unsigned.
#[derive(Clone, Debug)]
pub struct VerifiedCms<'a> {
    /// The signed content: borrowed where the input was DER or the content detached.
    pub content: Cow<'a, [u8]>,
    /// The type of the content, id-data for mail.
    pub content_type: ObjectIdentifier,
    /// The verdicts, in the order of the message.
    pub signers: Vec<SignerVerdict>,
    /// Every certificate in the message that could be parsed.
    pub certificates: Vec<Certificate>,
}

impl VerifiedCms<'_> {
    /// The label that the good signers put on the content (RFC 2634 3.1.2).
    ///
    /// # Errors
    /// If one of them cannot be read, or they differ: then the content is not to be shown as if it had none.
    pub fn label(&self) -> Result<Option<&SecurityLabel>, LabelError> {
        let mut label = None;
        for services in self.good_services() {
            match (label, services.label.as_ref().map_err(|error| *error)?) {
                (Some(known), Some(other)) if known != other => return Err(LabelError::Conflict),
                (None, found) => label = found.as_ref(),
                _ => {}
            }
        }
        Ok(label)
    }

    /// The receipt that the good signers ask for; none if they ask for different ones (RFC 2634 2.3).
    pub fn requested_receipt(&self) -> Option<&RequestedReceipt> {
        let mut requests = self.good_services().filter_map(|services| services.requested_receipt.as_ref());
        let first = requests.next()?;
        requests.all(|other| first.is_same_request(other)).then_some(first)
    }

    /// What the content says, if it is a receipt; [`RequestedReceipt::check`] tells if it is believed.
    pub fn receipt(&self) -> Option<Receipt> {
        (self.content_type == ess::RECEIPT).then(|| Receipt::from_der(&self.content).ok())?
    }

    fn good_services(&self) -> impl Iterator<Item = &Services> {
        self.signers.iter().filter(|signer| signer.verdict.is_ok()).map(|signer| &signer.services)
    }
}

impl From<Unreadable> for VerifyError {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Malformed => Self::Malformed,
            Unreadable::TooMany => Self::TooMany,
        }
    }
}

/// Checks every signature of a SignedData.
///
/// The signer's path is judged at the time of a valid timestamp over the signature, otherwise at
/// `now`: the time that a signer claims proves nothing.
pub async fn verify<'a>(
    provider: &impl Provider,
    cms: &'a [u8],
    detached: Option<&'a [u8]>,
    trust: &Trust,
    now: UnixTime,
) -> Result<VerifiedCms<'a>, VerifyError> {
    verify_within(provider, cms, detached, (trust, now), &mut Budget::default()).await
}

/// As [`verify`], sharing its budget with the other layers of a message.
pub(crate) async fn verify_within<'a>(
    provider: &impl Provider,
    cms: &'a [u8],
    detached: Option<&'a [u8]>,
    (trust, now): (&Trust, UnixTime),
    budget: &mut Budget,
) -> Result<VerifiedCms<'a>, VerifyError> {
    match ber::to_der(cms).map_err(|_| VerifyError::Malformed)? {
        Cow::Borrowed(der) => {
            let (message, content) = read(der, detached)?;
            let signers = judge(provider, &message, content, (trust, now), budget).await;
            Ok(verified(message, Cow::Borrowed(content), signers))
        }
        Cow::Owned(der) => {
            let (message, content) = read(&der, detached)?;
            let signers = judge(provider, &message, content, (trust, now), budget).await;
            let content = detached.map_or_else(|| Cow::Owned(content.to_vec()), Cow::Borrowed);
            Ok(verified(message, content, signers))
        }
    }
}

fn read<'a>(der: &'a [u8], detached: Option<&'a [u8]>) -> Result<(SignedData<'a>, &'a [u8]), VerifyError> {
    let message = SignedData::read(der)?;
    let content = match (message.content, detached) {
        // Content in both places: which of them a reader sees must not be left to chance.
        (Some(_), Some(_)) => return Err(VerifyError::Malformed),
        (Some(content), None) | (None, Some(content)) => content,
        // A bag of certificates has neither content nor signers (RFC 8551 3.8).
        (None, None) if message.signers.is_empty() => &[],
        (None, None) => return Err(VerifyError::NoContent),
    };
    Ok((message, content))
}

fn verified<'a>(
    message: SignedData<'_>,
    content: Cow<'a, [u8]>,
    signers: Vec<SignerVerdict>,
) -> VerifiedCms<'a> {
    let SignedData { content_type, certificates, .. } = message;
    VerifiedCms { content, content_type, signers, certificates }
}
