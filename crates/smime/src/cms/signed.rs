//! SignedData (RFC 5652 5).

use const_oid::ObjectIdentifier as Oid;

use super::attributes::Attributes;
use super::{CertificateId, SIGNED_DATA, content_info};
use crate::algorithm::Identifier;
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::Certificate;

/// A message has at most this many signers here; each costs a public-key operation and a path.
pub(crate) const MAX_SIGNERS: usize = 8;
/// A message carries at most this many certificates here.
pub(crate) const MAX_CERTIFICATES: usize = 256;

/// id-ri-ocsp-response (RFC 5940 2.1).
pub(crate) const OCSP_RESPONSE: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.16.2");

/// Why a SignedData cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Malformed,
    TooMany,
}

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

#[derive(Debug)]
pub(crate) struct SignedData<'a> {
    pub(crate) content_type: Oid,
    pub(crate) content: Option<&'a [u8]>,
    /// Those that could be parsed.
    pub(crate) certificates: Vec<Certificate>,
    /// Revocation lists and OCSP responses, each in DER.
    pub(crate) revocations: Vec<&'a [u8]>,
    pub(crate) signers: Vec<Result<SignerInfo<'a>, Malformed>>,
}

#[derive(Debug)]
pub(crate) struct SignerInfo<'a> {
    pub(crate) id: CertificateId<'a>,
    pub(crate) digest_algorithm: Identifier<'a>,
    pub(crate) signed_attributes: Option<Attributes<'a>>,
    pub(crate) signature_algorithm: Identifier<'a>,
    pub(crate) signature: &'a [u8],
    pub(crate) unsigned_attributes: Option<Attributes<'a>>,
}

impl<'a> SignedData<'a> {
    /// Reads a ContentInfo of signed-data in DER.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Unreadable> {
        let (content_type, mut content) = content_info(der)?;
        if content_type != SIGNED_DATA {
            return Err(Unreadable::Malformed);
        }
        let mut fields = content.sequence()?;
        fields.expect(tag::INTEGER)?;
        fields.expect(tag::SET)?;
        let (content_type, content) = encapsulated(fields.sequence()?)?;
        let certificates = match fields.optional(tag::constructed(0))? {
            Some(set) => read_certificates(set.reader())?,
            None => Vec::new(),
        };
        let revocations = match fields.optional(tag::constructed(1))? {
            Some(set) => bounded(set.reader(), MAX_CERTIFICATES)?.iter().filter_map(revocation).collect(),
            None => Vec::new(),
        };
        let signers = bounded(fields.expect(tag::SET)?.reader(), MAX_SIGNERS)?;
        fields.end()?;
        let signers = signers.iter().map(SignerInfo::read).collect();
        Ok(Self { content_type, content, certificates, revocations, signers })
    }
}

fn encapsulated(mut fields: Reader<'_>) -> Result<(Oid, Option<&[u8]>), Malformed> {
    let content_type = fields.oid()?;
    let content = match fields.optional(tag::constructed(0))? {
        Some(wrapper) => Some(asn1::single(wrapper.value, tag::OCTET_STRING)?.value),
        None => None,
    };
    fields.end()?;
    Ok((content_type, content))
}

fn bounded<'a>(mut reader: Reader<'a>, limit: usize) -> Result<Vec<Tlv<'a>>, Unreadable> {
    let mut elements = Vec::new();
    while !reader.is_empty() {
        if elements.len() == limit {
            return Err(Unreadable::TooMany);
        }
        elements.push(reader.next()?);
    }
    Ok(elements)
}

/// RevocationInfoChoice: a list, or an OCSP response in OtherRevocationInfoFormat (RFC 5940 2.1).
fn revocation<'a>(choice: &Tlv<'a>) -> Option<&'a [u8]> {
    if choice.tag == tag::SEQUENCE {
        return Some(choice.der);
    }
    let mut fields = choice.reader();
    let is_ocsp = choice.tag == tag::constructed(1) && fields.oid() == Ok(OCSP_RESPONSE);
    is_ocsp.then(|| fields.next().ok().map(|response| response.der))?
}

/// One broken certificate must not hide the others, so that it is left out.
fn read_certificates(set: Reader<'_>) -> Result<Vec<Certificate>, Unreadable> {
    let elements = bounded(set, MAX_CERTIFICATES)?;
    let plain = elements.iter().filter(|element| element.tag == tag::SEQUENCE);
    Ok(plain.filter_map(|element| Certificate::from_der(element.der).ok()).collect())
}

impl<'a> SignerInfo<'a> {
    /// Reads one SignerInfo.
    pub(crate) fn read(element: &Tlv<'a>) -> Result<Self, Malformed> {
        let mut fields = asn1::single(element.der, tag::SEQUENCE)?.reader();
        fields.expect(tag::INTEGER)?;
        let id = match fields.optional(tag::context(0))? {
            Some(identifier) => CertificateId::KeyIdentifier(identifier.value),
            None => CertificateId::issuer_and_serial(fields.sequence()?)?,
        };
        let digest_algorithm = Identifier::read(fields.sequence()?)?;
        let signed_attributes = fields.optional(tag::constructed(0))?;
        let signature_algorithm = Identifier::read(fields.sequence()?)?;
        let signature = fields.expect(tag::OCTET_STRING)?.value;
        let unsigned_attributes = fields.optional(tag::constructed(1))?;
        fields.end()?;
        Ok(Self {
            id,
            digest_algorithm,
            signed_attributes: signed_attributes.as_ref().map(Attributes::read).transpose()?,
            signature_algorithm,
            signature,
            // What nobody signed must not break what somebody did.
            unsigned_attributes: unsigned_attributes.and_then(|set| Attributes::read(&set).ok()),
        })
    }
}
