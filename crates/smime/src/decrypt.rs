mod content;
mod given;
mod secret;

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::algorithm::{self, Unusable};
use crate::asn1::{Malformed, tag, write};
use crate::ber::{self, BerError};
use crate::certificate::Certificate;
use crate::cms::enveloped::{Enveloped, Unreadable};
use crate::cms::{AUTH_ENVELOPED_DATA, ENVELOPED_DATA};
use crate::keyring::{KeyId, Keyring};
use crate::provider::{ContentEncryption, Provider};

use content::Sealed;
use given::{addressed, unwrap};

pub use secret::{Secret, decrypt_with_secret};

/// As many matching recipients are tried; a message has no reason to name one reader more often.
const MAX_TRIES: usize = 8;

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
    /// How many recipients the message names.
    pub recipients: usize,
}

/// Why a message was not decrypted.
///
/// Everything that depends on a secret is [`DecryptError::Failed`]: telling bad padding, a bad tag
/// and a bad key apart would be an oracle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// Not an EnvelopedData or AuthEnvelopedData, or broken.
    #[error("not a well-formed encrypted message")]
    Malformed,
    /// More recipients or elements than any message has reason to have.
    #[error("the message holds too much")]
    TooMany,
    /// None of the keys is addressed.
    #[error("the message is not addressed to any of the keys")]
    NotARecipient,
    /// A cipher or key management that this crate, the provider or the keyring does not have, by its name.
    #[error("the algorithm {0} is not supported")]
    Unsupported(String),
    /// Decryption failed.
    #[error("decryption failed")]
    Failed,
}

impl From<Malformed> for DecryptError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Unusable> for DecryptError {
    fn from(error: Unusable) -> Self {
        match error {
            Unusable::Malformed => Self::Malformed,
            Unusable::Unsupported(name) => Self::Unsupported(name),
        }
    }
}

impl From<Unreadable> for DecryptError {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Malformed => Self::Malformed,
            Unreadable::TooMany => Self::TooMany,
        }
    }
}

impl From<BerError> for DecryptError {
    fn from(error: BerError) -> Self {
        match error {
            BerError::TooMany => Self::TooMany,
            _ => Self::Malformed,
        }
    }
}

/// Decrypts an EnvelopedData or AuthEnvelopedData with whichever of the keys it is addressed to.
///
/// What is handed over is decrypted in its own buffer, unless it is BER that had to be rewritten; another copy is
/// made for each try but the last, where the message names several of the keys.
pub async fn decrypt<'m>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    keys: &[DecryptionKey],
    cms: impl Into<Cow<'m, [u8]>>,
) -> Result<Decrypted, DecryptError> {
    let der = ber::into_der(cms.into())?;
    let message = Enveloped::read(&der)?;
    let sealed = Sealed::of(&message, &der)?;
    let (cipher, recipients) = (sealed.cipher, message.recipients.len());
    let mut outcome = DecryptError::NotARecipient;
    let mut tries = addressed(&message, keys).into_iter().take(MAX_TRIES).peekable();
    while let Some((key, wrapped)) = tries.next() {
        let given = match unwrap(keyring, &key.key, wrapped, cipher.key_len()).await {
            Ok(given) => given,
            Err(error) => {
                outcome = error;
                continue;
            }
        };
        let weak = cipher.is_weak() || algorithm::is_weak_key(key.certificate.key_kind());
        let key = key.key.clone();
        if tries.peek().is_none() {
            drop(tries);
            let content = sealed.open(provider, given, der).await?;
            return Ok(Decrypted { content, key, cipher, weak, recipients });
        }
        match sealed.open(provider, given, Cow::Borrowed(&der)).await {
            Ok(content) => return Ok(Decrypted { content, key, cipher, weak, recipients }),
            Err(error) => outcome = error,
        }
    }
    Err(outcome)
}

/// True if the bytes begin as an EnvelopedData or AuthEnvelopedData does.
pub fn is_enveloped(cms: &[u8]) -> bool {
    [ENVELOPED_DATA, AUTH_ENVELOPED_DATA].into_iter().any(|content_type| {
        let oid = write::oid(content_type);
        // ContentInfo: a SEQUENCE whose length may take any form, then the type.
        let Some((&tag::SEQUENCE, rest)) = cms.split_first() else { return false };
        let Some(first) = rest.first() else { return false };
        let skip = if *first > 0x80 { usize::from(first & 0x7f) + 1 } else { 1 };
        rest.get(skip..).is_some_and(|content| content.starts_with(&oid))
    })
}
