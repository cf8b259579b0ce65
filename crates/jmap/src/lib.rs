//! The JMAP wire types that the app and the relay share.
//!
//! Names follow RFC 8620 (core) and RFC 8621 (mail); the methods of the vendor capability
//! [`SEALED`] are in [`sealed`]. Nothing here does I/O or knows a clock.

mod capability;
mod email;
mod error;
mod id;
mod identity;
mod mailbox;
mod mdn;
mod method;
mod push;
mod request;
pub mod sealed;
mod session;
mod submission;
mod thread;
mod vacation;

pub use capability::{BLOB, CORE, MAIL, MDN, QUOTA, SEALED, SUBMISSION, VACATION, VAPID, WEBSOCKET};
pub use email::{
    Email, EmailAddress, EmailFilter, EmailImport, EmailImported, Import, ImportAnswer, NoExtra, keyword,
};
pub use error::{LimitKind, MethodError, MethodErrorType, Problem, RequestErrorType, SetError, SetErrorType};
pub use id::{AccountId, BlobId, EmailId, Id, IdentityId, MailboxId, State, SubmissionId, ThreadId};
pub use identity::Identity;
pub use mailbox::{Mailbox, MailboxFilter, MailboxRights, MailboxSetExtra, Role};
pub use mdn::{ActionMode, Disposition, DispositionType, Mdn, SendingMode};
pub use method::{
    Changes, ChangesAnswer, Comparator, Get, GetAnswer, Method, Object, Patch, Query, QueryAnswer, Queryable,
    Set, SetAnswer, Settable,
};
pub use push::StateChange;
pub use request::{AnswerError, Batch, Invocation, Request, Response, ResultReference};
pub use session::{Account, CoreCapability, SealedCapability, Session, Upload};
pub use submission::{
    Delivered, DeliveryStatus, Displayed, EmailSubmission, Envelope, EnvelopeAddress, SubmissionSet, Submit,
};
pub use thread::Thread;
pub use vacation::VacationResponse;
