//! Signed and unsigned attributes (RFC 5652 11, RFC 5035, RFC 8551 2.5).

use std::collections::HashSet;

use const_oid::ObjectIdentifier as Oid;

use super::enveloped::CEK_HKDF_SHA256;
use super::{CertificateId, issuer_and_serial};
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, Malformed, Tlv, tag, write};
use crate::certificate::Certificate;
use crate::provider::{ContentEncryption, Hash, RsaPadding};
use crate::recipients::Capabilities;
use crate::time::UnixTime;

pub(crate) const CONTENT_TYPE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.3");
pub(crate) const MESSAGE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.4");
pub(crate) const COUNTERSIGNATURE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.6");
pub(crate) const SIGNING_TIME: Oid = Oid::new_unwrap("1.2.840.113549.1.9.5");
/// id-aa-ets-revocationValues and id-aa-ets-certValues (ETSI EN 319 122-1, once RFC 5126).
pub(crate) const REVOCATION_VALUES: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.24");
const CERTIFICATE_VALUES: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.23");
pub(crate) const TIMESTAMP_TOKEN: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.14");
const SMIME_CAPABILITIES: Oid = Oid::new_unwrap("1.2.840.113549.1.9.15");
const ENCRYPTION_KEY_PREFERENCE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.11");
const SIGNING_CERTIFICATE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// What a signature has once and with one value, if at all (RFC 5652 11, RFC 8551 2.5, RFC 5035 5).
const SINGLE: [Oid; 7] = [
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_TIME,
    SMIME_CAPABILITIES,
    ENCRYPTION_KEY_PREFERENCE,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
];

/// A signer has at most this many attributes here.
pub(crate) const MAX_ATTRIBUTES: usize = 64;
/// An attribute has at most this many values here.
pub(crate) const MAX_VALUES: usize = 64;

/// As many certificates, and as many lists and responses each, are taken from beside one signature: nobody
/// signed them, and every path that is looked for goes through all of them.
const MAX_BESIDE: usize = 256;

/// As many certificates of one issuer and serial number are looked at; honest ones have none in common.
const MAX_PREFERRED: usize = 4;

/// A SET OF Attribute, with its octets as they were sent.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'a> {
    value: &'a [u8],
    list: Vec<(Oid, Vec<Tlv<'a>>)>,
}

/// ESSCertID or ESSCertIDv2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CertificateDigest<'a> {
    /// None if it is unknown.
    pub(crate) hash: Option<Hash>,
    pub(crate) digest: &'a [u8],
}

impl<'a> Attributes<'a> {
    pub(crate) fn read(set: &Tlv<'a>) -> Result<Self, Malformed> {
        let mut list = Vec::new();
        for attribute in set.reader().all(MAX_ATTRIBUTES)? {
            if attribute.tag != tag::SEQUENCE {
                return Err(Malformed);
            }
            let mut fields = attribute.reader();
            let attribute_type = fields.oid()?;
            let values = fields.expect(tag::SET)?.reader().all(MAX_VALUES)?;
            fields.end()?;
            list.push((attribute_type, values));
        }
        Ok(Self { value: set.value, list })
    }

    /// The octets that a signature over the attributes covers: as they were sent, under the tag of
    /// a SET (RFC 5652 5.4). Sorting them again would break signatures of writers that did not.
    pub(crate) fn signed_octets(&self) -> Vec<u8> {
        write::tlv(tag::SET, &[self.value])
    }

    /// How many octets there are of them.
    pub(crate) const fn len(&self) -> usize {
        self.value.len()
    }

    /// The value of an attribute that may occur once and has one value; None if there is none.
    pub(crate) fn single(&self, wanted: Oid) -> Result<Option<&Tlv<'a>>, Malformed> {
        let mut found = self.list.iter().filter(|(oid, _)| *oid == wanted);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, values)), None) => match values.as_slice() {
                [value] => Ok(Some(value)),
                _ => Err(Malformed),
            },
            (Some(_), Some(_)) => Err(Malformed),
        }
    }

    /// Refuses a second answer to a question that has one: programs would differ in which of them they heed.
    pub(crate) fn check_single(&self) -> Result<(), Malformed> {
        SINGLE.into_iter().try_for_each(|wanted| self.single(wanted).map(drop))
    }

    /// Every value of every attribute of a type.
    pub(crate) fn all(&self, wanted: Oid) -> impl Iterator<Item = &Tlv<'a>> {
        self.list.iter().filter(move |(oid, _)| *oid == wanted).flat_map(|(_, values)| values)
    }

    /// The certificate that the signature was made for, by each hash that the signer gives (RFC 5035 7).
    pub(crate) fn signing_certificate(&self) -> Result<Vec<CertificateDigest<'a>>, Malformed> {
        let mut named = Vec::new();
        for (version, default) in [(SIGNING_CERTIFICATE, Hash::Sha1), (SIGNING_CERTIFICATE_V2, Hash::Sha256)]
        {
            let Some(value) = self.single(version)? else { continue };
            let mut certificates = asn1::single(value.der, tag::SEQUENCE)?.reader().sequence()?;
            let mut first = certificates.sequence()?;
            let mut hash = Some(default);
            if version == SIGNING_CERTIFICATE_V2
                && let Some(identifier) = first.optional(tag::SEQUENCE)?
            {
                hash = algorithm::hash_of(Identifier::read(identifier.reader())?.oid);
            }
            named.push(CertificateDigest { hash, digest: first.expect(tag::OCTET_STRING)?.value });
        }
        Ok(named)
    }

    /// The certificate that the signer prefers for encryption, among those at hand that name one of
    /// the signer's addresses: for another, the preference would turn somebody else's mail aside.
    pub(crate) fn encryption_preference(
        &self,
        certificates: &[Certificate],
        addresses: &[String],
    ) -> Option<Certificate> {
        const ISSUER_AND_SERIAL: u8 = tag::constructed(0);
        const RECIPIENT_KEY_ID: u8 = tag::constructed(1);
        const SUBJECT_KEY_ID: u8 = tag::context(2);
        let value = self.single(ENCRYPTION_KEY_PREFERENCE).ok()??;
        let id = match value.tag {
            ISSUER_AND_SERIAL => CertificateId::issuer_and_serial(value.reader()).ok()?,
            RECIPIENT_KEY_ID => {
                CertificateId::KeyIdentifier(value.reader().expect(tag::OCTET_STRING).ok()?.value)
            }
            SUBJECT_KEY_ID => CertificateId::KeyIdentifier(value.value),
            _ => return None,
        };
        let is_named = id.matcher();
        let addresses = addresses.iter().map(|one| one.to_ascii_lowercase()).collect::<HashSet<_>>();
        let is_signers = |certificate: &&Certificate| {
            certificate.emails().iter().any(|email| addresses.contains(&email.to_ascii_lowercase()))
        };
        let mut named = certificates.iter().filter(|certificate| is_named(certificate)).take(MAX_PREFERRED);
        named.find(is_signers).cloned()
    }

    /// What the signer's program can read (RFC 8551 2.5.2).
    pub(crate) fn capabilities(&self) -> Capabilities {
        let Ok(Some(value)) = self.single(SMIME_CAPABILITIES) else { return Capabilities::default() };
        let list = value.reader().all(MAX_VALUES).unwrap_or_default();
        let list = list.iter().filter_map(|capability| Identifier::read(capability.reader()).ok());
        let list: Vec<Identifier<'_>> = list.collect();
        let oaep = RsaPadding::oaep(Hash::Sha256);
        Capabilities {
            ciphers: list.iter().filter_map(|capability| algorithm::cipher_of(capability.oid)).collect(),
            oaep: list.iter().any(|capability| algorithm::rsa_padding(capability) == Ok(oaep)),
        }
    }
}

/// RevocationValues: revocation lists, and BasicOCSPResponses, in DER.
#[derive(Debug, Default)]
pub(crate) struct RevocationValues<'a> {
    pub(crate) lists: Vec<&'a [u8]>,
    pub(crate) basic_responses: Vec<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    /// Certificates that somebody put beside the signature (CertificateValues).
    pub(crate) fn certificate_values(&self) -> Vec<Certificate> {
        let lists = self.all(CERTIFICATE_VALUES).filter_map(|list| sequence_of(*list));
        let elements = lists.flatten().take(MAX_BESIDE);
        elements.filter_map(|element| Certificate::from_der(element.der).ok()).collect()
    }

    /// Evidence that somebody put beside the signature.
    pub(crate) fn revocation_values(&self) -> RevocationValues<'a> {
        const LISTS: u8 = tag::constructed(0);
        const RESPONSES: u8 = tag::constructed(1);
        let mut values = RevocationValues::default();
        for value in self.all(REVOCATION_VALUES) {
            for field in sequence_of(*value).unwrap_or_default() {
                let list = asn1::single(field.value, tag::SEQUENCE).ok().and_then(sequence_of);
                let elements = list.unwrap_or_default().into_iter().map(|element| element.der);
                match field.tag {
                    LISTS => values.lists.extend(elements),
                    RESPONSES => values.basic_responses.extend(elements),
                    _ => {}
                }
                values.lists.truncate(MAX_BESIDE);
                values.basic_responses.truncate(MAX_BESIDE);
            }
        }
        values
    }
}

/// RevocationValues of BasicOCSPResponses.
pub(crate) fn revocation_values(basic_responses: &[Vec<u8>]) -> Vec<u8> {
    let responses = basic_responses.iter().map(Vec::as_slice).collect::<Vec<_>>();
    let responses = write::tlv(tag::constructed(1), &[&write::sequence(&responses)]);
    attribute(REVOCATION_VALUES, &write::sequence(&[&responses]))
}

fn sequence_of(value: Tlv<'_>) -> Option<Vec<Tlv<'_>>> {
    (value.tag == tag::SEQUENCE).then(|| value.reader().all(MAX_VALUES).ok())?
}

/// An attribute with one value.
pub(crate) fn attribute(attribute_type: Oid, value: &[u8]) -> Vec<u8> {
    write::sequence(&[&write::oid(attribute_type), &write::tlv(tag::SET, &[value])])
}

pub(crate) fn content_type(content_type: Oid) -> Vec<u8> {
    attribute(CONTENT_TYPE, &write::oid(content_type))
}

pub(crate) fn message_digest(digest: &[u8]) -> Vec<u8> {
    attribute(MESSAGE_DIGEST, &write::octets(digest))
}

pub(crate) fn signing_time(at: UnixTime) -> Vec<u8> {
    attribute(SIGNING_TIME, &write::time(at))
}

/// SigningCertificateV2 with SHA-256, which is the default and so not named (RFC 5035 4).
pub(crate) fn signing_certificate(certificate: &Certificate) -> Vec<u8> {
    let id = write::sequence(&[&write::octets(&certificate.sha256())]);
    attribute(SIGNING_CERTIFICATE_V2, &write::sequence(&[&write::sequence(&[&id])]))
}

/// What this crate reads, the preferred first.
pub(crate) fn capabilities() -> Vec<u8> {
    let ciphers = [
        ContentEncryption::Aes256Gcm,
        ContentEncryption::Aes256Cbc,
        ContentEncryption::Aes128Gcm,
        ContentEncryption::Aes128Cbc,
    ];
    let ciphers = ciphers.map(|cipher| write::algorithm(algorithm::cipher_oid(cipher), &[]));
    let oaep = algorithm::rsa_padding_identifier(RsaPadding::oaep(Hash::Sha256));
    let derived = write::algorithm(CEK_HKDF_SHA256, &[]);
    attribute(SMIME_CAPABILITIES, &write::sequence(&[&ciphers.concat(), &oaep, &derived]))
}

/// sMIMEEncryptionKeyPreference (RFC 8551 2.5.3).
pub(crate) fn encryption_preference(certificate: &Certificate) -> Vec<u8> {
    attribute(ENCRYPTION_KEY_PREFERENCE, &issuer_and_serial(tag::constructed(0), certificate))
}
