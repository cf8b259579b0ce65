use std::borrow::Cow;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::algorithm;
use crate::asn1::{Malformed, tag, write};
use crate::certificate::{Certificate, EC_OID, KeyKind, X25519_OID, key_octets};
use crate::cms::{self, AUTH_ENVELOPED_DATA, ENVELOPED_DATA, content_info_header};
use crate::encapsulation;
use crate::key_agreement;
use crate::provider::{ContentEncryption, Curve, Hash, MlKem, Provider, ProviderError, RsaPadding};

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
    /// The cipher is for reading what others wrote.
    #[error("the cipher is not for writing")]
    ReadOnlyCipher,
    /// The arithmetic failed.
    #[error("encryption failed: {0}")]
    Provider(#[from] ProviderError),
}

/// How an RSA recipient is given the content-encryption key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSAES-OAEP with SHA-256.
    #[default]
    Oaep,
    /// RSAES-PKCS1-v1_5, for readers that know nothing better (gpgsm).
    Pkcs1v15,
}

/// Encrypts `content` to every recipient: AuthEnvelopedData (RFC 5083) for GCM, EnvelopedData for CBC.
///
/// RSA recipients get the key by OAEP with SHA-256, EC and X25519 ones by one ephemeral key per message
/// and curve, ML-KEM ones by encapsulation. Validity and usage of the certificates are the caller's to judge.
///
/// Content that is handed over is encrypted in its own buffer, if there is room in it for the structure around it.
pub async fn encrypt<'c>(
    provider: &impl Provider,
    rng: &mut impl CryptoRng,
    content: impl Into<Cow<'c, [u8]>>,
    recipients: &[Certificate],
    cipher: ContentEncryption,
) -> Result<Vec<u8>, EncryptError> {
    encrypt_content(provider, rng, content.into(), recipients, cipher, &[]).await
}

/// As [`encrypt()`], with a choice for each RSA recipient by their place: OAEP where none is made.
///
/// ```
/// # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
/// # use people::{People, people};
/// use smime::rustcrypto::RustCrypto;
/// use smime::{ContentEncryption, DecryptionKey, KeyId, decrypt, encrypt_with};
/// use smime::recipients::{self, Reads};
///
/// # smime::block_on_ready(async {
/// # let People { keyring, reads, .. } = people().await?;
/// let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
/// // What everybody can be expected to read of whose program nothing is known.
/// let agreed = recipients::agree_on(&[(&reads, &Reads::Unknown)]);
/// let (to, content) = ([reads.clone()], b"Hello".as_slice());
/// let cms = encrypt_with(&RustCrypto, &mut rng, content, &to, agreed.cipher, &agreed.transport).await?;
///
/// let keys = [DecryptionKey { key: KeyId::new("reading"), certificate: reads }];
/// let opened = decrypt(&RustCrypto, &keyring, &keys, &cms).await?;
/// assert_eq!(opened.cipher, ContentEncryption::Aes256Cbc);
/// assert_eq!(*opened.content, content);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub async fn encrypt_with<'c>(
    provider: &impl Provider,
    rng: &mut impl CryptoRng,
    content: impl Into<Cow<'c, [u8]>>,
    recipients: &[Certificate],
    cipher: ContentEncryption,
    transport: &[KeyTransport],
) -> Result<Vec<u8>, EncryptError> {
    encrypt_content(provider, rng, content.into(), recipients, cipher, transport).await
}

/// Once for every way to hand over a content: generic code is compiled for each.
async fn encrypt_content(
    provider: &impl Provider,
    rng: &mut impl CryptoRng,
    content: Cow<'_, [u8]>,
    recipients: &[Certificate],
    cipher: ContentEncryption,
    transport: &[KeyTransport],
) -> Result<Vec<u8>, EncryptError> {
    if recipients.is_empty() {
        return Err(EncryptError::NoRecipients);
    }
    if !cipher.is_written() {
        return Err(EncryptError::ReadOnlyCipher);
    }
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    rng.fill_bytes(&mut key);
    let mut nonce = vec![0; if cipher.is_authenticated() { 12 } else { 16 }];
    rng.fill_bytes(&mut nonce);
    let infos = recipient_infos(provider, recipients, &key, transport).await?;
    let mut buffer = with_room(content, infos.iter().map(Vec::len).sum::<usize>() + 256);
    provider.encrypt_in_place(cipher, &key, &nonce, &[], &mut buffer).await?;
    let ciphertext = std::mem::take(&mut *buffer);
    let only_transport =
        recipients.iter().all(|recipient| matches!(recipient.key_kind(), KeyKind::Rsa { .. }));
    let encapsulates = recipients.iter().any(|recipient| matches!(recipient.key_kind(), KeyKind::MlKem(_)));
    // RFC 5652 6.1: version 2 as soon as one recipient is not plain key transport, 3 with another kind.
    let version = match (cipher.is_authenticated() || only_transport, encapsulates) {
        (true, _) => 0,
        (false, false) => 2,
        (false, true) => 3,
    };
    Ok(assemble(cipher, &nonce, version, infos, ciphertext))
}

/// The content with so much room behind it: a buffer that grows leaves its first place behind, in clear.
fn with_room(content: Cow<'_, [u8]>, room: usize) -> Zeroizing<Vec<u8>> {
    let copy = |content: &[u8]| {
        let mut copy = Zeroizing::new(Vec::with_capacity(content.len() + room));
        copy.extend_from_slice(content);
        copy
    };
    match content {
        Cow::Owned(content) if content.capacity() - content.len() >= room => Zeroizing::new(content),
        Cow::Owned(content) => copy(&Zeroizing::new(content)),
        Cow::Borrowed(content) => copy(content),
    }
}

async fn recipient_infos(
    provider: &impl Provider,
    recipients: &[Certificate],
    key: &[u8],
    transport: &[KeyTransport],
) -> Result<Vec<Vec<u8>>, EncryptError> {
    let mut infos = Vec::with_capacity(recipients.len());
    let mut by_curve: Vec<(Curve, Vec<usize>)> = Vec::new();
    for (index, recipient) in recipients.iter().enumerate() {
        match recipient.key_kind() {
            KeyKind::Rsa { .. } => {
                let padding = match transport.get(index).copied().unwrap_or_default() {
                    KeyTransport::Oaep => RsaPadding::oaep(Hash::Sha256),
                    KeyTransport::Pkcs1v15 => RsaPadding::Pkcs1v15,
                };
                let wrapped = provider.wrap_rsa(recipient.spki(), padding, key).await;
                let wrapped = wrapped.map_err(|error| at_recipient(error, index))?;
                infos.push(key_transport(recipient, padding, &wrapped));
            }
            KeyKind::Ec(curve) => add_to_curve(&mut by_curve, curve, index),
            KeyKind::X25519 => add_to_curve(&mut by_curve, Curve::X25519, index),
            KeyKind::MlKem(parameters) => {
                let info = encapsulate_to(provider, recipient, parameters, key).await;
                infos.push(info.map_err(|error| at_recipient(error, index))?);
            }
            _ => return Err(EncryptError::UnusableRecipient(index)),
        }
    }
    for (curve, indices) in by_curve {
        infos.extend(agree_with(provider, recipients, curve, &indices, key).await?);
    }
    Ok(infos)
}

fn add_to_curve(by_curve: &mut Vec<(Curve, Vec<usize>)>, curve: Curve, index: usize) {
    match by_curve.iter_mut().find(|(known, _)| *known == curve) {
        Some((_, indices)) => indices.push(index),
        None => by_curve.push((curve, vec![index])),
    }
}

const fn at_recipient(error: ProviderError, index: usize) -> EncryptError {
    match error {
        ProviderError::BadKey | ProviderError::Unsupported => EncryptError::UnusableRecipient(index),
        error => EncryptError::Provider(error),
    }
}

/// One ephemeral key for all recipients of a curve: each shared secret is still the recipient's own.
async fn agree_with(
    provider: &impl Provider,
    recipients: &[Certificate],
    curve: Curve,
    indices: &[usize],
    key: &[u8],
) -> Result<Vec<Vec<u8>>, EncryptError> {
    let mut chosen = Vec::with_capacity(indices.len());
    for index in indices {
        let unusable = EncryptError::UnusableRecipient(*index);
        let recipient = recipients.get(*index).ok_or(unusable)?;
        let point = key_octets(recipient.spki()).map_err(|Malformed| unusable)?;
        chosen.push((recipient, point));
    }
    let points = chosen.iter().map(|(_, point)| *point).collect::<Vec<_>>();
    let agreement = provider.agree_ephemeral(curve, &points).await?;
    let originator = originator_key(curve, &agreement.public);
    chosen
        .iter()
        .zip(&agreement.shared)
        .map(|((recipient, _), shared)| {
            let (scheme, wrapped) = key_agreement::wrap(curve, shared, key).ok_or(ProviderError::Platform)?;
            Ok(key_agreement_info(recipient, &originator, &scheme, &wrapped))
        })
        .collect()
}

/// KEMRecipientInfo (RFC 9629 3).
async fn encapsulate_to(
    provider: &impl Provider,
    recipient: &Certificate,
    parameters: MlKem,
    key: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let public = key_octets(recipient.spki()).map_err(|Malformed| ProviderError::BadKey)?;
    let made = provider.encapsulate(parameters, public).await?;
    let info = encapsulation::recipient_info(recipient, parameters, &made.ciphertext, &made.shared, key);
    info.ok_or(ProviderError::Platform)
}

/// KeyTransRecipientInfo (RFC 5652 6.2.1).
fn key_transport(recipient: &Certificate, padding: RsaPadding<'_>, wrapped: &[u8]) -> Vec<u8> {
    write::sequence(&[
        &write::integer(0),
        &cms::issuer_and_serial(tag::SEQUENCE, recipient),
        &algorithm::rsa_padding_identifier(padding),
        &write::octets(wrapped),
    ])
}

/// OriginatorIdentifierOrKey with an ephemeral key (RFC 5753 3.1.1, RFC 8418 2).
fn originator_key(curve: Curve, public: &[u8]) -> Vec<u8> {
    // The curve is the recipient's; every writer leaves it out here.
    let identifier = write::algorithm(if curve == Curve::X25519 { X25519_OID } else { EC_OID }, &[]);
    let key = write::tlv(tag::constructed(1), &[&identifier, &write::bits(public)]);
    write::tlv(tag::constructed(0), &[&key])
}

/// KeyAgreeRecipientInfo (RFC 5652 6.2.2).
fn key_agreement_info(recipient: &Certificate, originator: &[u8], scheme: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let id = cms::issuer_and_serial(tag::SEQUENCE, recipient);
    let encrypted_key = write::sequence(&[&id, &write::octets(wrapped)]);
    write::tlv(
        tag::constructed(1),
        &[&write::integer(3), originator, scheme, &write::sequence(&[&encrypted_key])],
    )
}

/// Puts the structure around the ciphertext in its own buffer: a second copy of a large message
/// would be the largest thing in memory.
fn assemble(
    cipher: ContentEncryption,
    nonce: &[u8],
    version: u64,
    infos: Vec<Vec<u8>>,
    mut ciphertext: Vec<u8>,
) -> Vec<u8> {
    let (content_type, parameters, mac) = if cipher.is_authenticated() {
        let tag = ciphertext.split_off(ciphertext.len().saturating_sub(16));
        let parameters = write::sequence(&[&write::octets(nonce), &write::integer(tag.len() as u64)]);
        (AUTH_ENVELOPED_DATA, parameters, write::octets(&tag))
    } else {
        (ENVELOPED_DATA, write::octets(nonce), Vec::new())
    };
    let inner = [
        write::oid(cms::DATA),
        write::algorithm(algorithm::cipher_oid(cipher), &parameters),
        write::header(tag::context(0), ciphertext.len()),
    ]
    .concat();
    let outer = [
        write::integer(version),
        write::set_of(tag::SET, infos),
        write::header(tag::SEQUENCE, inner.len() + ciphertext.len()),
        inner,
    ]
    .concat();
    let length = outer.len() + ciphertext.len() + mac.len();
    let sequence = write::header(tag::SEQUENCE, length);
    let mut prefix = content_info_header(content_type, sequence.len() + length);
    prefix.extend(sequence);
    prefix.extend(outer);
    ciphertext.reserve_exact(prefix.len() + mac.len());
    ciphertext.splice(0..0, prefix);
    ciphertext.extend(mac);
    ciphertext
}
