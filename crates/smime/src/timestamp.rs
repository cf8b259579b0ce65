//! Timestamps (RFC 3161, RFC 5816).
//!
//! ```
//! # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
//! # use people::{NOW, People, people};
//! # use smime::rustcrypto::RustCrypto;
//! use smime::timestamp::{check_response, request};
//! use smime::{Hash, Provider, SignedForm, sign, verify};
//!
//! # smime::block_on_ready(async {
//! # let People { keyring, alice, authority, trust, .. } = people().await?;
//! # let content = b"Content-Type: text/plain\r\n\r\nHello\r\n";
//! let mut signed = sign(&RustCrypto, &keyring, &alice, content, SignedForm::Opaque, NOW).await?;
//! let digest = RustCrypto.digest(Hash::Sha256, signed.signature()).await?;
//! let question = request(Hash::Sha256, &digest, 17);
//!
//! // The authority's side.
//! let answer = authority.respond(&RustCrypto, &keyring, &question, 1, NOW).await?;
//!
//! let token = check_response(&RustCrypto, &answer, &digest, 17, &trust, NOW).await?;
//! signed.attach_timestamp(token.der())?;
//! // The signer's certificate need not be valid any more; that of the authority, and its root, say when it was.
//! let cms = signed.to_der();
//! let verified = verify(&RustCrypto, &cms, None, &trust, NOW).await?;
//! let stamp = verified.signers[0].timestamp.as_ref().ok_or("there is one")?;
//! assert!(stamp.token.as_ref().is_ok_and(|token| token.time() == NOW));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod authority;
mod check;
mod wire;

use crate::asn1::Malformed;
use crate::certificate::Certificate;
use crate::path::{PathError, VerifiedPath};
use crate::provider::{Hash, ProviderError};
use crate::time::UnixTime;

pub use authority::{AuthorityError, TimestampAuthority};
pub(crate) use check::{Known, verify_token_within};
pub use check::{check_response, verify_token};

/// A timestamp request (RFC 3161 2.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampRequest {
    /// The hash of the stamped data.
    pub hash: Hash,
    /// The digest to be stamped.
    pub digest: Vec<u8>,
    /// The octets of an INTEGER that the response must repeat.
    pub nonce: Option<Vec<u8>>,
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
    /// The token is of a later version, or has a critical extension that is not known.
    #[error("the timestamp says something that is not understood")]
    NotUnderstood,
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
    /// A digest failed.
    #[error("digesting failed: {0}")]
    Provider(#[from] ProviderError),
}

impl From<Malformed> for TimestampError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A timestamp token that was checked. Only [`check_response`] and [`verify_token`] make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    der: Vec<u8>,
    time: UnixTime,
    authority: Certificate,
    path: VerifiedPath,
}

impl Token {
    /// The DER of the token's ContentInfo, for [`crate::Signed::attach_timestamp`].
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// When, at the latest, what was stamped was there.
    ///
    /// Whatever is asked of a stamp asks whether something was done *before* a certificate ended or was taken back. So
    /// this is the later end of what the authority vouches for (RFC 3161 2.4.2), its time and the accuracy of it, in
    /// whole seconds; but no later than it was checked at.
    pub fn time(&self) -> UnixTime {
        self.time
    }

    /// The authority's certificate.
    pub fn authority(&self) -> &Certificate {
        &self.authority
    }

    /// The path from the authority's certificate to a trust anchor, valid at the token's time.
    pub fn path(&self) -> &VerifiedPath {
        &self.path
    }
}

/// Asks for a timestamp over a digest, with the authority's certificate in the token.
pub fn request(hash: Hash, digest: &[u8], nonce: u64) -> Vec<u8> {
    wire::write_request(hash, digest, nonce)
}

/// Reads a timestamp request.
pub fn parse_request(der: &[u8]) -> Result<TimestampRequest, TimestampError> {
    wire::Request::read(der)
        .map_err(|refusal| match refusal {
            wire::Refusal::BadAlgorithm => TimestampError::UnacceptableAlgorithm,
            _ => TimestampError::Malformed,
        })?
        .into_public()
}
