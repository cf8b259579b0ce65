use std::cmp::Ordering;

use jmap::{Comparator, MethodError, MethodErrorType, State};
use serde_json::{Map, Value};

use crate::clock::{Millis, parse_date};
use crate::jmap::Call;
use crate::jmap::answer::{Answer, arguments, failed};
use crate::jmap::changes::since;
use crate::jmap::query::{self, Filter, MOST, Query, QueryChanges};
use crate::store::{self, Kind, SubmissionRow};

#[derive(Debug)]
enum Condition {
    Identities(Vec<String>),
    Emails(Vec<String>),
    Threads(Vec<String>),
    UndoStatus(String),
    Before(Millis),
    After(Millis),
}

/// `EmailSubmission/query` (RFC 8621 7.3).
pub async fn query(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Query = arguments(given)?;
    let (state, ids) = results(call, wanted.filter.as_ref(), wanted.sort.as_ref()).await?;
    query::page(&call.account.id, state, ids, &wanted)
}

/// `EmailSubmission/queryChanges` (RFC 8621 7.4).
pub async fn query_changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: QueryChanges = arguments(given)?;
    let (state, ids) = results(call, wanted.filter.as_ref(), wanted.sort.as_ref()).await?;
    let changes = since(call, Kind::Submission, &wanted.since_query_state).await?;
    query::changed(&call.account.id, &wanted, &state, changes, &ids)
}

async fn results(
    call: &Call,
    filter: Option<&Value>,
    sort: Option<&Vec<Comparator>>,
) -> Result<(State, Vec<String>), MethodError> {
    query::check_sort(sort)?;
    for by in sort.into_iter().flatten() {
        if !matches!(by.property.as_str(), "emailId" | "threadId" | "sentAt") {
            return Err(MethodErrorType::UnsupportedSort.into());
        }
    }
    let filter = Filter::read(filter, &mut conditions)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let account = &call.account.id;
    let state = store::states(&mut connection, account).await.map_err(failed)?.of(Kind::Submission);
    let mut rows = store::submissions(&mut connection, account, i64::MAX).await.map_err(failed)?;
    rows.retain(|row| filter.holds(&|all: &Vec<Condition>| all.iter().all(|one| matches(one, row))));
    rows.sort_by(|one, other| {
        let by = sort.into_iter().flatten().map(|by| compared(one, other, by));
        by.fold(Ordering::Equal, Ordering::then)
    });
    Ok((state, rows.into_iter().map(|row| row.id.into()).collect()))
}

fn conditions(map: &Map<String, Value>) -> Result<Vec<Condition>, MethodError> {
    let read = |(name, value): (&String, &Value)| {
        let invalid = || MethodError::new(MethodErrorType::InvalidArguments, format!("{name} is malformed"));
        let ids = || -> Result<Vec<String>, MethodError> {
            let list = value.as_array().filter(|list| list.len() <= MOST).ok_or_else(invalid)?;
            list.iter().map(|id| id.as_str().map(str::to_owned).ok_or_else(invalid)).collect()
        };
        let date = || value.as_str().and_then(parse_date).ok_or_else(invalid);
        match name.as_str() {
            "identityIds" => ids().map(Condition::Identities),
            "emailIds" => ids().map(Condition::Emails),
            "threadIds" => ids().map(Condition::Threads),
            "undoStatus" => Ok(Condition::UndoStatus(value.as_str().ok_or_else(invalid)?.to_owned())),
            "before" => date().map(Condition::Before),
            "after" => date().map(Condition::After),
            _ => Err(MethodError::new(MethodErrorType::UnsupportedFilter, format!("{name} is not known"))),
        }
    };
    map.iter().map(read).collect()
}

fn matches(condition: &Condition, row: &SubmissionRow) -> bool {
    let among = |ids: &[String], id: &str| ids.iter().any(|one| one == id);
    match condition {
        Condition::Identities(ids) => among(ids, row.identity_id.as_str()),
        Condition::Emails(ids) => among(ids, row.email_id.as_str()),
        Condition::Threads(ids) => among(ids, row.thread_id.as_str()),
        Condition::UndoStatus(status) => row.undo_status == *status,
        Condition::Before(at) => row.send_at < *at,
        Condition::After(at) => row.send_at >= *at,
    }
}

fn compared(one: &SubmissionRow, other: &SubmissionRow, by: &Comparator) -> Ordering {
    let order = match by.property.as_str() {
        "emailId" => one.email_id.cmp(&other.email_id),
        "threadId" => one.thread_id.cmp(&other.thread_id),
        _ => one.send_at.cmp(&other.send_at),
    };
    if by.is_ascending { order } else { order.reverse() }
}
