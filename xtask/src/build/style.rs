//! The style sheet: `style/main.css` with its imports in their places.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Returns `entry` with each `@import "file.css";` line replaced by that file, without comments.
pub fn bundle(entry: &Path) -> Result<String> {
    let mut css = String::new();
    include(entry, &mut css, 0)?;
    Ok(squeeze(&css))
}

fn include(path: &Path, css: &mut String, depth: u8) -> Result<()> {
    if depth > 8 {
        bail!("{} is imported too deeply, perhaps by itself", path.display());
    }
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    for line in text.lines() {
        match imported(line) {
            Some(name) => include(&path.with_file_name("").join(name), css, depth + 1)?,
            None => {
                css.push_str(line);
                css.push('\n');
            }
        }
    }
    Ok(())
}

/// The file of a line such as `@import "base.css";` or `@import url("base.css");`.
fn imported(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("@import")?.trim().strip_suffix(';')?.trim();
    let rest = rest.strip_prefix("url(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
    Some(rest.trim_matches(['"', '\'', ' ']))
}

/// Takes comments, empty lines and indentation away; quoted text stays as it is.
fn squeeze(css: &str) -> String {
    let mut plain = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_import() {
        assert_eq!(imported("@import \"a.css\";"), Some("a.css"));
        assert_eq!(imported("  @import url('b/c.css');"), Some("b/c.css"));
        assert_eq!(imported("a { color: red }"), None);
    }

    #[test]
    fn takes_comments_and_indentation_away() {
        assert_eq!(squeeze("/* a\nb */\n  p {\n    margin: 0;\n  }\n"), "p {\nmargin: 0;\n}");
    }
}
