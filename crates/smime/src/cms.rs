//! The structures of CMS (RFC 5652), read in place.

pub(crate) mod attributes;
pub(crate) mod enveloped;
pub(crate) mod signed;

use const_oid::ObjectIdentifier as Oid;

use crate::asn1::{self, Malformed, Reader, tag, write};
use crate::certificate::{Certificate, KEY_DIGEST, normalized_name};

pub(crate) const DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.1");
pub(crate) const SIGNED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.2");
pub(crate) const ENVELOPED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.7.3");
pub(crate) const AUTH_ENVELOPED_DATA: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.23");

/// The name of an issuer that is longer than this is compared as it stands; real ones have some hundred bytes.
const MAX_ISSUER: usize = 16 * 1024;

/// The type and the content of a ContentInfo.
pub(crate) fn content_info(der: &[u8]) -> Result<(Oid, Reader<'_>), Malformed> {
    let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
    let content_type = fields.oid()?;
    let content = fields.expect(tag::constructed(0))?;
    fields.end()?;
    Ok((content_type, content.reader()))
}

/// The octets of a ContentInfo up to its content, which has this length.
pub(crate) fn content_info_header(content_type: Oid, content_len: usize) -> Vec<u8> {
    let oid = write::oid(content_type);
    let wrapper = write::header(tag::constructed(0), content_len);
    let mut header = write::header(tag::SEQUENCE, oid.len() + wrapper.len() + content_len);
    header.extend(oid);
    header.extend(wrapper);
    header
}

/// How a certificate is named in a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CertificateId<'a> {
    IssuerAndSerial { issuer: &'a [u8], serial: &'a [u8] },
    KeyIdentifier(&'a [u8]),
}

impl<'a> CertificateId<'a> {
    /// Reads IssuerAndSerialNumber, or a key identifier under `[0]` in whatever form its owner uses.
    pub(crate) fn issuer_and_serial(mut fields: Reader<'a>) -> Result<Self, Malformed> {
        let issuer = fields.expect(tag::SEQUENCE)?.der;
        let serial = fields.expect(tag::INTEGER)?.value;
        fields.end()?;
        Ok(Self::IssuerAndSerial { issuer, serial })
    }

    /// Whether it names the certificate. For many certificates, see [`Self::matcher`].
    pub(crate) fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                *serial == certificate.serial()
                    && (*issuer == certificate.issuer_der()
                        || (issuer.len() <= MAX_ISSUER
                            && normalized_name(issuer) == certificate.issuer_name()))
            }
            Self::KeyIdentifier(identifier) => match certificate.subject_key_identifier() {
                Some(own) => own == *identifier,
                None => {
                    identifier.len() == KEY_DIGEST
                        && certificate.key_digests().iter().any(|digest| digest == identifier)
                }
            },
        }
    }

    /// Tells which certificates it names; the issuer is brought into its form once for all of them.
    pub(crate) fn matcher(self) -> impl Fn(&Certificate) -> bool + use<'a> {
        let form = match self {
            Self::IssuerAndSerial { issuer, .. } if issuer.len() <= MAX_ISSUER => {
                Some(normalized_name(issuer))
            }
            _ => None,
        };
        move |certificate| match (&self, &form) {
            (Self::IssuerAndSerial { serial, .. }, Some(form)) => {
                *serial == certificate.serial() && *form == certificate.issuer_name()
            }
            _ => self.names(certificate),
        }
    }
}

/// IssuerAndSerialNumber under a tag.
pub(crate) fn issuer_and_serial(tag: u8, certificate: &Certificate) -> Vec<u8> {
    write::tlv(tag, &[certificate.issuer_der(), &write::tlv(tag::INTEGER, &[certificate.serial()])])
}
