//! What is measured in Chromium: the scripts are in `e2e/bench`, and leave figures as JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Figure;
use crate::{build, install, run, shell, test, workspace};

/// Time to the list with 1000 messages, with the relay as it is installed.
pub fn list() -> Result<Vec<Figure>> {
    figures(installed()?.args(["--project=bench", "list"]))
}

/// Large letters through the page and the engine, with the relay as it is installed.
pub fn large(quick: bool) -> Result<Vec<Figure>> {
    let mut command = installed()?;
    if quick {
        command.env("SEALPOST_QUICK", "1");
    }
    figures(command.args(["--project=bench", "large"]))
}

fn installed() -> Result<std::process::Command> {
    prepare()?;
    build::build(build::Options { dev: false })?;
    let relay = shell::step("Compiling the relay", || run::relay(false))?;
    let mut command = test::playwright();
    command.env("SEALPOST_BIN", relay);
    Ok(command)
}

/// Sealing and opening through the engine's code, beside others' and the bare primitives.
pub fn smime(quick: bool) -> Result<Vec<Figure>> {
    prepare()?;
    let module = build::bench_module()?;
    let folder = workspace::target().join("front-end/bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("bench.wasm"), &module.wasm)?;
    fs::write(folder.join("bench.js"), &module.glue)?;
    let mut command = test::playwright();
    if quick {
        command.env("SEALPOST_QUICK", "1");
    }
    figures(command.args(["--project=bench", "smime"]).env("SEALPOST_BENCH", folder))
}

fn prepare() -> Result<()> {
    install::programs(install::BROWSER)?;
    install::npm_packages()
}

fn figures(command: &mut std::process::Command) -> Result<Vec<Figure>> {
    let path = workspace::target().join("bench.json");
    let _ = fs::remove_file(&path);
    let finished = shell::stream(command.env("SEALPOST_FIGURES", &path), |_| ())?;
    if !finished {
        bail!("the measurement did not finish");
    }
    read(&path)
}

fn read(path: &Path) -> Result<Vec<Figure>> {
    let text = fs::read_to_string(path).context("the measurement left no figures")?;
    read_figures(&serde_json::from_str::<Vec<Value>>(&text)?)
}

/// Figures as a program outside of this one gives them.
pub fn read_figures(list: &[Value]) -> Result<Vec<Figure>> {
    let figure = |entry: &Value| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let value = entry.get("value").and_then(Value::as_f64);
        let detail = entry.get("detail").cloned().unwrap_or_default();
        Some(Figure { what: text("what")?, value, unit: text("unit")?, beside: text("beside")?, detail })
    };
    list.iter()
        .map(|entry| figure(entry).with_context(|| format!("a figure is incomplete: {entry}")))
        .collect()
}
