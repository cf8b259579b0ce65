use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::EmailId;

/// A message disposition notification (RFC 9007 2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mdn {
    /// The email that it is about; none when a parsed one is about none of the account.
    pub for_email_id: Option<EmailId>,
    /// Its Subject.
    pub subject: Option<String>,
    /// What it says to people.
    pub text_body: Option<String>,
    /// Whether it gives the email back.
    pub include_original_message: bool,
    /// The program that made it.
    #[serde(rename = "reportingUA")]
    pub reporting_ua: Option<String>,
    /// What became of the email; none where a client forgot it.
    pub disposition: Option<Disposition>,
    /// The gateway that translated it from something else.
    pub mdn_gateway: Option<String>,
    /// The recipient as the email's sender wrote it, behind its type, as in `rfc822; a@b.example`.
    pub original_recipient: Option<String>,
    /// The recipient who sends it, behind its type.
    pub final_recipient: Option<String>,
    /// The email's Message-ID, in angle brackets.
    pub original_message_id: Option<String>,
    /// What went wrong.
    pub error: Option<Vec<String>>,
    /// Fields beyond those of the standard, by name.
    pub extension_fields: Option<BTreeMap<String, String>>,
}

/// What became of an email (RFC 9007 2, RFC 8098 3.2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disposition {
    /// Who did it.
    pub action_mode: ActionMode,
    /// Who had it told.
    pub sending_mode: SendingMode,
    /// What was done.
    #[serde(rename = "type")]
    pub kind: DispositionType,
}

/// Whether a person or a program did something with an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8098 3.2.6.1")]
pub enum ActionMode {
    ManualAction,
    AutomaticAction,
}

/// Whether a person or a program had a notification sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8098 3.2.6.1")]
pub enum SendingMode {
    MdnSentManually,
    MdnSentAutomatically,
}

/// What was done with an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8098 3.2.6.2")]
pub enum DispositionType {
    Deleted,
    Dispatched,
    Displayed,
    Processed,
}
