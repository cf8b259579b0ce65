mod condition;

use jmap::{Comparator, EmailId, MethodError, MethodErrorType, QueryAnswer};
use serde::Deserialize;
use serde_json::Value;

use crate::jmap::Call;
use crate::jmap::answer::{Answer, answer, arguments, failed};
use crate::jmap::limits::MAX_PAGE;
use crate::jmap::query::{Query, check_sort};
use crate::store::sql::Connection;
use crate::store::{self, EmailOrder, EmailSearch, Kind, SortKey, Start, StoreError};

pub use condition::tokens;

/// No keyword is longer (RFC 8621 4.1.1).
const LONGEST_KEYWORD: usize = 255;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Collapse {
    collapse_threads: bool,
}

/// `Email/query` (RFC 8621 4.4); on sealed mail by mailboxes, keywords, times and sizes.
pub async fn query(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Collapse { collapse_threads } = arguments(given.clone())?;
    let wanted: Query = arguments(given)?;
    let search = search(call, wanted.filter.as_ref(), wanted.sort.as_ref(), collapse_threads)?;
    let limit = wanted.limit.map_or(MAX_PAGE, |limit| i64::try_from(limit).unwrap_or(i64::MAX).min(MAX_PAGE));
    let account = &call.account.id;
    let mut connection = call.relay.store.search().await.map_err(failed)?;
    let state = store::states(&mut connection, account).await.map_err(failed)?.of(Kind::Email);
    let total = if wanted.calculate_total || wanted.position < 0 {
        Some(total(&mut connection, call, &search).await.map_err(slow)?)
    } else {
        None
    };
    let start = match wanted.anchor {
        Some(anchor) => Start::Anchor(EmailId::from(anchor), wanted.anchor_offset),
        None if wanted.position < 0 => {
            Start::Position(total.unwrap_or_default().saturating_add(wanted.position).max(0))
        }
        None => Start::Position(wanted.position),
    };
    let found = store::search_emails(&mut connection, account, &search, &start, limit).await.map_err(slow)?;
    let found = found.ok_or(MethodErrorType::AnchorNotFound)?;
    let shortened = wanted.limit.is_none_or(|asked| asked > MAX_PAGE.unsigned_abs());
    answer(&QueryAnswer {
        account_id: account.clone(),
        query_state: state,
        can_calculate_changes: true,
        position: u64::try_from(found.position).unwrap_or_default(),
        ids: found.ids,
        total: total.filter(|_| wanted.calculate_total).and_then(|total| u64::try_from(total).ok()),
        limit: shortened.then(|| MAX_PAGE.unsigned_abs()),
    })
}

/// A search that took too long cannot be processed, and the user may simplify it (RFC 8620 5.5).
fn slow(error: StoreError) -> MethodError {
    match error {
        StoreError::TooLong => MethodErrorType::UnsupportedFilter.into(),
        error => failed(error),
    }
}

/// The search that filter and sort describe.
pub fn search(
    call: &Call,
    filter: Option<&Value>,
    sort: Option<&Vec<Comparator>>,
    collapse: bool,
) -> Result<EmailSearch, MethodError> {
    check_sort(sort)?;
    let sealed = call.account.kind.is_sealed();
    let condition = condition::read(filter, sealed)?;
    let order = sort.into_iter().flatten().map(|by| order(by, sealed)).collect::<Result<_, _>>()?;
    Ok(EmailSearch { condition, order, collapse })
}

/// How many there are; for a whole mailbox its own count tells, so the work does not grow with it.
pub async fn total(
    connection: &mut Connection,
    call: &Call,
    search: &EmailSearch,
) -> Result<i64, StoreError> {
    let Some(mailbox) = search.whole_mailbox() else {
        return store::count_emails(connection, &call.account.id, search).await;
    };
    let rows = store::mailboxes(connection, &call.account.id).await?;
    let row = rows.iter().find(|row| row.id == *mailbox);
    Ok(row.map_or(0, |row| if search.collapse { row.total_threads } else { row.total_emails }))
}

/// What emails can be sorted by; the session announces it.
pub fn sort_options(sealed: bool) -> Vec<&'static str> {
    let all = [
        "receivedAt",
        "size",
        "hasKeyword",
        "allInThreadHaveKeyword",
        "someInThreadHaveKeyword",
        "from",
        "to",
        "subject",
        "sentAt",
    ];
    all.into_iter().take(if sealed { 5 } else { all.len() }).collect()
}

fn order(by: &Comparator, sealed: bool) -> Result<EmailOrder, MethodError> {
    let keyword = || match &by.keyword {
        Some(keyword) if keyword.len() > LONGEST_KEYWORD => Err(MethodErrorType::UnsupportedSort.into()),
        Some(keyword) => Ok(keyword.to_ascii_lowercase()),
        None => Err(MethodError::new(MethodErrorType::InvalidArguments, "the sort order has no keyword")),
    };
    let key = match by.property.as_str() {
        "receivedAt" => SortKey::ReceivedAt,
        "size" => SortKey::Size,
        "hasKeyword" => SortKey::HasKeyword(keyword()?),
        "allInThreadHaveKeyword" => SortKey::AllInThread(keyword()?),
        "someInThreadHaveKeyword" => SortKey::SomeInThread(keyword()?),
        "from" if !sealed => SortKey::From,
        "to" if !sealed => SortKey::To,
        "subject" if !sealed => SortKey::Subject,
        "sentAt" if !sealed => SortKey::SentAt,
        _ => return Err(MethodErrorType::UnsupportedSort.into()),
    };
    Ok(EmailOrder { key, ascending: by.is_ascending })
}
