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

use jmap::MethodError;
use serde_json::Value;

pub use copy::copy;
pub use get::get;
pub use import::import;
pub use parse::parse;
pub use query::{query, sort_options};
pub use query_changes::query_changes;
pub use set::set;
pub use snippet::snippets;

use super::Call;
use super::answer::{Answer, answer};
use crate::store::Kind;

/// `Email/changes`.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    answer(&super::changes::changes(call, Kind::Email, given).await?)
}
