//! What is measured natively, beside OpenSSL's library in the same process.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Figure, browser};
use crate::{install, shell, workspace};

/// Sealing and opening many messages in one process, beside OpenSSL's CMS functions.
pub fn smime(quick: bool) -> Result<Vec<Figure>> {
    install::openssl_headers()?;
    let manifest = workspace::root().join("agent/bench/Cargo.toml");
    let mut command = workspace::cargo(["run", "--release", "--manifest-path"]);
    command.arg(manifest);
    if quick {
        command.args(["--", "--quick"]);
    }
    let text = shell::step("Sealing and opening natively", || shell::output(&mut command))?;
    let list: Vec<Value> = serde_json::from_str(&text).context("the native bench left no figures")?;
    browser::read_figures(&list)
}
