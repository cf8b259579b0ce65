//! The direction of dependencies: `app -> {smime, jmap} <- server`, and one folder for the browser.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{shell, workspace};

/// The members that a member may depend on; a member that is not named here may use `smime` and `jmap`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("smime", &[]),
    ("jmap", &[]),
    ("sealpost-agent", &["smime"]),
    ("xtask", &[]),
    ("wasm-test-runner", &[]),
];

/// What any other member may depend on.
const SHARED: &[&str] = &["smime", "jmap"];

/// Crates that only work in a browser.
const BROWSER: &[&str] = &["web-sys", "js-sys", "wasm-bindgen", "idb", "leptos", "gloo-net"];

/// Checks manifests, and that no source file outside of `app/src/web` names `web_sys`.
pub fn check() -> Result<()> {
    let mut cargo = workspace::cargo(["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&shell::output(&mut cargo)?)?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata lists packages")?;
    let members: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut wrong = Vec::new();
    for package in packages {
        check_manifest(package, &members, &mut wrong);
    }
    check_sources(&workspace::root().join("app/src"), &mut wrong)?;
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

fn check_manifest(package: &Value, members: &[&str], wrong: &mut Vec<String>) {
    let name = package["name"].as_str().unwrap_or_default();
    let allowed = MAY_USE.iter().find(|(member, _)| *member == name).map_or(SHARED, |(_, allowed)| *allowed);
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        let other = dependency["name"].as_str().unwrap_or_default();
        // A crate may use itself in its tests, with a feature that only they need.
        if members.contains(&other) && other != name && !allowed.contains(&other) {
            wrong.push(format!("{name} must not depend on {other}"));
        }
        let for_tests = dependency["kind"] == "dev";
        if BROWSER.contains(&other) && name != "app" && !for_tests {
            wrong.push(format!("{name} must not depend on {other}: only app runs in a browser"));
        }
    }
}

fn check_sources(folder: &Path, wrong: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            check_sources(&path, wrong)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            check_source(&path, &fs::read_to_string(&path)?, wrong);
        }
    }
    Ok(())
}

fn check_source(path: &Path, text: &str, wrong: &mut Vec<String>) {
    let web = workspace::root().join("app/src/web");
    let of_the_web = path.starts_with(&web) || path == web.with_extension("rs");
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        if code.contains("web_sys") && !of_the_web {
            wrong.push(format!("{}:{number} names web_sys outside of app/src/web", path.display()));
        }
        if code.contains("inner_html=") {
            wrong.push(format!("{}:{number} sets markup with inner_html", path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaints(name: &str, dependency: &str) -> usize {
        let package = json!({"name": name, "dependencies": [{"name": dependency, "kind": null}]});
        let mut wrong = Vec::new();
        check_manifest(&package, &["smime", "jmap", "app", "sealpost"], &mut wrong);
        wrong.len()
    }

    #[test]
    fn finds_an_arrow_in_the_wrong_direction() {
        assert_eq!(complaints("smime", "jmap"), 1);
        assert_eq!(complaints("sealpost", "app"), 1);
        assert_eq!(complaints("sealpost", "web-sys"), 1);
        assert_eq!(complaints("sealpost", "smime"), 0);
        assert_eq!(complaints("app", "web-sys"), 0);
    }

    #[test]
    fn finds_the_browser_named_outside_of_its_folder() {
        let mut wrong = Vec::new();
        let path = workspace::root().join("app/src/page/list.rs");
        check_source(&path, "// web_sys is elsewhere\nuse web_sys::Element;\n", &mut wrong);
        assert_eq!(wrong.len(), 1);
        check_source(&workspace::root().join("app/src/web/dom.rs"), "use web_sys::Element;", &mut wrong);
        assert_eq!(wrong.len(), 1);
    }
}
