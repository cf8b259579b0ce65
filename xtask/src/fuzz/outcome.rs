//! What libFuzzer printed, in figures.

use std::fmt;

/// How the run of a target ended.
#[derive(Debug, Default)]
pub struct Outcome {
    succeeded: bool,
    executions: u64,
    /// Edges of the program, and features (edges with how often, and comparisons), that some input reached.
    coverage: u64,
    features: u64,
    slowest: u64,
    /// Seconds of CPU, in user and system mode.
    cpu: f64,
    tail: String,
}

impl Outcome {
    /// The heads of the columns of [`Outcome`]'s `Display`.
    pub const HEAD: &str = "  executions      edges   features  slowest (s)    CPU (s)";

    /// Reads what was printed, beside the seconds of CPU that it took.
    pub fn read(succeeded: bool, cpu: f64, log: &str) -> Self {
        let statistic = |name: &str| {
            let line = log.lines().rev().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse().ok()
        };
        let progress = log.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: "));
        let counted = |word: &str| {
            let after = progress?.split_once(word)?.1;
            after.split_whitespace().next()?.parse().ok()
        };
        let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with('#')).collect();
        let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n");
        Self {
            succeeded,
            executions: statistic("stat::number_of_executed_units:").unwrap_or_default(),
            coverage: counted(" cov: ").unwrap_or_default(),
            features: counted(" ft: ").unwrap_or_default(),
            slowest: statistic("stat::slowest_unit_time_sec:").unwrap_or_default(),
            cpu,
            tail,
        }
    }

    /// Whether an input was found that must not be, or the target did not run at all.
    pub fn failed(&self) -> bool {
        !self.succeeded || self.executions == 0
    }

    /// Its executions and its seconds of CPU.
    pub fn spent(&self) -> (u64, f64) {
        (self.executions, self.cpu)
    }

    /// The end of the log, which names the file of the input and shows it.
    pub fn report(&self) -> &str {
        &self.tail
    }

    /// The figures as part of a sentence.
    pub fn in_words(&self) -> String {
        format!("{} executions, {} edges", self.executions, self.coverage)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { executions, coverage, features, slowest, cpu, .. } = self;
        let failed = if self.failed() { "  FAILED" } else { "" };
        write!(f, "{executions:>12} {coverage:>10} {features:>10} {slowest:>12} {cpu:>10.0}{failed}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "INFO: Seed: 1\n#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #4096\tpulse  cov: 120 ft: 345 corp: 9/90b lim: 43 exec/s: 2048 rss: 31Mb\n\
        stat::number_of_executed_units: 5000\nstat::slowest_unit_time_sec:  1\n";

    #[test]
    fn reads_the_figures_of_a_run() {
        let outcome = Outcome::read(true, 1.5, LOG);
        assert_eq!((outcome.executions, outcome.coverage, outcome.features), (5000, 120, 345));
        assert_eq!((outcome.slowest, outcome.failed(), outcome.spent()), (1, false, (5000, 1.5)));
    }

    #[test]
    fn a_run_without_executions_has_failed() {
        assert!(Outcome::read(true, 0.0, "").failed());
        let crash =
            Outcome::read(false, 0.0, &format!("{LOG}artifact_prefix='x'; Test unit written to x/crash-1\n"));
        assert!(crash.failed() && crash.report().contains("x/crash-1"));
    }
}
