//! Counts of passed, failed and skipped, read from what the test runners print.

use std::fmt;
use std::ops::AddAssign;
use std::process::Command;

use anyhow::Result;

use crate::shell;

/// How many tests passed, failed, and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    pub const PASSED: Tally = Tally { passed: 1, failed: 0, skipped: 0 };
    pub const FAILED: Tally = Tally { passed: 0, failed: 1, skipped: 0 };
    pub const SKIPPED: Tally = Tally { passed: 0, failed: 0, skipped: 1 };

    /// Runs one check that has no tests of its own and counts it as one.
    pub fn of_check(title: &str, check: impl FnOnce() -> Result<()>) -> Tally {
        match shell::step(title, check) {
            Ok(()) => Tally::PASSED,
            Err(error) => {
                eprintln!("error: {title}: {error:#}");
                Tally::FAILED
            }
        }
    }

    /// Runs a command that prints `test result:` lines, as cargo's test harness does, and sums them.
    ///
    /// A command that fails without a failed test (it did not compile, or a test ended the process)
    /// counts as one failure.
    pub fn of_cargo_test(command: &mut Command) -> Result<Tally> {
        let mut tally = Tally::default();
        let succeeded = shell::stream(command, |line| {
            if let Some(counted) = Tally::from_result_line(line) {
                tally += counted;
            }
        })?;
        if !succeeded && tally.failed == 0 {
            tally += Tally::FAILED;
        }
        Ok(tally)
    }

    fn from_result_line(line: &str) -> Option<Tally> {
        let counts = line.trim().strip_prefix("test result: ")?.split_once(". ")?.1;
        let count = |word: &str| {
            let part = counts.split(';').map(str::trim).find(|part| part.ends_with(word))?;
            part.split(' ').next()?.parse().ok()
        };
        Some(Tally { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_result_line_of_the_harness() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s";
        assert_eq!(Tally::from_result_line(line), Some(Tally { passed: 12, failed: 3, skipped: 1 }));
        assert_eq!(Tally::from_result_line("test a::b ... ok"), None);
    }

    #[test]
    fn counts_a_command_that_dies_as_one_failure() {
        let tally = Tally::of_cargo_test(Command::new("sh").args(["-c", "exit 101"])).unwrap();
        assert_eq!(tally, Tally::FAILED);
    }
}
