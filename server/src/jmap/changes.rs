use jmap::{ChangesAnswer, Id, MethodError, MethodErrorType, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::answer::{Answer, answer, arguments, failed};
use crate::store::{self, ChangedIds, ChangesError, Kind};

/// The greatest number of changes in one answer when the client names none.
const MOST: usize = 5000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    since_state: State,
    max_changes: Option<u64>,
}

/// `Foo/changes` (RFC 8620 5.2) for any type that the store keeps states of.
pub async fn changes(call: &Call, kind: Kind, given: Value) -> Result<ChangesAnswer<Id>, MethodError> {
    let Arguments { since_state, max_changes } = arguments(given)?;
    if max_changes == Some(0) {
        return Err(MethodError::new(MethodErrorType::InvalidArguments, "maxChanges is zero"));
    }
    let limit = max_changes.map_or(MOST, |most| usize::try_from(most).unwrap_or(MOST).min(MOST));
    let since = since_state.as_str().parse::<i64>();
    let since = since.map_err(|_| MethodErrorType::CannotCalculateChanges)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let found = store::changes(&mut connection, (&call.account.id, &call.user.id), kind, since, limit).await;
    let found = found.map_err(|error| match error {
        ChangesError::UnknownState => MethodErrorType::CannotCalculateChanges.into(),
        ChangesError::Store(error) => failed(error),
    })?;
    let ids = |ids: Vec<String>| ids.into_iter().map(Id::from).collect();
    Ok(ChangesAnswer {
        account_id: call.account.id.clone(),
        old_state: since_state,
        new_state: State::from(found.new_state.to_string()),
        has_more_changes: found.has_more,
        created: ids(found.created),
        updated: ids(found.updated),
        destroyed: ids(found.destroyed),
        updated_properties: None,
    })
}

/// The answer of a type that tells which properties alone changed, where that is known (RFC 8621 2.2, RFC 9425 4.2).
pub fn with_properties(found: &ChangesAnswer<Id>, alone: Option<&[&str]>) -> Result<Answer, MethodError> {
    let mut told = serde_json::to_value(found).map_err(|_| MethodErrorType::ServerFail)?;
    if let Some(map) = told.as_object_mut() {
        map.insert("updatedProperties".into(), json!(alone));
    }
    answer(&told)
}

/// How many changes a `/queryChanges` looks at; after more of them a client better asks anew.
const MOST_OF_QUERY: usize = 20_000;

/// What happened since the state of a query, which is the state of its type.
pub async fn since(call: &Call, kind: Kind, state: &State) -> Result<ChangedIds, MethodError> {
    let since = state.as_str().parse::<i64>().map_err(|_| MethodErrorType::CannotCalculateChanges)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let found =
        store::changes(&mut connection, (&call.account.id, &call.user.id), kind, since, MOST_OF_QUERY).await;
    match found {
        Ok(found) if !found.has_more => Ok(found),
        Ok(_) | Err(ChangesError::UnknownState) => Err(MethodErrorType::CannotCalculateChanges.into()),
        Err(ChangesError::Store(error)) => Err(failed(error)),
    }
}
