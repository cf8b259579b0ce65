//! The tests of every crate on this machine.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::tally::Tally;
use crate::{fuzz, install, workspace};

/// Members with tests; the tasks' own are run apart, in the profile that they are built with.
const PACKAGES: &[&str] = &["smime", "jmap", "sealpost", "sealpost-agent", "app"];

/// Runs them all.
pub fn native() -> Result<Tally> {
    install::programs(install::PEERS)?;
    install::programs(install::MAIL)?;
    install::programs(install::SENDERS)?;
    install::programs(install::FAULTS)?;
    let s3_server = install::s3_server();
    let skips = workspace::target().join("skipped-tests");
    let _ = fs::remove_file(&skips);
    let mut cargo = workspace::cargo(["test", "--no-fail-fast"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    if let Ok(server) = &s3_server {
        cargo.env("SEALPOST_MOTO", server);
    }
    // A test that lacks its material appends its name to this file, and then passes.
    let mut tally = Tally::of_cargo_test(cargo.env("SEALPOST_SKIPPED", &skips))?;
    count_skipped(&mut tally, &skips);
    if let Err(error) = s3_server {
        eprintln!("skipped: blobs in S3: {error:#}");
        tally += if in_ci() { Tally::FAILED } else { Tally::SKIPPED };
    }
    tally += on_postgres(&skips)?;

    let mut cargo = workspace::cargo(["test", "--package", "xtask", "--profile", "xtask"]);
    let folder = workspace::root().join("target/xtask");
    tally += Tally::of_cargo_test(cargo.arg("--target-dir").arg(folder))?;
    tally += fuzz::briefly()?;
    Ok(tally)
}

/// The relay's tests once more, on PostgreSQL instead of SQLite.
fn on_postgres(skips: &Path) -> Result<Tally> {
    if let Err(error) = install::programs(install::DATABASE) {
        eprintln!("skipped: the relay on PostgreSQL: {error:#}");
        return Ok(if in_ci() { Tally::FAILED } else { Tally::SKIPPED });
    }
    let _ = fs::remove_file(skips);
    let mut cargo = workspace::cargo(["test", "--no-fail-fast", "--package", "sealpost", "--test", "relay"]);
    cargo.env("SEALPOST_SKIPPED", skips).env("SEALPOST_TEST_STORE", "postgres");
    let mut tally = Tally::of_cargo_test(&mut cargo)?;
    count_skipped(&mut tally, skips);
    Ok(tally)
}

fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

fn count_skipped(tally: &mut Tally, list: &Path) {
    let skipped = skipped(list);
    tally.passed = tally.passed.saturating_sub(skipped);
    tally.skipped += skipped;
}

fn skipped(list: &Path) -> u64 {
    let names = fs::read_to_string(list).unwrap_or_default();
    for name in names.lines() {
        println!("skipped: {name}");
    }
    names.lines().count() as u64
}
