use std::cmp::Ordering;

use jmap::{Comparator, MailboxId, MethodError, MethodErrorType, State};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jmap::Call;
use crate::jmap::answer::{Answer, arguments, failed};
use crate::jmap::changes::since;
use crate::jmap::query::{self, Filter, Query, QueryChanges};
use crate::store::{self, ChangedIds, Kind, MailboxRow, Subscribed};

/// What `Mailbox/query` has beyond the standard arguments (RFC 8621 2.3).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Tree {
    sort_as_tree: bool,
    filter_as_tree: bool,
}

#[derive(Debug)]
enum Condition {
    Parent(Option<String>),
    Name(String),
    Role(Option<String>),
    HasAnyRole(bool),
    IsSubscribed(bool),
}

/// `Mailbox/query` (RFC 8621 2.3).
pub async fn query(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let tree: Tree = arguments(given.clone())?;
    let wanted: Query = arguments(given)?;
    let (state, ids) = results(call, wanted.filter.as_ref(), wanted.sort.as_ref(), &tree).await?;
    query::page(&call.account.id, state, ids, &wanted)
}

/// `Mailbox/queryChanges` (RFC 8621 2.4).
pub async fn query_changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let tree: Tree = arguments(given.clone())?;
    let wanted: QueryChanges = arguments(given)?;
    let (state, ids) = results(call, wanted.filter.as_ref(), wanted.sort.as_ref(), &tree).await?;
    let mut changes = since(call, Kind::Mailbox, &wanted.since_query_state).await?;
    let moved = !changes.created.is_empty() || !changes.updated.is_empty() || !changes.destroyed.is_empty();
    if moved && (tree.sort_as_tree || tree.filter_as_tree) {
        // A mailbox moves all that lie in it.
        let still = ids.iter().filter(|id| !changes.created.contains(id)).cloned().collect();
        changes = ChangedIds { updated: still, ..changes };
    }
    query::changed(&call.account.id, &wanted, &state, changes, &ids)
}

async fn results(
    call: &Call,
    filter: Option<&Value>,
    sort: Option<&Vec<Comparator>>,
    tree: &Tree,
) -> Result<(State, Vec<String>), MethodError> {
    query::check_sort(sort)?;
    let filter = Filter::read(filter, &mut conditions)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let (account, user) = (&call.account.id, &call.user.id);
    let state = store::states_for(&mut connection, account, user).await.map_err(failed)?.of(Kind::Mailbox);
    let rows = store::mailboxes(&mut connection, account).await.map_err(failed)?;
    let subscribed = store::subscribed(&mut connection, account, user).await.map_err(failed)?;
    let mut rows = if tree.sort_as_tree { as_tree(rows, sort)? } else { sorted(rows, sort)? };
    let all = rows.clone();
    rows.retain(|row| {
        let holds = |row: &MailboxRow| {
            filter.holds(&|all: &Vec<Condition>| all.iter().all(|one| matches(one, row, &subscribed)))
        };
        holds(row) && (!tree.filter_as_tree || ancestors(row, &all).all(holds))
    });
    Ok((state, rows.into_iter().map(|row| row.id.into()).collect()))
}

fn conditions(map: &Map<String, Value>) -> Result<Vec<Condition>, MethodError> {
    let read = |(name, value): (&String, &Value)| match (name.as_str(), value) {
        ("parentId", Value::Null) => Ok(Condition::Parent(None)),
        ("parentId", Value::String(id)) => Ok(Condition::Parent(Some(id.clone()))),
        ("name", Value::String(name)) => Ok(Condition::Name(name.to_lowercase())),
        ("role", Value::Null) => Ok(Condition::Role(None)),
        ("role", Value::String(role)) => Ok(Condition::Role(Some(role.clone()))),
        ("hasAnyRole", Value::Bool(any)) => Ok(Condition::HasAnyRole(*any)),
        ("isSubscribed", Value::Bool(subscribed)) => Ok(Condition::IsSubscribed(*subscribed)),
        ("parentId" | "name" | "role" | "hasAnyRole" | "isSubscribed", _) => {
            Err(MethodError::new(MethodErrorType::InvalidArguments, format!("{name} is malformed")))
        }
        _ => Err(MethodError::new(MethodErrorType::UnsupportedFilter, format!("{name} is not known"))),
    };
    map.iter().map(read).collect()
}

fn matches(condition: &Condition, row: &MailboxRow, subscribed: &Subscribed) -> bool {
    match condition {
        Condition::Parent(parent) => row.parent_id.as_ref().map(MailboxId::as_str) == parent.as_deref(),
        Condition::Name(name) => row.name.to_lowercase().contains(name),
        Condition::Role(role) => row.role == *role,
        Condition::HasAnyRole(any) => row.role.is_some() == *any,
        Condition::IsSubscribed(wanted) => subscribed.to(&row.id) == *wanted,
    }
}

/// What a mailbox lies in, from the nearest on.
pub fn ancestors<'a>(row: &'a MailboxRow, rows: &'a [MailboxRow]) -> impl Iterator<Item = &'a MailboxRow> {
    let above = |row: &'a MailboxRow| {
        let parent = row.parent_id.as_ref()?;
        rows.iter().find(|other| other.id == *parent)
    };
    std::iter::successors(above(row), move |row| above(row))
}

fn sorted(mut rows: Vec<MailboxRow>, sort: Option<&Vec<Comparator>>) -> Result<Vec<MailboxRow>, MethodError> {
    for by in sort.into_iter().flatten() {
        if !matches!(by.property.as_str(), "sortOrder" | "name" | "parentId") {
            return Err(MethodErrorType::UnsupportedSort.into());
        }
    }
    rows.sort_by(|one, other| {
        let by = sort.into_iter().flatten().map(|by| compared(one, other, by));
        by.fold(Ordering::Equal, Ordering::then)
    });
    Ok(rows)
}

fn compared(one: &MailboxRow, other: &MailboxRow, by: &Comparator) -> Ordering {
    let order = match by.property.as_str() {
        "sortOrder" => one.sort_order.cmp(&other.sort_order),
        "name" => one.name.to_lowercase().cmp(&other.name.to_lowercase()),
        _ => one.parent_id.cmp(&other.parent_id),
    };
    if by.is_ascending { order } else { order.reverse() }
}

/// Parents before their children, each level in the order that was asked for.
fn as_tree(rows: Vec<MailboxRow>, sort: Option<&Vec<Comparator>>) -> Result<Vec<MailboxRow>, MethodError> {
    let rows = sorted(rows, sort)?;
    let (mut out, mut open): (Vec<MailboxRow>, Vec<&MailboxRow>) = (Vec::new(), Vec::new());
    open.extend(rows.iter().filter(|row| row.parent_id.is_none()).rev());
    while let Some(row) = open.pop() {
        out.push(row.clone());
        open.extend(rows.iter().filter(|child| child.parent_id.as_ref() == Some(&row.id)).rev());
    }
    Ok(out)
}
