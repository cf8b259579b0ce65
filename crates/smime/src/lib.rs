//! S/MIME (RFC 8551): seal, open, sign and verify.
//!
//! The crate does no I/O, reads no clock and knows no browser. Structures (CMS, X.509, MIME,
//! RFC 3161) are read and written here; the arithmetic comes in through two traits, [`Provider`]
//! (hashes, ciphers, public keys) and [`Keyring`] (private keys, named by [`KeyId`]).
//! [`rustcrypto`] implements both in memory; a browser implements them on WebCrypto.
//!
//! Sign inside, encrypt outside: [`sign()`] then [`encrypt()`]; [`decrypt()`] then [`verify()`].
//! The [`message`] module does so for whole mails.
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
pub mod ber;
mod certificate;
mod cms;
mod decrypt;
mod encrypt;
pub mod issue;
mod key_agreement;
mod keyring;
pub mod message;
pub mod path;
pub mod pkcs12;
mod provider;
mod ready;
pub mod request;
pub mod rustcrypto;
mod sign;
#[cfg(feature = "suite")]
pub mod suite;
mod time;
pub mod timestamp;
mod verify;

pub use certificate::{Certificate, CertificateError, KeyKind};
pub use decrypt::{
    DecryptError, Decrypted, DecryptionKey, Secret, decrypt, decrypt_with_secret, is_enveloped,
};
pub use encrypt::{EncryptError, KeyTransport, encrypt, encrypt_with};
pub use keyring::{KeyId, Keyring, KeyringError};
pub use path::{PathError, VerifiedPath};
pub use provider::{
    Agreement, ContentEncryption, Curve, Hash, Provider, ProviderError, RsaPadding, SignatureAlgorithm,
};
pub use ready::block_on_ready;
pub use sign::{SignError, Signed, SignedForm, Signer, sign, sign_with};
pub use time::UnixTime;
pub use verify::{SignerError, SignerVerdict, TimestampVerdict, Trust, VerifiedCms, VerifyError, verify};
