//! Whole mails: composed, sealed, signed, opened.
//!
//! [`seal()`] signs inside and encrypts outside, with the header protected (RFC 9788); [`open()`] takes a
//! message apart again and gives it one [`Status`] (RFC 9787). A message inside a message is judged
//! apart: it is a [`Part`] that [`open()`] can be called on. Only the Cryptographic Envelope counts: an
//! encrypted or signed part anywhere below it is a file like any other.
//!
//! Mail that comes in readable is sealed by [`seal_at_door`]; [`needs_door`] says which.

mod address;
mod adopt;
mod compose;
mod door;
mod draft;
mod encode;
mod entity;
mod field;
mod headers;
mod layers;
mod legacy;
mod mailboxes;
mod open;
mod parts;
mod protection;
mod reference;
mod report;
mod scheme;
mod seal;
mod signers;
mod transfer;
mod typed;
mod words;

pub use address::{Address, same_mailbox};
pub use compose::compose;
pub use door::{needs_door, seal_at_door};
pub use draft::{Attachment, ComposeError, Draft};
pub use headers::{FieldProtection, FromMismatch, HeaderField, Headers};
pub use open::{OpenError, Opened, open};
pub use parts::{Disposition, Part};
pub use protection::{HeaderPolicy, Protection};
pub use reference::Reference;
pub use report::{Layer, Role, SIGNER_FAULT_CODES, SignerFault, SignerReport, Status, TimestampReport};
pub use seal::{SealError, SealOptions, seal, seal_message, sign_clear};
