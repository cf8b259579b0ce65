//! The page: tables of what passed, and every case that did not, by name and with its reason.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;

use super::row::Row;

const HEAD: &str = "# Conformance

Written by `cargo xtask conformance`; not by hand. Each corpus is public and comes with its own expectations; each
program was written by others and shares no code with this one. A case passes when the outcome is what the corpus
says, or when the other side reads what this side wrote. Whatever did not pass is named below, with its reason.
";

/// Renders rows, which are sorted.
pub fn render(
    rows: &[Row],
    skipped: &[String],
    failed: &[String],
    versions: &[(String, String)],
) -> Result<String> {
    let mut page = HEAD.to_owned();
    let (programs, corpora): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.program.is_some());
    render_corpora(&mut page, &corpora)?;
    render_programs(&mut page, &programs)?;
    list(&mut page, "Failed tests", failed)?;
    list(&mut page, "Skipped tests", skipped)?;
    render_exceptions(&mut page, rows)?;
    page += "\n## Versions\n\n| program | version |\n|---|---|\n";
    for (program, version) in versions {
        writeln!(page, "| {program} | {version} |")?;
    }
    Ok(page)
}

fn render_corpora(page: &mut String, rows: &[&Row]) -> Result<()> {
    *page += "\n## Public corpora\n\nPassed natively and, where there is arithmetic, in Chromium: through WebCrypto, or through\nRustCrypto in WebAssembly for what no browser has.\n\n";
    *page += "| corpus | cases | native | Chromium |\n|---|---:|---:|---:|\n";
    let mut titles: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        titles.entry(&row.title).or_default().push(row);
    }
    for (title, rows) in titles {
        let passed = |by: &str| {
            rows.iter().find(|row| row.by == by).map_or_else(String::new, |row| row.passed.to_string())
        };
        let cases = rows.iter().map(|row| row.cases).max().unwrap_or_default();
        writeln!(page, "| {title} | {cases} | {} | {} |", passed("native"), passed("Chromium"))?;
    }
    Ok(())
}

fn render_programs(page: &mut String, rows: &[&Row]) -> Result<()> {
    *page += "\n## Independent programs\n\n| program | | suites | passed |\n|---|---|---:|---:|\n";
    for row in rows {
        let program = row.program.as_deref().unwrap_or_default();
        writeln!(page, "| {program} | {} | {} | {} |", row.title, row.cases, row.passed)?;
    }
    Ok(())
}

fn list(page: &mut String, title: &str, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    write!(page, "\n## {title}\n\n")?;
    for name in names {
        writeln!(page, "- `{name}`")?;
    }
    Ok(())
}

fn render_exceptions(page: &mut String, rows: &[Row]) -> Result<()> {
    *page += "\n## What did not pass, and why\n";
    for row in rows.iter().filter(|row| !row.exceptions.is_empty()) {
        let program = row.program.as_ref().map_or_else(String::new, |program| format!("{program}: "));
        let by = if row.program.is_some() { String::new() } else { format!(", {}", row.by) };
        write!(page, "\n### {program}{}{by}\n\n", row.title)?;
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for (name, reason) in &row.exceptions {
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, names)) => names.push(name),
                None => reasons.push((reason, vec![name])),
            }
        }
        for (reason, names) in reasons {
            writeln!(page, "- {} ({}): {}", one_line(reason), names.len(), together(&names))?;
        }
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names in a row; numbers that follow each other as a range.
fn together(names: &[&str]) -> String {
    let mut spans: Vec<(String, Option<(u64, u64)>)> = Vec::new();
    for name in names {
        let number = name.parse::<u64>().ok();
        match (number, spans.last_mut()) {
            (Some(number), Some((_, Some((_, last))))) if number == *last + 1 => *last = number,
            _ => spans.push(((*name).to_owned(), number.map(|number| (number, number)))),
        }
    }
    let written = spans.iter().map(|(name, span)| match span {
        Some((first, last)) if first != last => format!("{first}-{last}"),
        _ => format!("`{name}`"),
    });
    written.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_a_range() {
        assert_eq!(together(&["1", "2", "3", "7", "a", "8"]), "1-3, `7`, `a`, `8`");
    }

    #[test]
    fn a_corpus_has_one_line_for_both_providers_and_every_exception_its_reason() {
        let row = |by: &str, exceptions: &[(&str, &str)]| Row {
            program: None,
            title: "corpus".to_owned(),
            by: by.to_owned(),
            cases: 3,
            passed: 3 - exceptions.len() as u64,
            exceptions: exceptions.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        };
        let rows = [row("Chromium", &[("4", "not there")]), row("native", &[])];
        let page = render(&rows, &["a test".to_owned()], &[], &[]).unwrap();
        assert!(page.contains("| corpus | 3 | 3 | 2 |"), "{page}");
        assert!(page.contains("### corpus, Chromium\n\n- not there (1): `4`"), "{page}");
        assert!(page.contains("- `a test`") && !page.contains("Failed"), "{page}");
    }
}
