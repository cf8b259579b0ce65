use serde::{Deserialize, Serialize};

use crate::store::Outgoing;

/// What the sender asked the servers on the way for: ESMTP parameters, by recipient where they are so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Parameters {
    /// The sender's own name for the envelope, in xtext (RFC 3461 4.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envid: Option<String>,
    /// How much of the message a report returns: `FULL` or `HDRS` (RFC 3461 4.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ret: Option<String>,
    /// When the recipient's fate is reported, as in `SUCCESS,FAILURE`; failure and delay when absent (RFC 3461 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
    /// The recipient as first written, as in `rfc822;a@b.example`, in xtext (RFC 3461 4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orcpt: Option<String>,
    /// Whether every server on the way must prove itself and speak TLS (RFC 8689).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_tls: bool,
    /// From -9 to 9 (RFC 6710).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i8>,
}

impl Parameters {
    /// Those of an entry of the queue.
    pub fn of(outgoing: &Outgoing) -> Self {
        serde_json::from_str(&outgoing.parameters).unwrap_or_default()
    }

    /// As an entry of the queue keeps them.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the sender wants to hear of this: `SUCCESS`, `FAILURE` or `DELAY`.
    pub fn wants(&self, what: &str) -> bool {
        match &self.notify {
            None => what != "SUCCESS",
            Some(notify) => notify.split(',').any(|one| one.eq_ignore_ascii_case(what)),
        }
    }
}
