//! The configuration read again while the relay runs.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use toml::Table;

use crate::config::{Config, ConfigError};
use crate::logging;
use crate::relay::Relay;

/// What changes without a restart.
const APPLIED: [&str; 3] = ["log", "quota", "trust_anchors"];

/// The file as it was read last.
#[derive(Debug)]
pub struct Reload {
    path: PathBuf,
    table: Table,
}

/// What reading it again came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// Keys that hold from now on.
    pub applied: Vec<String>,
    /// Keys that hold after a restart.
    pub after_restart: Vec<String>,
}

impl Reload {
    /// The file that the relay was started with, and its keys as they were.
    pub fn new(path: &Path, table: Table) -> Self {
        Self { path: path.to_owned(), table }
    }

    /// Reads the file again; one that cannot be used changes nothing.
    pub fn again(&mut self, relay: &Relay) -> Result<Changed, ConfigError> {
        let (config, new) = Config::read_with_keys(&self.path)?;
        let (filter, anchors) = (config.log_filter()?, config.read_anchors()?);
        logging::set_filter(filter);
        relay.set_quota(config.quota);
        *relay.anchors.write().unwrap_or_else(PoisonError::into_inner) = anchors;
        let changed = self.changed(&new);
        for key in &changed.after_restart {
            // Told again the next time, unless it was changed back.
            tracing::warn!(key, "this key holds after a restart");
        }
        // Keys that wait for a restart are compared with what holds.
        for key in APPLIED {
            match new.get(key) {
                Some(value) => drop(self.table.insert(key.to_owned(), value.clone())),
                None => drop(self.table.remove(key)),
            }
        }
        tracing::info!(keys = changed.applied.join(" "), "the configuration was read again");
        Ok(changed)
    }

    fn changed(&self, new: &Table) -> Changed {
        let mut keys: Vec<&String> = self.table.keys().chain(new.keys()).collect();
        keys.sort();
        keys.dedup();
        let differs = keys.into_iter().filter(|key| self.table.get(*key) != new.get(*key)).cloned();
        let (applied, after_restart) = differs.partition(|key| APPLIED.contains(&key.as_str()));
        Changed { applied, after_restart }
    }
}
