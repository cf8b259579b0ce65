mod secret;

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::algorithm::{self, Identifier, Unusable};
use crate::asn1::{self, Malformed, tag, write};
use crate::ber::{self, BerError};
use crate::certificate::Certificate;
use crate::cms::enveloped::{Enveloped, KeyAgreement, Originator, Recipient, Unreadable};
use crate::cms::{AUTH_ENVELOPED_DATA, ENVELOPED_DATA};
use crate::encapsulation::KemRecipient;
use crate::key_agreement::{Scheme, hkdf};
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::{ContentEncryption, Hash, Provider, ProviderError, RsaPadding};

/// As many matching recipients are tried; a message has no reason to name one reader more often.
const MAX_TRIES: usize = 8;

pub use secret::{Secret, decrypt_with_secret};

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
        let unwrapped = unwrap(keyring, &key.key, wrapped, cipher.key_len()).await;
        let content_key = match unwrapped.and_then(|key| content_key(&message, key)) {
            Ok(content_key) => content_key,
            Err(error) => {
                outcome = error;
                continue;
            }
        };
        let weak = cipher.is_weak() || algorithm::is_weak_key(key.certificate.key_kind());
        let key = key.key.clone();
        if tries.peek().is_none() {
            drop(tries);
            let content = sealed.open(provider, &content_key, der).await?;
            return Ok(Decrypted { content, key, cipher, weak, recipients });
        }
        match sealed.open(provider, &content_key, Cow::Borrowed(&der)).await {
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

/// A content-encryption key on its way to one of our keys.
#[derive(Clone, Copy)]
enum Wrapped<'a> {
    Transported { algorithm: &'a Identifier<'a>, wrapped: &'a [u8] },
    Agreed { agreement: &'a KeyAgreement<'a>, wrapped: &'a [u8] },
    Encapsulated(&'a KemRecipient<'a>),
}

fn addressed<'a>(
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

async fn unwrap(
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

/// The key of the content, from the one that its recipients are given: the same, unless it is bound to the cipher
/// (RFC 9709 2), so that nobody passes off what is authenticated as what is not.
fn content_key(
    message: &Enveloped<'_>,
    given: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let Some(identifier) = message.derived_with else { return Ok(given) };
    let mut key = Zeroizing::new(vec![0; given.len()]);
    let salt = b"The Cryptographic Message Syntax";
    hkdf(Hash::Sha256, Some(salt), &given, identifier, &mut key).ok_or(DecryptError::Failed)?;
    Ok(key)
}

fn content_cipher<'a>(message: &Enveloped<'a>) -> Result<(ContentEncryption, &'a [u8]), DecryptError> {
    let oid = message.cipher.oid;
    let cipher =
        algorithm::cipher_of(oid).ok_or_else(|| DecryptError::Unsupported(algorithm::name_of(oid)))?;
    // GCM belongs in AuthEnvelopedData; elsewhere its tag would go unchecked.
    if cipher.is_authenticated() != message.authentication.is_some() {
        return Err(DecryptError::Malformed);
    }
    Ok((cipher, nonce(&message.cipher, cipher)?))
}

/// The nonce of GCM and CCM (RFC 5084 3), of ChaCha20-Poly1305 (RFC 8103 2), or the vector of CBC (RFC 3565 2.3).
fn nonce<'a>(identifier: &Identifier<'a>, cipher: ContentEncryption) -> Result<&'a [u8], DecryptError> {
    let parameters = identifier.parameters.ok_or(DecryptError::Malformed)?;
    if cipher == ContentEncryption::ChaCha20Poly1305 {
        return Ok(asn1::single(parameters.der, tag::OCTET_STRING)?.value);
    }
    if cipher.is_authenticated() {
        let nonce = asn1::single(parameters.der, tag::SEQUENCE)?.reader().expect(tag::OCTET_STRING)?;
        return Ok(nonce.value);
    }
    Ok(asn1::single(parameters.der, tag::OCTET_STRING)?.value)
}

/// What decryption needs besides the key, and where in the message the ciphertext lies.
struct Sealed {
    cipher: ContentEncryption,
    nonce: Vec<u8>,
    /// What is authenticated beside the content, and the tag; both empty without authentication.
    aad: Vec<u8>,
    mac: Vec<u8>,
    ciphertext: std::ops::Range<usize>,
}

impl Sealed {
    fn of(message: &Enveloped<'_>, der: &[u8]) -> Result<Self, DecryptError> {
        let (cipher, nonce) = content_cipher(message)?;
        let authentication = message.authentication.as_ref();
        // RFC 5083 2.2: the attributes are authenticated under the tag of a SET.
        let attributes = authentication.and_then(|authentication| authentication.attributes);
        let aad = attributes.map(|attributes| write::tlv(tag::SET, &[attributes])).unwrap_or_default();
        let mac = authentication.map(|authentication| authentication.mac.to_vec()).unwrap_or_default();
        let start = message.ciphertext.as_ptr().addr().checked_sub(der.as_ptr().addr());
        let start = start.ok_or(DecryptError::Malformed)?;
        let ciphertext = start..start.saturating_add(message.ciphertext.len());
        Ok(Self { cipher, nonce: nonce.to_vec(), aad, mac, ciphertext })
    }

    /// Decrypts in the message's own buffer where that is handed over.
    async fn open(
        &self,
        provider: &impl Provider,
        key: &[u8],
        der: Cow<'_, [u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let Self { cipher, nonce, aad, mac, ciphertext } = self;
        if key.len() != cipher.key_len() {
            return Err(DecryptError::Failed);
        }
        let mut buffer = Zeroizing::new(match der {
            Cow::Borrowed(der) => der.get(ciphertext.clone()).unwrap_or_default().to_vec(),
            Cow::Owned(mut der) => {
                der.truncate(ciphertext.end);
                der.drain(..ciphertext.start.min(der.len()));
                der
            }
        });
        match provider.decrypt_in_place(*cipher, key, nonce, aad, &mut buffer, mac).await {
            Ok(()) => Ok(buffer),
            Err(error) => Err(from_provider(error, *cipher)),
        }
    }
}

fn from_provider(error: ProviderError, cipher: ContentEncryption) -> DecryptError {
    match error {
        ProviderError::Unsupported => DecryptError::Unsupported(cipher.name().to_owned()),
        _ => DecryptError::Failed,
    }
}
