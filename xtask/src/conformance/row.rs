//! One row of the page: a corpus or a program, as a test counted its cases.

use anyhow::{Context, Result};
use serde_json::Value;

/// The cases of one corpus, or of one direction with one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The program; none for a corpus.
    pub program: Option<String>,
    pub title: String,
    /// `native` or `Chromium`.
    pub by: String,
    pub cases: u64,
    pub passed: u64,
    /// Name and reason of each case that did not pass, argued ones first.
    pub exceptions: Vec<(String, String)>,
}

impl Row {
    /// Reads one JSON object a line, sorted by program, title and provider.
    pub fn read_all(lines: &str) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for line in lines.lines() {
            let row = Row::read(line).with_context(|| format!("this is no row: {line}"))?;
            // A runner that shows the console of failed tests shows it a second time.
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows.sort_by(|a, b| (&a.program, &a.title, &a.by).cmp(&(&b.program, &b.title, &b.by)));
        Ok(rows)
    }

    fn read(line: &str) -> Option<Row> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        let pairs = |name: &str| -> Option<Vec<(String, String)>> {
            let pair =
                |pair: &Value| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()));
            value.get(name)?.as_array()?.iter().map(pair).collect()
        };
        let mut exceptions = pairs("exceptions")?;
        exceptions
            .extend(pairs("failed")?.into_iter().map(|(name, found)| (name, format!("FAILED: {found}"))));
        Some(Row {
            program: text("program"),
            title: text("corpus")?,
            by: text("by")?,
            cases: value.get("cases")?.as_u64()?,
            passed: value.get("passed")?.as_u64()?,
            exceptions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_case_is_no_exception_without_saying_so() {
        let line = r#"{"corpus":"c","by":"native","cases":2,"passed":0,"exceptions":[["a","b"]],"failed":[["d","e"]]}"#;
        let rows = Row::read_all(line).unwrap();
        let expected = [("a", "b"), ("d", "FAILED: e")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(rows[0].exceptions, expected);
        assert!(Row::read_all("{}").is_err());
    }
}
