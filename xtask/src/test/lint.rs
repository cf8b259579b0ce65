//! Everything that is judged without running the program.

use std::process::Command;

use anyhow::Result;

use super::tally::Tally;
use super::{direction, licences};
use crate::{install, shell, workspace};

/// Runs all checks, each counted as one.
pub fn lint() -> Result<Tally> {
    install::wasm_target()?;
    let mut tally = Tally::default();
    tally += Tally::of_check("Formatting", || shell::run(&mut workspace::cargo(["fmt", "--all", "--check"])));
    tally += Tally::of_check("Formatting of the fuzz targets", || {
        let mut cargo = workspace::cargo(["fmt", "--check"]);
        shell::run(cargo.current_dir(workspace::root().join("fuzz")))
    });
    tally += Tally::of_check("Direction of dependencies", direction::check);
    tally += licences::check();
    tally += Tally::of_check("Clippy", clippy_native);
    tally += Tally::of_check("Clippy for the browser", clippy_browser);
    tally += Tally::of_check("Documentation", documentation);
    tally += Tally::of_check("Types of the stories", story_types);
    Ok(tally)
}

fn clippy_native() -> Result<()> {
    let mut cargo = workspace::cargo(["clippy", "--workspace", "--all-targets"]);
    // It is twelve lines long, and its dependencies are the largest of all.
    cargo.args(["--exclude", "wasm-test-runner"]);
    shell::run(cargo.args(["--", "--deny", "warnings"]))
}

fn clippy_browser() -> Result<()> {
    let target = ["--target", "wasm32-unknown-unknown"];
    let deny = ["--", "--deny", "warnings"];
    let mut crates = workspace::cargo(["clippy", "--package", "smime", "--package", "jmap", "--lib"]);
    shell::run(crates.args(target).args(deny))?;
    let mut app = workspace::cargo(["clippy", "--package", "app", "--all-targets", "--all-features"]);
    shell::run(app.args(target).args(deny))
}

fn documentation() -> Result<()> {
    let mut cargo = workspace::cargo(["doc", "--workspace", "--no-deps", "--exclude", "wasm-test-runner"]);
    // The page's rooms are private to it, and documented for those who work on them.
    let flags = "--deny warnings --allow rustdoc::private_intra_doc_links";
    shell::run(cargo.arg("--document-private-items").env("RUSTDOCFLAGS", flags))
}

fn story_types() -> Result<()> {
    install::npm_packages()?;
    shell::run(Command::new("npm").args(["run", "--silent", "check"]).current_dir(workspace::e2e()))
}
