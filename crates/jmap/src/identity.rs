use serde::{Deserialize, Serialize};

use crate::{EmailAddress, IdentityId, NoExtra, Object, Settable};

/// An address that the user may send from (RFC 8621 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Its id.
    pub id: IdentityId,
    /// The display name.
    #[serde(default)]
    pub name: String,
    /// The address.
    pub email: String,
    /// Default Reply-To.
    #[serde(default)]
    pub reply_to: Option<Vec<EmailAddress>>,
    /// Default Bcc.
    #[serde(default)]
    pub bcc: Option<Vec<EmailAddress>>,
    /// Signature text.
    #[serde(default)]
    pub text_signature: String,
    /// Signature in HTML.
    #[serde(default)]
    pub html_signature: String,
    /// Whether the user may remove it.
    #[serde(default)]
    pub may_delete: bool,
}

impl Object for Identity {
    type Id = IdentityId;
    const TYPE: &'static str = "Identity";
    const GET: &'static str = "Identity/get";
    const CHANGES: &'static str = "Identity/changes";
}

impl Settable for Identity {
    const SET: &'static str = "Identity/set";
    type Extra = NoExtra;
}
