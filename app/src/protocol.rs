//! What the page asks of the engine and what it gets back: one request enum, one reply enum, defined once.
//!
//! An envelope travels by `postMessage` as `[bytes, ...files or buffers]`: [`ToEngine`] one way and
//! [`FromEngine`] the other. Files go by reference, bytes are transferred; neither is in the
//! envelope, which is written with `postcard`: reading JSON would be a tenth of the page.

mod details;
mod failure;
mod mail;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use details::{Given, Label, MANY_READERS, Node, NodeKind, Proof, Receipt};
pub use failure::Failure;
pub use mail::{
    Address, Attachment, AttachmentSource, Body, Domain, Draft, DraftAttachment, EmailId, Mailbox, MailboxId,
    Message, PartId, Role, Row, Says, Signer, SignerProblem, Status, Summary, ThreadId, Timestamp, UnixTime,
};

/// Names one request of the page for as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u32);

/// Something the page wants done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Tells where this browser stands; answered by [`Reply::State`].
    Start,
    /// Signs in; answered by [`Reply::State`].
    SignIn {
        /// The mail address or account name.
        username: String,
        /// The password of the demo realm.
        password: Secret,
    },
    /// Ends the session and forgets what is open; the keys stay. Answered by [`Reply::State`].
    SignOut,
    /// Makes the two key pairs and has them certified, with progress; answered by [`Reply::State`].
    Enrol,
    /// The mailboxes; answered by [`Reply::Mailboxes`].
    Mailboxes,
    /// A slice of a mailbox, newest first; answered by [`Reply::List`].
    List {
        /// The mailbox.
        mailbox: MailboxId,
        /// How many newer messages to skip.
        position: u32,
        /// How many rows to give; the engine gives at most 200.
        limit: u32,
    },
    /// Opens a message, with progress; answered by [`Reply::Message`].
    Open {
        /// The message.
        email: EmailId,
        /// All of its text is wanted and no markup: to go on writing it, or to pass it on.
        whole: bool,
    },
    /// Signs and sends the receipt that a message asks for, or decides not to; answered by [`Reply::Receipt`].
    Receipt {
        /// The message.
        email: EmailId,
        /// Whether one is sent.
        give: bool,
    },
    /// The bytes of an attachment; answered by [`Reply::Attachment`] and one buffer.
    Attachment {
        /// The message.
        email: EmailId,
        /// The part of it.
        part: PartId,
    },
    /// Addresses that match what was typed; answered by [`Reply::Completions`].
    Complete {
        /// What was typed.
        text: String,
    },
    /// Whether mail to these addresses can be sealed; answered by [`Reply::Recipients`].
    Recipients {
        /// Mail addresses.
        addresses: Vec<String>,
    },
    /// Keeps a draft, sealed to oneself; answered by [`Reply::Draft`]. Files travel with the request.
    SaveDraft {
        /// The draft.
        draft: Draft,
        /// An earlier state of it, destroyed once this one is kept.
        replaces: Option<EmailId>,
    },
    /// Seals and sends, with progress; answered by [`Reply::Sent`]. Files travel with the request.
    ///
    /// Cancelling has no effect once the relay was asked to send.
    Send {
        /// The letter.
        draft: Draft,
        /// The draft it was, destroyed once the letter is sent.
        replaces: Option<EmailId>,
        /// Addresses to which the user confirmed that this letter may go signed but readable by everybody
        /// on its way; empty where nothing was asked. It goes so only if no other address needs it.
        clear: Vec<String>,
    },
    /// Changes messages; answered by [`Reply::Done`].
    Update {
        /// The messages.
        emails: Vec<EmailId>,
        /// What happens to each.
        change: Change,
    },
    /// Makes a recovery code; answered by [`Reply::RecoveryCode`]. An earlier code stops working.
    RecoveryCode,
    /// Brings the keys to this browser with a recovery code; answered by [`Reply::State`].
    Recover {
        /// The code; case, spaces and hyphens don't matter.
        code: Secret,
    },
    /// Makes new keys where the old ones cannot be had; mail sealed to the old ones stays closed here.
    /// Answered by [`Reply::State`].
    StartAfresh,
    /// Accepts the relay's changed certificate authorities after [`Failure::TrustChanged`]; answered by
    /// [`Reply::State`].
    AcceptTrust {
        /// The SHA-256 fingerprints (hex) the user was shown.
        fingerprints: Vec<String>,
    },
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Where this browser stands.
    State(State),
    /// The mailboxes, by role and then by name.
    Mailboxes(Vec<Mailbox>),
    /// A slice of a mailbox.
    List {
        /// The rows, newest first.
        rows: Vec<Row>,
        /// How many messages the mailbox holds.
        total: u32,
    },
    /// An opened message.
    Message(Box<Message>),
    /// An attachment, whose bytes come as the first buffer.
    Attachment {
        /// Its file name.
        name: String,
        /// Its media type, as its sender declared it.
        media_type: String,
    },
    /// Addresses that match.
    Completions(Vec<Completion>),
    /// One entry per address asked about, in that order.
    Recipients(Vec<Recipient>),
    /// The draft was kept under this id.
    Draft(EmailId),
    /// The letter was handed over.
    Sent {
        /// Addresses that a clear letter could not be delivered to, with the receiving server's reason.
        refused: Vec<(String, String)>,
    },
    /// Whether a receipt was given: what was decided first stands.
    Receipt {
        /// One was given.
        given: bool,
    },
    /// The change was made.
    Done,
    /// A fresh recovery code, to be shown once.
    RecoveryCode(Secret),
}

/// Where this browser stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// No session: ask for name and password.
    SignedOut,
    /// Signed in for the first time: ask for [`Request::Enrol`], no question needed.
    NeedsEnrolment(Account),
    /// Signed in, but the keys are in another browser: recover or start afresh.
    KeysElsewhere(Account),
    /// Everything is here.
    Ready(Account),
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The JMAP account id.
    pub id: String,
    /// The name shown to others.
    pub name: String,
    /// The mail address.
    pub address: String,
    /// The attachments of one letter, in bytes: what the relay takes, less what sealing adds.
    pub attachable: u64,
    /// When the first of one's own certificates ends, where that is within a month or past.
    pub ending: Option<UnixTime>,
}

/// What [`Request::Update`] does to each message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Read or not.
    Seen(bool),
    /// Flagged or not.
    Flagged(bool),
    /// Marks as answered.
    Answered,
    /// Takes it out of every mailbox and puts it into this one.
    Move {
        /// The mailbox.
        mailbox: MailboxId,
    },
    /// Removes it for good.
    Destroy,
}

/// Whom an address belongs to, from the directory or from signed mail received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The name.
    pub name: String,
    /// The address.
    pub address: String,
    /// The organisation, where there is one.
    pub organisation: Option<String>,
    /// An office rather than a person.
    pub office: bool,
    /// Mail to it can be sealed, as far as is known before its certificate is checked.
    pub sealable: bool,
}

/// Whether mail to an address can be sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address asked about.
    pub address: String,
    /// The answer.
    pub kind: RecipientKind,
}

/// Whether mail to an address can be sealed, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientKind {
    /// A checked certificate is at hand.
    Sealed {
        /// The name in the certificate.
        name: Option<String>,
        /// Who vouched for it: the authority's name.
        vouched_by: String,
    },
    /// No certificate is known.
    NoCertificate,
    /// There is one, but it does not stand up to checking.
    Unfit(Unfit),
    /// This is no mail address.
    NotAnAddress,
}

/// Why the newest certificate of a person is not sealed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unfit {
    /// It is no longer valid.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// Its authority took it back.
    Revoked,
    /// It is not for receiving sealed mail, or its key is too weak.
    WrongUsage,
    /// It is for receiving sealed mail, but not from this program, which cannot seal to its kind of key.
    UnsupportedKey,
    /// No authority that is known here vouches for it.
    UnknownAuthority,
    /// It, or a certificate that vouches for it, is signed by an algorithm that this program cannot check.
    UnsupportedSignature,
    /// Finding out would have cost too much.
    TooCostly,
    /// It breaks some other rule.
    Broken,
}

/// Something that happened without being asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Mail changed at the relay: lists of these mailboxes are stale.
    Changed {
        /// Mailboxes whose counts or names changed; empty when it is not known which.
        mailboxes: Vec<MailboxId>,
        /// Messages that were made or changed.
        emails: Vec<EmailId>,
        /// Messages that are gone.
        destroyed: Vec<EmailId>,
    },
    /// The relay cannot be reached; the engine keeps trying.
    Offline,
    /// The relay is reached again.
    Online,
    /// The session ended elsewhere or expired.
    SignedOut,
}

/// How far a long call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done; bytes or steps.
    pub done: u64,
    /// Of how much; zero when that is not known.
    pub total: u64,
}

/// The stages of long calls, in the order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Making key pairs.
    Keys,
    /// Sealing them into the vault.
    Vault,
    /// Having them certified.
    Certificates,
    /// Sealing mail that came before the keys anew.
    Resealing,
    /// Reading the attached files.
    Reading,
    /// Signing and encrypting.
    Sealing,
    /// Having the signature timestamped.
    Timestamp,
    /// Sending bytes to the relay.
    Uploading,
    /// Asking the relay to deliver.
    Submitting,
    /// Fetching bytes from the relay.
    Downloading,
    /// Decrypting and verifying.
    Opening,
}

/// An envelope from the page.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToEngine {
    /// Do this; files travel beside it.
    Call(CallId, Box<Request>),
    /// The page no longer wants the answer.
    Cancel(CallId),
    /// Go on past the point of no return: the page will not cancel any more.
    Commit(CallId),
}

/// An envelope from the engine.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromEngine {
    /// The engine listens now; the page holds its requests back until then.
    Ready,
    /// The answer to a call; buffers travel beside it.
    Reply(CallId, Result<Reply, Failure>),
    /// A long call went on.
    Progress(CallId, Progress),
    /// A call is about to do what cannot be taken back, and waits for [`ToEngine::Commit`].
    Commit(CallId),
    /// Something happened.
    Event(Event),
}

/// A password or code: wiped from memory when dropped, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::{CallId, Request, Secret, ToEngine};

    #[test]
    fn envelope_survives_the_wire_and_debug_hides_the_password() {
        let request =
            Request::SignIn { username: "alice".into(), password: Secret::new("correct horse".into()) };
        assert!(!format!("{request:?}").contains("horse"));
        let wire = postcard::to_allocvec(&ToEngine::Call(CallId(7), Box::new(request))).unwrap();
        let ToEngine::Call(id, request) = postcard::from_bytes(&wire).unwrap() else {
            panic!("another envelope came out")
        };
        let Request::SignIn { password, .. } = *request else { panic!("another request came out") };
        assert_eq!(id, CallId(7));
        assert_eq!(password.expose(), "correct horse");
    }
}
