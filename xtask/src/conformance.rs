//! `cargo xtask conformance`: public corpora and independent programs, and one page of what came out.

mod openssl;
mod page;
mod programs;
mod row;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{install, shell, test, workspace};
use row::Row;

/// The tests of `smime` that count cases.
const COUNTING: [&str; 7] = ["--lib", "--test", "corpora", "--test", "interop", "--test", "message"];

/// Where the corpora are.
#[derive(clap::Args)]
pub struct Options {
    /// The folder of the corpora; by default what `SEALPOST_VECTORS` names, or `../shared/vectors`.
    #[arg(long)]
    vectors: Option<PathBuf>,
}

/// The folder of the corpora, whether or not it is there.
pub fn vectors() -> PathBuf {
    env::var_os("SEALPOST_VECTORS")
        .map_or_else(|| workspace::root().join("../shared/vectors"), |folder| workspace::root().join(folder))
}

/// What the tests leave behind.
struct Gathering {
    vectors: PathBuf,
    rows: PathBuf,
    skipped: PathBuf,
    failed: Vec<String>,
}

/// Runs all of it, writes `CONFORMANCE.md`, and fails if a test did.
pub fn conformance(options: &Options) -> Result<()> {
    let vectors = match &options.vectors {
        Some(folder) => env::current_dir()?.join(folder),
        None => vectors(),
    };
    let mut gathering = Gathering::new(vectors)?;
    install::programs(install::PEERS)?;
    let newer = openssl::newer()?;
    gathering.natively("smime", &COUNTING, "the corpora and programs", None)?;
    gathering.natively("smime", &["--test", "interop", "openssl"], "a newer OpenSSL", Some(&newer))?;
    gathering.natively("sealpost-agent", &["--test", "pkits"], "the command line", None)?;
    gathering.in_chromium()?;

    let rows = Row::read_all(&fs::read_to_string(&gathering.rows)?)?;
    let skipped = gathering.skipped();
    let page = page::render(&rows, &skipped, &gathering.failed, &programs::versions(&newer))?;
    let path = workspace::root().join("CONFORMANCE.md");
    fs::write(&path, page).with_context(|| format!("{} cannot be written", path.display()))?;
    let (cases, passed) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.cases, sum.1 + row.passed));
    println!("{passed} of {cases} cases passed, {} tests skipped: CONFORMANCE.md", skipped.len());
    if !gathering.failed.is_empty() {
        bail!("failed: {}", gathering.failed.join(", "));
    }
    Ok(())
}

impl Gathering {
    fn new(vectors: PathBuf) -> Result<Self> {
        let folder = workspace::target().join("conformance");
        fs::create_dir_all(&folder)?;
        let (rows, skipped) = (folder.join("rows.jsonl"), folder.join("skipped"));
        fs::write(&rows, "")?;
        fs::write(&skipped, "")?;
        Ok(Self { vectors, rows, skipped, failed: Vec::new() })
    }

    fn natively(&mut self, package: &str, tests: &[&str], title: &str, openssl: Option<&Path>) -> Result<()> {
        let mut cargo = workspace::cargo(["test", "--package", package, "--no-fail-fast"]);
        cargo.args(tests).env("SEALPOST_CONFORMANCE", &self.rows);
        if let Some(openssl) = openssl {
            cargo.env("SEALPOST_OPENSSL", openssl);
        }
        self.run(cargo, title, |_| Ok(()))
    }

    fn in_chromium(&mut self) -> Result<()> {
        if !self.vectors.is_dir() {
            if env::var_os("CI").is_some_and(|ci| ci == "true") {
                bail!("the corpora are not at {}", self.vectors.display());
            }
            return append(&self.skipped, "the corpora in Chromium");
        }
        let mut cargo = test::corpora_in_chromium()?;
        cargo.env("SEALPOST_SERVED", &self.vectors).args(["--", "--nocapture"]);
        let rows = self.rows.clone();
        self.run(cargo, "the corpora in Chromium", |line| match line.split_once("conformance: {") {
            Some((_, row)) => append(&rows, &format!("{{{row}")),
            None => Ok(()),
        })
    }

    /// Runs tests, and notes by name what failed of them.
    fn run(
        &mut self,
        mut cargo: Command,
        title: &str,
        mut read: impl FnMut(&str) -> Result<()>,
    ) -> Result<()> {
        eprintln!("\n=== {title} ===");
        cargo.env("SEALPOST_VECTORS", &self.vectors).env("SEALPOST_SKIPPED", &self.skipped);
        let (mut failed, mut unread) = (Vec::new(), None);
        let succeeded = shell::stream(&mut cargo, |line| {
            if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... FAIL")) {
                failed.push(name.0.to_owned());
            }
            if let Err(error) = read(line) {
                unread = Some(error);
            }
        })?;
        if let Some(error) = unread {
            return Err(error);
        }
        if !succeeded && failed.is_empty() {
            failed.push(title.to_owned());
        }
        self.failed.append(&mut failed);
        Ok(())
    }

    fn skipped(&self) -> Vec<String> {
        let names = fs::read_to_string(&self.skipped).unwrap_or_default();
        let mut names: Vec<_> = names.lines().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn append(path: &Path, line: &str) -> Result<()> {
    let text = fs::read_to_string(path)?;
    fs::write(path, format!("{text}{line}\n"))?;
    Ok(())
}
