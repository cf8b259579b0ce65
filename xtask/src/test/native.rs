//! The tests of every crate on this machine.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::tally::Tally;
use crate::{install, workspace};

/// Members with tests; the tasks' own are run apart, in the profile that they are built with.
const PACKAGES: &[&str] = &["smime", "jmap", "sealpost", "sealpost-agent", "app"];

/// Runs them all.
pub fn native() -> Result<Tally> {
    install::programs(install::PEERS)?;
    let skips = workspace::target().join("skipped-tests");
    let _ = fs::remove_file(&skips);
    let mut cargo = workspace::cargo(["test", "--no-fail-fast"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    // A test that lacks its material appends its name to this file, and then passes.
    let mut tally = Tally::of_cargo_test(cargo.env("SEALPOST_SKIPPED", &skips))?;
    let skipped = skipped(&skips);
    tally.passed = tally.passed.saturating_sub(skipped);
    tally.skipped += skipped;

    let mut cargo = workspace::cargo(["test", "--package", "xtask", "--profile", "xtask"]);
    let folder = workspace::root().join("target/xtask");
    tally += Tally::of_cargo_test(cargo.arg("--target-dir").arg(folder))?;
    Ok(tally)
}

fn skipped(list: &Path) -> u64 {
    let names = fs::read_to_string(list).unwrap_or_default();
    for name in names.lines() {
        println!("skipped: {name}");
    }
    names.lines().count() as u64
}
