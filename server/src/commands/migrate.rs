use std::path::Path;

use anyhow::Result;

use super::say;
use crate::store;

/// `sealpost migrate`.
pub async fn migrate(to: Option<i64>, dry_run: bool, config: Option<&Path>) -> Result<()> {
    let config = super::config(config)?;
    let to = to.unwrap_or_else(store::newest);
    let moved = store::migrate(&config.data, config.database.as_ref(), to, dry_run).await?;
    let from = moved.from;
    match (from == to, dry_run) {
        (true, _) => say(&format!("The database has version {to}.")),
        (false, true) => {
            say(&format!("The way from version {from} to {to} and back was tried; nothing was changed."))
        }
        (false, false) => say(&format!("The database went from version {from} to {to}.")),
    }
}
