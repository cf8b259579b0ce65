//! From a recipient's entry to the key that it is given (RFC 5652 6.2, RFC 9629).

use zeroize::Zeroizing;

use super::{DecryptError, DecryptionKey};
use crate::algorithm::{self, Identifier};
use crate::cms::enveloped::{Enveloped, KeyAgreement, Originator, Recipient};
use crate::encapsulation::KemRecipient;
use crate::key_agreement::Scheme;
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::RsaPadding;

/// A content-encryption key on its way to one of our keys.
#[derive(Clone, Copy)]
pub(super) enum Wrapped<'a> {
    Transported { algorithm: &'a Identifier<'a>, wrapped: &'a [u8] },
    Agreed { agreement: &'a KeyAgreement<'a>, wrapped: &'a [u8] },
    Encapsulated(&'a KemRecipient<'a>),
}

/// Those of the keys that the message names, each with what it is given.
pub(super) fn addressed<'a>(
    message: &'a Enveloped<'a>,
    keys: &'a [DecryptionKey],
) -> Vec<(&'a DecryptionKey, Wrapped<'a>)> {
    let mut found = Vec::new();
    for recipient in &message.recipients {
        match recipient {
            Recipient::KeyTransport { id, algorithm, wrapped } => {
                let named = keys.iter().filter(|key| id.names(&key.certificate));
                found.extend(named.map(|key| (key, Wrapped::Transported { algorithm, wrapped })));
            }
            Recipient::KeyAgreement(agreement) => {
                for (id, wrapped) in &agreement.keys {
                    let named = keys.iter().filter(|key| id.names(&key.certificate));
                    found.extend(named.map(|key| (key, Wrapped::Agreed { agreement, wrapped })));
                }
            }
            Recipient::Encapsulation(recipient) => {
                let named = keys.iter().filter(|key| recipient.id.names(&key.certificate));
                found.extend(named.map(|key| (key, Wrapped::Encapsulated(recipient))));
            }
            Recipient::KeyEncryptionKey { .. } | Recipient::Password(_) | Recipient::Other => {}
        }
    }
    found
}

/// Recovers what the recipients are given.
pub(super) async fn unwrap(
    keyring: &impl Keyring,
    key: &KeyId,
    wrapped: Wrapped<'_>,
    key_len: usize,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    match wrapped {
        Wrapped::Transported { algorithm, wrapped } => {
            let padding = algorithm::rsa_padding(algorithm)?;
            let unwrapped = keyring.unwrap_rsa(key, padding, wrapped).await;
            if padding == RsaPadding::Pkcs1v15 {
                return or_random(unwrapped, key_len);
            }
            unwrapped.map_err(|error| from_keyring(error, "RSA-OAEP with these hashes"))
        }
        Wrapped::Agreed { agreement, wrapped } => {
            let scheme = Scheme::of(&agreement.algorithm)?;
            let peer = ephemeral(agreement)?;
            let shared = keyring.agree(key, peer).await;
            let shared = shared.map_err(|error| from_keyring(error, "key agreement on this curve"))?;
            scheme.unwrap(&shared, agreement.user_keying_material, wrapped).ok_or(DecryptError::Failed)
        }
        Wrapped::Encapsulated(recipient) => {
            let scheme = recipient.scheme()?;
            let shared = keyring.decapsulate(key, recipient.ciphertext).await;
            let shared = shared.map_err(|error| from_keyring(error, "ML-KEM"))?;
            recipient.unwrap(scheme, &shared).ok_or(DecryptError::Failed)
        }
    }
}

/// The sender's key, where it was made for the message.
fn ephemeral<'a>(agreement: &KeyAgreement<'a>) -> Result<&'a [u8], DecryptError> {
    match agreement.originator {
        Originator::Ephemeral(peer) => Ok(peer),
        Originator::Unsupported(oid) => Err(DecryptError::Unsupported(algorithm::name_of(oid))),
        // No mail program writes it any more; the sender's certificate would have to be found and judged.
        Originator::Static => Err(DecryptError::Unsupported("static key agreement".into())),
    }
}

/// Implicit rejection: a key that bad padding or a bad length spoilt becomes a random one, so that
/// decryption fails later and in one way only (Bleichenbacher; RFC 3218 2.3.2).
fn or_random(
    unwrapped: Result<Zeroizing<Vec<u8>>, KeyringError>,
    key_len: usize,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut random = Zeroizing::new(vec![0; key_len]);
    getrandom::fill(&mut random).map_err(|_| DecryptError::Failed)?;
    match unwrapped {
        Ok(key) if key.len() == key_len => Ok(key),
        Ok(_) | Err(KeyringError::Failed) => Ok(random),
        Err(error) => Err(from_keyring(error, "RSA PKCS#1 v1.5")),
    }
}

fn from_keyring(error: KeyringError, asked: &str) -> DecryptError {
    match error {
        KeyringError::Unsupported => DecryptError::Unsupported(asked.to_owned()),
        _ => DecryptError::Failed,
    }
}
