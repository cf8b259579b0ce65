//! Sealing: sign inside, encrypt outside (RFC 8551 3.7), with the header protected (RFC 9788 5).

use std::borrow::Cow;

use rand_core::CryptoRng;

use super::{
    adopt::adopt,
    compose::{cms_entity, compose, multipart_signed},
    draft::{ComposeError, Draft, WrittenField},
    protection::{HeaderPolicy, Protection},
    reference::Reference,
};
use crate::algorithm;
use crate::ess::RequestedReceipt;
use crate::{
    Certificate, ContentEncryption, EncryptError, Hash, KeyTransport, Keyring, Provider, SignError,
    SignOptions, SignedForm, Signer, UnixTime, encrypt_with, sign_with,
};

/// How a message is sealed.
#[derive(Clone, Debug)]
pub struct SealOptions {
    /// The content cipher: AES-256-GCM unless a recipient cannot read it.
    pub cipher: ContentEncryption,
    /// How each RSA recipient, by their place, is given the key: OAEP where nothing is said.
    /// [`crate::recipients::agree`] chooses both.
    pub transport: Vec<KeyTransport>,
    /// How the content is signed: a label, a request for a receipt, an algorithm.
    pub signing: SignOptions,
    /// What the outside of the message hides.
    pub header_policy: HeaderPolicy,
    /// The message that this one answers or forwards: what it hid stays hidden.
    pub reference: Option<Reference>,
    /// Shows the hidden fields in the text to programs that know no header protection.
    pub legacy_display: bool,
    /// Keeps `Bcc` inside: for drafts and the sender's own copy only.
    pub keep_bcc: bool,
}

/// Why a message was not sealed. Nothing of it is left over then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The draft cannot be written.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// It was not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It was not encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// The original that is to be wrapped has a header that cannot be read.
    #[error("the header of the message is too large")]
    HeaderTooLarge,
}

impl Default for SealOptions {
    fn default() -> Self {
        Self {
            cipher: ContentEncryption::Aes256Gcm,
            transport: Vec::new(),
            signing: SignOptions::default(),
            header_policy: HeaderPolicy::default(),
            reference: None,
            legacy_display: false,
            keep_bcc: false,
        }
    }
}

impl SealOptions {
    fn protection(&self) -> Protection {
        Protection {
            confidential: Some(self.header_policy),
            reference: self.reference.clone(),
            legacy_display: self.legacy_display,
            keep_bcc: self.keep_bcc,
        }
    }
}

/// Signs and encrypts a draft into a whole message (RFC 5322), ready for SMTP.
///
/// Without a signer it is only encrypted, as drafts are. `stamp` is given the signature and answers
/// with an RFC 3161 token over it, if there is one to be had. To hide Bcc recipients, seal a copy for each.
///
/// A draft that is handed over is sealed in the buffer of its largest file: see [`super::Attachment::room`].
#[expect(clippy::too_many_arguments, reason = "each is a separate power: arithmetic, keys, randomness, time")]
pub async fn seal<'d>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    rng: &mut impl CryptoRng,
    draft: impl Into<Cow<'d, Draft>>,
    signer: Option<&Signer>,
    recipients: &[Certificate],
    options: &SealOptions,
    stamp: impl AsyncFnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, SealError> {
    let protection = options.protection();
    let draft = draft.into();
    let (at, outer) = (draft.date, protection.outer(&draft.header(false)?));
    let entity = compose(draft, &protection)?;
    let by = Author { signer, at };
    seal_entity(provider, keyring, rng, (entity, outer), by, recipients, options, stamp).await
}

/// A draft that was composed and signed, to be encrypted to one group of readers after the other.
///
/// What all of them open bears the same signature. Where the sender is among them (RFC 8551 3.3), a signed receipt can
/// be held against the sender's own copy (RFC 2634 2.2.2).
#[derive(Clone, Debug)]
pub struct SignedDraft {
    entity: Vec<u8>,
    outer: Vec<WrittenField>,
    receipt: Option<RequestedReceipt>,
}

/// Composes and signs a draft as [`seal()`] does. The ciphers of `options` have no effect yet.
pub async fn sign_draft<'d>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    draft: impl Into<Cow<'d, Draft>>,
    signer: &Signer,
    options: &SealOptions,
    stamp: impl AsyncFnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<SignedDraft, SealError> {
    let protection = options.protection();
    let draft = draft.into();
    let (at, outer) = (draft.date, protection.outer(&draft.header(false)?));
    let entity = compose(draft, &protection)?;
    let signing = (at, &options.signing);
    let (entity, receipt) = sign_entity(provider, keyring, signer, entity, signing, &[], stamp).await?;
    Ok(SignedDraft { entity, outer, receipt })
}

impl SignedDraft {
    /// The receipt that it asks for, if it does.
    pub fn requested_receipt(&self) -> Option<&RequestedReceipt> {
        self.receipt.as_ref()
    }

    /// Encrypts it into a whole message (RFC 5322), ready for SMTP; of `options` only the ciphers count.
    pub async fn encrypt(
        &self,
        provider: &impl Provider,
        rng: &mut impl CryptoRng,
        recipients: &[Certificate],
        options: &SealOptions,
    ) -> Result<Vec<u8>, SealError> {
        let entity = Cow::Borrowed(self.entity.as_slice());
        encrypt_entity(provider, rng, entity, &self.outer, recipients, options).await
    }

    /// As [`Self::encrypt`], in its own buffer where that has room: for the last readers, or the only ones.
    pub async fn into_encrypted(
        self,
        provider: &impl Provider,
        rng: &mut impl CryptoRng,
        recipients: &[Certificate],
        options: &SealOptions,
    ) -> Result<Vec<u8>, SealError> {
        encrypt_entity(provider, rng, self.entity.into(), &self.outer, recipients, options).await
    }
}

async fn encrypt_entity(
    provider: &impl Provider,
    rng: &mut impl CryptoRng,
    entity: Cow<'_, [u8]>,
    outer: &[WrittenField],
    recipients: &[Certificate],
    options: &SealOptions,
) -> Result<Vec<u8>, SealError> {
    let (cipher, transport) = (options.cipher, &options.transport);
    let cms = encrypt_with(provider, rng, entity, recipients, cipher, transport).await?;
    Ok(cms_entity(outer, smime_type(cipher), cms))
}

/// Signs and encrypts a message that already exists, as [`seal()`] does a draft; its body stays as it is.
///
/// `Bcc` and what the transport added are left out. `at` is the time of signing.
#[expect(clippy::too_many_arguments, reason = "each is a separate power: arithmetic, keys, randomness, time")]
pub async fn seal_message(
    provider: &impl Provider,
    keyring: &impl Keyring,
    rng: &mut impl CryptoRng,
    original: &[u8],
    signer: Option<&Signer>,
    at: UnixTime,
    recipients: &[Certificate],
    options: &SealOptions,
    stamp: impl AsyncFnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, SealError> {
    let adopted = adopt(original, &options.protection())?;
    seal_entity(provider, keyring, rng, adopted, Author { signer, at }, recipients, options, stamp).await
}

/// Who signs, if anybody, and when.
struct Author<'s> {
    signer: Option<&'s Signer>,
    at: UnixTime,
}

#[expect(clippy::too_many_arguments, reason = "each is a separate power: arithmetic, keys, randomness, time")]
async fn seal_entity(
    provider: &impl Provider,
    keyring: &impl Keyring,
    rng: &mut impl CryptoRng,
    (mut entity, outer): (Vec<u8>, Vec<WrittenField>),
    by: Author<'_>,
    recipients: &[Certificate],
    options: &SealOptions,
    stamp: impl AsyncFnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, SealError> {
    if let Some(signer) = by.signer {
        let signing = (by.at, &options.signing);
        entity = sign_entity(provider, keyring, signer, entity, signing, &[], stamp).await?.0;
    }
    encrypt_entity(provider, rng, entity.into(), &outer, recipients, options).await
}

/// Signs a draft that goes out readable, as `multipart/signed` (RFC 8551 3.5.3).
pub async fn sign_clear<'d>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    draft: impl Into<Cow<'d, Draft>>,
    signer: &Signer,
    stamp: impl AsyncFnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, SealError> {
    let protection = Protection::default();
    let draft = draft.into();
    let (at, outer) = (draft.date, protection.outer(&draft.header(false)?));
    let entity = compose(draft, &protection)?;
    let signing = (at, &SignOptions::default());
    let signed = sign_entity(provider, keyring, signer, entity, signing, &outer, stamp).await?;
    Ok(signed.0)
}

/// `multipart/signed` inside as well: the opaque form would be base64 twice, a third more to carry.
async fn sign_entity(
    provider: &impl Provider,
    keyring: &impl Keyring,
    signer: &Signer,
    entity: Vec<u8>,
    (at, options): (UnixTime, &SignOptions),
    fields: &[WrittenField],
    stamp: impl AsyncFnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<(Vec<u8>, Option<RequestedReceipt>), SealError> {
    let mut signed = sign_with(provider, keyring, signer, &entity, SignedForm::Detached, at, options).await?;
    if let Some(token) = stamp(signed.signature()).await {
        signed.attach_timestamp(&token)?;
    }
    let receipt = signed.requested_receipt(provider).await;
    let cms = signed.to_der();
    Ok((multipart_signed(fields, entity, micalg(signer, options), &cms), receipt))
}

/// The hash of the signature, by its name in RFC 8551 3.5.3.2.
fn micalg(signer: &Signer, options: &SignOptions) -> &'static str {
    let by_key = || signer.chain.first().and_then(|own| algorithm::for_key(own.key_kind()));
    match options.algorithm.or_else(by_key).map(algorithm::digest_of) {
        Some(Hash::Sha384) => "sha-384",
        Some(Hash::Sha512) => "sha-512",
        _ => "sha-256",
    }
}

/// The smime-type of what [`crate::encrypt()`] makes (RFC 8551 3.2.2).
pub(crate) fn smime_type(cipher: ContentEncryption) -> &'static str {
    if cipher.is_authenticated() { "authEnveloped-data" } else { "enveloped-data" }
}
