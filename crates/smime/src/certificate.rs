mod access;
mod distribution;
mod extensions;
mod name;
mod pem;
mod public_key;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use const_oid::ObjectIdentifier;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::time::UnixTime;

pub(crate) use distribution::{DistributionPoint, Reasons, directory, directory_names, point_names};
pub(crate) use extensions::{KeyUsage, email_of, has_two_sides, is_general_name, oid};
pub(crate) use name::{
    COMMON_NAME, EMAIL_ADDRESS, ORGANISATION, attribute as name_attribute, normalized as normalized_name,
    text, try_normalized as try_normalized_name,
};
pub(crate) use public_key::{
    EC as EC_OID, ML_DSA as ML_DSA_OIDS, ML_KEM as ML_KEM_OIDS, RSA as RSA_OID, RSA_PSS as RSA_PSS_OID,
    X25519 as X25519_OID, key_octets, rsa_exponent_bits,
};
pub use public_key::{KeyKind, rsa_public_key, without_pss_binding};

/// Certificates have at most this many extensions here; RFC 5280 knows 16.
const MAX_EXTENSIONS: usize = 64;
/// A certificate larger than this is refused; post-quantum ones have some 20 KB.
const MAX_LENGTH: usize = 256 * 1024;
/// The octets of a SHA-1 digest.
pub(crate) const KEY_DIGEST: usize = 20;

/// An X.509 certificate (RFC 5280) and its exact bytes. Cheap to clone.
///
/// Parsing proves nothing about it: see [`crate::path`].
#[derive(Clone)]
pub struct Certificate(Arc<Parsed>);

struct Parsed {
    der: Vec<u8>,
    tbs: Range<usize>,
    version: u32,
    serial: Range<usize>,
    issuer: Range<usize>,
    subject: Range<usize>,
    not_before: UnixTime,
    not_after: UnixTime,
    spki: Range<usize>,
    algorithm: Range<usize>,
    signature: Range<usize>,
    extensions: Vec<Extension>,
    /// The names in the form in which they are compared, made when first asked for.
    subject_name: OnceLock<Vec<u8>>,
    issuer_name: OnceLock<Vec<u8>>,
    /// Made once too: every signer may ask every certificate.
    key_digests: OnceLock<[[u8; KEY_DIGEST]; 2]>,
}

struct Extension {
    oid: ObjectIdentifier,
    critical: bool,
    value: Range<usize>,
}

/// Why bytes are not a [`Certificate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not the DER of a certificate.
    #[error("not an X.509 certificate in DER")]
    Malformed,
    /// Larger than any certificate has reason to be.
    #[error("the certificate is too large")]
    TooLarge,
    /// The inner and the outer signature algorithm differ (RFC 5280 4.1.1.2).
    #[error("the certificate names two different signature algorithms")]
    AlgorithmMismatch,
    /// An extension occurs twice (RFC 5280 4.2).
    #[error("the certificate repeats an extension")]
    RepeatedExtension,
    /// No PEM block of a certificate in the text.
    #[error("no certificate in the PEM text")]
    NoPem,
}

impl From<Malformed> for CertificateError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Certificate {
    /// Reads one certificate in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_LENGTH {
            return Err(CertificateError::TooLarge);
        }
        let mut outer = asn1::single(der, tag::SEQUENCE)?.reader();
        let tbs = outer.expect(tag::SEQUENCE)?;
        let algorithm = outer.expect(tag::SEQUENCE)?;
        let signature = outer.expect(tag::BIT_STRING)?.bits()?;
        outer.end()?;
        let mut fields = tbs.reader();
        let version = match fields.optional(tag::constructed(0))? {
            Some(version) => asn1::single(version.value, tag::INTEGER)?.small()?,
            None => 0,
        };
        let serial = fields.expect(tag::INTEGER)?;
        if fields.expect(tag::SEQUENCE)?.der != algorithm.der {
            return Err(CertificateError::AlgorithmMismatch);
        }
        let issuer = fields.expect(tag::SEQUENCE)?;
        let mut validity = fields.sequence()?;
        let not_before = UnixTime::from_tlv(&validity.next()?)?;
        let not_after = UnixTime::from_tlv(&validity.next()?)?;
        validity.end()?;
        let subject = fields.expect(tag::SEQUENCE)?;
        let spki = fields.expect(tag::SEQUENCE)?;
        let extensions = read_extensions(der, fields, version)?;
        let at = |part: &[u8]| range_within(der, part);
        Ok(Self(Arc::new(Parsed {
            tbs: at(tbs.der),
            version,
            serial: at(serial.value),
            issuer: at(issuer.der),
            subject: at(subject.der),
            not_before,
            not_after,
            spki: at(spki.der),
            algorithm: at(algorithm.der),
            signature: at(signature),
            extensions,
            subject_name: OnceLock::new(),
            issuer_name: OnceLock::new(),
            key_digests: OnceLock::new(),
            der: der.to_vec(),
        })))
    }

    /// The certificate's exact bytes.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of the certificate's bytes, its usual fingerprint.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.der()).into()
    }

    /// The subject's name as RFC 4514 writes it.
    pub fn subject(&self) -> String {
        name::to_rfc4514(self.subject_der())
    }

    /// The issuer's name as RFC 4514 writes it.
    pub fn issuer(&self) -> String {
        name::to_rfc4514(self.issuer_der())
    }

    /// The subject's last common name.
    pub fn common_name(&self) -> Option<String> {
        name::attribute(self.subject_der(), name::COMMON_NAME).pop()
    }

    /// The subject's organisation.
    pub fn organisation(&self) -> Option<String> {
        name::attribute(self.subject_der(), name::ORGANISATION).pop()
    }

    /// The serial number in lower-case hexadecimal, as encoded.
    pub fn serial_hex(&self) -> String {
        self.serial().iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// First moment of validity.
    pub fn not_before(&self) -> UnixTime {
        self.0.not_before
    }

    /// Last moment of validity.
    pub fn not_after(&self) -> UnixTime {
        self.0.not_after
    }

    /// True if the moment lies within the validity; says nothing about revocation.
    pub fn is_valid_at(&self, at: UnixTime) -> bool {
        (self.0.not_before..=self.0.not_after).contains(&at)
    }

    /// True if subject and issuer have the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject_name() == self.issuer_name()
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        self.part(&self.0.spki)
    }

    /// Whether a SubjectPublicKeyInfo holds this certificate's public key, whatever parameters stand beside it.
    pub fn has_key(&self, spki: &[u8]) -> bool {
        key_octets(spki).is_ok_and(|key| key_octets(self.spki()) == Ok(key))
    }

    /// The kind of public key.
    pub fn key_kind(&self) -> KeyKind {
        KeyKind::of(self.spki())
    }

    /// What identifies the key where the certificate names no identifier: Outlook makes it of the
    /// SubjectPublicKeyInfo, others of the key alone (RFC 5280 4.2.1.2 (1)).
    pub(crate) fn key_digests(&self) -> &[[u8; KEY_DIGEST]; 2] {
        self.0.key_digests.get_or_init(|| {
            let spki = self.spki();
            [spki, key_octets(spki).unwrap_or(spki)].map(|octets| Sha1::digest(octets).into())
        })
    }

    /// Tells parsed certificates apart for as long as they live; clones are the same.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The serial number, the octets of its INTEGER.
    pub fn serial(&self) -> &[u8] {
        self.part(&self.0.serial)
    }

    pub(crate) fn version(&self) -> u32 {
        self.0.version
    }

    pub(crate) fn subject_der(&self) -> &[u8] {
        self.part(&self.0.subject)
    }

    /// The subject in a form in which equal names are equal (RFC 5280 7.1).
    pub(crate) fn subject_name(&self) -> &[u8] {
        self.0.subject_name.get_or_init(|| name::normalized(self.subject_der()))
    }

    /// The issuer in the same form.
    pub(crate) fn issuer_name(&self) -> &[u8] {
        self.0.issuer_name.get_or_init(|| name::normalized(self.issuer_der()))
    }

    pub(crate) fn issuer_der(&self) -> &[u8] {
        self.part(&self.0.issuer)
    }

    /// The bytes that the signature covers.
    pub(crate) fn tbs(&self) -> &[u8] {
        self.part(&self.0.tbs)
    }

    /// The AlgorithmIdentifier of the signature.
    pub(crate) fn algorithm(&self) -> &[u8] {
        self.part(&self.0.algorithm)
    }

    pub(crate) fn signature(&self) -> &[u8] {
        self.part(&self.0.signature)
    }

    pub(crate) fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let found = self.0.extensions.iter().find(|extension| extension.oid == oid)?;
        Some(self.part(&found.value))
    }

    pub(crate) fn critical_extensions(&self) -> impl Iterator<Item = ObjectIdentifier> {
        self.0.extensions.iter().filter(|extension| extension.critical).map(|extension| extension.oid)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} {})", self.subject(), self.serial_hex())
    }
}

fn read_extensions(
    der: &[u8],
    mut fields: Reader<'_>,
    version: u32,
) -> Result<Vec<Extension>, CertificateError> {
    for number in [1, 2] {
        // Unique identifiers: obsolete, read over.
        fields.optional(tag::context(number))?;
    }
    let Some(wrapper) = fields.optional(tag::constructed(3))? else {
        fields.end()?;
        return Ok(Vec::new());
    };
    fields.end()?;
    if version != 2 {
        return Err(CertificateError::Malformed);
    }
    let mut extensions: Vec<Extension> = Vec::new();
    for element in asn1::single(wrapper.value, tag::SEQUENCE)?.reader().all(MAX_EXTENSIONS)? {
        let extension = read_extension(der, &element)?;
        if extensions.iter().any(|seen| seen.oid == extension.oid) {
            return Err(CertificateError::RepeatedExtension);
        }
        extensions.push(extension);
    }
    Ok(extensions)
}

fn read_extension(der: &[u8], element: &Tlv<'_>) -> Result<Extension, Malformed> {
    if element.tag != tag::SEQUENCE {
        return Err(Malformed);
    }
    let mut fields = element.reader();
    let oid = fields.oid()?;
    let critical = fields.optional(tag::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
    let value = fields.expect(tag::OCTET_STRING)?.value;
    fields.end()?;
    Ok(Extension { oid, critical, value: range_within(der, value) })
}

/// Where `part`, a slice of `whole`, lies in it.
fn range_within(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_digested_once_for_all_who_ask_by_its_identifier() {
        let der = include_bytes!("../tests/authenticated/recipient.der");
        let certificate = Certificate::from_der(der).unwrap();
        let [whole, bits] = *certificate.key_digests();
        assert_eq!(certificate.subject_key_identifier(), Some(&bits[..]));
        assert_eq!(whole, <[u8; KEY_DIGEST]>::from(Sha1::digest(certificate.spki())));
        assert!(std::ptr::eq(certificate.key_digests(), certificate.clone().key_digests()));
    }
}
