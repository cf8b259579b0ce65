//! `Quota` (RFC 9425): each account has one, for the octets of its mail.

use jmap::{Comparator, MAIL, MethodError, MethodErrorType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use super::answer::{Answer, arguments, check_properties, failed, get_answer, ids_to_get, project};
use super::query::{self, Query, QueryChanges};
use crate::store::{self, ChangedIds, Kind};

/// Its id.
const OCTETS: &str = "octets";

const PROPERTIES: [&str; 10] = [
    "id",
    "resourceType",
    "used",
    "hardLimit",
    "warnLimit",
    "softLimit",
    "scope",
    "name",
    "description",
    "types",
];

#[derive(Debug, Deserialize)]
struct Get {
    ids: Option<Vec<String>>,
    properties: Option<Vec<String>>,
}

/// What is used changes with the emails, so their state is the quota's.
async fn state(call: &Call) -> Result<jmap::State, MethodError> {
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    Ok(store::states(&mut connection, &call.account.id).await.map_err(failed)?.of(Kind::Email))
}

/// The quota; none where the account may keep any amount, or the client knows none of its types (RFC 9425 4).
async fn quota(call: &Call) -> Result<Option<Value>, MethodError> {
    if !call.uses(MAIL) {
        return Ok(None);
    }
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let default = call.relay.store.quota().get();
    let usage = store::usage(&mut connection, &call.account.id, default).await.map_err(failed)?;
    Ok(usage.quota.map(|limit| {
        json!({
            "id": OCTETS,
            "resourceType": "octets",
            "used": usage.used,
            "hardLimit": limit,
            "warnLimit": limit / 10 * 9,
            "softLimit": null,
            "scope": "account",
            "name": call.account.address,
            "description": null,
            "types": ["Email"],
        })
    }))
}

/// `Quota/get`
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get { ids, properties } = arguments(given)?;
    check_properties(properties.as_deref(), &PROPERTIES)?;
    let ids = ids_to_get(ids, &call.relay.limits)?;
    let (state, quota) = (state(call).await?, quota(call).await?);
    let has = |id: &String| id == OCTETS && quota.is_some();
    let missing: Vec<&String> = ids.iter().flatten().filter(|id| !has(id)).collect();
    let wanted = ids.as_ref().is_none_or(|ids| ids.iter().any(has));
    let list = quota.iter().filter(|_| wanted).map(|quota| project(quota, properties.as_deref()));
    get_answer(&call.account.id, &state, list.collect::<Result<_, _>>()?, &missing)
}

/// `Quota/changes`
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let mut told = super::changes::changes(call, Kind::Email, given).await?;
    let moved = !told.created.is_empty() || !told.updated.is_empty() || !told.destroyed.is_empty();
    let has = quota(call).await?.is_some();
    (told.created, told.destroyed) = (Vec::new(), Vec::new());
    told.updated = if moved && has { vec![OCTETS.into()] } else { Vec::new() };
    super::changes::with_properties(&told, (moved && has).then_some(&["used"]))
}

/// `Quota/query`
pub async fn query(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Query = arguments(given)?;
    check_sort(wanted.sort.as_ref())?;
    let ids = results(call, wanted.filter.as_ref()).await?;
    query::page(&call.account.id, state(call).await?, ids, &wanted)
}

/// `Quota/queryChanges`
pub async fn query_changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: QueryChanges = arguments(given)?;
    check_sort(wanted.sort.as_ref())?;
    let ids = results(call, wanted.filter.as_ref()).await?;
    let found = super::changes::since(call, Kind::Email, &wanted.since_query_state).await?;
    let moved = !found.created.is_empty() || !found.updated.is_empty() || !found.destroyed.is_empty();
    let updated = if moved { vec![OCTETS.to_owned()] } else { Vec::new() };
    let changes = ChangedIds { created: Vec::new(), updated, destroyed: Vec::new(), ..found };
    query::changed(&call.account.id, &wanted, &state(call).await?, changes, &ids)
}

/// RFC 9425 4.3; of one quota every order is the same.
fn check_sort(sort: Option<&Vec<Comparator>>) -> Result<(), MethodError> {
    query::check_sort(sort)?;
    match sort.into_iter().flatten().all(|by| matches!(by.property.as_str(), "name" | "used")) {
        true => Ok(()),
        false => Err(MethodErrorType::UnsupportedSort.into()),
    }
}

async fn results(call: &Call, filter: Option<&Value>) -> Result<Vec<String>, MethodError> {
    let quota = quota(call).await?;
    let filter = query::Filter::read(filter, &mut |map| {
        let known = |name: &str| matches!(name, "name" | "scope" | "resourceType" | "type");
        match map.keys().find(|name| !known(name)) {
            Some(_) => Err(MethodErrorType::UnsupportedFilter.into()),
            None => Ok(map.clone()),
        }
    })?;
    let holds = |quota: &Value| {
        filter.holds(&|map: &serde_json::Map<String, Value>| {
            map.iter().all(|(name, value)| match name.as_str() {
                "name" => {
                    value.as_str().is_some_and(|text| call.account.address.contains(&text.to_lowercase()))
                }
                "type" => *value == json!("Email"),
                name => quota.get(name) == Some(value),
            })
        })
    };
    Ok(quota.iter().filter(|quota| holds(quota)).map(|_| OCTETS.to_owned()).collect())
}
