use jmap::{Comparator, MailboxFilter, MailboxId, MethodError, MethodErrorType, QueryAnswer};
use serde::Deserialize;
use serde_json::Value;

use crate::jmap::Call;
use crate::jmap::answer::{Answer, answer, arguments, failed};
use crate::jmap::limits::MOST_COMPARATORS;
use crate::store::{self, Kind, MailboxRow};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    filter: Option<Value>,
    sort: Option<Vec<Comparator>>,
    #[serde(default)]
    position: i64,
    anchor: Option<MailboxId>,
    #[serde(default)]
    anchor_offset: i64,
    limit: Option<u64>,
    #[serde(default)]
    calculate_total: bool,
}

/// `Mailbox/query` (RFC 8621 2.3).
pub async fn query(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Arguments = arguments(given)?;
    let filter = wanted.filter.filter(|filter| !filter.is_null()).map(MailboxFilter::deserialize);
    let filter = filter
        .transpose()
        .map_err(|error| MethodError::new(MethodErrorType::UnsupportedFilter, error.to_string()))?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, &call.account.id).await.map_err(failed)?.of(Kind::Mailbox);
    let mut rows = store::mailboxes(&mut connection, &call.account.id).await.map_err(failed)?;
    rows.retain(|row| filter.as_ref().is_none_or(|filter| matches(filter, row)));
    if wanted.sort.as_ref().is_some_and(|sort| sort.len() > MOST_COMPARATORS) {
        return Err(MethodErrorType::UnsupportedSort.into());
    }
    for comparator in wanted.sort.iter().flatten().rev() {
        sort(&mut rows, comparator)?;
    }
    let total = rows.len();
    let start = match &wanted.anchor {
        Some(anchor) => {
            let place =
                rows.iter().position(|row| row.id == *anchor).ok_or(MethodErrorType::AnchorNotFound)?;
            offset(place, wanted.anchor_offset)
        }
        None if wanted.position < 0 => offset(total, wanted.position),
        None => offset(0, wanted.position),
    };
    let limit = wanted.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let ids: Vec<MailboxId> = rows.into_iter().skip(start).take(limit).map(|row| row.id).collect();
    answer(&QueryAnswer {
        account_id: call.account.id.clone(),
        query_state: state,
        can_calculate_changes: false,
        position: u64::try_from(start).unwrap_or_default(),
        ids,
        total: wanted.calculate_total.then(|| u64::try_from(total).unwrap_or_default()),
        limit: None,
    })
}

/// `Mailbox/queryChanges`: there are few mailboxes, so clients ask anew.
pub async fn query_changes(_: &mut Call, _: Value) -> Result<Answer, MethodError> {
    Err(MethodErrorType::CannotCalculateChanges.into())
}

fn offset(place: usize, by: i64) -> usize {
    let place = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(by);
    usize::try_from(place.max(0)).unwrap_or(usize::MAX)
}

fn matches(filter: &MailboxFilter, row: &MailboxRow) -> bool {
    let role = filter.role.as_ref().is_none_or(|role| row.role.as_ref() == Some(role));
    let name = filter.name.as_ref().is_none_or(|name| row.name.to_lowercase().contains(&name.to_lowercase()));
    let any = filter.has_any_role.is_none_or(|any| row.role.is_some() == any);
    let subscribed = filter.is_subscribed.is_none_or(|subscribed| row.is_subscribed == subscribed);
    role && name && any && subscribed
}

fn sort(rows: &mut [MailboxRow], by: &Comparator) -> Result<(), MethodError> {
    match by.property.as_str() {
        "sortOrder" => rows.sort_by_key(|row| row.sort_order),
        "name" => rows.sort_by_cached_key(|row| row.name.to_lowercase()),
        _ => return Err(MethodErrorType::UnsupportedSort.into()),
    }
    if !by.is_ascending {
        rows.reverse();
    }
    Ok(())
}
