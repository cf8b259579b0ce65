//! One target at work.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Target;
use super::build::{Programs, folder, seeds};
use super::outcome::Outcome;
use crate::process::usage;
use crate::workspace;

/// Longer than any input may take on a busy machine, and far below what an attacker wants.
const SLOWEST: u32 = 20;
/// For the whole program, in megabytes; each target has a tighter bound in proportion to its input.
const MEMORY: u32 = 1024;
/// What CI can spare for each target.
const BRIEF: u32 = 3;

/// How a target is run.
pub struct Run {
    seconds: u32,
    /// Whether what it finds out stays for the next time.
    keeps: bool,
}

impl Run {
    /// For so many seconds, on the corpus of earlier runs.
    pub fn keeping(seconds: u32) -> Self {
        Self { seconds, keeps: true }
    }

    /// For a moment, and from the same start each time.
    pub fn brief() -> Self {
        Self { seconds: BRIEF, keeps: false }
    }

    /// Runs it to its end.
    pub fn start(&self, programs: &Programs, target: &Target) -> Result<Outcome> {
        let work = folder().join("work").join(target.name);
        let found = work.join("found");
        fs::create_dir_all(&found)?;
        let corpus = self.corpus(&work)?;
        let log = work.join("log.txt");
        let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut program = programs.of(target.name);
        program.arg(format!("-artifact_prefix={}/", found.display()));
        program.arg(format!("-max_total_time={}", self.seconds));
        program.arg(format!("-timeout={SLOWEST}")).arg(format!("-rss_limit_mb={MEMORY}"));
        program.arg(format!("-max_len={}", target.longest)).arg("-print_final_stats=1");
        if !self.keeps {
            program.arg("-seed=1");
        }
        if let Some(dictionary) = dictionary(target.name) {
            program.arg(format!("-dict={}", dictionary.display()));
        }
        program.arg(corpus).arg(seeds().join(target.name));
        let scratch = Scratch::new(target.name)?;
        program.env("TMPDIR", &scratch.0).stdout(file.try_clone()?).stderr(file).current_dir(work);
        let before = usage(std::process::id())?;
        let status = program.status();
        let status = status.with_context(|| format!("the target {} could not be started", target.name))?;
        let cpu = (usage(std::process::id())?.cpu - before.cpu) / 1000.0;
        Ok(Outcome::read(status.success(), cpu, &String::from_utf8_lossy(&fs::read(&log)?)))
    }

    fn corpus(&self, work: &Path) -> Result<PathBuf> {
        let corpus = work.join(if self.keeps { "corpus" } else { "brief" });
        if !self.keeps && corpus.exists() {
            fs::remove_dir_all(&corpus)?;
        }
        fs::create_dir_all(&corpus)?;
        Ok(corpus)
    }
}

/// Where a target keeps a relay's data; in memory where that can be, since each message is synced.
struct Scratch(PathBuf);

impl Scratch {
    fn new(target: &str) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = base.join(format!("sealpost-fuzz-{target}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn dictionary(target: &str) -> Option<PathBuf> {
    let name = match target {
        "message" | "door" | "outer" | "report" => "mail",
        "ber" | "cms" | "certificate" | "path" | "pkcs12" | "pkcs8" | "timestamp" | "revocation" | "ess"
        | "evidence" => "asn1",
        other => other,
    };
    let path = workspace::root().join("fuzz/dictionaries").join(format!("{name}.dict"));
    path.is_file().then_some(path)
}
