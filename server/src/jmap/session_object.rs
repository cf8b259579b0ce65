use std::collections::BTreeMap;

use jmap::{
    AccountId, BLOB, CORE, MAIL, MDN, QUOTA, SEALED, SUBMISSION, SealedCapability, Session, State, VACATION,
    VAPID, WEBSOCKET,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::email;
use super::limits::{MAX_DELAY, MAX_SUMMARY, MAX_VAULT};
use crate::base64_text;
use crate::relay::Relay;
use crate::store::{Account, Shared};

type Capabilities = BTreeMap<String, Value>;
type Accounts = BTreeMap<AccountId, jmap::Account>;

/// The Session object (RFC 8620 2); `base` is how the client reaches the relay.
pub fn session(relay: &Relay, account: &Account, shared: &[Shared], base: &str) -> Session {
    let (mut capabilities, accounts) = (capabilities(relay), accounts(relay, account, shared));
    let state = state_of(&capabilities, &accounts);
    // Its scheme is `ws` where the relay's is `http`, and `wss` where that is `https`.
    let socket = base.strip_prefix("http").map(|rest| format!("ws{rest}/jmap/websocket"));
    capabilities.insert(WEBSOCKET.to_owned(), json!({"url": socket, "supportsPush": true}));
    let own = accounts.get(&account.id).map(|own| &own.account_capabilities);
    // RFC 8620 2: of the core capability no account is the main one.
    let uris = own.into_iter().flatten().map(|(uri, _)| uri).filter(|uri| *uri != CORE);
    let primary = uris.map(|uri| (uri.clone(), account.id.clone())).collect();
    Session {
        capabilities,
        accounts,
        primary_accounts: primary,
        username: account.address.clone(),
        api_url: format!("{base}/jmap/api"),
        download_url: format!("{base}/jmap/download/{{accountId}}/{{blobId}}/{{name}}?type={{type}}"),
        upload_url: format!("{base}/jmap/upload/{{accountId}}"),
        event_source_url: format!(
            "{base}/jmap/eventsource?types={{types}}&closeafter={{closeafter}}&ping={{ping}}"
        ),
        state,
    }
}

/// The state of the Session object.
pub fn state(relay: &Relay, account: &Account, shared: &[Shared]) -> State {
    state_of(&capabilities(relay), &accounts(relay, account, shared))
}

/// A hash of what can change: another configuration or release gives clients another state.
fn state_of(capabilities: &Capabilities, accounts: &Accounts) -> State {
    let digest = Sha256::digest(to_json(&(capabilities, accounts)).to_string());
    State::from(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn capabilities(relay: &Relay) -> Capabilities {
    let capability = |uri: &str, value: Value| (uri.to_owned(), value);
    BTreeMap::from([
        capability(CORE, to_json(&relay.limits.capability())),
        capability(MAIL, json!({})),
        capability(SUBMISSION, json!({})),
        capability(VACATION, json!({})),
        capability(MDN, json!({})),
        capability(BLOB, json!({})),
        capability(QUOTA, json!({})),
        capability(VAPID, json!({"applicationServerKey": relay.pusher.public_key()})),
        capability(SEALED, to_json(&sealed(relay))),
    ])
}

fn accounts(relay: &Relay, account: &Account, shared: &[Shared]) -> Accounts {
    let own = (account.id.clone(), account_object(relay, account));
    let others = shared.iter().map(|Shared { account, may_write }| {
        let mut object = account_object(relay, account);
        (object.is_personal, object.is_read_only) = (false, !may_write);
        (account.id.clone(), object)
    });
    std::iter::once(own).chain(others).collect()
}

fn account_object(relay: &Relay, account: &Account) -> jmap::Account {
    let mail = json!({
        "maxMailboxesPerEmail": null,
        "maxMailboxDepth": 10,
        "maxSizeMailboxName": 255,
        "maxSizeAttachmentsPerEmail": email::most_attached(relay.limits.max_size_upload),
        "emailQuerySortOptions": super::email::sort_options(account.kind.is_sealed()),
        "mayCreateTopLevelMailbox": true,
    });
    let submission = json!({"maxDelayedSend": MAX_DELAY / 1000, "submissionExtensions": {"FUTURERELEASE": [], "DSN": [], "REQUIRETLS": [], "MT-PRIORITY": []}});
    let sealed = json!({"kind": account.kind.name()});
    let capability = |uri: &str, value: Value| (uri.to_owned(), object(value));
    let mut account_capabilities = BTreeMap::from([
        capability(CORE, json!({})),
        capability(MAIL, mail),
        capability(SUBMISSION, submission),
        capability(BLOB, blob(relay)),
        capability(QUOTA, json!({})),
        capability(SEALED, sealed),
    ]);
    if !account.kind.is_sealed() {
        account_capabilities.extend([VACATION, MDN].map(|uri| capability(uri, json!({}))));
    }
    jmap::Account { name: account.name.clone(), is_personal: true, is_read_only: false, account_capabilities }
}

fn blob(relay: &Relay) -> Value {
    json!({
        "maxSizeBlobSet": relay.limits.max_size_upload,
        "maxDataSources": super::blob::MOST_SOURCES,
        "supportedTypeNames": super::blob::LOOKED_UP,
        "supportedDigestAlgorithms": ["sha-256", "sha-512"],
    })
}

fn sealed(relay: &Relay) -> SealedCapability {
    let text = |certificates: Vec<smime::Certificate>| {
        certificates.iter().map(|certificate| base64_text(certificate.der())).collect()
    };
    let wide = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    SealedCapability {
        trust_anchors: text(relay.trust_anchors()),
        timestamp_anchors: text(relay.authority.timestamp_anchors()),
        timestamp_url: "/tsa".into(),
        revocation_urls: vec!["/crl/people".into(), "/crl/authorities".into()],
        clear_url: "/jmap/clear/{accountId}".into(),
        max_vault_size: wide(MAX_VAULT),
        max_summary_size: wide(MAX_SUMMARY),
    }
}

fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
