use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::keyring::{KeyId, Keyring};
use crate::provider::{ContentEncryption, Provider};

/// A private key and the certificate under which it is addressed.
#[derive(Clone, Debug)]
pub struct DecryptionKey {
    /// The key.
    pub key: KeyId,
    /// Its certificate.
    pub certificate: Certificate,
}

/// What [`decrypt()`] gives.
pub struct Decrypted {
    /// The content.
    pub content: Zeroizing<Vec<u8>>,
    /// The key that opened it.
    pub key: KeyId,
    /// The cipher of the content.
    pub cipher: ContentEncryption,
    /// True if the encryption is too weak to be called so.
    pub weak: bool,
}

/// Why a message was not decrypted.
///
/// Everything that depends on a secret is [`DecryptError::Failed`]: telling bad padding, a bad tag
/// and a bad key apart would be an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// Not an EnvelopedData or AuthEnvelopedData, or broken.
    #[error("not a well-formed encrypted message")]
    Malformed,
    /// More recipients than any message has reason to have.
    #[error("the message has too many recipients")]
    TooMany,
    /// None of the keys is addressed.
    #[error("the message is not addressed to any of the keys")]
    NotARecipient,
    /// A cipher or key management that this crate does not have.
    #[error("the message uses an unsupported algorithm")]
    Unsupported,
    /// Decryption failed.
    #[error("decryption failed")]
    Failed,
}

/// Decrypts an EnvelopedData or AuthEnvelopedData with whichever of the keys it is addressed to.
pub async fn decrypt(
    provider: &impl Provider,
    keyring: &impl Keyring,
    keys: &[DecryptionKey],
    cms: &[u8],
) -> Result<Decrypted, DecryptError> {
    let _ = (provider, keyring, keys, cms);
    Err(DecryptError::Malformed)
}

/// True if the bytes begin as an EnvelopedData or AuthEnvelopedData does.
pub fn is_enveloped(cms: &[u8]) -> bool {
    let _ = cms;
    false
}
