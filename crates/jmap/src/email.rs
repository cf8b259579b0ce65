use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, BlobId, EmailId, MailboxId, Method, Object, Queryable, SetError, Settable, State, ThreadId,
};

/// Keywords with a meaning to everybody (RFC 8621 4.1.1).
pub mod keyword {
    /// Read.
    pub const SEEN: &str = "$seen";
    /// Marked.
    pub const FLAGGED: &str = "$flagged";
    /// Being written.
    pub const DRAFT: &str = "$draft";
    /// Replied to.
    pub const ANSWERED: &str = "$answered";
    /// What became of it was told, or is not to be (RFC 3503).
    pub const MDN_SENT: &str = "$mdnsent";
    /// Came in clear and was sealed by the relay, which alone puts this on what it delivers (not of RFC 8621).
    pub const SEALED_AT_DOOR: &str = "sealed-at-door";
}

/// An email as the relay sees it (RFC 8621 4): the outer header and the outer structure.
///
/// Only what was asked for is present.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Email {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<EmailId>,
    /// The message's bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_id: Option<BlobId>,
    /// Its conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox_ids: Option<BTreeMap<MailboxId, bool>>,
    /// Its keywords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<BTreeMap<String, bool>>,
    /// Its length in octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When the relay got it (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
    /// Outer Message-ID, without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Vec<String>>,
    /// Outer In-Reply-To.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<Vec<String>>,
    /// Outer References.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<Vec<String>>,
    /// Outer From.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<EmailAddress>>,
    /// Outer To.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<EmailAddress>>,
    /// Outer Cc.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cc: Option<Vec<EmailAddress>>,
    /// Outer Subject, which tells nothing in sealed mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Outer Date (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
    /// Vendor property: what a list shows of the message, sealed to its owner (base64).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed_summary: Option<String>,
}

/// A name and an address (RFC 8621 4.1.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailAddress {
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The address.
    pub email: String,
}

/// A condition of `Email/query` (RFC 8621 4.4.1) as far as a relay can answer it on sealed mail.
///
/// Any other condition is kept in `other`, so that a relay can refuse it by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmailFilter {
    /// In this mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_mailbox: Option<MailboxId>,
    /// Not only in these mailboxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_mailbox_other_than: Option<Vec<MailboxId>>,
    /// Got before (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Got at or after (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At least this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_size: Option<u64>,
    /// Shorter than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// With this keyword.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_keyword: Option<String>,
    /// Without this keyword.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_keyword: Option<String>,
    /// Conditions these types do not know.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// `Email/import` (RFC 8621 4.8).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// Into whose account.
    pub account_id: AccountId,
    /// Refuse unless this is the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_in_state: Option<State>,
    /// By creation id.
    pub emails: BTreeMap<String, EmailImport>,
}

/// One message to import.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailImport {
    /// Its uploaded bytes.
    pub blob_id: BlobId,
    /// Where it goes.
    pub mailbox_ids: BTreeMap<MailboxId, bool>,
    /// Its keywords.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keywords: BTreeMap<String, bool>,
    /// When it was got; now, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
    /// Vendor property: see [`Email::sealed_summary`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_summary: Option<String>,
}

/// The answer to [`Import`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportAnswer {
    /// Into whose account.
    pub account_id: AccountId,
    /// The state before.
    pub old_state: Option<State>,
    /// The state after.
    pub new_state: State,
    /// By creation id: what was made.
    pub created: Option<BTreeMap<String, EmailImported>>,
    /// By creation id: why not.
    pub not_created: Option<BTreeMap<String, SetError>>,
}

/// An imported email.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailImported {
    /// Its id.
    pub id: EmailId,
    /// Its bytes.
    pub blob_id: BlobId,
    /// Its conversation.
    pub thread_id: ThreadId,
    /// Its length in octets.
    pub size: u64,
}

impl Method for Import {
    type Answer = ImportAnswer;

    fn name(&self) -> &'static str {
        "Email/import"
    }
}

/// The extra arguments of a `/set` that has none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NoExtra {}

impl Object for Email {
    type Id = EmailId;
    const TYPE: &'static str = "Email";
    const GET: &'static str = "Email/get";
    const CHANGES: &'static str = "Email/changes";
}

impl Settable for Email {
    const SET: &'static str = "Email/set";
    type Extra = NoExtra;
}

impl Queryable for Email {
    const QUERY: &'static str = "Email/query";
    type Filter = EmailFilter;
}
