//! The tests of the app in Chromium.

use std::process::Command;

use anyhow::{Result, bail};

use super::tally::Tally;
use crate::conformance::vectors;
use crate::{install, shell, workspace};

/// Runs them through `xtask/wasm-test-runner`; the corpora only where there are any.
pub fn web() -> Result<Tally> {
    let mut cargo = chromium()?;
    cargo.args(["--lib", "--test", "browser"]);
    let mut tally = Tally::of_cargo_test(&mut cargo)?;
    if tally == Tally::default() {
        bail!("no test has run in Chromium");
    }
    if vectors().is_dir() {
        tally += Tally::of_cargo_test(corpora()?.env("SEALPOST_SERVED", vectors()))?;
    } else if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
        bail!("the corpora are not at {}", vectors().display());
    } else {
        println!("skipped: the corpora in Chromium, which are not at {}", vectors().display());
        tally += Tally::SKIPPED;
    }
    Ok(tally)
}

/// The command that runs the corpora in Chromium.
pub fn corpora() -> Result<Command> {
    let mut cargo = chromium()?;
    cargo.args(["--test", "conformance"]);
    Ok(cargo)
}

fn chromium() -> Result<Command> {
    install::wasm_target()?;
    install::programs(install::BROWSER)?;
    let folder = workspace::root().join("target/xtask");
    shell::step("Compiling the test runner", || {
        let mut cargo = workspace::cargo(["build", "--package", "wasm-test-runner", "--profile", "xtask"]);
        shell::run(cargo.arg("--target-dir").arg(&folder))
    })?;
    let mut cargo = workspace::cargo(["test", "--package", "app", "--no-fail-fast"]);
    cargo
        .args(["--features", "imported-keys,post-quantum"])
        .args(["--target", "wasm32-unknown-unknown"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", folder.join("xtask/wasm-test-runner"))
        .env("CHROMEDRIVER", "/usr/bin/chromedriver")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    Ok(cargo)
}
