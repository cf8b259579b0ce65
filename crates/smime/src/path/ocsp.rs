//! OCSP responses (RFC 6960).

use std::collections::{HashMap, hash_map};

use const_oid::ObjectIdentifier as Oid;
use sha1::{Digest, Sha1};

use super::crl::{Revocation, are_understood, read_extension};
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, Malformed, Reader, Tlv, tag, write};
use crate::certificate::{Certificate, key_octets, normalized_name};
use crate::provider::{Hash, Provider};
use crate::time::UnixTime;

/// id-pkix-ocsp-basic.
const BASIC: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const NONCE: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// A response speaks of at most this many certificates here, brings as many, and has as many extensions.
const MAX_ENTRIES: usize = 64;

/// A BasicOCSPResponse, read in place.
pub(crate) struct OcspResponse<'a> {
    length: usize,
    tbs: &'a [u8],
    algorithm: Identifier<'a>,
    signature: &'a [u8],
    responder: Responder<'a>,
    produced_at: UnixTime,
    entries: Vec<Entry<'a>>,
    certificates: Vec<Certificate>,
    /// None of its extensions is critical and unknown.
    is_understood: bool,
}

enum Responder<'a> {
    /// In the form of [`Certificate::subject_name`].
    Name(Vec<u8>),
    /// SHA-1 of the key's octets.
    Key(&'a [u8]),
}

/// SingleResponse.
pub(super) struct Entry<'a> {
    hash: Option<Hash>,
    issuer_name: &'a [u8],
    issuer_key: &'a [u8],
    serial: &'a [u8],
    pub(super) this_update: UnixTime,
    next_update: Option<UnixTime>,
    pub(super) status: EntryStatus,
}

pub(super) enum EntryStatus {
    Good,
    Revoked(Revocation),
    /// The responder knows nothing of the certificate, or says something that is not understood.
    Unknown,
}

impl<'a> OcspResponse<'a> {
    /// Reads an OCSPResponse, which must be a successful one.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_basic(basic_response(der)?)
    }

    /// Reads a BasicOCSPResponse.
    pub(crate) fn read_basic(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = asn1::single(der, tag::SEQUENCE)?.reader();
        let tbs = outer.expect(tag::SEQUENCE)?;
        let algorithm = Identifier::read(outer.sequence()?)?;
        let signature = outer.expect(tag::BIT_STRING)?.bits()?;
        let certificates = match outer.optional(tag::constructed(0))? {
            Some(wrapper) => {
                let list = asn1::single(wrapper.value, tag::SEQUENCE)?.reader().all(MAX_ENTRIES)?;
                list.iter().filter_map(|certificate| Certificate::from_der(certificate.der).ok()).collect()
            }
            None => Vec::new(),
        };
        outer.end()?;
        let mut fields = tbs.reader();
        fields.optional(tag::constructed(0))?;
        let responder = Responder::read(&fields.next()?)?;
        let produced_at = UnixTime::from_tlv(&fields.expect(tag::GENERALIZED_TIME)?)?;
        let entries = fields.sequence()?.all(MAX_ENTRIES)?;
        let extensions = fields.optional(tag::constructed(1))?;
        fields.end()?;
        Ok(Self {
            length: der.len(),
            tbs: tbs.der,
            algorithm,
            signature,
            responder,
            produced_at,
            entries: entries.iter().map(Entry::read).collect::<Result<_, _>>()?,
            certificates,
            is_understood: extensions.map_or(Ok(true), |wrapper| {
                are_understood(asn1::single(wrapper.value, tag::SEQUENCE)?.reader(), &[NONCE])
            })?,
        })
    }

    /// What it says of a certificate of that issuer, if anything.
    pub(super) async fn entry(
        &self,
        provider: &impl Provider,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Option<&Entry<'a>> {
        if !self.is_understood {
            return None;
        }
        let key = key_octets(issuer.spki()).ok()?;
        let about = |entry: &&Entry<'_>| entry.serial == certificate.serial();
        // Each hash once, however many entries name it.
        let mut digests = HashMap::new();
        for entry in self.entries.iter().filter(about) {
            let Some(hash) = entry.hash else { continue };
            if let hash_map::Entry::Vacant(vacant) = digests.entry(hash) {
                let name = provider.digest(hash, certificate.issuer_der()).await.ok()?;
                vacant.insert((name, provider.digest(hash, key).await.ok()?));
            }
            let fits =
                |(name, key): &(Vec<u8>, Vec<u8>)| name == entry.issuer_name && key == entry.issuer_key;
            if digests.get(&hash).is_some_and(fits) {
                return Some(entry);
            }
        }
        None
    }

    /// The certificates that may be the responder's: the issuer's, and those that the response brings.
    pub(super) fn responders<'c>(
        &'c self,
        issuer: &'c Certificate,
    ) -> impl Iterator<Item = &'c Certificate> + use<'c, 'a> {
        std::iter::once(issuer).chain(&self.certificates).filter(|certificate| match &self.responder {
            Responder::Name(name) => certificate.subject_name() == *name,
            Responder::Key(hash) => {
                key_octets(certificate.spki()).is_ok_and(|key| Sha1::digest(key).as_slice() == *hash)
            }
        })
    }

    /// In octets, the certificates that it brings among them.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn produced_at(&self) -> UnixTime {
        self.produced_at
    }

    pub(super) async fn is_signed_by(&self, provider: &impl Provider, responder: &Certificate) -> bool {
        let key = responder.key_kind();
        let Ok(algorithm) = algorithm::signature(&self.algorithm, None, key) else { return false };
        algorithm::weakness(algorithm, key).is_none()
            && provider.verify(responder.spki(), algorithm, self.tbs, self.signature).await.is_ok()
    }

    /// Whether it speaks of one of these certificates, by their serial numbers.
    pub(crate) fn mentions(&self, certificate: &Certificate) -> bool {
        self.entries.iter().any(|entry| entry.serial == certificate.serial())
    }
}

/// The BasicOCSPResponse in a successful OCSPResponse.
pub(crate) fn basic_response(der: &[u8]) -> Result<&[u8], Malformed> {
    const SUCCESSFUL: [u8; 1] = [0];
    let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
    if fields.expect(tag::ENUMERATED)?.value != SUCCESSFUL {
        return Err(Malformed);
    }
    let bytes = fields.expect(tag::constructed(0))?;
    fields.end()?;
    let mut fields = asn1::single(bytes.value, tag::SEQUENCE)?.reader();
    if fields.oid()? != BASIC {
        return Err(Malformed);
    }
    let response = fields.expect(tag::OCTET_STRING)?.value;
    fields.end()?;
    Ok(response)
}

/// A successful OCSPResponse around a BasicOCSPResponse.
pub(crate) fn around_basic(response: &[u8]) -> Vec<u8> {
    let bytes = write::sequence(&[&write::oid(BASIC), &write::octets(response)]);
    let status = write::tlv(tag::ENUMERATED, &[&[0]]);
    write::sequence(&[&status, &write::tlv(tag::constructed(0), &[&bytes])])
}

impl<'a> Responder<'a> {
    fn read(field: &Tlv<'a>) -> Result<Self, Malformed> {
        const BY_NAME: u8 = tag::constructed(1);
        const BY_KEY: u8 = tag::constructed(2);
        match field.tag {
            BY_NAME => Ok(Self::Name(normalized_name(asn1::single(field.value, tag::SEQUENCE)?.der))),
            BY_KEY => Ok(Self::Key(asn1::single(field.value, tag::OCTET_STRING)?.value)),
            _ => Err(Malformed),
        }
    }
}

impl<'a> Entry<'a> {
    fn read(element: &Tlv<'a>) -> Result<Self, Malformed> {
        let mut fields = asn1::single(element.der, tag::SEQUENCE)?.reader();
        let mut id = fields.sequence()?;
        let hash = algorithm::hash_of(Identifier::read(id.sequence()?)?.oid);
        let issuer_name = id.expect(tag::OCTET_STRING)?.value;
        let issuer_key = id.expect(tag::OCTET_STRING)?.value;
        let serial = id.expect(tag::INTEGER)?.value;
        id.end()?;
        let mut status = EntryStatus::read(&fields.next()?)?;
        let this_update = UnixTime::from_tlv(&fields.expect(tag::GENERALIZED_TIME)?)?;
        let next_update = match fields.optional(tag::constructed(0))? {
            Some(wrapper) => Some(UnixTime::from_tlv(&asn1::single(wrapper.value, tag::GENERALIZED_TIME)?)?),
            None => None,
        };
        if let Some(wrapper) = fields.optional(tag::constructed(1))? {
            status = status.with_extensions(&wrapper)?;
        }
        fields.end()?;
        Ok(Self { hash, issuer_name, issuer_key, serial, this_update, next_update, status })
    }

    /// Whether what it says held at the moment, as for [`super::Crl::proves_at`].
    pub(super) fn proves_at(&self, at: UnixTime, not_after: UnixTime) -> bool {
        let in_force = self.this_update <= at && self.next_update.is_some_and(|next| at <= next);
        let later = at < self.this_update && self.this_update <= not_after;
        in_force || later
    }
}

impl EntryStatus {
    fn read(status: &Tlv<'_>) -> Result<Self, Malformed> {
        const GOOD: u8 = tag::context(0);
        const REVOKED: u8 = tag::constructed(1);
        const UNKNOWN: u8 = tag::context(2);
        match status.tag {
            GOOD => Ok(Self::Good),
            REVOKED => Revocation::of_response(status.reader()).map(Self::Revoked),
            UNKNOWN => Ok(Self::Unknown),
            _ => Err(Malformed),
        }
    }

    /// RFC 6960 4.4.5: what an entry of a revocation list can say further, a response can too.
    fn with_extensions(mut self, wrapper: &Tlv<'_>) -> Result<Self, Malformed> {
        for extension in asn1::single(wrapper.value, tag::SEQUENCE)?.reader().all(MAX_ENTRIES)? {
            let (oid, critical, value) = read_extension(&extension)?;
            self = match self {
                Self::Revoked(mut revocation) => {
                    let known = revocation.extend(oid, value)?;
                    // What is not understood may mean anything, so it is taken at its worst.
                    Self::Revoked(if critical && !known {
                        Revocation::since(UnixTime(0))
                    } else {
                        revocation
                    })
                }
                _ if critical => Self::Unknown,
                other => other,
            };
        }
        Ok(self)
    }
}

/// Asks a responder about a certificate (RFC 6960 4.1), without a nonce: an answer is worth keeping.
///
/// To be sent by POST as `application/ocsp-request`, to one of [`Certificate::ocsp_urls`]. None if the
/// issuer's key is malformed.
pub fn ocsp_request(certificate: &Certificate, issuer: &Certificate) -> Option<Vec<u8>> {
    // SHA-1 names the issuer here, and proves nothing; every responder knows it (RFC 5019 2.1.1).
    let key = key_octets(issuer.spki()).ok()?;
    let id = write::sequence(&[
        &write::algorithm(algorithm::hash_oid(Hash::Sha1), &write::null()),
        &write::octets(&Sha1::digest(certificate.issuer_der())),
        &write::octets(&Sha1::digest(key)),
        &write::tlv(tag::INTEGER, &[certificate.serial()]),
    ]);
    // OCSPRequest, TBSRequest, requestList, Request.
    let list = write::sequence(&[&write::sequence(&[&id])]);
    Some(write::sequence(&[&write::sequence(&[&list])]))
}

/// Whether the DER is that of a successful OCSP response: [`super::validate`] passes over one that is not.
pub fn is_ocsp_response(der: &[u8]) -> bool {
    OcspResponse::read(der).is_ok()
}

impl Revocation {
    /// RevokedInfo.
    fn of_response(mut fields: Reader<'_>) -> Result<Self, Malformed> {
        let mut revocation = Self::since(UnixTime::from_tlv(&fields.expect(tag::GENERALIZED_TIME)?)?);
        if let Some(wrapper) = fields.optional(tag::constructed(0))? {
            revocation.set_reason(wrapper.value)?;
        }
        fields.end()?;
        Ok(revocation)
    }
}
