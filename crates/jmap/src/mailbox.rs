use serde::{Deserialize, Serialize};

use crate::{MailboxId, Object, Queryable, Settable};

/// A mailbox (RFC 8621 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// What its owner called it.
    #[serde(default)]
    pub name: String,
    /// The mailbox it lies in.
    #[serde(default)]
    pub parent_id: Option<MailboxId>,
    /// What it is for.
    #[serde(default)]
    pub role: Option<Role>,
    /// Its place among its siblings.
    #[serde(default)]
    pub sort_order: u32,
    /// Emails in it.
    #[serde(default)]
    pub total_emails: u64,
    /// Emails in it without `$seen` and `$draft`.
    #[serde(default)]
    pub unread_emails: u64,
    /// Threads with an email in it.
    #[serde(default)]
    pub total_threads: u64,
    /// Those of them with an unread email.
    #[serde(default)]
    pub unread_threads: u64,
    /// What the user may do.
    #[serde(default)]
    pub my_rights: MailboxRights,
    /// Whether the user wants to see it.
    #[serde(default)]
    pub is_subscribed: bool,
}

/// What a mailbox is for (the IANA registry of RFC 8457).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is defined by its name in the IANA registry")]
pub enum Role {
    Inbox,
    Drafts,
    Sent,
    Trash,
    Junk,
    Archive,
    /// A role this version does not know.
    #[serde(other)]
    Unknown,
}

impl Role {
    /// The role's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Drafts => "drafts",
            Self::Sent => "sent",
            Self::Trash => "trash",
            Self::Junk => "junk",
            Self::Archive => "archive",
            Self::Unknown => "unknown",
        }
    }
}

/// What the user may do with a mailbox (RFC 8621 2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8621 2")]
pub struct MailboxRights {
    pub may_read_items: bool,
    pub may_add_items: bool,
    pub may_remove_items: bool,
    pub may_set_seen: bool,
    pub may_set_keywords: bool,
    pub may_create_child: bool,
    pub may_rename: bool,
    pub may_delete: bool,
    pub may_submit: bool,
}

/// A condition of `Mailbox/query` (RFC 8621 2.3).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailboxFilter {
    /// Exactly this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Part of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Some role, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_any_role: Option<bool>,
    /// Wanted, or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_subscribed: Option<bool>,
}

/// What `Mailbox/set` has beyond the standard arguments (RFC 8621 2.5).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailboxSetExtra {
    /// Destroy a mailbox's emails with it.
    #[serde(default)]
    pub on_destroy_remove_emails: bool,
}

impl Object for Mailbox {
    type Id = MailboxId;
    const TYPE: &'static str = "Mailbox";
    const GET: &'static str = "Mailbox/get";
    const CHANGES: &'static str = "Mailbox/changes";
}

impl Settable for Mailbox {
    const SET: &'static str = "Mailbox/set";
    type Extra = MailboxSetExtra;
}

impl Queryable for Mailbox {
    const QUERY: &'static str = "Mailbox/query";
    type Filter = MailboxFilter;
}
