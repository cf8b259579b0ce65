//! Recipients that share a secret with the sender (RFC 5652 6.2.3, 6.2.4; RFC 3211).

use std::borrow::Cow;

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cipher::block_padding::NoPadding;
use cipher::{BlockModeDecrypt, KeyIvInit};
use const_oid::ObjectIdentifier as Oid;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{DecryptError, Sealed};
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, Malformed, tag};
use crate::ber;
use crate::cms::enveloped::{Enveloped, Password, Recipient};
use crate::key_wrap::KeyWrap;
use crate::pkcs12::{self, Pkcs12Error};
use crate::provider::{ContentEncryption, Provider};

const PWRI_KEK: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.9");

/// A secret shared with the sender beforehand.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// A password, in UTF-8.
    Password(&'a str),
    /// A key for key wrapping, and the identifier that both sides know it by.
    Key {
        /// The identifier.
        identifier: &'a [u8],
        /// The key.
        key: &'a [u8],
    },
}

/// Decrypts a message under a shared secret; gives the content and its cipher.
///
/// ```
/// use smime::rustcrypto::RustCrypto;
/// use smime::{DecryptError, Secret, decrypt_with_secret};
///
/// # smime::block_on_ready(async {
/// // openssl cms -encrypt -binary -aes-256-cbc -pwri_password "correct horse" -outform DER
/// let message = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/password.p7m"));
/// let secret = Secret::Password("correct horse");
/// let (content, cipher) = decrypt_with_secret(&RustCrypto, secret, message).await?;
/// assert!(content.ends_with(b"The usual place.\r\n"));
/// assert_eq!(cipher.name(), "AES-256-CBC");
///
/// let other = decrypt_with_secret(&RustCrypto, Secret::Password("battery"), message).await;
/// assert_eq!(other.err(), Some(DecryptError::Failed));
/// # Ok::<(), DecryptError>(())
/// # }).unwrap();
/// ```
pub async fn decrypt_with_secret(
    provider: &impl Provider,
    secret: Secret<'_>,
    cms: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, ContentEncryption), DecryptError> {
    let der = ber::to_der(cms)?;
    let message = Enveloped::read(&der)?;
    let sealed = Sealed::of(&message, &der)?;
    let mut outcome = DecryptError::NotARecipient;
    for recipient in message.recipients.iter().take(MAX_TRIES) {
        let key = match (recipient, secret) {
            (Recipient::Password(recipient), Secret::Password(password)) => {
                unwrap_password(recipient, password)
            }
            (
                Recipient::KeyEncryptionKey { key_identifier, algorithm, wrapped },
                Secret::Key { identifier, key },
            ) if *key_identifier == identifier => KeyWrap::of(algorithm.oid)
                .ok_or_else(|| DecryptError::Unsupported(algorithm::name_of(algorithm.oid)))
                .and_then(|wrap| wrap.unwrap(key, wrapped).ok_or(DecryptError::Failed)),
            _ => continue,
        };
        let opened = match key {
            Ok(key) => sealed.open(provider, key, Cow::Borrowed(&der)).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(content) => return Ok((content, sealed.cipher)),
            Err(error) => outcome = error,
        }
    }
    Err(outcome)
}

/// Each try may cost a derivation.
const MAX_TRIES: usize = 16;

/// RFC 3211 2.3.2.
fn unwrap_password(recipient: &Password<'_>, password: &str) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    if recipient.encryption.oid != PWRI_KEK {
        return Err(DecryptError::Unsupported(algorithm::name_of(recipient.encryption.oid)));
    }
    let cipher = Identifier::read(recipient.encryption.parameters.ok_or(Malformed)?.reader())?;
    let kind = algorithm::cipher_of(cipher.oid)
        .ok_or_else(|| DecryptError::Unsupported(algorithm::name_of(cipher.oid)))?;
    let vector = asn1::single(cipher.parameters.ok_or(Malformed)?.der, tag::OCTET_STRING)?.value;
    let kek = pkcs12::pbkdf2_key(&recipient.derivation, password.as_bytes(), kind.key_len());
    let kek = kek.map_err(|error| match error {
        Pkcs12Error::Malformed => DecryptError::Malformed,
        _ => DecryptError::Unsupported(algorithm::name_of(recipient.derivation.oid)),
    })?;
    let decrypt = |vector: &[u8], blocks: &[u8]| decrypt_blocks(kind, &kek, vector, blocks);
    let key = || {
        // Encrypted twice, the second time from where the first ended: undo the last block first.
        let wrapped = recipient.wrapped;
        let last_at = wrapped.len().checked_sub(16).filter(|at| *at >= 16 && at.is_multiple_of(16))?;
        let (first, last) = wrapped.split_at_checked(last_at)?;
        let inner_last = decrypt(first.get(last_at - 16..)?, last)?;
        let mut inner = decrypt(&inner_last, first)?;
        inner.extend_from_slice(&inner_last);
        let padded = decrypt(vector, &inner)?;
        let (head, rest) = padded.split_at_checked(4)?;
        let (length, check) = head.split_first()?;
        let key = rest.get(..usize::from(*length))?;
        let complement = Zeroizing::new(key.get(..3)?.iter().map(|octet| !octet).collect::<Vec<_>>());
        let holds: bool = complement.ct_eq(check).into();
        holds.then(|| Zeroizing::new(key.to_vec()))
    };
    key().ok_or(DecryptError::Failed)
}

fn decrypt_blocks(
    kind: ContentEncryption,
    key: &[u8],
    vector: &[u8],
    blocks: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let plaintext = match kind {
        ContentEncryption::Aes128Cbc => {
            Decryptor::<Aes128>::new_from_slices(key, vector).ok()?.decrypt_padded_vec::<NoPadding>(blocks)
        }
        ContentEncryption::Aes192Cbc => {
            Decryptor::<Aes192>::new_from_slices(key, vector).ok()?.decrypt_padded_vec::<NoPadding>(blocks)
        }
        ContentEncryption::Aes256Cbc => {
            Decryptor::<Aes256>::new_from_slices(key, vector).ok()?.decrypt_padded_vec::<NoPadding>(blocks)
        }
        _ => return None,
    };
    plaintext.ok().map(Zeroizing::new)
}
