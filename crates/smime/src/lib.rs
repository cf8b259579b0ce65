//! S/MIME (RFC 8551): seal, open, sign and verify.
//!
//! The crate does no I/O, reads no clock and knows no browser. Structures (CMS, X.509, MIME,
//! RFC 3161) are read and written here; the arithmetic comes in through two traits, [`Provider`]
//! (hashes, ciphers, public keys) and [`Keyring`] (private keys, named by [`KeyId`]).
//! [`rustcrypto`] implements both in memory, and `aws_lc`, a feature, with faster RSA; a browser implements them
//! on WebCrypto.
//!
//! | to | there is |
//! |---|---|
//! | seal and open whole mails | [`message::seal()`], [`message::open()`]; [`message::sign_clear`], [`message::seal_at_door`] |
//! | sign and verify | [`sign()`], [`sign_with()`], [`verify()`] |
//! | encrypt and decrypt | [`encrypt()`], [`encrypt_with()`], [`decrypt()`], [`decrypt_with_secret()`] |
//! | choose certificates and algorithms | [`recipients::choose`], [`recipients::agree`], [`recipients::offers`] |
//! | judge a certificate, ask about its revocation | [`path::validate`], [`path::ocsp_request`] |
//! | timestamp, and check timestamps | [`timestamp::request`], [`timestamp::check_response`], [`timestamp::verify_token`], [`timestamp::TimestampAuthority`] |
//! | keep a signature provable | [`evidence::links`], [`evidence::Evidence`] |
//! | label, ask for and sign receipts | [`ess`] |
//! | import and export keys | [`pkcs12::open`], [`pkcs12::create`] |
//! | ask for a certificate, and issue one | [`request::create`], [`request::verify`], [`issue::issue`] |
//! | read BER | [`ber`] |
//!
//! Compressed content (RFC 3274) has no verb: [`message::open()`] reads it on its way inwards.
//!
//! Sign inside, encrypt outside: [`sign()`] then [`encrypt()`]; [`decrypt()`] then [`verify()`].
//! The [`message`] module does so for whole mails. Each module begins with an example; those of the verbs here follow,
//! and [`sign_with()`], [`encrypt_with()`] and [`decrypt_with_secret()`] have their own.
//!
//! ```
//! use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
//! use smime::rustcrypto::{MemoryKeyring, RustCrypto};
//! use smime::{
//!     ContentEncryption, DecryptionKey, KeyId, SignedForm, Signer, Trust, UnixTime, block_on_ready,
//!     decrypt, encrypt, sign, verify,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { block_on_ready(async {
//! let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//! let now = UnixTime(1_780_272_000);
//! let (from, to) = (UnixTime(now.0 - 60), now.plus(86_400));
//! let mut keyring = MemoryKeyring::new();
//!
//! // An authority certifies a signing key and an encryption key.
//! let root = KeyId::new("root");
//! let spki = keyring.generate_p256(root.clone(), &mut rng)?;
//! let certificate = self_signed_root(&keyring, &root, &spki, "Root", [1; 16], from, to).await?;
//! let authority = Issuer { key: root, certificate };
//! let profile = |usage, serial| Profile {
//!     common_name: "Alice".into(),
//!     organisation: None,
//!     emails: vec!["alice@example.org".into()],
//!     usage,
//!     serial: [serial; 16],
//!     not_before: from,
//!     not_after: to,
//! };
//! let (signing, encryption) = (KeyId::new("signing"), KeyId::new("encryption"));
//! let spki = keyring.generate_p256(signing.clone(), &mut rng)?;
//! let signs = issue(&keyring, &authority, &spki, &profile(Usage::Signing, 2)).await?;
//! let spki = keyring.generate_p256(encryption.clone(), &mut rng)?;
//! let reads = issue(&keyring, &authority, &spki, &profile(Usage::Encryption, 3)).await?;
//!
//! // Sign inside, encrypt outside.
//! let content = b"Content-Type: text/plain\r\n\r\nHello\r\n";
//! let signer = Signer { key: signing, chain: vec![signs], encryption: Some(reads.clone()) };
//! let signed = sign(&RustCrypto, &keyring, &signer, content, SignedForm::Opaque, now).await?;
//! let cipher = ContentEncryption::Aes256Gcm;
//! let sealed = encrypt(&RustCrypto, &mut rng, &signed.to_der(), &[reads.clone()], cipher).await?;
//!
//! // And the other way round.
//! let keys = [DecryptionKey { key: encryption, certificate: reads }];
//! let opened = decrypt(&RustCrypto, &keyring, &keys, &sealed).await?;
//! let trust = Trust { anchors: vec![authority.certificate.clone()], ..Trust::default() };
//! let verified = verify(&RustCrypto, &opened.content, None, &trust, now).await?;
//! assert_eq!(&*verified.content, content);
//! assert!(verified.signers.iter().all(|signer| signer.verdict.is_ok()));
//! # Ok(()) }) }
//! ```
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::cast_possible_truncation,
        reason = "tests may panic"
    )
)]

mod algorithm;
mod asn1;
#[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
pub mod aws_lc;
pub mod ber;
mod certificate;
mod cms;
#[cfg(test)]
#[path = "../tests/support/corpus.rs"]
mod corpus;
mod decrypt;
mod encapsulation;
mod encrypt;
pub mod ess;
pub mod evidence;
pub mod issue;
mod key_agreement;
mod key_wrap;
mod keyring;
pub mod message;
pub mod path;
pub mod pkcs12;
mod provider;
mod ready;
pub mod recipients;
pub mod request;
pub mod rustcrypto;
mod sign;
#[cfg(feature = "suite")]
pub mod suite;
mod time;
pub mod timestamp;
mod verify;
#[cfg(test)]
mod wycheproof;

pub use const_oid::ObjectIdentifier;

pub use certificate::{Certificate, CertificateError, KeyKind, rsa_public_key, without_pss_binding};
pub use decrypt::{
    DecryptError, Decrypted, DecryptionKey, Secret, decrypt, decrypt_with_secret, is_enveloped,
};
pub use encrypt::{EncryptError, KeyTransport, encrypt, encrypt_with};
pub use keyring::{KeyId, Keyring, KeyringError};
pub use path::{PathError, VerifiedPath};
pub use provider::{
    Agreement, ContentEncryption, Curve, Encapsulation, Hash, MlDsa, MlKem, Provider, ProviderError,
    RsaPadding, SignatureAlgorithm,
};
pub use ready::block_on_ready;
pub use sign::{SignError, SignOptions, Signed, SignedForm, Signer, sign, sign_with};
pub use time::UnixTime;
pub use verify::{SignerError, SignerVerdict, TimestampVerdict, Trust, VerifiedCms, VerifyError, verify};
