use std::borrow::Cow;

use const_oid::ObjectIdentifier;

use crate::certificate::Certificate;
use crate::path::{PathError, VerifiedPath};
use crate::provider::Provider;
use crate::time::UnixTime;
use crate::timestamp::{TimestampError, Token};

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
    /// An algorithm that this crate does not have.
    #[error("the algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// The certificate may not sign mail.
    #[error("the certificate may not sign mail")]
    WrongUsage,
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
    let _ = (provider, cms, detached, trust, now);
    Err(VerifyError::Malformed)
}
