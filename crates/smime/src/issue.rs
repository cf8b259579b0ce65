//! Issuing certificates: the profiles of a small certificate authority (RFC 5280, RFC 8550).
//!
//! [`crate::request`] has an example of both sides.

pub(crate) mod extension;
mod list;

use const_oid::ObjectIdentifier as Oid;

use crate::algorithm;
use crate::asn1::{Malformed, tag, write};
use crate::certificate::{COMMON_NAME, Certificate, CertificateError, KeyKind, ORGANISATION};
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::time::UnixTime;

pub use list::{Withdrawn, revocation_list};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Usage {
    /// Signing mail.
    Signing,
    /// Receiving encrypted mail.
    Encryption,
    /// Signing timestamps.
    TimestampAuthority,
    /// Issuing certificates to people and authorities of timestamps, not to further authorities.
    CertificateAuthority,
}

/// Who issues.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The authority's key.
    pub key: KeyId,
    /// Its certificate.
    pub certificate: Certificate,
}

/// What a certificate is to say.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The subject's common name.
    pub common_name: String,
    /// The subject's organisation.
    pub organisation: Option<String>,
    /// The addresses it vouches for.
    pub emails: Vec<String>,
    /// Its use.
    pub usage: Usage,
    /// Its serial number, which the authority must never use again; random by preference.
    pub serial: [u8; 16],
    /// First moment of validity.
    pub not_before: UnixTime,
    /// Last moment of validity.
    pub not_after: UnixTime,
}

/// Why no certificate was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The subject's or the authority's key is of an unknown kind.
    #[error("the key cannot be certified")]
    UnsupportedKey,
    /// The private key failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyringError),
    /// What was built is no certificate: a field does not fit.
    #[error("the certificate cannot be built: {0}")]
    Unbuildable(#[from] CertificateError),
}

impl From<Malformed> for IssueError {
    fn from(_: Malformed) -> Self {
        Self::UnsupportedKey
    }
}

/// Makes a root: self-signed, for people's certificates and timestamp authorities below it.
pub async fn self_signed_root(
    keyring: &impl Keyring,
    key: &KeyId,
    spki: &[u8],
    common_name: &str,
    serial: [u8; 16],
    not_before: UnixTime,
    not_after: UnixTime,
) -> Result<Certificate, IssueError> {
    let identifier = extension::key_identifier(spki)?;
    let usage = extension::key_usage(Usage::CertificateAuthority, KeyKind::of(spki));
    let extensions = [
        extension::basic_constraints(None),
        usage.ok_or(IssueError::UnsupportedKey)?,
        extension::subject_key_identifier(&identifier),
    ];
    let name = name(None, common_name);
    let fields = Fields {
        serial,
        issuer: &name,
        not_before,
        not_after,
        subject: &name,
        spki,
        extensions: &extensions.concat(),
    };
    sign(keyring, key, spki, &fields).await
}

/// Issues a certificate for a public key. That its owner holds the private key, and the addresses,
/// are the caller's to have checked: see [`crate::request::verify`].
pub async fn issue(
    keyring: &impl Keyring,
    issuer: &Issuer,
    spki: &[u8],
    profile: &Profile,
) -> Result<Certificate, IssueError> {
    let authority = &issuer.certificate;
    let authority_identifier = match authority.subject_key_identifier() {
        Some(identifier) => identifier.to_vec(),
        None => extension::key_identifier(authority.spki())?,
    };
    let usage = extension::key_usage(profile.usage, KeyKind::of(spki));
    let constraints = match profile.usage {
        Usage::CertificateAuthority => extension::basic_constraints(Some(0)),
        _ => Vec::new(),
    };
    let extensions = [
        constraints,
        usage.ok_or(IssueError::UnsupportedKey)?,
        extension::extended_key_usage(profile.usage),
        extension::subject_alt_name(&profile.emails),
        extension::subject_key_identifier(&extension::key_identifier(spki)?),
        extension::authority_key_identifier(&authority_identifier),
    ];
    let fields = Fields {
        serial: profile.serial,
        issuer: authority.subject_der(),
        not_before: profile.not_before,
        not_after: profile.not_after,
        subject: &name(profile.organisation.as_deref(), &profile.common_name),
        spki,
        extensions: &extensions.concat(),
    };
    sign(keyring, &issuer.key, authority.spki(), &fields).await
}

struct Fields<'a> {
    serial: [u8; 16],
    issuer: &'a [u8],
    not_before: UnixTime,
    not_after: UnixTime,
    subject: &'a [u8],
    spki: &'a [u8],
    extensions: &'a [u8],
}

async fn sign(
    keyring: &impl Keyring,
    key: &KeyId,
    signer_spki: &[u8],
    fields: &Fields<'_>,
) -> Result<Certificate, IssueError> {
    let algorithm = algorithm::for_key(KeyKind::of(signer_spki)).ok_or(IssueError::UnsupportedKey)?;
    let identifier = algorithm::signature_identifier(algorithm);
    let extensions = write::sequence(&[fields.extensions]);
    let tbs = write::sequence(&[
        // Version 3.
        &write::tlv(tag::constructed(0), &[&write::integer(2)]),
        &write::unsigned(&fields.serial),
        &identifier,
        fields.issuer,
        &write::sequence(&[&write::time(fields.not_before), &write::time(fields.not_after)]),
        fields.subject,
        fields.spki,
        &write::tlv(tag::constructed(3), &[&extensions]),
    ]);
    let signature = keyring.sign(key, algorithm, &tbs).await?;
    let der = write::sequence(&[&tbs, &identifier, &write::bits(&signature)]);
    Ok(Certificate::from_der(&der)?)
}

/// A name of an organisation, if there is one, and a common name.
pub(crate) fn name(organisation: Option<&str>, common_name: &str) -> Vec<u8> {
    let attribute = |oid: Oid, value: &str| {
        write::tlv(tag::SET, &[&write::sequence(&[&write::oid(oid), &write::utf8(value)])])
    };
    let organisation = organisation.map(|value| attribute(ORGANISATION, value)).unwrap_or_default();
    write::sequence(&[&organisation, &attribute(COMMON_NAME, common_name)])
}
