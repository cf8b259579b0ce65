//! Timestamps (RFC 3161).

use crate::certificate::Certificate;
use crate::keyring::{Keyring, KeyringError};
use crate::path::PathError;
use crate::provider::{Hash, Provider, ProviderError};
use crate::sign::Signer;
use crate::time::UnixTime;
use crate::verify::Trust;

/// A timestamp request (RFC 3161 2.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampRequest {
    /// The hash of the stamped data.
    pub hash: Hash,
    /// The digest to be stamped.
    pub digest: Vec<u8>,
    /// A number that the response must repeat.
    pub nonce: Option<u64>,
    /// Whether the authority's certificate is to be in the token.
    pub certificate_wanted: bool,
}

/// Why a timestamp does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Not a timestamp request, response or token, or broken.
    #[error("the timestamp is malformed")]
    Malformed,
    /// The authority refused, with this PKIStatus.
    #[error("the timestamp authority refused (status {0})")]
    Refused(u32),
    /// The token covers other data.
    #[error("the timestamp covers other data")]
    ImprintMismatch,
    /// The response answers another request.
    #[error("the timestamp answers another request")]
    NonceMismatch,
    /// The token's time lies in the future.
    #[error("the timestamp lies in the future")]
    InTheFuture,
    /// A hash or signature that is too weak or unknown.
    #[error("the timestamp uses an unacceptable algorithm")]
    UnacceptableAlgorithm,
    /// The token's signature is wrong.
    #[error("the timestamp's signature is wrong")]
    BadSignature,
    /// The authority's certificate is not in the token.
    #[error("the timestamp authority's certificate is missing")]
    NoCertificate,
    /// The authority is not trusted.
    #[error("the timestamp authority is not trusted: {0}")]
    Path(#[from] PathError),
}

/// A timestamp token that was checked. Only this module's checks make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    der: Vec<u8>,
    time: UnixTime,
    authority: Certificate,
}

impl Token {
    /// The DER of the token's ContentInfo, for [`crate::Signed::attach_timestamp`].
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The time that the authority vouches for.
    pub fn time(&self) -> UnixTime {
        self.time
    }

    /// The authority's certificate.
    pub fn authority(&self) -> &Certificate {
        &self.authority
    }
}

/// Asks for a timestamp over a digest, with the authority's certificate in the token.
pub fn request(hash: Hash, digest: &[u8], nonce: u64) -> Vec<u8> {
    let _ = (hash, nonce);
    digest.to_vec()
}

/// Reads a timestamp request.
pub fn parse_request(der: &[u8]) -> Result<TimestampRequest, TimestampError> {
    let _ = der;
    Err(TimestampError::Malformed)
}

/// Checks the response to a request for `digest` with `nonce`, and gives its token.
///
/// Of `trust`, the timestamp anchors count. The authority is judged at the token's own time.
pub async fn check_response(
    provider: &impl Provider,
    response: &[u8],
    digest: &[u8],
    nonce: u64,
    trust: &Trust,
    now: UnixTime,
) -> Result<Token, TimestampError> {
    let _ = (provider, response, digest, nonce, trust, now);
    Err(TimestampError::Malformed)
}

/// Checks a token over `stamped`: for a signature's timestamp, the signature value.
pub async fn verify_token(
    provider: &impl Provider,
    token: &[u8],
    stamped: &[u8],
    trust: &Trust,
    now: UnixTime,
) -> Result<Token, TimestampError> {
    let _ = (provider, token, stamped, trust, now);
    Err(TimestampError::Malformed)
}

/// Why an authority could not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The authority's key failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyringError),
    /// The authority has no certificate, or one whose key does not sign.
    #[error("the authority has no usable certificate")]
    NoCertificate,
    /// A digest failed.
    #[error("digesting failed: {0}")]
    Provider(#[from] ProviderError),
}

/// A timestamp authority: answers requests under its key.
#[derive(Clone, Debug)]
pub struct TimestampAuthority {
    /// The authority's key and chain, the certificate made for [`crate::issue::Usage::TimestampAuthority`].
    pub signer: Signer,
}

impl TimestampAuthority {
    /// Answers a request: always with a response, which refuses where the request is not good.
    ///
    /// `serial` must never repeat; `at` is the authority's clock.
    pub async fn respond(
        &self,
        provider: &impl Provider,
        keyring: &impl Keyring,
        request: &[u8],
        serial: u128,
        at: UnixTime,
    ) -> Result<Vec<u8>, AuthorityError> {
        let _ = (provider, keyring, request, serial, at);
        Err(AuthorityError::NoCertificate)
    }
}
