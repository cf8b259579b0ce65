use jmap::{Comparator, EmailId, MailboxId, MethodError, MethodErrorType, QueryAnswer};
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::AnyConnection;

use crate::clock::parse_date;
use crate::jmap::Call;
use crate::jmap::answer::{Answer, answer, arguments, failed};
use crate::jmap::limits::{MAX_PAGE, MOST_COMPARATORS};
use crate::store::{self, EmailCondition, EmailOrder, EmailSearch, Kind, SortKey, Start, StoreError};

/// The greatest depth of operators, and the greatest number of conditions, in a filter.
const DEEPEST: usize = 8;
const MOST: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    filter: Option<Value>,
    sort: Option<Vec<Comparator>>,
    #[serde(default)]
    position: i64,
    anchor: Option<EmailId>,
    #[serde(default)]
    anchor_offset: i64,
    limit: Option<u64>,
    #[serde(default)]
    calculate_total: bool,
    #[serde(default)]
    collapse_threads: bool,
}

/// `Email/query` (RFC 8621 4.4), on what is in clear: mailboxes, keywords, times and sizes.
pub async fn query(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Arguments = arguments(given)?;
    let mut budget = MOST;
    let filter = wanted.filter.filter(|filter| !filter.is_null());
    let condition = filter.map(|filter| condition(&filter, DEEPEST, &mut budget)).transpose()?;
    let sort = wanted.sort.unwrap_or_default();
    if sort.len() > MOST_COMPARATORS {
        return Err(MethodErrorType::UnsupportedSort.into());
    }
    let order = sort.iter().map(order).collect::<Result<_, _>>()?;
    let search = EmailSearch { condition, order, collapse: wanted.collapse_threads };
    let limit = wanted.limit.map_or(MAX_PAGE, |limit| i64::try_from(limit).unwrap_or(i64::MAX).min(MAX_PAGE));
    let account = &call.account.id;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, account).await.map_err(failed)?.of(Kind::Email);
    let total = if wanted.calculate_total || wanted.position < 0 {
        Some(total(&mut connection, call, &search).await.map_err(failed)?)
    } else {
        None
    };
    let start = match wanted.anchor {
        Some(anchor) => Start::Anchor(anchor, wanted.anchor_offset),
        None if wanted.position < 0 => {
            Start::Position(total.unwrap_or_default().saturating_add(wanted.position).max(0))
        }
        None => Start::Position(wanted.position),
    };
    let found =
        store::search_emails(&mut connection, account, &search, &start, limit).await.map_err(failed)?;
    let found = found.ok_or(MethodErrorType::AnchorNotFound)?;
    let shortened = wanted.limit.is_none_or(|asked| asked > MAX_PAGE.unsigned_abs());
    answer(&QueryAnswer {
        account_id: account.clone(),
        query_state: state,
        can_calculate_changes: false,
        position: u64::try_from(found.position).unwrap_or_default(),
        ids: found.ids,
        total: total.filter(|_| wanted.calculate_total).and_then(|total| u64::try_from(total).ok()),
        limit: shortened.then(|| MAX_PAGE.unsigned_abs()),
    })
}

/// How many there are; for a whole mailbox its own count tells, so the work does not grow with it.
async fn total(connection: &mut AnyConnection, call: &Call, search: &EmailSearch) -> Result<i64, StoreError> {
    let Some(mailbox) = search.whole_mailbox() else {
        return store::count_emails(connection, &call.account.id, search).await;
    };
    let rows = store::mailboxes(connection, &call.account.id).await?;
    let row = rows.iter().find(|row| row.id == *mailbox);
    Ok(row.map_or(0, |row| if search.collapse { row.total_threads } else { row.total_emails }))
}

fn order(by: &Comparator) -> Result<EmailOrder, MethodError> {
    let key = match (by.property.as_str(), &by.keyword) {
        ("receivedAt", _) => SortKey::ReceivedAt,
        ("size", _) => SortKey::Size,
        ("hasKeyword", Some(keyword)) => SortKey::HasKeyword(keyword.to_ascii_lowercase()),
        _ => return Err(MethodErrorType::UnsupportedSort.into()),
    };
    Ok(EmailOrder { key, ascending: by.is_ascending })
}

fn condition(filter: &Value, depth: usize, budget: &mut usize) -> Result<EmailCondition, MethodError> {
    let too_deep =
        || MethodError::new(MethodErrorType::UnsupportedFilter, "the filter is too deep or too large");
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    let invalid = || MethodError::new(MethodErrorType::InvalidArguments, "the filter is malformed");
    let map = filter.as_object().ok_or_else(invalid)?;
    *budget = budget.checked_sub(map.len().max(1)).ok_or_else(too_deep)?;
    let Some(operator) = map.get("operator") else { return leaf(map) };
    let conditions = map.get("conditions").and_then(Value::as_array).ok_or_else(invalid)?;
    let inner =
        conditions.iter().map(|inner| condition(inner, depth, budget)).collect::<Result<Vec<_>, _>>()?;
    match operator.as_str() {
        Some("AND") => Ok(EmailCondition::All(inner)),
        Some("OR") => Ok(EmailCondition::Any(inner)),
        Some("NOT") => Ok(EmailCondition::None(inner)),
        _ => Err(invalid()),
    }
}

/// A FilterCondition: all its properties hold at once (RFC 8621 4.4.1).
fn leaf(map: &Map<String, Value>) -> Result<EmailCondition, MethodError> {
    let mut all = map.iter().map(|(name, value)| property(name, value)).collect::<Result<Vec<_>, _>>()?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            all.push(last);
            Ok(EmailCondition::All(all))
        }
        (None, _) => Ok(EmailCondition::All(Vec::new())),
    }
}

fn property(name: &str, value: &Value) -> Result<EmailCondition, MethodError> {
    let invalid = || MethodError::new(MethodErrorType::InvalidArguments, format!("{name} is malformed"));
    let text = || value.as_str().ok_or_else(invalid);
    let date = || text().and_then(|text| parse_date(text).ok_or_else(invalid));
    let size = || value.as_u64().and_then(|size| i64::try_from(size).ok()).ok_or_else(invalid);
    let keyword = || text().map(|text| EmailCondition::HasKeyword(text.to_ascii_lowercase()));
    match name {
        "inMailbox" => Ok(EmailCondition::InMailbox(MailboxId::from(text()?))),
        "inMailboxOtherThan" => {
            let ids = value.as_array().filter(|ids| ids.len() <= MOST).ok_or_else(invalid)?;
            let ids = ids.iter().map(|id| id.as_str().map(MailboxId::from).ok_or_else(invalid));
            Ok(EmailCondition::InMailboxOtherThan(ids.collect::<Result<_, _>>()?))
        }
        "before" => Ok(EmailCondition::Before(date()?)),
        "after" => Ok(EmailCondition::After(date()?)),
        "minSize" => Ok(EmailCondition::MinSize(size()?)),
        "maxSize" => Ok(EmailCondition::MaxSize(size()?)),
        "hasKeyword" => keyword(),
        "notKeyword" => Ok(EmailCondition::None(vec![keyword()?])),
        _ => {
            let why = format!("{name} cannot be answered: the mail is sealed");
            Err(MethodError::new(MethodErrorType::UnsupportedFilter, why))
        }
    }
}
