//! `cargo xtask faults`: relays are killed again and again, on both databases.

use anyhow::{Result, bail};

use crate::{install, workspace};

/// How long it goes on.
#[derive(clap::Args)]
pub struct Options {
    /// How often relays are killed, half of it on each database.
    #[arg(long, default_value_t = 500)]
    kills: u64,
}

/// Kills relays under load and looks for what is lost or doubled.
pub fn faults(options: &Options) -> Result<()> {
    install::programs(install::DATABASE)?;
    install::programs(install::CLOCK)?;
    let mut failed = Vec::new();
    for store in ["sqlite", "postgres"] {
        eprintln!("==> {store}");
        let mut cargo = workspace::cargo(["test", "--package", "sealpost", "--test", "relay", "--"]);
        cargo.args(["--nocapture", "--test-threads=1", "faults::"]);
        cargo.env("SEALPOST_TEST_STORE", store).env("SEALPOST_KILLS", options.kills.div_ceil(2).to_string());
        if !cargo.status()?.success() {
            failed.push(store);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("mail was lost or doubled on {}", failed.join(" and ")) }
}
