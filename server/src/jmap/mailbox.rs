//! `Mailbox` (RFC 8621 2).

mod query;
mod set;

use jmap::{Get, Mailbox, MailboxRights, MethodError, Role};
use serde::Deserialize;
use serde_json::Value;

pub use query::{query, query_changes};
pub use set::set;

use super::Call;
use super::answer::{Answer, arguments, check_properties, failed, get_answer, ids_to_get, project};
use super::changes::with_properties;
use crate::store::{self, Kind, MailboxRow};

/// The properties that come and go with emails (RFC 8621 2.2).
const COUNTS: [&str; 4] = ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"];

const PROPERTIES: [&str; 11] = [
    "id",
    "name",
    "parentId",
    "role",
    "sortOrder",
    "totalEmails",
    "unreadEmails",
    "totalThreads",
    "unreadThreads",
    "myRights",
    "isSubscribed",
];

/// `Mailbox/get`.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get::<Mailbox> { ids, properties, .. } = arguments(given)?;
    check_properties(properties.as_deref(), &PROPERTIES)?;
    let ids = ids_to_get(ids, &call.relay.limits)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let (account, user) = (&call.account.id, &call.user.id);
    let state = store::states_for(&mut connection, account, user).await.map_err(failed)?.of(Kind::Mailbox);
    let rows = store::mailboxes(&mut connection, account).await.map_err(failed)?;
    let subscribed = store::subscribed(&mut connection, account, user).await.map_err(failed)?;
    let missing: Vec<_> =
        ids.iter().flatten().filter(|id| !rows.iter().any(|row| row.id == **id)).cloned().collect();
    let mut list = Vec::new();
    for row in rows {
        if ids.as_ref().is_none_or(|ids| ids.contains(&row.id)) {
            let is_subscribed = subscribed.to(&row.id);
            list.push(project(&object(row, is_subscribed, call.may_write()), properties.as_deref())?);
        }
    }
    get_answer(&call.account.id, &state, list, &missing)
}

/// `Mailbox/changes`; tells when only counts changed.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let found = super::changes::changes(call, Kind::Mailbox, given).await?;
    let only_updates = found.created.is_empty() && found.destroyed.is_empty() && !found.updated.is_empty();
    if let (true, Ok(since)) = (only_updates, found.old_state.as_str().parse()) {
        let mut connection = call.relay.store.read().await.map_err(failed)?;
        let more = store::properties_changed_since(&mut connection, &call.account.id, &call.user.id, since);
        if !more.await.map_err(failed)? {
            return with_properties(&found, Some(&COUNTS));
        }
    }
    with_properties(&found, None)
}

fn object(row: MailboxRow, is_subscribed: bool, may_write: bool) -> Mailbox {
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let role = row.role.as_deref().and_then(role);
    Mailbox {
        id: row.id,
        name: row.name,
        parent_id: row.parent_id,
        sort_order: u32::try_from(row.sort_order).unwrap_or_default(),
        total_emails: count(row.total_emails),
        unread_emails: count(row.unread_emails),
        total_threads: count(row.total_threads),
        unread_threads: count(row.unread_threads),
        my_rights: rights(role, may_write),
        role,
        is_subscribed,
    }
}

/// Whom the account is shared with to read may do nothing else. The inbox stays, for mail arrives there.
fn rights(role: Option<Role>, may_write: bool) -> MailboxRights {
    MailboxRights {
        may_read_items: true,
        may_add_items: may_write,
        may_remove_items: may_write,
        may_set_seen: may_write,
        may_set_keywords: may_write,
        may_create_child: may_write,
        may_rename: may_write,
        may_delete: may_write && role != Some(Role::Inbox),
        may_submit: may_write,
    }
}

fn role(name: &str) -> Option<Role> {
    let known = Role::deserialize(Value::String(name.to_owned())).ok()?;
    (known != Role::Unknown).then_some(known)
}
