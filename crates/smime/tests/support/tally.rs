//! How the cases of a corpus are counted, natively and in a browser.
#![allow(dead_code, reason = "each test uses its part")]

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;

/// The cases of one corpus, as the tests judge them; one row of the conformance page.
///
/// A case passes, or is an exception with its reason: argued beforehand, in [`Tally::new`], or one of
/// what this crate does not claim, by [`Tally::leave_out`]. Anything else fails the test, and so does an
/// argued case that passes after all.
pub struct Tally {
    program: Option<String>,
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
        let (program, corpus, argued) = (None, corpus.to_owned(), argued.collect());
        Self { program, corpus, argued, cases: 0, passed: 0, exceptions, failed }
    }

    /// Begins to count the suites of one direction with a program, such as `signed here, verified there`.
    pub fn with(program: &str, direction: &str, argued: &[(&str, &str)]) -> Self {
        Self { program: Some(program.to_owned()), ..Self::new(direction, argued) }
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
        let Self { program, corpus, cases, passed, exceptions, failed, .. } = self;
        let row = json!({"program": program, "corpus": corpus, "by": BY, "cases": cases, "passed": passed,
            "exceptions": exceptions, "failed": failed});
        hand_over(&row.to_string());
        assert!(failed.is_empty(), "{} {corpus}: {failed:#?}", program.unwrap_or_default());
    }
}

#[cfg(not(target_arch = "wasm32"))]
const BY: &str = "native";
#[cfg(target_arch = "wasm32")]
const BY: &str = "Chromium";

#[cfg(not(target_arch = "wasm32"))]
fn hand_over(row: &str) {
    super::append("SEALPOST_CONFORMANCE", row);
}

/// A browser has no files; whoever runs the test reads its console.
#[cfg(target_arch = "wasm32")]
fn hand_over(row: &str) {
    wasm_bindgen_test::console_log!("conformance: {row}");
}
