//! Where public corpora and independent programs are, what happens where they are not, and how the
//! cases of one are counted.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "what is skipped is said; tests may panic")]

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{env, fs, io::Write as _, path::PathBuf, process::Command};

use serde_json::json;

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

/// The cases of one corpus, as the tests judge them; one row of the conformance page.
///
/// A case passes, or is an exception with its reason: argued beforehand, in [`Tally::new`], or one of
/// what this crate does not claim, by [`Tally::leave_out`]. Anything else fails the test, and so does an
/// argued case that passes after all.
pub struct Tally {
    corpus: String,
    argued: Vec<(String, String)>,
    cases: usize,
    passed: usize,
    exceptions: Vec<(String, String)>,
    failed: Vec<(String, String)>,
}

impl Tally {
    /// Begins to count a corpus, whose `argued` cases (name, reason) are not to pass.
    pub fn new(corpus: &str, argued: &[(&str, &str)]) -> Self {
        let argued = argued.iter().map(|(name, reason)| ((*name).to_owned(), (*reason).to_owned()));
        let (exceptions, failed) = (Vec::new(), Vec::new());
        Self { corpus: corpus.to_owned(), argued: argued.collect(), cases: 0, passed: 0, exceptions, failed }
    }

    /// Counts a case whose outcome is known: `Err` says what was found instead of what the corpus says.
    pub fn judge(&mut self, name: &str, outcome: Result<(), impl Display>) {
        self.cases += 1;
        let argued = self.argued.iter().position(|(known, _)| known == name);
        match (outcome, argued) {
            (Ok(()), None) => self.passed += 1,
            (Err(_), Some(at)) => self.exceptions.push(self.argued.remove(at)),
            (Ok(()), Some(at)) => {
                let (name, reason) = self.argued.remove(at);
                self.failed.push((name, format!("passes, and yet it is argued: {reason}")));
            }
            (Err(found), None) => self.failed.push((name.to_owned(), found.to_string())),
        }
    }

    /// Counts a case that passes if `check` does not panic.
    pub fn case(&mut self, name: &str, check: impl FnOnce()) {
        let outcome = catch_unwind(AssertUnwindSafe(check)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        });
        self.judge(name, outcome);
    }

    /// Counts a case of what this crate (or the program that it is tested with) does not have.
    pub fn leave_out(&mut self, name: &str, reason: &str) {
        self.cases += 1;
        self.exceptions.push((name.to_owned(), reason.to_owned()));
    }

    /// Ends the count, and hands it to the conformance page if one is being written.
    ///
    /// # Panics
    /// If there were not `expected` cases, if one failed, or if an argued one did not come.
    pub fn finish(mut self, expected: usize) {
        let unseen = self.argued.drain(..).map(|(name, _)| (name, "argued, but no such case".to_owned()));
        self.failed.extend(unseen);
        if self.cases != expected {
            self.failed.push(("all".to_owned(), format!("{} cases instead of {expected}", self.cases)));
        }
        let Self { corpus, cases, passed, exceptions, failed, .. } = self;
        let row = json!({"corpus": corpus, "by": "native", "cases": cases, "passed": passed,
            "exceptions": exceptions, "failed": failed});
        append("SEALPOST_CONFORMANCE", &row.to_string());
        assert!(failed.is_empty(), "{corpus}: {failed:#?}");
    }
}
