use jmap::MailboxId;

use crate::clock::Millis;

/// Which emails; what the relay can answer without reading any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailCondition {
    /// In this mailbox.
    InMailbox(MailboxId),
    /// In some other mailbox than these.
    InMailboxOtherThan(Vec<MailboxId>),
    /// Came before.
    Before(Millis),
    /// Came at or after.
    After(Millis),
    /// At least this long.
    MinSize(i64),
    /// Shorter than this.
    MaxSize(i64),
    /// With this keyword.
    HasKeyword(String),
    /// With this keyword on every email of the thread.
    AllInThread(String),
    /// With this keyword on some email of the thread.
    SomeInThread(String),
    /// With this text, in lower case, in the field; public accounts alone.
    Holds(ClearField, String),
    /// With or without an attachment; public accounts alone.
    HasAttachment(bool),
    /// With such a header field, in lower case, and this text in it; public accounts alone.
    Header(String, Option<String>),
    /// All of these.
    All(Vec<EmailCondition>),
    /// Any of these.
    Any(Vec<EmailCondition>),
    /// None of these.
    None(Vec<EmailCondition>),
}

/// What of a message in clear can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearField {
    /// From.
    From,
    /// To.
    To,
    /// Cc.
    Cc,
    /// Bcc.
    Bcc,
    /// Subject.
    Subject,
    /// The text.
    Body,
    /// The names of attachments.
    AttachmentName,
}

impl ClearField {
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::From => "from_text",
            Self::To => "to_text",
            Self::Cc => "cc_text",
            Self::Bcc => "bcc_text",
            Self::Subject => "subject",
            Self::Body => "body",
            Self::AttachmentName => "attachments",
        }
    }
}

/// What to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKey {
    /// When it came.
    ReceivedAt,
    /// Its length.
    Size,
    /// Whether it has this keyword.
    HasKeyword(String),
    /// Whether all of its thread have this keyword.
    AllInThread(String),
    /// Whether some of its thread have this keyword.
    SomeInThread(String),
    /// Who it is from; public accounts alone.
    From,
    /// Who it is to; public accounts alone.
    To,
    /// What it is about; public accounts alone.
    Subject,
    /// When it was sent; public accounts alone.
    SentAt,
}

/// One key of a sort order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailOrder {
    /// What to sort by.
    pub key: SortKey,
    /// Smallest first.
    pub ascending: bool,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailSearch {
    /// Which emails; none means all.
    pub condition: Option<EmailCondition>,
    /// In which order; empty means newest first.
    pub order: Vec<EmailOrder>,
    /// Only the first email of each thread.
    pub collapse: bool,
}

impl EmailSearch {
    /// The one mailbox whose whole content is asked for, if that is what is asked.
    pub fn whole_mailbox(&self) -> Option<&MailboxId> {
        match &self.condition {
            Some(EmailCondition::InMailbox(mailbox)) => Some(mailbox),
            _ => None,
        }
    }

    /// Whether the order is that of arrival, and if so whether oldest first.
    pub(super) fn by_arrival(&self) -> Option<bool> {
        match self.order.as_slice() {
            [] => Some(false),
            [EmailOrder { key: SortKey::ReceivedAt, ascending }] => Some(*ascending),
            _ => None,
        }
    }

    /// Whether another email of the thread can move this one in or out of the results.
    pub fn looks_at_threads(&self) -> bool {
        fn condition(this: &EmailCondition) -> bool {
            match this {
                EmailCondition::AllInThread(_) | EmailCondition::SomeInThread(_) => true,
                EmailCondition::All(inner) | EmailCondition::Any(inner) | EmailCondition::None(inner) => {
                    inner.iter().any(condition)
                }
                _ => false,
            }
        }
        let key =
            |order: &EmailOrder| matches!(order.key, SortKey::AllInThread(_) | SortKey::SomeInThread(_));
        self.collapse || self.condition.as_ref().is_some_and(condition) || self.order.iter().any(key)
    }

    /// A mailbox that all results lie in.
    pub(super) fn driving_mailbox(&self) -> Option<&MailboxId> {
        let in_mailbox = |condition: &'_ EmailCondition| matches!(condition, EmailCondition::InMailbox(_));
        match self.condition.as_ref()? {
            EmailCondition::InMailbox(mailbox) => Some(mailbox),
            EmailCondition::All(all) => match all.iter().find(|condition| in_mailbox(condition))? {
                EmailCondition::InMailbox(mailbox) => Some(mailbox),
                _ => None,
            },
            _ => None,
        }
    }
}
