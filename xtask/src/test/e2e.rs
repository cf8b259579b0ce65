//! The stories, in Chromium against the real relay.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::tally::Tally;
use crate::{build, install, run, shell, workspace};

/// Builds what a user gets, and runs every story on it.
pub fn e2e() -> Result<Tally> {
    prepare()?;
    let report = workspace::e2e().join("test-results/report.json");
    let _ = fs::remove_file(&report);
    let finished = shell::stream(playwright().arg("--project=stories"), |_| ())?;
    let report = fs::read_to_string(&report).context("the stories left no report")?;
    let tally = read(&report)?;
    if !finished && tally.failed == 0 {
        bail!("the stories did not finish");
    }
    Ok(tally)
}

/// Installs and builds what the stories need.
pub fn prepare() -> Result<()> {
    install::programs(install::BROWSER)?;
    install::programs(install::MAIL)?;
    install::npm_packages()?;
    build::build(build::Options { dev: false })?;
    // The profile of the native tests, so that it is built once for both.
    shell::step("Compiling the relay", || run::relay(true))?;
    shell::run(&mut workspace::cargo(["build", "--package", "sealpost-agent"]))?;
    Ok(())
}

/// The command that runs stories on what [`prepare`] made.
pub fn playwright() -> Command {
    let mut command = Command::new("npx");
    command
        .args(["--no-install", "playwright", "test"])
        .current_dir(workspace::e2e())
        .env("SEALPOST_BIN", workspace::target().join("debug/sealpost"))
        .env("SEALPOST_AGENT", workspace::target().join("debug/sealpost-agent"))
        .env("SEALPOST_WEB_ROOT", workspace::dist());
    command
}

fn read(report: &str) -> Result<Tally> {
    let report: Value = serde_json::from_str(report)?;
    let stats = report.get("stats").context("the report has no counts")?;
    let count = |name: &str| {
        stats.get(name).and_then(Value::as_u64).with_context(|| format!("the report does not count {name}"))
    };
    // A story that only passes when tried again has failed once too often.
    let failed = count("unexpected")? + count("flaky")?;
    Ok(Tally { passed: count("expected")?, failed, skipped: count("skipped")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flaky_story_counts_as_failed() {
        let report = r#"{"stats": {"expected": 7, "unexpected": 1, "flaky": 1, "skipped": 2}}"#;
        assert_eq!(read(report).unwrap(), Tally { passed: 7, failed: 2, skipped: 2 });
    }
}
