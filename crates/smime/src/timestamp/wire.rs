//! The structures of RFC 3161.

use const_oid::ObjectIdentifier as Oid;

use super::{TimestampError, TimestampRequest};
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, Malformed, Reader, Tlv, tag, write};
use crate::path::are_understood;
use crate::provider::Hash;
use crate::time::UnixTime;

pub(super) const TST_INFO: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// PKIFailureInfo (RFC 3161 2.4.2), by its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    BadAlgorithm = 0,
    BadDataFormat = 5,
    UnacceptedPolicy = 15,
    UnacceptedExtension = 16,
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::BadDataFormat
    }
}

/// A request, read in place.
pub(super) struct Request<'a> {
    pub(super) imprint: Imprint<'a>,
    /// The octets of the policy's identifier.
    pub(super) policy: Option<&'a [u8]>,
    pub(super) nonce: Option<Tlv<'a>>,
    pub(super) certificate_wanted: bool,
}

/// MessageImprint: an algorithm and a digest.
#[derive(Clone, Copy)]
pub(super) struct Imprint<'a> {
    pub(super) hash: Option<Hash>,
    pub(super) digest: &'a [u8],
    pub(super) der: &'a [u8],
}

impl<'a> Imprint<'a> {
    fn read(element: Tlv<'a>) -> Result<Self, Malformed> {
        let mut fields = element.reader();
        let hash = algorithm::hash_of(Identifier::read(fields.sequence()?)?.oid);
        let digest = fields.expect(tag::OCTET_STRING)?.value;
        fields.end()?;
        if hash.is_some_and(|hash| hash.digest_len() != digest.len()) {
            return Err(Malformed);
        }
        Ok(Self { hash, digest, der: element.der })
    }
}

pub(super) fn write_request(hash: Hash, digest: &[u8], nonce: u64) -> Vec<u8> {
    let algorithm = write::algorithm(algorithm::hash_oid(hash), &write::null());
    write::sequence(&[
        &write::integer(1),
        &write::sequence(&[&algorithm, &write::octets(digest)]),
        &write::integer(nonce),
        &write::boolean(true),
    ])
}

impl<'a> Request<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Refusal> {
        let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
        if fields.expect(tag::INTEGER)?.small()? != 1 {
            return Err(Refusal::BadDataFormat);
        }
        let imprint = Imprint::read(fields.expect(tag::SEQUENCE)?)?;
        if imprint.hash.is_none() {
            return Err(Refusal::BadAlgorithm);
        }
        let policy = fields.optional(tag::OID)?.map(|policy| policy.value);
        let nonce = fields.optional(tag::INTEGER)?;
        let wanted = fields.optional(tag::BOOLEAN)?.map_or(Ok(false), |wanted| wanted.boolean())?;
        if !fields.is_empty() {
            return Err(Refusal::UnacceptedExtension);
        }
        Ok(Self { imprint, policy, nonce, certificate_wanted: wanted })
    }

    pub(super) fn into_public(self) -> Result<TimestampRequest, TimestampError> {
        Ok(TimestampRequest {
            hash: self.imprint.hash.ok_or(TimestampError::UnacceptableAlgorithm)?,
            digest: self.imprint.digest.to_vec(),
            nonce: self.nonce.map(|nonce| nonce.value.to_vec()),
            certificate_wanted: self.certificate_wanted,
        })
    }
}

/// TSTInfo (RFC 3161 2.4.2), as far as it is used.
pub(super) struct TstInfo<'a> {
    pub(super) imprint: Imprint<'a>,
    pub(super) time: UnixTime,
    /// In seconds, rounded up: the true time is that much earlier or later.
    pub(super) accuracy: u64,
    pub(super) nonce: Option<&'a [u8]>,
    /// Whether none of its extensions has to be known and is not.
    pub(super) is_understood: bool,
}

impl<'a> TstInfo<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
        let version = fields.expect(tag::INTEGER)?.small()?;
        fields.expect(tag::OID)?;
        let imprint = Imprint::read(fields.expect(tag::SEQUENCE)?)?;
        fields.expect(tag::INTEGER)?;
        let time = UnixTime::from_tlv(&fields.expect(tag::GENERALIZED_TIME)?)?;
        let accuracy =
            fields.optional(tag::SEQUENCE)?.map_or(Ok(0), |accuracy| read_accuracy(accuracy.reader()))?;
        let _ordering = fields.optional(tag::BOOLEAN)?;
        let nonce = fields.optional(tag::INTEGER)?.map(|nonce| nonce.value);
        let _authority = fields.optional(tag::constructed(0))?;
        let extensions = fields.optional(tag::constructed(1))?;
        fields.end()?;
        let is_understood =
            version == 1 && extensions.map_or(Ok(true), |list| are_understood(list.reader(), &[]))?;
        Ok(Self { imprint, time, accuracy, nonce, is_understood })
    }
}

/// Accuracy: seconds, thousandths and millionths, of which none need be there.
fn read_accuracy(mut fields: Reader<'_>) -> Result<u64, Malformed> {
    let seconds = fields.optional(tag::INTEGER)?.map_or(Ok(0), |seconds| seconds.small())?;
    // Moments are whole seconds here, so what is left counts as one.
    Ok(u64::from(seconds) + u64::from(!fields.is_empty()))
}

/// The token of a response, if one was granted.
pub(super) fn granted(response: &[u8]) -> Result<&[u8], TimestampError> {
    const GRANTED: u32 = 0;
    const GRANTED_WITH_MODS: u32 = 1;
    let mut fields: Reader<'_> = asn1::single(response, tag::SEQUENCE)?.reader();
    let status = fields.sequence()?.expect(tag::INTEGER)?.small()?;
    if status != GRANTED && status != GRANTED_WITH_MODS {
        return Err(TimestampError::Refused(status));
    }
    let token = fields.expect(tag::SEQUENCE)?.der;
    fields.end()?;
    Ok(token)
}
