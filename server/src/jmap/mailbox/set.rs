use std::collections::{BTreeMap, HashSet};

use jmap::{
    AccountId, Id, Mailbox, MailboxId, MethodError, MethodErrorType, Patch, Set, SetAnswer, SetError,
    SetErrorType,
};
use serde_json::{Map, Value};

use super::query::ancestors;
use super::{object, role};
use crate::jmap::answer::{Answer, Outcome, answer, failed};
use crate::jmap::{Call, set};
use crate::outer::nfc;
use crate::store::{self, EmailPatch, Kind, Ledger, MailboxRow, NewMailbox, StoreError, Tx};

/// RFC 8621 2: at least 100 octets; this fits every name that people give.
const LONGEST_NAME: usize = 255;
/// The greatest number of mailboxes of an account.
const MOST: usize = 1000;
/// The greatest depth, as the session announces.
const DEEPEST: usize = 10;
/// Emails that go with their mailboxes in one transaction: meanwhile nobody else writes.
const AT_ONCE: i64 = 256;

/// `Mailbox/set` (RFC 8621 2.5).
///
/// One transaction, but for mailboxes that are destroyed with many emails: those are emptied in further ones, between
/// which others write.
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted = set::read::<Mailbox>(call, given)?;
    // Whom the account is shared with to read has subscriptions of their own nevertheless.
    if !call.may_write() && !only_subscribes(&wanted) {
        return Err(MethodErrorType::AccountReadOnly.into());
    }
    // To its end, also when the client goes away: or a mailbox would stay half emptied.
    let mut own = call.clone();
    let all = call.relay.see_through(async move { (in_pieces(&mut own, wanted).await, own.created) });
    let (done, created) = all.await.map_err(failed)?;
    call.created = created;
    answer(&done?)
}

async fn in_pieces(call: &mut Call, wanted: Set<Mailbox>) -> Result<SetAnswer, MethodError> {
    let with_emails = wanted.extra.on_destroy_remove_emails;
    let mut left = wanted.destroy.clone().unwrap_or_default();
    let (user, mut created) = (call.user.id.clone(), call.created.clone());
    let write = set::write(call, Kind::Mailbox, wanted.if_in_state.into(), move |tx, ledger, outcome| {
        Box::pin(async move {
            create(tx, ledger, wanted.create, (&user, &mut created), outcome).await?;
            update(tx, ledger, wanted.update, (&user, &created), outcome).await?;
            destroy(tx, ledger, wanted.destroy.unwrap_or_default(), (&created, with_emails), outcome).await?;
            Ok(Vec::new())
        })
    });
    let mut done = write.await?;
    loop {
        left.retain(|id| !is_settled(&done, id));
        if left.is_empty() {
            return Ok(done);
        }
        let next = destroy_more(call, left.clone(), with_emails).await;
        add(&mut done, next.map_err(|_| MethodErrorType::ServerPartialFail)?);
    }
}

/// The next piece; fails where there is no end to them.
async fn destroy_more(call: &mut Call, left: Vec<Id>, with_emails: bool) -> Result<SetAnswer, MethodError> {
    let created = call.created.clone();
    let write = set::write(call, Kind::Mailbox, None.into(), move |tx, ledger, outcome| {
        Box::pin(async move {
            destroy(tx, ledger, left, (&created, with_emails), outcome).await?;
            Ok(Vec::new())
        })
    });
    let next = write.await?;
    let is_stuck = next.destroyed.is_none() && next.not_destroyed.is_none();
    if (is_stuck && next.old_state.as_ref() == Some(&next.new_state)) || has_new_child(&next) {
        // A mailbox that names emails which are not there (see `sealpost check`), or one that got another within
        // it after its first emails went.
        return Err(MethodErrorType::ServerPartialFail.into());
    }
    Ok(next)
}

fn add(done: &mut SetAnswer, next: SetAnswer) {
    // What others changed in between is told by `/changes` alone: the state stays before it.
    if next.old_state.as_ref() == Some(&done.new_state) {
        done.new_state = next.new_state;
    }
    if let Some(next) = next.destroyed {
        done.destroyed.get_or_insert_default().extend(next);
    }
    if let Some(next) = next.not_destroyed {
        done.not_destroyed.get_or_insert_default().extend(next);
    }
}

fn has_new_child(done: &SetAnswer) -> bool {
    done.not_destroyed.iter().flatten().any(|(_, error)| error.kind == SetErrorType::MailboxHasChild)
}

fn is_settled(done: &SetAnswer, id: &Id) -> bool {
    done.destroyed
        .iter()
        .flatten()
        .chain(done.not_destroyed.iter().flat_map(BTreeMap::keys))
        .any(|of| of == id)
}

fn only_subscribes(wanted: &Set<Mailbox>) -> bool {
    let mut patches = wanted.update.iter().flatten().map(|(_, patch)| patch).peekable();
    let others = wanted.create.iter().flatten().count() + wanted.destroy.iter().flatten().count();
    others == 0 && patches.peek().is_some() && patches.all(|patch| patch.keys().eq(["isSubscribed"]))
}

async fn create(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: Option<BTreeMap<String, Map<String, Value>>>,
    (user, created): (&AccountId, &mut BTreeMap<String, String>),
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    for (creation, mut properties) in in_order(wanted.unwrap_or_default()) {
        let rows = store::mailboxes(tx.connection(), ledger.account()).await?;
        let blank = NewMailbox { name: String::new(), parent_id: None, role: None, sort_order: 0 };
        let subscribes = subscription(&mut properties);
        let new = patched(blank, properties, created).and_then(|new| check(new, None, &rows));
        match subscribes.and_then(|subscribes| Ok((subscribes.unwrap_or(true), new?))) {
            Ok((subscribes, new)) => {
                let id = store::add_mailbox(tx, ledger, &new).await?;
                // RFC 8621 2: who made it is subscribed to it, others of a shared account are not; and its owner is.
                if subscribes != (user == ledger.account()) {
                    store::subscribe(tx, ledger, user, &id, subscribes).await?;
                }
                created.insert(creation.clone(), id.to_string());
                let made = store::mailboxes(tx.connection(), ledger.account()).await?;
                outcome.created.insert(creation, server_set(made, &id, subscribes));
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

/// What becomes of a mailbox.
struct Update {
    /// As the client names it.
    id: jmap::Id,
    mailbox: MailboxId,
    new: NewMailbox,
    /// Whether that is other than what is there.
    moves: bool,
    subscribes: Option<bool>,
    /// The name that was asked for.
    name: Option<Value>,
}

async fn update(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: Option<BTreeMap<jmap::Id, Patch>>,
    (user, created): (&AccountId, &BTreeMap<String, String>),
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let mut rows = store::mailboxes(tx.connection(), ledger.account()).await?;
    let subscribed = store::subscribed(tx.connection(), ledger.account(), user).await?;
    let mut updates = Vec::new();
    for (id, patch) in wanted.into_iter().flatten() {
        let Some(row) = find(&rows, id.as_str(), created) else {
            outcome.not_updated.insert(id, SetErrorType::NotFound.into());
            continue;
        };
        match read(&id, patch, row, subscribed.to(&row.id), created) {
            Ok(update) => updates.push(update),
            Err(error) => drop(outcome.not_updated.insert(id, error)),
        }
    }
    // RFC 8620 5.3: names may be swapped; only where the outcome of all is invalid, one is looked at after the other.
    let mut all = rows.clone();
    updates.iter().for_each(|update| put(&mut all, &update.mailbox, &update.new));
    if updates.iter().all(|update| check(update.new.clone(), Some(&update.mailbox), &all).is_ok()) {
        rows = all;
    }
    for Update { id, mailbox, new, moves, subscribes, name } in updates {
        match check(new, Some(&mailbox), &rows) {
            Ok(new) => {
                if let Some(subscribes) = subscribes {
                    store::subscribe(tx, ledger, user, &mailbox, subscribes).await?;
                }
                if moves {
                    store::update_mailbox(tx, ledger, &mailbox, &new).await?;
                    put(&mut rows, &mailbox, &new);
                }
                let name = name.filter(|name| *name != new.name).map(|_| Value::String(new.name));
                outcome.updated.insert(id, name.map(|name| Map::from_iter([("name".to_owned(), name)])));
            }
            Err(error) => drop(outcome.not_updated.insert(id, error)),
        }
    }
    Ok(())
}

fn read(
    id: &jmap::Id,
    patch: Patch,
    row: &MailboxRow,
    is_subscribed: bool,
    created: &BTreeMap<String, String>,
) -> Result<Update, SetError> {
    let name = patch.get("name").cloned();
    let mut patch = set::news(patch, &object(row.clone(), is_subscribed, true))?;
    let subscribes = subscription(&mut patch)?;
    let new = keeps_inbox(row, patched(kept(row), patch, created)?)?;
    let (id, mailbox, moves) = (id.clone(), row.id.clone(), new != kept(row));
    Ok(Update { id, mailbox, new, moves, subscribes, name })
}

fn put(rows: &mut [MailboxRow], id: &MailboxId, new: &NewMailbox) {
    for row in rows.iter_mut().filter(|row| row.id == *id) {
        let NewMailbox { name, parent_id, role, sort_order } = new.clone();
        (row.name, row.parent_id, row.role, row.sort_order) = (name, parent_id, role, sort_order);
    }
}

/// Destroys mailboxes until [`AT_ONCE`] emails are gone; what is neither destroyed nor refused then is to go next.
async fn destroy(
    tx: &mut Tx,
    ledger: &mut Ledger,
    mut wanted: Vec<Id>,
    (created, with_emails): (&BTreeMap<String, String>, bool),
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let rows = store::mailboxes(tx.connection(), ledger.account()).await?;
    // What lies in another one goes before it, in whatever order they are named.
    wanted.sort_by_cached_key(|id| {
        let depth =
            find(&rows, id.as_str(), created).map(|row| ancestors(row, &rows).take(rows.len()).count());
        (std::cmp::Reverse(depth), id.clone())
    });
    wanted.dedup();
    if with_emails {
        let named = wanted.iter().filter_map(|id| Some(find(&rows, id.as_str(), created)?.id.clone()));
        let named: Vec<MailboxId> = named.collect();
        store::lock_blobs_in(tx, ledger.account(), &named, AT_ONCE).await?;
    }
    let mut room = AT_ONCE;
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
                room -= empty(tx, ledger, &row.id, room).await?;
                if room <= 0 {
                    return Ok(());
                }
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

/// Takes at most so many emails out of a mailbox and tells how many; those that lie nowhere else are destroyed.
async fn empty(tx: &mut Tx, ledger: &mut Ledger, mailbox: &MailboxId, most: i64) -> Result<i64, StoreError> {
    let ids = store::mailbox_emails(tx.connection(), ledger.account(), mailbox, most).await?;
    let mut rows = store::emails(tx.connection(), ledger.account(), &ids).await?;
    // In the order of `Email/set`.
    rows.sort_unstable_by(|one, other| one.blob_id.cmp(&other.blob_id));
    for row in rows {
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
    Ok(i64::try_from(ids.len()).unwrap_or(most))
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
    }
}

/// Takes out of a patch what is the user's own and not the mailbox's.
fn subscription(patch: &mut Patch) -> Result<Option<bool>, SetError> {
    match patch.remove("isSubscribed") {
        None => Ok(None),
        Some(Value::Bool(subscribes)) => Ok(Some(subscribes)),
        Some(_) => Err(SetError::invalid_properties(["isSubscribed"])),
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
fn server_set(rows: Vec<MailboxRow>, id: &MailboxId, is_subscribed: bool) -> Map<String, Value> {
    let made = rows.into_iter().find(|row| row.id == *id).map(|row| object(row, is_subscribed, true));
    match serde_json::to_value(made) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}
