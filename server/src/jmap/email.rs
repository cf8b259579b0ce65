//! `Email` (RFC 8621 4), as far as a relay that cannot read can answer.

mod get;
mod header;
mod import;
mod patch;
mod query;
mod set;

use jmap::{MethodError, MethodErrorType};
use serde_json::Value;

pub use get::get;
pub use import::import;
pub use query::query;
pub use set::set;

use super::Call;
use super::answer::{Answer, answer};
use crate::store::Kind;

/// `Email/changes`.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    answer(&super::changes::changes(call, Kind::Email, given).await?)
}

/// `Email/queryChanges`: clients apply `Email/changes` to the lists they show.
pub async fn query_changes(_: &mut Call, _: Value) -> Result<Answer, MethodError> {
    Err(MethodErrorType::CannotCalculateChanges.into())
}
