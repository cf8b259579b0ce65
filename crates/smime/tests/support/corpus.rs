//! Where public corpora and independent programs are, and what happens where they are not.
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "what is skipped is said; tests may panic")]

use std::{env, fs, io::Write as _, path::PathBuf, process::Command};

/// The folder of a corpus, or `None` where it is missing: the test then counts as skipped, by name.
///
/// # Panics
/// If it is missing and `CI` is `true`.
pub fn folder(corpus: &str, test: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let root = env::var_os("SEALPOST_VECTORS").map_or_else(|| PathBuf::from(default), PathBuf::from);
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

fn skip(test: &str, reason: &str) {
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{test}: {reason}");
    eprintln!("skipped: {test}: {reason}");
    if let Some(list) = env::var_os("SEALPOST_SKIPPED") {
        let mut list = fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "{test}").unwrap();
    }
}
