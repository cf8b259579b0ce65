use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AccountId, State};

/// What a push event carries (RFC 8620 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// Always `StateChange`.
    #[serde(rename = "@type")]
    pub kind: String,
    /// By account, by type name: the new state.
    pub changed: BTreeMap<AccountId, BTreeMap<String, State>>,
}

impl StateChange {
    /// The new states of one account.
    pub fn of(account: AccountId, states: BTreeMap<String, State>) -> Self {
        Self { kind: "StateChange".into(), changed: BTreeMap::from([(account, states)]) }
    }
}
