//! `Thread` (RFC 8621 3).

use jmap::{Get, MethodError, Thread, ThreadId};
use serde_json::Value;

use super::Call;
use super::answer::{Answer, answer, arguments, check_properties, failed, get_answer, ids_to_get, project};
use crate::store::{self, Kind};

/// `Thread/get`.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get::<Thread> { ids, properties, .. } = arguments(given)?;
    check_properties(properties.as_deref(), &["id", "emailIds"])?;
    let ids = match ids_to_get(ids, &call.relay.limits)? {
        Some(ids) => ids,
        None => all(call).await?,
    };
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, &call.account.id).await.map_err(failed)?.of(Kind::Thread);
    let found = store::threads(&mut connection, &call.account.id, &ids).await.map_err(failed)?;
    let missing: Vec<_> = ids.iter().filter(|id| !found.iter().any(|row| row.id == **id)).collect();
    let mut list = Vec::new();
    for row in found {
        list.push(project(&Thread { id: row.id, email_ids: row.emails }, properties.as_deref())?);
    }
    get_answer(&call.account.id, &state, list, &missing)
}

async fn all(call: &Call) -> Result<Vec<ThreadId>, MethodError> {
    let emails = super::email::all(call, true).await?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let rows = store::emails(&mut connection, &call.account.id, &emails).await.map_err(failed)?;
    Ok(rows.into_iter().map(|row| row.thread_id).collect())
}

/// `Thread/changes`.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    answer(&super::changes::changes(call, Kind::Thread, given).await?)
}
