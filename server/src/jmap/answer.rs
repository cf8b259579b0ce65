use std::collections::BTreeMap;

use jmap::{AccountId, Id, MethodError, MethodErrorType, SetAnswer, SetError, SetErrorType, State};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Call, Limits};
use crate::blobs::BlobError;
use crate::parts::ReadError;
use crate::store::{self, Ledger, StoreError};

/// What a method answers, and the call that it implies (RFC 8621 7.5).
#[derive(Debug)]
pub struct Answer {
    /// The arguments of the answer.
    pub arguments: Value,
    /// A call whose answer follows under the same call id.
    pub then: Option<(String, Value)>,
}

/// Answers with these arguments.
pub fn answer(arguments: &impl Serialize) -> Result<Answer, MethodError> {
    let arguments = serde_json::to_value(arguments).map_err(|_| MethodErrorType::ServerFail)?;
    Ok(Answer { arguments, then: None })
}

/// Reads the arguments of a method.
pub fn arguments<T: DeserializeOwned>(value: Value) -> Result<T, MethodError> {
    serde_json::from_value(value)
        .map_err(|error| MethodError::new(MethodErrorType::InvalidArguments, error.to_string()))
}

/// A failure of the store, told to the log and not to the client, which may ask again where it passes (RFC 8620 3.6.2).
pub fn failed(error: impl std::error::Error) -> MethodError {
    tracing::error!(%error, "a method failed");
    match store::is_passing(&error) {
        true => MethodErrorType::ServerUnavailable.into(),
        false => MethodErrorType::ServerFail.into(),
    }
}

/// As [`failed`], but the client may ask again where an earlier file of the same bytes is being removed.
pub fn unkept(error: BlobError) -> MethodError {
    match error {
        BlobError::Store(StoreError::BlobGone) => MethodErrorType::ServerUnavailable.into(),
        other => failed(other),
    }
}

/// RFC 8620 3.6.2: the client may ask again where only too much is read at once.
impl From<ReadError> for MethodError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Busy => MethodErrorType::ServerUnavailable.into(),
            other => failed(other),
        }
    }
}

/// Why a write inside a transaction ended as a method error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A blob could not be had.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// `ifInState` is not the state.
    #[error("the state is another by now")]
    StateMismatch,
}

impl From<WriteError> for MethodError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::StateMismatch => MethodErrorType::StateMismatch.into(),
            other => failed(other),
        }
    }
}

/// Refuses a write whose `ifInState` is not the state.
pub fn check_state(expected: Option<&State>, actual: &State) -> Result<(), WriteError> {
    match expected {
        Some(expected) if expected != actual => Err(WriteError::StateMismatch),
        _ => Ok(()),
    }
}

/// The ids of a `/get`, each once; none means all.
pub fn ids_to_get<I: Clone + Ord>(
    ids: Option<Vec<I>>,
    limits: &Limits,
) -> Result<Option<Vec<I>>, MethodError> {
    let Some(mut ids) = ids else { return Ok(None) };
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > limits.max_objects_in_get {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    Ok(Some(ids))
}

/// Refuses a `/set` with too many objects.
pub fn check_set_size(count: usize, limits: &Limits) -> Result<(), MethodError> {
    if count > limits.max_objects_in_set { Err(MethodErrorType::RequestTooLarge.into()) } else { Ok(()) }
}

/// Refuses what the account has no room for (RFC 8620 5.3).
pub fn check_room(ledger: &Ledger, octets: i64) -> Result<(), SetError> {
    if octets <= ledger.room() { Ok(()) } else { Err(SetErrorType::OverQuota.into()) }
}

/// Refuses properties that there are not, whether or not there is an object to show (RFC 8620 5.1).
pub fn check_properties(properties: Option<&[String]>, known: &[&str]) -> Result<(), MethodError> {
    match properties.into_iter().flatten().find(|property| !known.contains(&property.as_str())) {
        Some(unknown) => Err(no_property(unknown)),
        None => Ok(()),
    }
}

/// The refusal of a property that there is not.
pub fn no_property(name: &str) -> MethodError {
    MethodError::new(MethodErrorType::InvalidArguments, format!("there is no property {name}"))
}

/// Keeps the asked properties of an object; `id` always stays (RFC 8620 5.1).
pub fn project(object: &impl Serialize, properties: Option<&[String]>) -> Result<Value, MethodError> {
    let value = serde_json::to_value(object).map_err(|_| MethodErrorType::ServerFail)?;
    let (Value::Object(mut map), Some(properties)) = (value.clone(), properties) else { return Ok(value) };
    map.retain(|key, _| key == "id" || properties.iter().any(|property| property == key));
    Ok(Value::Object(map))
}

/// A `/get` answer of objects that are JSON already.
pub fn get_answer(
    account: &AccountId,
    state: &State,
    list: Vec<Value>,
    not_found: &[impl Serialize],
) -> Result<Answer, MethodError> {
    answer(&serde_json::json!({
        "accountId": account,
        "state": state,
        "list": list,
        "notFound": not_found,
    }))
}

/// The outcome of a `/set`, collected object by object.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub created: BTreeMap<String, Map<String, Value>>,
    pub updated: BTreeMap<Id, Option<Map<String, Value>>>,
    pub destroyed: Vec<Id>,
    pub not_created: BTreeMap<String, SetError>,
    pub not_updated: BTreeMap<Id, SetError>,
    pub not_destroyed: BTreeMap<Id, SetError>,
}

impl Outcome {
    /// The answer; keys without content are null, but there (RFC 8620 5.3).
    pub fn into_answer(self, account_id: AccountId, old_state: State, new_state: State) -> SetAnswer {
        fn filled<K, V>(map: BTreeMap<K, V>) -> Option<BTreeMap<K, V>> {
            (!map.is_empty()).then_some(map)
        }
        SetAnswer {
            account_id,
            old_state: Some(old_state),
            new_state,
            created: filled(self.created),
            updated: filled(self.updated),
            destroyed: (!self.destroyed.is_empty()).then_some(self.destroyed),
            not_created: filled(self.not_created),
            not_updated: filled(self.not_updated),
            not_destroyed: filled(self.not_destroyed),
        }
    }
}

impl Call {
    /// Remembers the ids of created objects of an answer that is JSON already.
    pub fn remember_made(&mut self, told: &Value) {
        for (creation, object) in told.get("created").and_then(Value::as_object).into_iter().flatten() {
            if let Some(Value::String(id)) = object.get("id") {
                self.created.insert(creation.clone(), id.clone());
            }
        }
    }

    /// Remembers the ids of created objects for later references.
    pub fn remember(&mut self, created: Option<&BTreeMap<String, Map<String, Value>>>) {
        for (creation, object) in created.into_iter().flatten() {
            if let Some(Value::String(id)) = object.get("id") {
                self.created.insert(creation.clone(), id.clone());
            }
        }
    }
}
