//! One signature: over the content, or over attributes that name its digest (RFC 5652 5.6).

use const_oid::ObjectIdentifier;

use super::SignerError;
use crate::algorithm::{self, Digest, Unusable};
use crate::asn1::{Malformed, Tlv, tag};
use crate::certificate::Certificate;
use crate::cms::DATA;
use crate::cms::attributes::{Attributes, CONTENT_TYPE, MESSAGE_DIGEST};
use crate::cms::signed::SignerInfo;
use crate::path::Budget;
use crate::provider::{Provider, ProviderError, SignatureAlgorithm};

/// The signed content, with the digests made of it so far: signers often share a hash.
pub(crate) struct Content<'a> {
    /// None for a signature that is signed itself, which has no type (RFC 5652 11.4).
    content_type: Option<ObjectIdentifier>,
    octets: &'a [u8],
    digests: Vec<(Digest, Vec<u8>)>,
    /// Whether a signature over the octets themselves was checked already.
    was_read: bool,
}

impl<'a> Content<'a> {
    pub(crate) const fn new(content_type: ObjectIdentifier, octets: &'a [u8]) -> Self {
        Self { content_type: Some(content_type), octets, digests: Vec::new(), was_read: false }
    }

    /// A signature that is signed itself.
    pub(crate) const fn countersigned(signature: &'a [u8]) -> Self {
        Self { content_type: None, octets: signature, digests: Vec::new(), was_read: false }
    }

    /// The octets that the next check of a signature goes through, beyond the once that every message costs.
    fn unpaid(&mut self, attributes: Option<&Attributes<'_>>) -> usize {
        match attributes {
            Some(attributes) => attributes.len(),
            None if std::mem::replace(&mut self.was_read, true) => self.octets.len(),
            None => 0,
        }
    }

    async fn digest(&mut self, provider: &impl Provider, by: Digest) -> Result<Vec<u8>, ProviderError> {
        if let Some((_, digest)) = self.digests.iter().find(|(known, _)| *known == by) {
            return Ok(digest.clone());
        }
        let digest = by.of_octets(provider, self.octets).await?;
        self.digests.push((by, digest.clone()));
        Ok(digest)
    }
}

impl From<Malformed> for SignerError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Unusable> for SignerError {
    fn from(error: Unusable) -> Self {
        match error {
            Unusable::Malformed => Self::Malformed,
            Unusable::Unsupported(name) => Self::UnsupportedAlgorithm(name),
        }
    }
}

/// Why none of the candidates is the signer.
pub(crate) struct NotFound<'c> {
    /// The first candidate whose name fits.
    pub(crate) certificate: Option<&'c Certificate>,
    /// What is wrong with it.
    pub(crate) error: SignerError,
}

/// Finds the certificate, among those that the SignerInfo may mean, under whose key the signature
/// holds. Several can fit: a renewed certificate keeps its key identifier, and anybody can put a
/// certificate with somebody else's issuer and serial number first.
pub(crate) async fn find_signer<'c>(
    provider: &impl Provider,
    info: &SignerInfo<'_>,
    content: &mut Content<'_>,
    candidates: impl Iterator<Item = &'c Certificate>,
    budget: &mut Budget,
) -> Result<&'c Certificate, NotFound<'c>> {
    let mut failed = NotFound { certificate: None, error: SignerError::NoCertificate };
    let is_named = info.id.matcher();
    for certificate in candidates.filter(|certificate| is_named(certificate)) {
        let octets = certificate.der().len() + content.unpaid(info.signed_attributes.as_ref());
        let outcome = match budget.spend(certificate, octets) {
            Ok(()) => check_signature(provider, info, content, certificate).await,
            Err(error) => Err(SignerError::Path(error)),
        };
        match outcome {
            Ok(()) => return Ok(certificate),
            // A certificate that the signer did not mean says least about what is wrong.
            Err(error)
                if matches!(failed.error, SignerError::NoCertificate | SignerError::CertificateMismatch) =>
            {
                failed = NotFound { certificate: Some(certificate), error };
            }
            // One whose key is too slow to use is passed over at no cost: others may cost less.
            Err(_) => {}
        }
    }
    Err(failed)
}

/// Checks that the signature belongs to the content and the certificate's key; says nothing about
/// whether the certificate is to be believed.
async fn check_signature(
    provider: &impl Provider,
    info: &SignerInfo<'_>,
    content: &mut Content<'_>,
    certificate: &Certificate,
) -> Result<(), SignerError> {
    let digest = Digest::of(&info.digest_algorithm)?;
    let key = certificate.key_kind();
    let algorithm = algorithm::signature(&info.signature_algorithm, digest.hash(), key)?;
    if digest.hash().is_none() && !matches!(algorithm, SignatureAlgorithm::MlDsa(_)) {
        return Err(SignerError::UnsupportedAlgorithm(algorithm::name_of(info.digest_algorithm.oid)));
    }
    let signed = match &info.signed_attributes {
        Some(attributes) => {
            check_attributes(provider, attributes, content, digest).await?;
            check_certificate(provider, attributes, certificate).await?;
            Some(attributes.signed_octets())
        }
        None => {
            check_plain(content)?;
            None
        }
    };
    let message = signed.as_deref().unwrap_or(content.octets);
    match provider.verify(certificate.spki(), algorithm, message, info.signature).await {
        Ok(()) => {}
        Err(error)
            if error == ProviderError::Unsupported
                || error == ProviderError::BadKey && algorithm::is_oversized_key(key) =>
        {
            let name = algorithm::name_of(info.signature_algorithm.oid);
            return Err(SignerError::UnsupportedAlgorithm(name));
        }
        // A key too small even to be tried is weak; whether the signature is its own cannot be known.
        Err(ProviderError::BadKey) if algorithm::is_weak_key(key) => {
            let weak = algorithm::weakness(algorithm, key);
            return Err(weak.map_or(SignerError::BadSignature, SignerError::WeakAlgorithm));
        }
        Err(_) => return Err(SignerError::BadSignature),
    }
    let weak_digest = || algorithm::weak_digest(algorithm, digest.hash()?);
    let weak = algorithm::weakness(algorithm, key).or_else(weak_digest);
    weak.map_or(Ok(()), |name| Err(SignerError::WeakAlgorithm(name)))
}

async fn check_attributes(
    provider: &impl Provider,
    attributes: &Attributes<'_>,
    content: &mut Content<'_>,
    by: Digest,
) -> Result<(), SignerError> {
    attributes.check_single()?;
    match (attributes.single(CONTENT_TYPE)?, content.content_type) {
        (None, None) => {}
        (Some(named), Some(content_type)) if named.oid()? == content_type => {}
        (None, Some(_)) => return Err(SignerError::MissingAttribute),
        // With a type it is a signature over a content, moved here.
        (Some(_), _) => return Err(SignerError::ContentTypeMismatch),
    }
    let digest = attributes.single(MESSAGE_DIGEST)?.ok_or(SignerError::MissingAttribute)?;
    if digest.tag != tag::OCTET_STRING {
        return Err(SignerError::Malformed);
    }
    let computed = content.digest(provider, by).await.map_err(|_| SignerError::DigestMismatch)?;
    if computed == digest.value { Ok(()) } else { Err(SignerError::DigestMismatch) }
}

/// A signature that names its certificate holds for no other (RFC 5035 1): otherwise somebody could
/// put a different certificate for the same key beside it.
async fn check_certificate(
    provider: &impl Provider,
    attributes: &Attributes<'_>,
    certificate: &Certificate,
) -> Result<(), SignerError> {
    for named in attributes.signing_certificate()? {
        let hash = named.hash.ok_or(SignerError::CertificateMismatch)?;
        let digest = provider.digest(hash, certificate.der()).await;
        if !digest.is_ok_and(|digest| digest == named.digest) {
            return Err(SignerError::CertificateMismatch);
        }
    }
    Ok(())
}

/// Without signed attributes the content itself is signed, which only plain data may be
/// (RFC 5652 5.3); and content that looks like signed attributes is somebody else's signature
/// over those, moved here.
fn check_plain(content: &Content<'_>) -> Result<(), SignerError> {
    if content.content_type.is_some_and(|content_type| content_type != DATA) {
        return Err(SignerError::MissingAttribute);
    }
    let set = Tlv { tag: tag::SET, value: content.octets, der: &[] };
    let mut reader = set.reader();
    let looks_signed = reader.expect(tag::SET).is_ok_and(|set| {
        Attributes::read(&set).is_ok_and(|found| found.all(MESSAGE_DIGEST).next().is_some())
    });
    if looks_signed { Err(SignerError::BadSignature) } else { Ok(()) }
}
