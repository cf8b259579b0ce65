//! The tests of the app in Chromium.

use anyhow::{Result, bail};

use super::tally::Tally;
use crate::{install, shell, workspace};

/// Runs them through `xtask/wasm-test-runner`.
pub fn web() -> Result<Tally> {
    install::wasm_target()?;
    install::programs(install::BROWSER)?;
    let folder = workspace::root().join("target/xtask");
    shell::step("Compiling the test runner", || {
        let mut cargo = workspace::cargo(["build", "--package", "wasm-test-runner", "--profile", "xtask"]);
        shell::run(cargo.arg("--target-dir").arg(&folder))
    })?;
    let mut cargo = workspace::cargo(["test", "--package", "app", "--no-fail-fast", "--lib"]);
    if workspace::root().join("app/tests").is_dir() {
        cargo.args(["--test", "*"]);
    }
    cargo
        .args(["--features", "imported-keys"])
        .args(["--target", "wasm32-unknown-unknown"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", folder.join("xtask/wasm-test-runner"))
        .env("CHROMEDRIVER", "/usr/bin/chromedriver")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    let tally = Tally::of_cargo_test(&mut cargo)?;
    if tally == Tally::default() {
        bail!("no test has run in Chromium");
    }
    Ok(tally)
}
