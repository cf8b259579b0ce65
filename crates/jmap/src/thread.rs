use serde::{Deserialize, Serialize};

use crate::{EmailId, Object, ThreadId};

/// A conversation (RFC 8621 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Its emails, oldest first.
    pub email_ids: Vec<EmailId>,
}

impl Object for Thread {
    type Id = ThreadId;
    const TYPE: &'static str = "Thread";
    const GET: &'static str = "Thread/get";
    const CHANGES: &'static str = "Thread/changes";
}
