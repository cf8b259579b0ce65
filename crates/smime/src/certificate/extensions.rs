//! The extensions that S/MIME and path validation need (RFC 5280 4.2).

use std::collections::HashSet;

use const_oid::ObjectIdentifier;

use super::{Certificate, KeyKind, name};
use crate::algorithm;
use crate::asn1::{self, Malformed, Reader, Tlv, tag};

/// Object identifiers of extensions and purposes.
pub(crate) mod oid {
    use const_oid::ObjectIdentifier as Oid;

    pub(crate) const SUBJECT_KEY_IDENTIFIER: Oid = Oid::new_unwrap("2.5.29.14");
    pub(crate) const KEY_USAGE: Oid = Oid::new_unwrap("2.5.29.15");
    pub(crate) const SUBJECT_ALT_NAME: Oid = Oid::new_unwrap("2.5.29.17");
    pub(crate) const ISSUER_ALT_NAME: Oid = Oid::new_unwrap("2.5.29.18");
    pub(crate) const BASIC_CONSTRAINTS: Oid = Oid::new_unwrap("2.5.29.19");
    pub(crate) const NAME_CONSTRAINTS: Oid = Oid::new_unwrap("2.5.29.30");
    pub(crate) const CRL_DISTRIBUTION_POINTS: Oid = Oid::new_unwrap("2.5.29.31");
    pub(crate) const CERTIFICATE_POLICIES: Oid = Oid::new_unwrap("2.5.29.32");
    pub(crate) const POLICY_MAPPINGS: Oid = Oid::new_unwrap("2.5.29.33");
    pub(crate) const AUTHORITY_KEY_IDENTIFIER: Oid = Oid::new_unwrap("2.5.29.35");
    pub(crate) const POLICY_CONSTRAINTS: Oid = Oid::new_unwrap("2.5.29.36");
    pub(crate) const EXTENDED_KEY_USAGE: Oid = Oid::new_unwrap("2.5.29.37");
    pub(crate) const INHIBIT_ANY_POLICY: Oid = Oid::new_unwrap("2.5.29.54");
    pub(crate) const AUTHORITY_INFO_ACCESS: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.1.1");
    /// id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1).
    pub(crate) const OCSP_NO_CHECK: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.5");

    pub(crate) const ANY_EXTENDED_KEY_USAGE: Oid = Oid::new_unwrap("2.5.29.37.0");
    pub(crate) const EMAIL_PROTECTION: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.4");
    pub(crate) const OCSP_SIGNING: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.9");
    pub(crate) const TIME_STAMPING: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.8");

    /// SmtpUTF8Mailbox (RFC 9598).
    pub(crate) const SMTP_UTF8_MAILBOX: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.8.9");
}

/// Alternative names have at most this many entries here.
const MAX_NAMES: usize = 1024;

/// keyUsage (RFC 5280 4.2.1.3); bit 0 of the extension is the highest bit here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUsage(u8);

impl KeyUsage {
    pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
    pub(crate) const NON_REPUDIATION: u8 = 0x40;
    pub(crate) const KEY_ENCIPHERMENT: u8 = 0x20;
    pub(crate) const KEY_AGREEMENT: u8 = 0x08;
    pub(crate) const KEY_CERT_SIGN: u8 = 0x04;
    pub(crate) const CRL_SIGN: u8 = 0x02;

    pub(crate) const fn allows_any(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// basicConstraints (RFC 5280 4.2.1.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BasicConstraints {
    pub(crate) ca: bool,
    pub(crate) path_len: Option<u32>,
}

impl Certificate {
    /// The mail addresses that the certificate names, without doubles: rfc822Name and
    /// SmtpUTF8Mailbox (RFC 9598) of the alternative name, then emailAddress of the subject. What has no
    /// two sides of an `@`, or holds control characters, is none.
    pub fn emails(&self) -> Vec<String> {
        let mut emails = self.alternative_emails();
        let subject = name::attribute(self.subject_der(), name::EMAIL_ADDRESS);
        emails.extend(subject.iter().filter_map(|email| mailbox(email).ok()));
        let mut seen = HashSet::new();
        // The string is the issuer's: anything can stand in it.
        emails.retain(|email| is_address(email) && seen.insert(email.clone()));
        emails
    }

    /// True if key, keyUsage and extendedKeyUsage let it sign mail (RFC 8550 4.4.2).
    pub fn can_sign(&self) -> bool {
        let by_key = algorithm::for_key(self.key_kind()).is_some();
        let usage = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::NON_REPUDIATION;
        by_key && self.allows_usage(usage) && self.allows_purpose(oid::EMAIL_PROTECTION)
    }

    /// True if mail can be encrypted to it (RFC 8550 4.4.2), and its key is no weaker than RSA with 2048 bits
    /// and no larger than RSA with 8192.
    pub fn can_encrypt(&self) -> bool {
        let usage = match self.key_kind() {
            key if algorithm::is_weak_key(key) || algorithm::is_oversized_key(key) => return false,
            KeyKind::Rsa { .. } | KeyKind::MlKem(_) => KeyUsage::KEY_ENCIPHERMENT,
            KeyKind::Ec(_) | KeyKind::X25519 => KeyUsage::KEY_AGREEMENT,
            _ => return false,
        };
        self.allows_usage(usage) && self.allows_purpose(oid::EMAIL_PROTECTION)
    }

    /// True if keyUsage is absent or has one of the bits.
    pub(crate) fn allows_usage(&self, bits: u8) -> bool {
        match self.key_usage() {
            Ok(usage) => usage.is_none_or(|usage| usage.allows_any(bits)),
            Err(Malformed) => false,
        }
    }

    /// True if extendedKeyUsage is absent, or names the purpose or any purpose.
    pub(crate) fn allows_purpose(&self, purpose: ObjectIdentifier) -> bool {
        match self.extended_key_usage() {
            Ok(None) => true,
            Ok(Some(purposes)) => {
                purposes.contains(&purpose) || purposes.contains(&oid::ANY_EXTENDED_KEY_USAGE)
            }
            Err(Malformed) => false,
        }
    }

    pub(crate) fn key_usage(&self) -> Result<Option<KeyUsage>, Malformed> {
        let Some(der) = self.extension(oid::KEY_USAGE) else { return Ok(None) };
        match asn1::single(der, tag::BIT_STRING)?.value {
            [unused, bits @ ..] if *unused < 8 => Ok(Some(KeyUsage(bits.first().copied().unwrap_or(0)))),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn extended_key_usage(&self) -> Result<Option<Vec<ObjectIdentifier>>, Malformed> {
        let Some(der) = self.extension(oid::EXTENDED_KEY_USAGE) else { return Ok(None) };
        let purposes = asn1::single(der, tag::SEQUENCE)?.reader().all(MAX_NAMES)?;
        if purposes.is_empty() {
            return Err(Malformed);
        }
        purposes.iter().map(Tlv::oid).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) fn basic_constraints(&self) -> Result<Option<BasicConstraints>, Malformed> {
        let Some(der) = self.extension(oid::BASIC_CONSTRAINTS) else { return Ok(None) };
        let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
        let ca = fields.optional(tag::BOOLEAN)?.map_or(Ok(false), |ca| ca.boolean())?;
        let path_len = fields.optional(tag::INTEGER)?.map(|number| number.small()).transpose()?;
        fields.end()?;
        Ok(Some(BasicConstraints { ca, path_len }))
    }

    pub(crate) fn subject_key_identifier(&self) -> Option<&[u8]> {
        let der = self.extension(oid::SUBJECT_KEY_IDENTIFIER)?;
        Some(asn1::single(der, tag::OCTET_STRING).ok()?.value)
    }

    pub(crate) fn authority_key_identifier(&self) -> Option<&[u8]> {
        let der = self.extension(oid::AUTHORITY_KEY_IDENTIFIER)?;
        let mut fields = asn1::single(der, tag::SEQUENCE).ok()?.reader();
        Some(fields.optional(tag::context(0)).ok()??.value)
    }

    /// The GeneralNames of the alternative name.
    pub(crate) fn alternative_names(&self) -> Result<Vec<Tlv<'_>>, Malformed> {
        let Some(der) = self.extension(oid::SUBJECT_ALT_NAME) else { return Ok(Vec::new()) };
        let names = asn1::single(der, tag::SEQUENCE)?.reader().all(MAX_NAMES)?;
        if names.iter().all(|name| is_general_name(name.tag)) { Ok(names) } else { Err(Malformed) }
    }

    pub(crate) fn alternative_emails(&self) -> Vec<String> {
        let names = self.alternative_names().unwrap_or_default();
        names.iter().filter_map(|name| email_of(name).ok().flatten()).collect()
    }
}

/// Whether a GeneralName can have the tag (RFC 5280 4.2.1.6). With another, such as a primitive otherName, a name
/// would be of no form at all, and no constraint would hold for it.
pub(crate) fn is_general_name(tag: u8) -> bool {
    const STRUCTURES: [u8; 4] =
        [tag::constructed(0), tag::constructed(3), tag::constructed(4), tag::constructed(5)];
    const STRINGS: [u8; 5] =
        [tag::context(1), tag::context(2), tag::context(6), tag::context(7), tag::context(8)];
    STRUCTURES.contains(&tag) || STRINGS.contains(&tag)
}

/// The mail address in a GeneralName, if it is one.
pub(crate) fn email_of(name: &Tlv<'_>) -> Result<Option<String>, Malformed> {
    const OTHER_NAME: u8 = tag::constructed(0);
    const RFC822_NAME: u8 = tag::context(1);
    match name.tag {
        RFC822_NAME if name.value.is_ascii() => mailbox(&String::from_utf8_lossy(name.value)).map(Some),
        OTHER_NAME => smtp_utf8_mailbox(name.reader()),
        _ => Ok(None),
    }
}

/// The address without the dot that may end its domain. RFC 9598 3: the domain is in ASCII, so that
/// two addresses are never told apart by what only looks alike.
fn mailbox(text: &str) -> Result<String, Malformed> {
    let domain = text.rsplit_once('@').map_or("", |(_, domain)| domain);
    if domain.is_ascii() { Ok(text.trim_end_matches('.').to_owned()) } else { Err(Malformed) }
}

/// Whether there are two sides of an `@`, and nothing that could end a line.
fn is_address(text: &str) -> bool {
    has_two_sides(text) && !text.contains(char::is_control)
}

/// Whether there are two sides of an `@`; a second one is in quotes or makes it none (RFC 5321 4.1.2).
pub(crate) fn has_two_sides(text: &str) -> bool {
    let is_local = |local: &str| !local.is_empty() && (local.starts_with('"') || !local.contains('@'));
    text.rsplit_once('@').is_some_and(|(local, domain)| is_local(local) && !domain.is_empty())
}

fn smtp_utf8_mailbox(mut fields: Reader<'_>) -> Result<Option<String>, Malformed> {
    if fields.oid()? != oid::SMTP_UTF8_MAILBOX {
        return Ok(None);
    }
    let value = asn1::single(fields.expect(tag::constructed(0))?.value, tag::UTF8_STRING)?;
    name::text(&value).map(|text| mailbox(&text)).transpose()
}
