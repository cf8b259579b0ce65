//! What all `/query` and `/queryChanges` methods share (RFC 8620 5.5, 5.6), for lists that fit into memory.

use std::collections::BTreeSet;

use jmap::{AccountId, Comparator, MethodError, MethodErrorType, QueryAnswer, State};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value, json};

use super::answer::{Answer, answer};
use super::limits::{COLLATION, MOST_COMPARATORS};
use crate::store::ChangedIds;

/// The greatest depth of operators, and the greatest number of conditions, in a filter.
pub const DEEPEST: usize = 8;
pub const MOST: usize = 64;

/// The arguments of every `/query`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    pub filter: Option<Value>,
    pub sort: Option<Vec<Comparator>>,
    #[serde(default, deserialize_with = "int")]
    pub position: i64,
    pub anchor: Option<String>,
    #[serde(default, deserialize_with = "int")]
    pub anchor_offset: i64,
    pub limit: Option<u64>,
    #[serde(default)]
    pub calculate_total: bool,
}

/// The arguments of every `/queryChanges`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryChanges {
    pub filter: Option<Value>,
    pub sort: Option<Vec<Comparator>>,
    pub since_query_state: State,
    pub max_changes: Option<u64>,
    #[serde(default)]
    pub calculate_total: bool,
}

/// RFC 8620 1.3: an Int is one that a double holds.
fn int<'de, D: Deserializer<'de>>(given: D) -> Result<i64, D::Error> {
    let number = i64::deserialize(given)?;
    let fits = number.unsigned_abs() < 1 << 53;
    if fits { Ok(number) } else { Err(D::Error::custom("a number is beyond 2^53-1")) }
}

/// A filter whose conditions are read already.
#[derive(Debug)]
pub enum Filter<C> {
    Condition(C),
    All(Vec<Filter<C>>),
    Any(Vec<Filter<C>>),
    None(Vec<Filter<C>>),
}

impl<C> Filter<C> {
    /// Reads a filter; none, and an empty one, holds for everything.
    pub fn read(
        filter: Option<&Value>,
        condition: &mut impl FnMut(&Map<String, Value>) -> Result<C, MethodError>,
    ) -> Result<Self, MethodError> {
        match filter {
            None | Some(Value::Null) => Ok(Self::All(Vec::new())),
            Some(filter) => Self::walk(filter, DEEPEST, &mut MOST.clone(), condition),
        }
    }

    fn walk(
        filter: &Value,
        depth: usize,
        room: &mut usize,
        condition: &mut impl FnMut(&Map<String, Value>) -> Result<C, MethodError>,
    ) -> Result<Self, MethodError> {
        let too_deep =
            || MethodError::new(MethodErrorType::UnsupportedFilter, "the filter is too deep or too large");
        let invalid = || MethodError::new(MethodErrorType::InvalidArguments, "the filter is malformed");
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let map = filter.as_object().ok_or_else(invalid)?;
        *room = room.checked_sub(map.len().max(1)).ok_or_else(too_deep)?;
        let Some(operator) = map.get("operator") else { return Ok(Self::Condition(condition(map)?)) };
        let inner = map.get("conditions").and_then(Value::as_array).ok_or_else(invalid)?;
        let inner = inner.iter().map(|inner| Self::walk(inner, depth, room, condition));
        let inner = inner.collect::<Result<Vec<_>, _>>()?;
        match operator.as_str() {
            Some("AND") => Ok(Self::All(inner)),
            Some("OR") => Ok(Self::Any(inner)),
            Some("NOT") => Ok(Self::None(inner)),
            _ => Err(invalid()),
        }
    }

    /// Whether it holds, where `condition` tells whether a condition does.
    pub fn holds(&self, condition: &impl Fn(&C) -> bool) -> bool {
        match self {
            Self::Condition(one) => condition(one),
            Self::All(all) => all.iter().all(|inner| inner.holds(condition)),
            Self::Any(any) => any.iter().any(|inner| inner.holds(condition)),
            Self::None(none) => !none.iter().any(|inner| inner.holds(condition)),
        }
    }
}

/// Refuses a sort order that is too long, or that compares text as is not announced.
pub fn check_sort(sort: Option<&Vec<Comparator>>) -> Result<(), MethodError> {
    let mut collations = sort.into_iter().flatten().filter_map(|by| by.collation.as_deref());
    let is_strange = collations.any(|name| name != COLLATION);
    match is_strange || sort.is_some_and(|sort| sort.len() > MOST_COMPARATORS) {
        true => Err(MethodErrorType::UnsupportedSort.into()),
        false => Ok(()),
    }
}

/// The page of all results that was asked for.
pub fn page(
    account_id: &AccountId,
    state: State,
    ids: Vec<String>,
    wanted: &Query,
) -> Result<Answer, MethodError> {
    let total = ids.len();
    let start = match &wanted.anchor {
        Some(anchor) => {
            let place = ids.iter().position(|id| id == anchor).ok_or(MethodErrorType::AnchorNotFound)?;
            offset(place, wanted.anchor_offset)
        }
        None if wanted.position < 0 => offset(total, wanted.position),
        None => offset(0, wanted.position),
    };
    let limit = wanted.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    answer(&QueryAnswer {
        account_id: account_id.clone(),
        query_state: state,
        can_calculate_changes: true,
        position: u64::try_from(start).unwrap_or_default(),
        ids: ids.into_iter().skip(start).take(limit).collect(),
        total: wanted.calculate_total.then(|| u64::try_from(total).unwrap_or_default()),
        limit: None,
    })
}

/// What happened to a list since a state, from what happened to its objects.
///
/// Objects whose place may have changed are told as removed and, where they are still in the list, as
/// added (RFC 8620 5.6).
pub fn changed(
    account_id: &AccountId,
    wanted: &QueryChanges,
    state: &State,
    changes: ChangedIds,
    ids: &[String],
) -> Result<Answer, MethodError> {
    let touched: BTreeSet<&String> = changes.created.iter().chain(&changes.updated).collect();
    let added: Vec<Value> = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| touched.contains(id))
        .map(|(index, id)| json!({"id": id, "index": index}))
        .collect();
    let removed: Vec<String> = changes.updated.into_iter().chain(changes.destroyed).collect();
    let total = u64::try_from(ids.len()).unwrap_or_default();
    told(account_id, wanted, state, (removed, added), total)
}

/// The answer to a `/queryChanges`.
pub fn told(
    account_id: &AccountId,
    wanted: &QueryChanges,
    state: &State,
    (removed, added): (Vec<String>, Vec<Value>),
    total: u64,
) -> Result<Answer, MethodError> {
    let count = u64::try_from(removed.len() + added.len()).unwrap_or(u64::MAX);
    if wanted.max_changes.is_some_and(|most| count > most) {
        return Err(MethodErrorType::TooManyChanges.into());
    }
    let mut told = json!({
        "accountId": account_id,
        "oldQueryState": wanted.since_query_state,
        "newQueryState": state,
        "removed": removed,
        "added": added,
    });
    if let (true, Some(map)) = (wanted.calculate_total, told.as_object_mut()) {
        map.insert("total".into(), json!(total));
    }
    answer(&told)
}

fn offset(place: usize, by: i64) -> usize {
    let place = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(by);
    usize::try_from(place.max(0)).unwrap_or(usize::MAX)
}
