//! `cargo xtask faults`: relays are killed again and again, on both databases, and what they stand on fails.

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
    install::programs(install::FAULTS)?;
    let s3_server = install::s3_server()?;
    let mut failed = Vec::new();
    for store in ["sqlite", "postgres"] {
        eprintln!("==> {store}");
        let mut cargo = workspace::cargo(["test", "--package", "sealpost", "--test", "relay", "--"]);
        cargo.args(["--nocapture", "--test-threads=1", "faults::", "s3::"]).env("SEALPOST_MOTO", &s3_server);
        cargo.env("SEALPOST_TEST_STORE", store).env("SEALPOST_KILLS", options.kills.div_ceil(2).to_string());
        if !cargo.status()?.success() {
            failed.push(store);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("mail was lost or doubled on {}", failed.join(" and ")) }
}
