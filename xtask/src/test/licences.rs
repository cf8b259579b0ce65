//! Licences, sources and bans of every dependency, by the rules of `deny.toml`.
//!
//! cargo-deny checks the same and known vulnerabilities too, so it is used where it is installed.
//! Its database of advisories lies on a host of its own; without the tool that part is skipped.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::tally::Tally;
use crate::{shell, workspace};

/// Runs cargo-deny, or the part of it that needs no network.
pub fn check() -> Tally {
    if shell::exists("cargo-deny") {
        return Tally::of_check("cargo-deny", || shell::run(&mut workspace::cargo(["deny", "check"])));
    }
    eprintln!("==> Known vulnerabilities: skipped, cargo-deny is not installed");
    let mut tally = Tally::SKIPPED;
    tally += Tally::of_check("Licences, sources and bans of dependencies", check_dependencies);
    tally
}

struct Rules {
    allowed: Vec<String>,
    banned: Vec<String>,
}

impl Rules {
    fn read() -> Result<Rules> {
        let text = fs::read_to_string(workspace::root().join("deny.toml"))?;
        let rules: toml::Table = text.parse().context("deny.toml cannot be read")?;
        let strings = |section: &str, key: &str| -> Vec<String> {
            let list =
                rules.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
            let name = |value: &toml::Value| value.get("crate").unwrap_or(value).as_str().map(str::to_owned);
            list.into_iter().flatten().filter_map(name).collect()
        };
        Ok(Rules { allowed: strings("licenses", "allow"), banned: strings("bans", "deny") })
    }

    fn complaint(&self, package: &Value) -> Option<String> {
        let name = package["name"].as_str().unwrap_or_default();
        if self.banned.iter().any(|banned| banned == name) {
            return Some(format!("{name} is banned"));
        }
        let source = package["source"].as_str().unwrap_or("here");
        if source != "here" && !source.starts_with("registry+") {
            return Some(format!("{name} comes from {source}, not from the registry"));
        }
        let Some(licence) = package["license"].as_str() else {
            return Some(format!("{name} names no licence"));
        };
        (!self.permit(licence)).then(|| format!("{name} has the licence {licence}, which is not allowed"))
    }

    fn permit(&self, licence: &str) -> bool {
        let Ok(expression) = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) else {
            return false;
        };
        expression.evaluate(|needed| self.allowed.iter().any(|allowed| *allowed == needed.to_string()))
    }
}

fn check_dependencies() -> Result<()> {
    let rules = Rules::read()?;
    // The fuzz targets are a workspace of their own.
    for folder in [".", "fuzz"] {
        let mut cargo = workspace::cargo(["metadata", "--locked", "--format-version=1"]);
        let metadata = shell::output(cargo.current_dir(workspace::root().join(folder)))?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let packages =
            metadata.get("packages").and_then(Value::as_array).context("cargo metadata lists packages")?;
        let complaints: Vec<String> =
            packages.iter().filter_map(|package| rules.complaint(package)).collect();
        if !complaints.is_empty() {
            bail!("{}", complaints.join("\n"));
        }
        eprintln!("    {} packages are as deny.toml wants them", packages.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules() -> Rules {
        Rules { allowed: vec!["MIT".into(), "Apache-2.0".into()], banned: vec!["openssl-sys".into()] }
    }

    #[test]
    fn one_allowed_side_of_an_or_is_enough() {
        assert!(rules().permit("MIT OR GPL-3.0-only"));
        assert!(rules().permit("MIT/Apache-2.0"));
        assert!(!rules().permit("MIT AND GPL-3.0-only"));
        assert!(!rules().permit("no such licence"));
    }

    #[test]
    fn refuses_a_ban_a_foreign_source_and_a_missing_licence() {
        let registry = "registry+https://index";
        let good = json!({"name": "a", "source": registry, "license": "MIT"});
        assert_eq!(rules().complaint(&good), None);
        for bad in [
            json!({"name": "openssl-sys", "source": registry, "license": "MIT"}),
            json!({"name": "a", "source": "git+https://somewhere", "license": "MIT"}),
            json!({"name": "a", "source": registry, "license": null}),
        ] {
            assert!(rules().complaint(&bad).is_some(), "{bad}");
        }
    }
}
