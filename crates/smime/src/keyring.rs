use zeroize::Zeroizing;

use crate::provider::{RsaPadding, SignatureAlgorithm};

/// Names a private key in a [`Keyring`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// Wraps the name that the keyring's owner chose.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a [`Keyring`] did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// No key has this name.
    #[error("no such key")]
    UnknownKey,
    /// The key is of a kind that cannot do this.
    #[error("the key cannot be used for this")]
    WrongKind,
    /// The stored key is malformed.
    #[error("the key is malformed")]
    Malformed,
    /// This implementation does not have the algorithm.
    #[error("the algorithm is not supported")]
    Unsupported,
    /// The operation failed; for decryption the cause is deliberately not told.
    #[error("the private-key operation failed")]
    Failed,
}

/// The private keys of one user. Key material never crosses this line: callers hold [`KeyId`]s.
#[allow(async_fn_in_trait, reason = "WebCrypto's futures are not Send, and native ones need no bound")]
pub trait Keyring {
    /// Signs `message` (not its digest); ECDSA signatures in DER form.
    async fn sign(
        &self,
        key: &KeyId,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyringError>;

    /// Decrypts a content-encryption key.
    ///
    /// With [`RsaPadding::Pkcs1v15`] bad padding must give a synthetic key (implicit rejection) or
    /// [`KeyringError::Failed`]; the caller treats both alike.
    async fn unwrap_rsa(
        &self,
        key: &KeyId,
        padding: RsaPadding<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError>;

    /// The ECDH shared secret (x coordinate) with `peer`: a SEC1 point, or 32 bytes for X25519.
    async fn agree(&self, key: &KeyId, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError>;

    /// Recovers the shared secret from an ML-KEM ciphertext. One that was not made for the key gives
    /// another secret (implicit rejection), unless its length is wrong.
    async fn decapsulate(&self, key: &KeyId, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let _ = (key, ciphertext);
        Err(KeyringError::Unsupported)
    }
}
