//! Where public corpora and independent programs are, and what happens where they are not.
#![allow(dead_code, unused_imports, reason = "each test uses its part")]
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "what is skipped is said; tests may panic")]

#[path = "tally.rs"]
mod tally;

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

pub use tally::Tally;

/// The folder of a corpus, or `None` where it is missing: the test then counts as skipped, by name.
///
/// # Panics
/// If it is missing and `CI` is `true`.
pub fn folder(corpus: &str, test: &str) -> Option<PathBuf> {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let workspace = above.find(|folder| folder.join("Cargo.lock").is_file()).unwrap();
    let root = env::var_os("SEALPOST_VECTORS");
    let root = root.map_or_else(|| workspace.join("../shared/vectors"), PathBuf::from);
    let folder = root.join(corpus);
    if folder.is_dir() {
        return Some(folder);
    }
    skip(test, &format!("the corpus {corpus} is not at {}", root.display()));
    None
}

/// Whether these programs can be run here; without one of them the test counts as skipped, by name.
///
/// # Panics
/// If one is missing and `CI` is `true`.
pub fn installed(programs: &[&str], test: &str) -> bool {
    let missing = programs.iter().find(|program| Command::new(program).arg("--version").output().is_err());
    if let Some(program) = missing {
        skip(test, &format!("there is no {program}"));
    }
    missing.is_none()
}

/// Counts a test as skipped, by name.
///
/// # Panics
/// If `CI` is `true`.
pub fn skip(test: &str, reason: &str) {
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{test}: {reason}");
    eprintln!("skipped: {test}: {reason}");
    append("SEALPOST_SKIPPED", test);
}

fn append(variable: &str, line: &str) {
    if let Some(list) = env::var_os(variable) {
        let mut list = fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        list.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}
