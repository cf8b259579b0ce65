//! Extensions, written (RFC 5280 4.2).

use const_oid::ObjectIdentifier as Oid;
use sha2::{Digest, Sha256};

use super::Usage;
use crate::algorithm;
use crate::asn1::{Malformed, tag, write};
use crate::certificate::{KeyKind, KeyUsage, key_octets, oid};
use crate::path::CRL_NUMBER;

fn extension(oid: Oid, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { write::boolean(true) } else { Vec::new() };
    write::sequence(&[&write::oid(oid), &critical, &write::octets(value)])
}

/// The key identifier of RFC 7093 2, method 1.
pub(crate) fn key_identifier(spki: &[u8]) -> Result<Vec<u8>, Malformed> {
    let digest = Sha256::digest(key_octets(spki)?);
    Ok(digest.iter().take(20).copied().collect())
}

pub(super) fn subject_key_identifier(identifier: &[u8]) -> Vec<u8> {
    extension(oid::SUBJECT_KEY_IDENTIFIER, false, &write::octets(identifier))
}

pub(super) fn authority_key_identifier(identifier: &[u8]) -> Vec<u8> {
    let field = write::tlv(tag::context(0), &[identifier]);
    extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &write::sequence(&[&field]))
}

pub(super) fn crl_number(number: u64) -> Vec<u8> {
    extension(CRL_NUMBER, false, &write::integer(number))
}

pub(super) fn basic_constraints(path_len: Option<u64>) -> Vec<u8> {
    let path_len = path_len.map(write::integer).unwrap_or_default();
    extension(oid::BASIC_CONSTRAINTS, true, &write::sequence(&[&write::boolean(true), &path_len]))
}

/// keyUsage, by what the certificate is for and what its key can do; None if the two do not fit.
pub(crate) fn key_usage(usage: Usage, key: KeyKind) -> Option<Vec<u8>> {
    let can_sign = algorithm::for_key(key).is_some();
    let bits = match (usage, key) {
        (Usage::Encryption, KeyKind::Rsa { .. } | KeyKind::MlKem(_)) => KeyUsage::KEY_ENCIPHERMENT,
        (Usage::Encryption, KeyKind::Ec(_) | KeyKind::X25519) => KeyUsage::KEY_AGREEMENT,
        (Usage::Signing | Usage::TimestampAuthority, _) if can_sign => {
            KeyUsage::DIGITAL_SIGNATURE | KeyUsage::NON_REPUDIATION
        }
        (Usage::CertificateAuthority, _) if can_sign => KeyUsage::KEY_CERT_SIGN | KeyUsage::CRL_SIGN,
        _ => return None,
    };
    // DER 11.2.2: a list of named bits ends with its last one.
    let unused = u8::try_from(bits.trailing_zeros()).unwrap_or(0);
    Some(extension(oid::KEY_USAGE, true, &write::tlv(tag::BIT_STRING, &[&[unused, bits]])))
}

pub(crate) fn extended_key_usage(usage: Usage) -> Vec<u8> {
    let purpose = match usage {
        Usage::Signing | Usage::Encryption => oid::EMAIL_PROTECTION,
        Usage::TimestampAuthority => oid::TIME_STAMPING,
        Usage::CertificateAuthority => return Vec::new(),
    };
    // RFC 3161 2.3: critical for timestamps.
    let critical = usage == Usage::TimestampAuthority;
    extension(oid::EXTENDED_KEY_USAGE, critical, &write::sequence(&[&write::oid(purpose)]))
}

/// rfc822Name, or SmtpUTF8Mailbox where the address is not ASCII (RFC 9598).
pub(crate) fn subject_alt_name(emails: &[String]) -> Vec<u8> {
    if emails.is_empty() {
        return Vec::new();
    }
    let names = emails.iter().map(|email| mail_name(email)).collect::<Vec<_>>();
    extension(oid::SUBJECT_ALT_NAME, false, &write::sequence(&[&names.concat()]))
}

/// A mail address as a GeneralName.
pub(crate) fn mail_name(email: &str) -> Vec<u8> {
    if email.is_ascii() {
        return write::tlv(tag::context(1), &[email.as_bytes()]);
    }
    let value = write::tlv(tag::constructed(0), &[&write::utf8(email)]);
    write::tlv(tag::constructed(0), &[&write::oid(oid::SMTP_UTF8_MAILBOX), &value])
}
