use std::path::Path;

use anyhow::Result;

use super::{open, say};
use crate::backup::{self, Scope};
use crate::progress::Progress;

/// `sealpost backup`.
pub async fn backup(to: &Path, scope: Scope, since: Option<&Path>, config: Option<&Path>) -> Result<()> {
    let relay = open(config).await?;
    let taken = backup::take(&relay, to, scope, since, &Progress::on_terminal()).await;
    relay.close().await;
    let manifest = taken?;
    say(&format!("{} rows and {} blobs are in {}.", manifest.rows, manifest.blobs.len(), to.display()))
}

/// `sealpost restore`.
pub async fn restore(from: &Path, replace: bool, config: Option<&Path>) -> Result<()> {
    let config = super::config(config)?;
    backup::restore_authority(from, &config.data)?;
    let relay = crate::relay::Relay::open(config).await?;
    let restored = backup::restore(&relay, from, replace, &Progress::on_terminal()).await;
    relay.close().await;
    let manifest = restored?;
    say(&format!("{} rows and {} blobs are restored.", manifest.rows, manifest.blobs.len()))
}
