//! Whole mails: composed, sealed, signed, opened.
//!
//! [`seal()`] signs inside and encrypts outside, with the header protected (RFC 9788); [`open()`] takes a
//! message apart again and gives it one [`Status`] (RFC 9787). A message inside a message is judged
//! apart: it is a [`Part`] that [`open()`] can be called on. Only the Cryptographic Envelope counts: an
//! encrypted or signed part anywhere below it is a file like any other.
//!
//! Mail that comes in readable is sealed by [`seal_at_door`]; [`needs_door`] says which.
//!
//! ```
//! use smime::issue::{self, Issuer, Profile, Usage};
//! use smime::message::{self, Address, Draft, SealOptions, Status};
//! use smime::rustcrypto::{MemoryKeyring, RustCrypto};
//! use smime::{DecryptionKey, KeyId, Signer, Trust, UnixTime};
//!
//! # smime::block_on_ready(async {
//! let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//! let (now, later) = (UnixTime(1_767_225_600), UnixTime(1_798_761_600));
//! let mut keyring = MemoryKeyring::new();
//! let [root, signing, encryption] = ["root", "signing", "encryption"].map(KeyId::new);
//! let spki = keyring.generate_p256(root.clone(), &mut rng)?;
//! let anchor = issue::self_signed_root(&keyring, &root, &spki, "Root", [1; 16], now, later).await?;
//! let authority = Issuer { key: root, certificate: anchor.clone() };
//! let profile = |usage, serial| Profile {
//!     common_name: "Alice".into(),
//!     organisation: None,
//!     emails: vec!["alice@a.example".into()],
//!     usage,
//!     serial: [serial; 16],
//!     not_before: now,
//!     not_after: later,
//! };
//! let spki = keyring.generate_p256(signing.clone(), &mut rng)?;
//! let to_sign = issue::issue(&keyring, &authority, &spki, &profile(Usage::Signing, 2)).await?;
//! let spki = keyring.generate_p256(encryption.clone(), &mut rng)?;
//! let to_read = issue::issue(&keyring, &authority, &spki, &profile(Usage::Encryption, 3)).await?;
//!
//! let letter = Draft {
//!     from: Address::named("Alice", "alice@a.example"),
//!     to: vec![Address::new("alice@a.example")],
//!     subject: "A note to myself".into(),
//!     date: now,
//!     message_id: "1@a.example".into(),
//!     text: "Only I can read this.".into(),
//!     ..Draft::default()
//! };
//! let signer = Signer { key: signing, chain: vec![to_sign], encryption: Some(to_read.clone()) };
//! let options = SealOptions::default();
//! let sealed = message::seal(
//!     &RustCrypto, &keyring, &mut rng, &letter, Some(&signer), &[to_read.clone()], &options,
//!     async |_signature: &[u8]| None, // a timestamp over the signature goes here
//! ).await?;
//!
//! let keys = [DecryptionKey { key: encryption, certificate: to_read }];
//! let trust = Trust { anchors: vec![anchor], ..Trust::default() };
//! let opened = message::open(&RustCrypto, &keyring, &keys, &trust, &sealed, now).await?;
//! assert_eq!(opened.status, Status::Confidential);
//! assert_eq!(opened.headers.subject, "A note to myself");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod address;
mod adopt;
mod compose;
mod compressed;
mod door;
mod draft;
mod encode;
mod entity;
mod field;
mod headers;
mod incoming;
mod layers;
mod legacy;
mod lookalike;
mod mailboxes;
mod open;
mod parts;
mod protection;
mod receipt;
mod reference;
mod report;
mod scheme;
mod seal;
mod signers;
mod transfer;
mod tree;
mod typed;
mod words;

pub use address::{Address, same_mailbox};
pub use compose::compose;
pub use door::{needs_door, seal_at_door};
pub use draft::{Attachment, ComposeError, Draft};
pub use field::is_bidi_control;
pub use headers::{FieldProtection, FromMismatch, HeaderField, Headers};
pub use incoming::Incoming;
pub use mailboxes::authors;
pub use open::{Kind, OpenError, Opened, open};
pub use parts::{Disposition, Part};
pub use protection::{HeaderPolicy, Protection};
pub use receipt::{receipt_message, seal_receipt};
pub use reference::Reference;
pub(crate) use report::path_code;
pub use report::{Layer, Role, SIGNER_FAULT_CODES, SignerFault, SignerReport, Status, TimestampReport};
pub use seal::{SealError, SealOptions, SignedDraft, seal, seal_message, sign_clear, sign_draft};
pub use transfer::{CharsetDecoder, use_charset_decoder};
pub use tree::{Node, NodeKind, NodeSigner};
