//! What the command line does beside serving.

mod account;
mod backup;
mod check;
mod dkim;
mod export;
mod import;
mod migrate;
mod queue;

use std::io::{Write, stdout};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

pub use account::{AccountCommand, account};
pub use backup::{backup, restore};
pub use check::check;
pub use dkim::dkim;
pub use export::{Form, export};
pub use import::import;
pub use migrate::migrate;
pub use queue::{QueueCommand, queue};

use crate::config::Config;
use crate::relay::Relay;
use crate::store;

/// How a command ended that did what it was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Well,
    /// Something is not as it should be; what, was said.
    Unwell,
}

/// Reads a configuration, or takes the default one.
pub fn config(path: Option<&Path>) -> Result<Config> {
    Ok(path.map_or_else(|| Ok(Config::default()), Config::read)?)
}

/// Opens the relay that a configuration tells of, which is there.
async fn open(path: Option<&Path>) -> Result<Arc<Relay>> {
    let config = config(path)?;
    if !store::exists(&config.data, config.database.as_ref()) {
        bail!("there is no store in {}", config.data.display());
    }
    Ok(Relay::open(config).await?)
}

fn say(line: &str) -> Result<()> {
    Ok(stdout().write_all(format!("{line}\n").as_bytes())?)
}
