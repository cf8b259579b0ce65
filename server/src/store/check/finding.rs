use std::fmt;

use jmap::{AccountId, BlobId, EmailId, MailboxId, ThreadId};

use crate::store::Kind;

/// The counts of a mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Emails in it.
    pub total_emails: i64,
    /// Unread emails in it.
    pub unread_emails: i64,
    /// Threads with an email in it.
    pub total_threads: i64,
    /// Those of them with an unread email.
    pub unread_threads: i64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total_emails, unread_emails, total_threads, unread_threads } = self;
        write!(f, "{total_emails}/{unread_emails} emails and {total_threads}/{unread_threads} threads")
    }
}

/// What is wrong with a blob's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BytesFault {
    /// They are not there.
    Missing,
    /// They are others than those that the blob is named by.
    Damaged,
}

/// Something that does not hold. It names ids only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the sentence of a variant tells what its fields are")]
pub enum Finding {
    /// A mailbox counts something else than lies in it.
    MailboxCounts { account: AccountId, mailbox: MailboxId, found: Counts, expected: Counts },
    /// A thread counts other emails, or other unread ones, than it has.
    Thread { account: AccountId, thread: ThreadId, found: (i64, i64), expected: (i64, i64) },
    /// A thread counts other emails in a mailbox than lie there.
    ThreadMailbox { account: AccountId, thread: ThreadId, mailbox: MailboxId, found: i64, expected: i64 },
    /// The index of a mailbox lacks an email, or has one that does not lie there.
    Placement {
        account: AccountId,
        mailbox: MailboxId,
        email: EmailId,
        received_at: i64,
        lacks: Option<ThreadId>,
    },
    /// An email lies in a mailbox that is not there, or in none.
    NoMailbox { account: AccountId, email: EmailId },
    /// A message id leads to an email that is not there, or to another thread than that of its email.
    MessageId { account: AccountId, email: EmailId },
    /// The account is said to keep another number of octets than it does.
    Used { account: AccountId, found: i64, expected: i64 },
    /// The state of a type is older than its newest change.
    State { account: AccountId, kind: Kind, found: i64, newest: i64 },
    /// Two changes have one number.
    SharedState { account: AccountId, state: i64 },
    /// An account has no inbox.
    NoInbox { account: AccountId },
    /// A mailbox lies in one that is not there.
    NoParent { account: AccountId, mailbox: MailboxId },
    /// Somebody is subscribed to a mailbox that is not there.
    NoSubscribed { account: AccountId, mailbox: MailboxId },
    /// An email's bytes are not held by its account.
    NotHeld { account: AccountId, blob: BlobId },
    /// An account holds bytes for an email that is not there.
    HeldInVain { account: AccountId, blob: BlobId },
    /// An email has another size than its bytes.
    Size { account: AccountId, email: EmailId, found: i64, expected: i64 },
    /// A blob counts others that hold it than do.
    Refs { blob: BlobId, found: i64, expected: i64 },
    /// A blob is held that is not there.
    NoBlob { blob: BlobId },
    /// A blob's bytes are missing or damaged.
    Bytes { blob: BlobId, fault: BytesFault },
    /// Bytes without a blob.
    StrayData { blob: BlobId },
    /// A file without a blob.
    StrayFile { path: String },
    /// A queue entry is on lease with a process that is gone.
    Lease { account: AccountId, entry: String },
    /// Rows of an account that is not there.
    Nobody { table: &'static str, account: AccountId },
    /// A table, column or index is missing or too many.
    Schema { difference: String },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MailboxCounts { account, mailbox, found, expected } => {
                write!(f, "account {account}: mailbox {mailbox} counts {found}, and there are {expected}")
            }
            Self::Thread { account, thread, found, expected } => write!(
                f,
                "account {account}: thread {thread} counts {}/{} emails, and there are {}/{}",
                found.0, found.1, expected.0, expected.1
            ),
            Self::ThreadMailbox { account, thread, mailbox, found, expected } => write!(
                f,
                "account {account}: thread {thread} counts {found} emails in mailbox {mailbox}, and there are \
                 {expected}"
            ),
            Self::Placement { account, mailbox, email, lacks: Some(_), .. } => {
                write!(f, "account {account}: the index of mailbox {mailbox} lacks email {email}")
            }
            Self::Placement { account, mailbox, email, lacks: None, .. } => write!(
                f,
                "account {account}: the index of mailbox {mailbox} has email {email}, which does not lie there"
            ),
            Self::NoMailbox { account, email } => {
                write!(f, "account {account}: email {email} lies in no mailbox that is there")
            }
            Self::MessageId { account, email } => {
                write!(f, "account {account}: a message id leads to email {email}, which does not have it")
            }
            other => other.fmt_rest(f),
        }
    }
}

impl Finding {
    fn fmt_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used { account, found, expected } => {
                write!(f, "account {account}: {found} octets are counted, and there are {expected}")
            }
            Self::State { account, kind, found, newest } => {
                let kind = kind.name();
                write!(f, "account {account}: the state of {kind} is {found}, its newest change {newest}")
            }
            Self::SharedState { account, state } => {
                write!(f, "account {account}: two changes have the number {state}")
            }
            Self::NoInbox { account } => write!(f, "account {account}: there is no inbox"),
            Self::NoParent { account, mailbox } => {
                write!(f, "account {account}: mailbox {mailbox} lies in one that is not there")
            }
            Self::NoSubscribed { account, mailbox } => {
                write!(
                    f,
                    "account {account}: somebody is subscribed to mailbox {mailbox}, which is not there"
                )
            }
            Self::NotHeld { account, blob } => {
                write!(f, "account {account}: blob {blob} is an email's and is not held")
            }
            Self::HeldInVain { account, blob } => {
                write!(f, "account {account}: blob {blob} is held for an email that is not there")
            }
            Self::Size { account, email, found, expected } => {
                write!(f, "account {account}: email {email} has the size {found}, its bytes {expected}")
            }
            Self::Refs { blob, found, expected } => {
                write!(f, "blob {blob}: {found} holders are counted, and there are {expected}")
            }
            Self::NoBlob { blob } => write!(f, "blob {blob}: it is held, and it is not there"),
            Self::Bytes { blob, fault: BytesFault::Missing } => {
                write!(f, "blob {blob}: its bytes are missing")
            }
            Self::Bytes { blob, fault: BytesFault::Damaged } => {
                write!(f, "blob {blob}: its bytes are damaged")
            }
            Self::StrayData { blob } => write!(f, "blob {blob}: there are bytes that belong to nothing"),
            Self::StrayFile { path } => write!(f, "file {path}: it belongs to nothing"),
            Self::Lease { entry, .. } => write!(f, "queue entry {entry}: its process is gone"),
            Self::Nobody { table, account } => {
                write!(f, "account {account}: it is not there, and {table} has rows of it")
            }
            Self::Schema { difference } => {
                write!(f, "the tables differ from those of a new database: {difference}")
            }
            _ => Ok(()),
        }
    }
}

impl Finding {
    /// The account that it is about.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::MailboxCounts { account, .. }
            | Self::Thread { account, .. }
            | Self::ThreadMailbox { account, .. }
            | Self::Placement { account, .. }
            | Self::NoMailbox { account, .. }
            | Self::MessageId { account, .. }
            | Self::Used { account, .. }
            | Self::State { account, .. }
            | Self::SharedState { account, .. }
            | Self::NoInbox { account }
            | Self::NoParent { account, .. }
            | Self::NoSubscribed { account, .. }
            | Self::NotHeld { account, .. }
            | Self::HeldInVain { account, .. }
            | Self::Size { account, .. }
            | Self::Lease { account, .. }
            | Self::Nobody { account, .. } => Some(account),
            _ => None,
        }
    }

    /// Whether it was found outside of accounts.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Lease { .. } | Self::Nobody { .. }) || self.account().is_none()
    }
}
