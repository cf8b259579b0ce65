//! `Email` (RFC 8621 4).
//!
//! Of sealed mail the relay tells the outer header and the outer structure; of public mail, everything.

mod body;
mod compose;
mod copy;
mod create;
mod get;
mod header;
mod import;
mod parse;
mod patch;
mod query;
mod query_changes;
mod set;
mod snippet;

use jmap::{EmailId, MethodError, MethodErrorType};
use serde_json::Value;

pub use copy::copy;
pub use create::most_attached;
pub use get::get;
pub use header::Fields;
pub use import::import;
pub use parse::parse;
pub use patch::{Known, apply};
pub use query::{query, sort_options};
pub use query_changes::query_changes;
pub use set::set;
pub use snippet::snippets;

use super::Call;
use super::answer::{Answer, answer, failed};
use crate::store::{self, EmailSearch, Kind, Start};

/// All emails, or one of each thread, unless there are more than one answer may have (RFC 8620 5.1).
pub async fn all(call: &Call, collapse: bool) -> Result<Vec<EmailId>, MethodError> {
    let most = i64::try_from(call.relay.limits.max_objects_in_get).unwrap_or(i64::MAX);
    let search = EmailSearch { condition: None, order: Vec::new(), collapse };
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let start = Start::Position(0);
    let found = store::search_emails(&mut connection, &call.account.id, &search, &start, most + 1).await;
    let ids = found.map_err(failed)?.map(|found| found.ids).unwrap_or_default();
    if ids.len() > call.relay.limits.max_objects_in_get {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    Ok(ids)
}

/// `Email/changes`.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    answer(&super::changes::changes(call, Kind::Email, given).await?)
}
