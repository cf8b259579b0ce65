use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EmailId, Id, IdentityId, Object, Patch, Set, Settable, SubmissionId, ThreadId};

/// A submission of an email (RFC 8621 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailSubmission {
    /// Its id; absent when it is being created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SubmissionId>,
    /// Who sends.
    pub identity_id: IdentityId,
    /// What is sent, or `#` and a creation id.
    pub email_id: EmailId,
    /// The email's thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// From where to where; absent: from the message's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    /// When it goes out (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<String>,
    /// `pending`, `final` or `canceled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_status: Option<String>,
    /// By address: how far it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<BTreeMap<String, DeliveryStatus>>,
}

/// The SMTP envelope of a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The return path.
    pub mail_from: EnvelopeAddress,
    /// The recipients.
    pub rcpt_to: Vec<EnvelopeAddress>,
}

/// An address of an envelope, with its SMTP parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnvelopeAddress {
    /// The address.
    pub email: String,
    /// SMTP parameters by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, Value>>,
}

impl From<String> for EnvelopeAddress {
    fn from(email: String) -> Self {
        Self { email, parameters: None }
    }
}

/// How far a submission got for one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStatus {
    /// The last SMTP reply.
    pub smtp_reply: String,
    /// Whether it arrived.
    pub delivered: Delivered,
    /// Whether it was shown.
    pub displayed: Displayed,
}

/// Whether a message arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8621 7")]
pub enum Delivered {
    Queued,
    Yes,
    No,
    Unknown,
}

/// Whether a message was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8621 7")]
pub enum Displayed {
    Unknown,
    Yes,
}

/// What `EmailSubmission/set` has beyond the standard arguments (RFC 8621 7.5).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Submit {
    /// By submission id or `#` and creation id: a patch for the email once it is submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success_update_email: Option<BTreeMap<Id, Patch>>,
    /// Submission ids whose email goes once it is submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success_destroy_email: Option<Vec<Id>>,
}

/// `EmailSubmission/set`.
pub type SubmissionSet = Set<EmailSubmission>;

impl Object for EmailSubmission {
    type Id = SubmissionId;
    const TYPE: &'static str = "EmailSubmission";
    const GET: &'static str = "EmailSubmission/get";
    const CHANGES: &'static str = "EmailSubmission/changes";
}

impl Settable for EmailSubmission {
    const SET: &'static str = "EmailSubmission/set";
    type Extra = Submit;
}
