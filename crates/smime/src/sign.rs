use std::borrow::Cow;
use std::collections::HashSet;

use const_oid::ObjectIdentifier as Oid;

use crate::algorithm;
use crate::asn1::{self, tag, write};
use crate::certificate::Certificate;
use crate::cms::signed::SignerInfo;
use crate::cms::{self, DATA, SIGNED_DATA, attributes, content_info_header};
use crate::ess::{self, ContentHint, LabelError, ReceiptRequest, RequestedReceipt, SecurityLabel};
use crate::evidence::Evidence;
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::{Provider, ProviderError, SignatureAlgorithm};
use crate::time::UnixTime;

/// Who signs: a key, its certificate with those above it, and the certificate to answer under.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The signing key.
    pub key: KeyId,
    /// The signer's certificate first, then its issuers; the root may be left out.
    pub chain: Vec<Certificate>,
    /// The certificate under which the signer wants to be written to; carried in the message with
    /// its key preference (RFC 8551 2.5.3).
    pub encryption: Option<Certificate>,
}

/// Whether the content lies in the signature or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedForm {
    /// `application/pkcs7-mime; smime-type=signed-data`.
    Opaque,
    /// For `multipart/signed`.
    Detached,
}

/// What a signature is to say beyond what it always says.
#[derive(Clone, Debug, Default)]
pub struct SignOptions {
    /// The algorithm, such as RSA-PSS; the one that goes with the key if there is none.
    pub algorithm: Option<SignatureAlgorithm>,
    /// How sensitive the content is (RFC 2634 3).
    pub label: Option<SecurityLabel>,
    /// Asks the readers for receipts (RFC 2634 2); only for the innermost signature of a message.
    pub receipt_request: Option<ReceiptRequest>,
    /// What an encrypted content is (RFC 2634 2.9); only for a signature around an encryption.
    pub content_hint: Option<ContentHint>,
    /// What is kept beside the signature: that its certificates were not revoked when it was made.
    pub evidence: Evidence,
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The signer has no certificate.
    #[error("the signer has no certificate")]
    NoCertificate,
    /// The certificate's key is of a kind that does not sign here.
    #[error("the certificate's key cannot sign")]
    UnsupportedKey,
    /// A timestamp token is not the DER of a ContentInfo.
    #[error("the timestamp token is malformed")]
    MalformedToken,
    /// The evidence is broken, or more than is read again.
    #[error("the evidence is broken, or too much")]
    Evidence,
    /// The label cannot be written.
    #[error("{0}")]
    Label(#[from] LabelError),
    /// The request for receipts names nobody, or more than 16, to return them to.
    #[error("receipts are to be returned to nobody or to too many")]
    ReceiptRequest,
    /// The private key failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyringError),
    /// A digest failed.
    #[error("digesting failed: {0}")]
    Provider(#[from] ProviderError),
}

/// A SignedData under way: made by [`sign()`], perhaps given a timestamp, then encoded.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    content_type: Oid,
    content: Option<Cow<'a, [u8]>>,
    digest_identifier: Vec<u8>,
    certificates: Vec<Certificate>,
    /// SignerInfo up to the signature.
    signer_info: Vec<u8>,
    signature: Vec<u8>,
    unsigned_attributes: Vec<Vec<u8>>,
    /// Revocation lists.
    revocations: Vec<Vec<u8>>,
}

impl Signed<'_> {
    /// The signature value, which a timestamp covers (RFC 3161 appendix A).
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The receipt that it asks for, if it does.
    pub async fn requested_receipt(&self, provider: &impl Provider) -> Option<RequestedReceipt> {
        let der = self.signer_info();
        RequestedReceipt::read(provider, &SignerInfo::read(&asn1::single(&der, tag::SEQUENCE).ok()?).ok()?)
            .await
    }

    /// Adds a timestamp token (the DER of its ContentInfo) as an unsigned attribute.
    pub fn attach_timestamp(&mut self, token: &[u8]) -> Result<(), SignError> {
        asn1::single(token, tag::SEQUENCE).map_err(|_| SignError::MalformedToken)?;
        self.unsigned_attributes.push(attributes::attribute(attributes::TIMESTAMP_TOKEN, token));
        Ok(())
    }

    /// Puts evidence beside the signature that its certificates, and those of its timestamp, were good.
    fn attach_evidence(&mut self, evidence: &Evidence) -> Result<(), SignError> {
        if !evidence.is_writable() {
            return Err(SignError::Evidence);
        }
        self.certificates.extend(evidence.certificates.iter().cloned());
        let mut seen = HashSet::new();
        self.certificates.retain(|certificate| seen.insert(certificate.sha256()));
        self.revocations.extend(evidence.crls.iter().cloned());
        self.unsigned_attributes.extend(evidence.ocsp_attribute());
        Ok(())
    }

    /// The DER of the ContentInfo.
    pub fn to_der(&self) -> Vec<u8> {
        let content_len = self.content.as_deref().map_or(0, <[u8]>::len);
        // The content is copied once, straight to its place.
        let content_header = match self.content {
            Some(_) => {
                let octets = write::header(tag::OCTET_STRING, content_len);
                [write::header(tag::constructed(0), octets.len() + content_len), octets].concat()
            }
            None => Vec::new(),
        };
        let content_type = write::oid(self.content_type);
        let encapsulated_len = content_type.len() + content_header.len() + content_len;
        let before = [
            // RFC 5652 5.1: version 3 unless the content is plain data.
            write::integer(if self.content_type == DATA { 1 } else { 3 }),
            write::tlv(tag::SET, &[&self.digest_identifier]),
            write::header(tag::SEQUENCE, encapsulated_len),
            content_type,
            content_header,
        ]
        .concat();
        let after =
            [self.certificate_set(), self.revocation_set(), write::tlv(tag::SET, &[&self.signer_info()])]
                .concat();
        let length = before.len() + content_len + after.len();
        let sequence = write::header(tag::SEQUENCE, length);
        let mut der = content_info_header(SIGNED_DATA, sequence.len() + length);
        der.reserve_exact(sequence.len() + length);
        der.extend(sequence);
        der.extend(before);
        der.extend_from_slice(self.content.as_deref().unwrap_or_default());
        der.extend(after);
        der
    }

    fn revocation_set(&self) -> Vec<u8> {
        if self.revocations.is_empty() {
            return Vec::new();
        }
        write::set_of(tag::constructed(1), self.revocations.clone())
    }

    pub(crate) fn leave_out_certificates(&mut self) {
        self.certificates.clear();
    }

    fn certificate_set(&self) -> Vec<u8> {
        if self.certificates.is_empty() {
            return Vec::new();
        }
        let certificates = self.certificates.iter().map(|certificate| certificate.der().to_vec());
        write::set_of(tag::constructed(0), certificates.collect())
    }

    fn signer_info(&self) -> Vec<u8> {
        let unsigned = if self.unsigned_attributes.is_empty() {
            Vec::new()
        } else {
            write::set_of(tag::constructed(1), self.unsigned_attributes.clone())
        };
        write::sequence(&[&self.signer_info, &write::octets(&self.signature), &unsigned])
    }
}

/// Signs `content`, which must be in canonical form already (RFC 8551 3.1.1).
///
/// The signed attributes are contentType, messageDigest, signingTime, signingCertificateV2 and
/// smimeCapabilities, and the key preference where the signer has an encryption certificate.
pub async fn sign<'a>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    signer: &Signer,
    content: &'a [u8],
    form: SignedForm,
    at: UnixTime,
) -> Result<Signed<'a>, SignError> {
    sign_with(provider, keyring, signer, content, form, at, &SignOptions::default()).await
}

/// As [`sign()`], with options.
///
/// ```
/// # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
/// # use people::{NOW, People, people};
/// use smime::ess::{Classification, SecurityLabel};
/// use smime::rustcrypto::RustCrypto;
/// use smime::{SignOptions, SignedForm, sign_with, verify};
///
/// # smime::block_on_ready(async {
/// # let People { keyring, alice, trust, .. } = people().await?;
/// let label = SecurityLabel {
///     policy: "1.2.156.1".parse()?,
///     classification: Some(Classification::SECRET),
///     privacy_mark: Some("秘密".into()),
///     categories: Vec::new(),
/// };
/// let options = SignOptions { label: Some(label.clone()), ..SignOptions::default() };
/// let (content, beside) = (b"Content-Type: text/plain\r\n\r\nHello\r\n", SignedForm::Detached);
/// let signed = sign_with(&RustCrypto, &keyring, &alice, content, beside, NOW, &options).await?;
///
/// let cms = signed.to_der();
/// let verified = verify(&RustCrypto, &cms, Some(content), &trust, NOW).await?;
/// assert_eq!(verified.label()?, Some(&label));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub async fn sign_with<'a>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    signer: &Signer,
    content: &'a [u8],
    form: SignedForm,
    at: UnixTime,
    options: &SignOptions,
) -> Result<Signed<'a>, SignError> {
    let algorithm = options.algorithm.map_or_else(|| algorithm_of(signer), Ok)?;
    let mut extra = vec![attributes::capabilities()];
    extra.extend(signer.encryption.as_ref().map(attributes::encryption_preference));
    extra.extend(options.label.as_ref().map(ess::label_attribute).transpose()?);
    if let Some(request) = &options.receipt_request {
        extra.push(ess::request_attribute(request).ok_or(SignError::ReceiptRequest)?);
    }
    extra.extend(options.content_hint.as_ref().map(ess::hint_attribute));
    let content = Cow::Borrowed(content);
    let mut signed = sign_as(provider, keyring, signer, algorithm, DATA, content, at, extra).await?;
    signed.attach_evidence(&options.evidence)?;
    if form == SignedForm::Detached {
        signed.content = None;
    }
    Ok(signed)
}

/// The algorithm that goes with the signer's certificate.
pub(crate) fn algorithm_of(signer: &Signer) -> Result<SignatureAlgorithm, SignError> {
    let certificate = signer.chain.first().ok_or(SignError::NoCertificate)?;
    algorithm::for_key(certificate.key_kind()).ok_or(SignError::UnsupportedKey)
}

#[expect(clippy::too_many_arguments, reason = "each is a field of the one structure that is built")]
pub(crate) async fn sign_as<'a>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    signer: &Signer,
    algorithm: SignatureAlgorithm,
    content_type: Oid,
    content: Cow<'a, [u8]>,
    at: UnixTime,
    extra: Vec<Vec<u8>>,
) -> Result<Signed<'a>, SignError> {
    let certificate = signer.chain.first().ok_or(SignError::NoCertificate)?;
    let hash = algorithm::digest_of(algorithm);
    let digest = provider.digest(hash, &content).await?;
    let mut signed_attributes = extra;
    signed_attributes.extend([
        attributes::content_type(content_type),
        attributes::message_digest(&digest),
        attributes::signing_time(at),
        attributes::signing_certificate(certificate),
    ]);
    // RFC 5652 5.4: signed as a SET, sent as [0]; the order is the same.
    let signed_set = write::set_of(tag::SET, signed_attributes.clone());
    let signature = keyring.sign(&signer.key, algorithm, &signed_set).await?;
    let signer_info = [
        write::integer(1),
        cms::issuer_and_serial(tag::SEQUENCE, certificate),
        algorithm::hash_identifier(hash),
        write::set_of(tag::constructed(0), signed_attributes),
        algorithm::signature_identifier(algorithm),
    ]
    .concat();
    let mut certificates = signer.chain.clone();
    certificates.extend(signer.encryption.clone());
    certificates.dedup();
    Ok(Signed {
        content_type,
        content: Some(content),
        digest_identifier: algorithm::hash_identifier(hash),
        certificates,
        signer_info,
        signature,
        unsigned_attributes: Vec::new(),
        revocations: Vec::new(),
    })
}
