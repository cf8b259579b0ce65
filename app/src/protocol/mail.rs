//! Mail as the page sees it: plain data, decrypted and judged already.

use serde::{Deserialize, Serialize};

use super::details::{Label, Node, Receipt};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A message of the account (RFC 8621 section 4).
    EmailId
}
id! {
    /// A mailbox of the account (RFC 8621 section 2).
    MailboxId
}
id! {
    /// A conversation (RFC 8621 section 3).
    ThreadId
}
id! {
    /// A part of an opened message.
    PartId
}

/// Seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

/// A mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// Its name as stored; shown only where there is no role.
    pub name: String,
    /// What it is for.
    pub role: Option<Role>,
    /// How many messages it holds.
    pub total: u32,
    /// How many of them are unread.
    pub unread: u32,
}

/// What a mailbox is for (RFC 8621 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// New mail.
    Inbox,
    /// Drafts.
    Drafts,
    /// What was sent.
    Sent,
    /// What is kept aside.
    Archive,
    /// Unwanted mail.
    Junk,
    /// What is about to be removed.
    Trash,
}

/// A person or office in a header field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The name, where one is given.
    pub name: Option<String>,
    /// The mail address.
    pub email: String,
}

/// A message in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its id.
    pub id: EmailId,
    /// Its conversation.
    pub thread: ThreadId,
    /// The mailboxes it lies in.
    pub mailboxes: Vec<MailboxId>,
    /// When the relay received it.
    pub received: UnixTime,
    /// Its size in bytes.
    pub size: u64,
    /// It was read.
    pub seen: bool,
    /// It is flagged.
    pub flagged: bool,
    /// It was answered.
    pub answered: bool,
    /// It is a draft.
    pub draft: bool,
    /// Who wrote it: the outer header's word until the message was opened.
    pub from: Vec<Address>,
    /// Whom it is to: the outer header's word until the message was opened.
    pub to: Vec<Address>,
    /// What is known of its content.
    pub summary: Summary,
}

/// What a list knows of a message's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Summary {
    /// It was opened once, here or in another browser of the same owner.
    Known {
        /// The sealed subject.
        subject: String,
        /// The beginning of the text.
        preview: String,
        /// Names of attachments.
        attachments: Vec<String>,
        /// The verdict when it was opened.
        status: Status,
        /// It is a receipt for a letter; `subject` is that letter's.
        receipt: bool,
    },
    /// It is too large to be opened for a list, or was not opened yet.
    Sealed,
    /// It cannot be opened with the keys at hand.
    Closed,
    /// It is damaged.
    Damaged,
}

/// The cryptographic status of a whole message (RFC 9787 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Neither signed nor encrypted by its sender, as far as can be proven.
    Unprotected,
    /// Signed, and the signature holds.
    Verified,
    /// Signed and encrypted, and both hold.
    Confidential,
    /// Encrypted, but nobody can be shown to have signed it.
    EncryptedUnverified,
}

/// An opened message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: EmailId,
    /// Its conversation.
    pub thread: ThreadId,
    /// The mailboxes it lies in.
    pub mailboxes: Vec<MailboxId>,
    /// It was read before.
    pub seen: bool,
    /// It is flagged.
    pub flagged: bool,
    /// It is a draft.
    pub draft: bool,
    /// In a draft: the message that it answers.
    pub answers: Option<EmailId>,
    /// Who is shown as the author.
    pub from: Vec<Address>,
    /// The authors by their own account, where only the sender signed: `from` is then the sender.
    pub on_behalf_of: Vec<Address>,
    /// What the sealed part says of its author where the outside says otherwise and no signature settles
    /// it: the reader is to be warned and shown both.
    pub claimed_from: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc: only in drafts and one's own sent mail.
    pub bcc: Vec<Address>,
    /// Where an answer goes.
    pub reply_to: Vec<Address>,
    /// It was encrypted, and yet its addresses stood outside: whoever carried it could write them.
    pub recipients_unprotected: bool,
    /// Subject.
    pub subject: String,
    /// When its sender says it was written.
    pub date: Option<UnixTime>,
    /// When the relay received it.
    pub received: UnixTime,
    /// Message-ID, without angle brackets; goes into `in_reply_to` of an answer.
    pub message_id: Option<String>,
    /// In-Reply-To of the message itself; a draft taken up again keeps it.
    pub in_reply_to: Vec<String>,
    /// References; an answer appends `message_id`.
    pub references: Vec<String>,
    /// The one status.
    pub status: Status,
    /// The encryption is of a kind that no longer protects.
    pub weak: bool,
    /// It came in clear and was sealed by the relay, not by its sender.
    pub sealed_at_door: bool,
    /// What the domain of its author says of it, where the user's own relay asked.
    pub domain: Option<Domain>,
    /// Who signed it, and whether that holds.
    pub signers: Vec<Signer>,
    /// The text.
    pub body: Body,
    /// The attachments.
    pub attachments: Vec<Attachment>,
    /// The security label that its author put on it.
    pub label: Label,
    /// What it has to do with signed receipts.
    pub receipt: Receipt,
    /// How it is built, from the outside in; the status is not made from it.
    pub tree: Node,
}

/// What a domain says of mail in its name (RFC 7489). It is no signature: it proves nothing of who wrote, or what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// The domain.
    pub name: String,
    /// What it says of the message.
    pub says: Says,
}

/// What a domain says of a message in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Says {
    /// It sent it.
    Sent,
    /// It is not known to have sent it, and asks nobody to mind that; or somebody else altered what it sent.
    Unconfirmed,
    /// It did not send it: such mail is to be refused or suspected.
    Denied,
    /// It does not tell which mail is its own.
    Nothing,
}

/// The text of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Sanitised HTML for the sandboxed frame, without any remote address; for messages of plain text too.
    pub html: String,
    /// Plain text, for quoting in answers and for voice.
    pub text: String,
    /// The text is longer than what of it is here.
    pub cut: bool,
    /// Images and other remote content were left out.
    pub remote_removed: bool,
}

/// Somebody who signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The name in the certificate.
    pub name: Option<String>,
    /// The addresses in the certificate.
    pub emails: Vec<String>,
    /// The certificate's subject (RFC 4514).
    pub subject: String,
    /// Who vouched for it.
    pub issuer: String,
    /// SHA-256 fingerprint of the certificate, in hex.
    pub fingerprint: String,
    /// The kind of the certificate's key.
    pub key: Option<String>,
    /// From when until when the certificate is valid.
    pub validity: Option<(UnixTime, UnixTime)>,
    /// Whether authorities said that the certificate was not revoked; otherwise nobody here knows.
    pub revocation_known: bool,
    /// Why the signature counts as absent; none when it holds.
    pub problem: Option<SignerProblem>,
    /// When the signer says it was signed.
    pub signed_at: Option<UnixTime>,
    /// When a timestamp authority saw the signature.
    pub timestamp: Option<Timestamp>,
}

/// Why a signature counts as absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SignerProblem {
    /// The message was changed after it was signed.
    ContentChanged,
    /// The signature does not fit the certificate.
    BadSignature,
    /// The certificate has expired or is not valid yet.
    OutsideValidity,
    /// No pinned authority vouches for the certificate.
    UnknownAuthority,
    /// The certificate was revoked.
    Revoked,
    /// Whether the certificate was revoked could not be found out.
    RevocationUnknown,
    /// A certificate was signed with an algorithm that is too weak or not known.
    CertificateAlgorithm,
    /// The certificate is not for signing mail.
    WrongUsage,
    /// The signer's address is not the sender's.
    NotTheSender,
    /// The signature lies around the encryption: whoever signed need not know what is inside.
    OutsideEncryption,
    /// The signature's algorithm is too weak, or not known.
    Algorithm {
        /// Its name.
        name: String,
        /// It is known, and proves nothing any more.
        weak: bool,
    },
    /// The signature is malformed.
    Malformed,
    /// The signer's certificate is not in the message.
    NoCertificate,
}

/// A proven time of signing (RFC 3161).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// The time.
    pub time: UnixTime,
    /// The authority's name.
    pub authority: String,
}

/// An attachment of an opened message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Names the part in [`super::Request::Attachment`].
    pub part: PartId,
    /// Its file name; made up where its sender gave none.
    pub name: String,
    /// Its media type, as its sender declared it.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A letter that is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Names the letter as long as it is written and until it is surely sent: the left half of its
    /// Message-ID, by which the relay knows a second attempt. The engine makes one where there is none.
    pub letter: Option<String>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc: each gets a copy of their own.
    pub bcc: Vec<Address>,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The message answered, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// The conversation so far, without angle brackets.
    pub references: Vec<String>,
    /// Marked as answered when this is sent.
    pub answers: Option<EmailId>,
    /// The attachments.
    pub attachments: Vec<DraftAttachment>,
    /// Asks its readers for a signed receipt.
    pub receipt: bool,
}

/// An attachment of a letter that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftAttachment {
    /// Its file name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Where its bytes are.
    pub source: AttachmentSource,
}

/// Where the bytes of an attachment are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachmentSource {
    /// In the file of this index among those that travel with the request.
    File(u32),
    /// In a message already there: a forwarded one, or an earlier state of the draft.
    Part {
        /// The message.
        email: EmailId,
        /// The part of it.
        part: PartId,
    },
}
