use std::collections::BTreeSet;

use jmap::{EmailId, MethodError, MethodErrorType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::query::{search, total};
use crate::jmap::Call;
use crate::jmap::answer::{Answer, arguments, failed};
use crate::jmap::changes::since;
use crate::jmap::query::{QueryChanges, told};
use crate::store::{self, Kind, StoreError};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Collapse {
    collapse_threads: bool,
}

/// `Email/queryChanges` (RFC 8621 4.5).
pub async fn query_changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Collapse { collapse_threads } = arguments(given.clone())?;
    let wanted: QueryChanges = arguments(given)?;
    let search = search(call, wanted.filter.as_ref(), wanted.sort.as_ref(), collapse_threads)?;
    let changes = since(call, Kind::Email, &wanted.since_query_state).await?;
    let account = &call.account.id;
    let mut connection = call.relay.store.search().await.map_err(failed)?;
    let state = store::states(&mut connection, account).await.map_err(failed)?.of(Kind::Email);
    let mut changed: BTreeSet<EmailId> =
        changes.updated.iter().map(|id| EmailId::from(id.as_str())).collect();
    let created: BTreeSet<EmailId> = changes.created.iter().map(|id| EmailId::from(id.as_str())).collect();
    if search.looks_at_threads()
        && let Ok(since) = wanted.since_query_state.as_str().parse()
    {
        // An email that did not change itself may come, go or move with another of its thread.
        let mates =
            store::emails_of_changed_threads(&mut connection, account, since).await.map_err(failed)?;
        changed.extend(mates.into_iter().filter(|id| !created.contains(id)));
    }
    let touched: BTreeSet<EmailId> = changed.iter().chain(&created).cloned().collect();
    let places = store::places(&mut connection, account, &search, &touched).await.map_err(slow)?;
    let total = match wanted.calculate_total {
        true => total(&mut connection, call, &search).await.map_err(slow)?,
        false => 0,
    };
    let removed = changed.into_iter().map(String::from).chain(changes.destroyed).collect();
    let added = places.into_iter().map(|(index, id)| json!({"id": id, "index": index})).collect();
    told(account, &wanted, &state, (removed, added), u64::try_from(total).unwrap_or_default())
}

/// Where the search takes too long the client asks for the list anew (RFC 8620 5.6).
fn slow(error: StoreError) -> MethodError {
    match error {
        StoreError::TooLong => MethodErrorType::CannotCalculateChanges.into(),
        error => failed(error),
    }
}
