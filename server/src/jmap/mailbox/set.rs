use std::collections::{BTreeMap, HashSet};

use jmap::{Mailbox, MailboxId, MethodError, Patch, SetError, SetErrorType};
use serde_json::{Map, Value};

use super::query::ancestors;
use super::{object, role};
use crate::jmap::answer::{Answer, Outcome, answer};
use crate::jmap::{Call, set};
use crate::outer::nfc;
use crate::store::{self, EmailPatch, Kind, Ledger, MailboxRow, NewMailbox, StoreError, Tx};

/// RFC 8621 2: at least 100 octets; this fits every name that people give.
const LONGEST_NAME: usize = 255;
/// The greatest number of mailboxes of an account.
const MOST: usize = 1000;
/// The greatest depth, as the session announces.
const DEEPEST: usize = 10;

/// `Mailbox/set` (RFC 8621 2.5).
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted = set::read::<Mailbox>(call, given)?;
    let mut created = call.created.clone();
    let write = set::write(call, Kind::Mailbox, wanted.if_in_state.into(), move |tx, ledger, outcome| {
        Box::pin(async move {
            create(tx, ledger, wanted.create, &mut created, outcome).await?;
            update(tx, ledger, wanted.update, &created, outcome).await?;
            let with_emails = wanted.extra.on_destroy_remove_emails;
            destroy(tx, ledger, wanted.destroy, (&created, with_emails), outcome).await?;
            Ok(Vec::new())
        })
    });
    answer(&write.await?)
}

async fn create(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: Option<BTreeMap<String, Map<String, Value>>>,
    created: &mut BTreeMap<String, String>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    for (creation, properties) in in_order(wanted.unwrap_or_default()) {
        let rows = store::mailboxes(tx.connection(), ledger.account()).await?;
        let blank = NewMailbox {
            name: String::new(),
            parent_id: None,
            role: None,
            sort_order: 0,
            is_subscribed: true,
        };
        match patched(blank, properties, created).and_then(|new| check(new, None, &rows)) {
            Ok(new) => {
                let id = store::add_mailbox(tx, ledger, &new).await?;
                created.insert(creation.clone(), id.to_string());
                let made = store::mailboxes(tx.connection(), ledger.account()).await?;
                outcome.created.insert(creation, server_set(made, &id));
            }
            Err(error) => drop(outcome.not_created.insert(creation, error)),
        }
    }
    Ok(())
}

/// A creation that lies in another one comes after it (RFC 8620 5.3).
fn in_order(mut waiting: BTreeMap<String, Patch>) -> Vec<(String, Patch)> {
    let mut ordered = Vec::new();
    loop {
        let is_ready = |properties: &Patch| {
            let parent = properties.get("parentId").and_then(Value::as_str);
            parent.and_then(|id| id.strip_prefix('#')).is_none_or(|parent| !waiting.contains_key(parent))
        };
        // Of those that lie in each other none is ready: one comes first, and fails.
        let next =
            waiting.iter().find(|(_, properties)| is_ready(properties)).or_else(|| waiting.iter().next());
        let Some(next) = next.map(|(creation, _)| creation.clone()) else { return ordered };
        ordered.extend(waiting.remove_entry(&next));
    }
}

async fn update(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: Option<BTreeMap<jmap::Id, Patch>>,
    created: &BTreeMap<String, String>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let mut rows = store::mailboxes(tx.connection(), ledger.account()).await?;
    let mut changes = Vec::new();
    for (id, patch) in wanted.into_iter().flatten() {
        let Some(row) = find(&rows, id.as_str(), created) else {
            outcome.not_updated.insert(id, SetErrorType::NotFound.into());
            continue;
        };
        let given = patch.get("name").cloned();
        let patch = set::news(patch, &object(row.clone(), true));
        let new = patch.and_then(|patch| patched(kept(row), patch, created));
        match new.and_then(|new| keeps_inbox(row, new)) {
            Ok(new) => changes.push((id, row.id.clone(), new, given)),
            Err(error) => drop(outcome.not_updated.insert(id, error)),
        }
    }
    // RFC 8620 5.3: names may be swapped; only where the outcome of all is invalid, one is looked at after the other.
    let mut all = rows.clone();
    changes.iter().for_each(|(_, mailbox, new, _)| put(&mut all, mailbox, new));
    if changes.iter().all(|(_, mailbox, new, _)| check(new.clone(), Some(mailbox), &all).is_ok()) {
        rows = all;
    }
    for (id, mailbox, new, given) in changes {
        match check(new, Some(&mailbox), &rows) {
            Ok(new) => {
                store::update_mailbox(tx, ledger, &mailbox, &new).await?;
                put(&mut rows, &mailbox, &new);
                let name = given.filter(|name| *name != new.name).map(|_| Value::String(new.name));
                outcome.updated.insert(id, name.map(|name| Map::from_iter([("name".to_owned(), name)])));
            }
            Err(error) => drop(outcome.not_updated.insert(id, error)),
        }
    }
    Ok(())
}

fn put(rows: &mut [MailboxRow], id: &MailboxId, new: &NewMailbox) {
    for row in rows.iter_mut().filter(|row| row.id == *id) {
        let NewMailbox { name, parent_id, role, sort_order, is_subscribed } = new.clone();
        (row.name, row.parent_id, row.role) = (name, parent_id, role);
        (row.sort_order, row.is_subscribed) = (sort_order, is_subscribed);
    }
}

async fn destroy(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: Option<Vec<jmap::Id>>,
    (created, with_emails): (&BTreeMap<String, String>, bool),
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let rows = store::mailboxes(tx.connection(), ledger.account()).await?;
    let mut wanted = wanted.unwrap_or_default();
    // What lies in another one goes before it, in whatever order they are named.
    wanted.sort_by_cached_key(|id| {
        let depth =
            find(&rows, id.as_str(), created).map(|row| ancestors(row, &rows).take(rows.len()).count());
        (std::cmp::Reverse(depth), id.clone())
    });
    wanted.dedup();
    for id in wanted {
        let rows = store::mailboxes(tx.connection(), ledger.account()).await?;
        let refusal = match find(&rows, id.as_str(), created) {
            None => Some(SetErrorType::NotFound),
            Some(row) if row.role.as_deref() == Some("inbox") => Some(SetErrorType::Forbidden),
            Some(row) if rows.iter().any(|other| other.parent_id.as_ref() == Some(&row.id)) => {
                Some(SetErrorType::MailboxHasChild)
            }
            Some(row) if row.total_emails > 0 && !with_emails => Some(SetErrorType::MailboxHasEmail),
            Some(row) => {
                empty(tx, ledger, &row.id).await?;
                store::destroy_mailbox(tx, ledger, row).await?;
                None
            }
        };
        match refusal {
            Some(kind) => drop(outcome.not_destroyed.insert(id, kind.into())),
            None => outcome.destroyed.push(id),
        }
    }
    Ok(())
}

/// Takes all emails out of a mailbox; those that lie nowhere else are destroyed.
async fn empty(tx: &mut Tx, ledger: &mut Ledger, mailbox: &MailboxId) -> Result<(), StoreError> {
    let ids = store::mailbox_emails(tx.connection(), ledger.account(), mailbox).await?;
    for chunk in ids.chunks(256) {
        for row in store::emails(tx.connection(), ledger.account(), chunk).await? {
            let mut mailboxes = row.mailboxes.clone();
            mailboxes.remove(mailbox);
            if mailboxes.is_empty() {
                store::destroy_email(tx, ledger, &row).await?;
            } else {
                let patch =
                    EmailPatch { keywords: row.keywords.clone(), mailboxes, summary: row.summary.clone() };
                store::update_email(tx, ledger, &row, &patch).await?;
            }
        }
    }
    Ok(())
}

fn find<'a>(rows: &'a [MailboxRow], id: &str, created: &BTreeMap<String, String>) -> Option<&'a MailboxRow> {
    let id = match id.strip_prefix('#') {
        Some(creation) => created.get(creation)?,
        None => id,
    };
    rows.iter().find(|row| row.id.as_str() == id)
}

fn kept(row: &MailboxRow) -> NewMailbox {
    NewMailbox {
        name: row.name.clone(),
        parent_id: row.parent_id.clone(),
        role: row.role.clone(),
        sort_order: row.sort_order,
        is_subscribed: row.is_subscribed,
    }
}

fn patched(
    mut new: NewMailbox,
    patch: Patch,
    created: &BTreeMap<String, String>,
) -> Result<NewMailbox, SetError> {
    for (property, value) in patch {
        let wrong = || SetError::invalid_properties([property.as_str()]);
        match (property.as_str(), value) {
            // RFC 8621 2: Net-Unicode (RFC 5198).
            ("name", Value::String(name)) => new.name = nfc(&name),
            ("parentId", Value::Null) => new.parent_id = None,
            ("parentId", Value::String(id)) => {
                let id = match id.strip_prefix('#') {
                    Some(creation) => created.get(creation).ok_or_else(wrong)?.as_str(),
                    None => &id,
                };
                new.parent_id = Some(MailboxId::from(id));
            }
            ("role", Value::Null) => new.role = None,
            ("role", Value::String(name)) => {
                new.role = Some(role(&name).ok_or_else(wrong)?.name().to_owned());
            }
            ("sortOrder", value) => {
                // RFC 8621 2: below 2^31.
                let order = value.as_u64().and_then(|order| i32::try_from(order).ok());
                new.sort_order = i64::from(order.ok_or_else(wrong)?);
            }
            ("isSubscribed", Value::Bool(subscribed)) => new.is_subscribed = subscribed,
            _ => return Err(wrong()),
        }
    }
    Ok(new)
}

/// Mail goes to the inbox: without one it could be delivered to nobody.
fn keeps_inbox(row: &MailboxRow, new: NewMailbox) -> Result<NewMailbox, SetError> {
    match row.role.as_deref() == Some("inbox") && new.role != row.role {
        true => Err(SetError::invalid_properties(["role"])),
        false => Ok(new),
    }
}

/// RFC 8621 2: names differ among siblings, each role is had once, and nothing lies in itself.
fn check(new: NewMailbox, id: Option<&MailboxId>, rows: &[MailboxRow]) -> Result<NewMailbox, SetError> {
    let mut others = rows.iter().filter(|row| Some(&row.id) != id);
    if new.name.is_empty() || new.name.len() > LONGEST_NAME || new.name.chars().any(char::is_control) {
        return Err(SetError::invalid_properties(["name"]));
    }
    if let Some(same) = others.clone().find(|row| row.parent_id == new.parent_id && row.name == new.name) {
        let existing_id = Some(same.id.to_string());
        return Err(SetError { existing_id, ..SetErrorType::AlreadyExists.into() });
    }
    if new.role.is_some() && others.any(|row| row.role == new.role) {
        return Err(SetError::invalid_properties(["role"]));
    }
    if id.is_none() && rows.len() >= MOST {
        return Err(SetErrorType::OverQuota.into());
    }
    let mut parent = new.parent_id.as_ref();
    for _ in id.map_or(0, |id| levels_below(id, rows))..DEEPEST {
        let Some(above) = parent else { return Ok(new) };
        let row = rows.iter().find(|row| row.id == *above && Some(&row.id) != id);
        parent = row.ok_or_else(|| SetError::invalid_properties(["parentId"]))?.parent_id.as_ref();
    }
    Err(SetError::invalid_properties(["parentId"]))
}

/// How deep the mailboxes lie that lie in one; no more than the greatest depth, should they lie in each other.
fn levels_below(id: &MailboxId, rows: &[MailboxRow]) -> usize {
    let mut level = HashSet::from([id]);
    let deeper = |_: &usize| {
        let is_in = |row: &&MailboxRow| row.parent_id.as_ref().is_some_and(|parent| level.contains(parent));
        level = rows.iter().filter(is_in).map(|row| &row.id).collect();
        !level.is_empty()
    };
    (0..DEEPEST).take_while(deeper).count()
}

/// The properties that a client did not send.
fn server_set(rows: Vec<MailboxRow>, id: &MailboxId) -> Map<String, Value> {
    let made = rows.into_iter().find(|row| row.id == *id).map(|row| object(row, true));
    match serde_json::to_value(made) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}
