//! Safes and their bags (RFC 7292 4.2), read.

use const_oid::ObjectIdentifier as Oid;
use zeroize::Zeroizing;

use super::password::Unlock;
use super::{Contents, MAX_PARTS, Pkcs12Error, PrivateKey};
use crate::algorithm::Identifier;
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{Certificate, text};
use crate::cms::DATA;

pub(super) const ENCRYPTED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.6");
const KEY_BAG: Oid = Oid::new_unwrap("1.2.840.113549.1.12.10.1.1");
pub(super) const SHROUDED_KEY_BAG: Oid = Oid::new_unwrap("1.2.840.113549.1.12.10.1.2");
pub(super) const CERTIFICATE_BAG: Oid = Oid::new_unwrap("1.2.840.113549.1.12.10.1.3");
pub(super) const X509_CERTIFICATE: Oid = Oid::new_unwrap("1.2.840.113549.1.9.22.1");
pub(super) const FRIENDLY_NAME: Oid = Oid::new_unwrap("1.2.840.113549.1.9.20");
pub(super) const LOCAL_KEY_ID: Oid = Oid::new_unwrap("1.2.840.113549.1.9.21");

/// The octets of a ContentInfo of plain data.
pub(super) fn data_of<'a>(content_info: &Tlv<'a>) -> Result<&'a [u8], Pkcs12Error> {
    let mut fields = content_info.reader();
    if fields.oid()? != DATA {
        return Err(Pkcs12Error::Unsupported);
    }
    let content = fields.expect(tag::constructed(0))?;
    Ok(asn1::single(content.value, tag::OCTET_STRING)?.value)
}

/// The algorithm and the ciphertext of a ContentInfo of encrypted data; None if it is another.
pub(super) fn encrypted<'a>(content_info: &Tlv<'a>) -> Result<Option<(Identifier<'a>, &'a [u8])>, Malformed> {
    let mut fields = content_info.reader();
    if fields.oid()? != ENCRYPTED_DATA {
        return Ok(None);
    }
    let mut data = fields.expect(tag::constructed(0))?.reader().sequence()?;
    data.expect(tag::INTEGER)?;
    let mut content = data.sequence()?;
    content.oid()?;
    let identifier = Identifier::read(content.sequence()?)?;
    Ok(Some((identifier, content.expect(tag::context(0))?.value)))
}

/// What has been found so far.
#[derive(Default)]
pub(super) struct Bags {
    keys: Vec<(Zeroizing<Vec<u8>>, Attributes)>,
    certificates: Vec<(Certificate, Attributes)>,
}

#[derive(Default)]
struct Attributes {
    name: Option<String>,
    key_id: Option<Vec<u8>>,
}

impl Bags {
    /// Reads SafeContents.
    pub(super) fn read(&mut self, safe_contents: &[u8], unlock: &mut Unlock) -> Result<(), Pkcs12Error> {
        for bag in asn1::single(safe_contents, tag::SEQUENCE)?.reader().all(MAX_PARTS)? {
            let mut fields = bag.reader();
            let kind = fields.oid()?;
            let mut value = fields.expect(tag::constructed(0))?.reader();
            let attributes = match fields.optional(tag::SET)? {
                Some(set) => read_attributes(set.reader())?,
                None => Attributes::default(),
            };
            match kind {
                KEY_BAG => {
                    let key = value.expect(tag::SEQUENCE)?.der;
                    self.keys.push((Zeroizing::new(key.to_vec()), attributes));
                }
                SHROUDED_KEY_BAG => {
                    let mut info = value.sequence()?;
                    let identifier = Identifier::read(info.sequence()?)?;
                    let ciphertext = info.expect(tag::OCTET_STRING)?.value;
                    self.keys.push((unlock.decrypt(&identifier, ciphertext)?, attributes));
                }
                CERTIFICATE_BAG => {
                    if let Some(certificate) = read_certificate(value)? {
                        self.certificates.push((certificate, attributes));
                    }
                }
                // Revocation lists, secrets, nested safes: not for mail.
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn into_contents(self) -> Contents {
        let only = self.keys.len() == 1;
        let certificates = self.certificates;
        let owner = |attributes: &Attributes| {
            let by_id = certificates.iter().position(|(_, certificate)| {
                attributes.key_id.is_some() && certificate.key_id == attributes.key_id
            });
            by_id.or_else(|| {
                // Writers that mark nothing put one key and its certificate first.
                let leaf = |(certificate, _): &(Certificate, Attributes)| {
                    !certificate.basic_constraints().ok().flatten().unwrap_or_default().ca
                };
                certificates.iter().position(leaf).filter(|_| only)
            })
        };
        let keys = self.keys.into_iter().map(|(pkcs8, attributes)| PrivateKey {
            certificate: owner(&attributes),
            pkcs8,
            name: attributes.name,
        });
        let keys = keys.collect();
        let certificates = certificates.into_iter().map(|(certificate, _)| certificate).collect();
        Contents { keys, certificates }
    }
}

fn read_certificate(mut value: Reader<'_>) -> Result<Option<Certificate>, Pkcs12Error> {
    let mut bag = value.sequence()?;
    if bag.oid()? != X509_CERTIFICATE {
        return Ok(None);
    }
    let content = bag.expect(tag::constructed(0))?;
    let der = asn1::single(content.value, tag::OCTET_STRING)?.value;
    // One of the chain that cannot be read is no reason to lose the key.
    Ok(Certificate::from_der(der).ok())
}

fn read_attributes(set: Reader<'_>) -> Result<Attributes, Malformed> {
    let mut attributes = Attributes::default();
    for attribute in set.all(MAX_PARTS)? {
        let mut fields = attribute.reader();
        let kind = fields.oid()?;
        let Some(value) = fields.expect(tag::SET)?.reader().all(MAX_PARTS)?.first().copied() else {
            continue;
        };
        match kind {
            FRIENDLY_NAME => attributes.name = text(&value),
            LOCAL_KEY_ID => attributes.key_id = Some(value.value.to_vec()),
            _ => {}
        }
    }
    Ok(attributes)
}
