use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AccountId, BlobId, CORE, SEALED, State};

/// The Session object (RFC 8620 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// What the relay can do, by capability URI.
    pub capabilities: BTreeMap<String, Value>,
    /// The accounts of the user.
    pub accounts: BTreeMap<AccountId, Account>,
    /// By capability: the account to use when the user chose none.
    pub primary_accounts: BTreeMap<String, AccountId>,
    /// Who is signed in.
    pub username: String,
    /// Where requests go.
    pub api_url: String,
    /// Where blobs come from (a URI template).
    pub download_url: String,
    /// Where blobs go to (a URI template).
    pub upload_url: String,
    /// Where push comes from (a URI template).
    pub event_source_url: String,
    /// Changes when this object does.
    pub state: State,
}

impl Session {
    /// The limits of the core capability, when they are well formed.
    pub fn core(&self) -> Option<CoreCapability> {
        CoreCapability::deserialize(self.capabilities.get(CORE)?).ok()
    }

    /// What the relay says of sealed mail, when it is well formed.
    pub fn sealed(&self) -> Option<SealedCapability> {
        SealedCapability::deserialize(self.capabilities.get(SEALED)?).ok()
    }
}

/// One account of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// What to call it.
    pub name: String,
    /// Whether it belongs to the user.
    pub is_personal: bool,
    /// Whether nothing in it can be changed.
    pub is_read_only: bool,
    /// What can be done in it.
    pub account_capabilities: BTreeMap<String, Map<String, Value>>,
}

/// The limits of the core capability (RFC 8620 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8620 2")]
pub struct CoreCapability {
    pub max_size_upload: u64,
    pub max_concurrent_upload: u64,
    pub max_size_request: u64,
    pub max_concurrent_requests: u64,
    pub max_calls_in_request: u64,
    pub max_objects_in_get: u64,
    pub max_objects_in_set: u64,
    pub collation_algorithms: Vec<String>,
}

/// The vendor capability: what a browser needs to seal, open and stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedCapability {
    /// Certificates that vouch for correspondents (base64 of DER).
    pub trust_anchors: Vec<String>,
    /// Certificates that vouch for timestamps (base64 of DER).
    pub timestamp_anchors: Vec<String>,
    /// Where RFC 3161 requests go.
    pub timestamp_url: String,
    /// Where the revocation lists (RFC 5280 5) of the relay's own authorities are.
    #[serde(default)]
    pub revocation_urls: Vec<String>,
    /// Where mail knowingly sent in clear goes (a URI template).
    pub clear_url: String,
    /// The greatest `Vault/set` blob in octets.
    pub max_vault_size: u64,
    /// The greatest `sealedSummary` in octets.
    pub max_summary_size: u64,
}

/// The answer to an upload (RFC 8620 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    /// Whose blob.
    pub account_id: AccountId,
    /// Its id.
    pub blob_id: BlobId,
    /// Its media type as the client gave it.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Its length in octets.
    pub size: u64,
}
