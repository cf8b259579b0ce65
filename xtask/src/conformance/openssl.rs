//! A newer OpenSSL than a distribution has: CMS with Ed25519, ML-DSA and ML-KEM.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{install, shell, workspace};

/// The crate that carries its source, and the release that it is.
const SOURCE: &str = "400.0.2";

/// Builds the `openssl` command, unless an earlier run did, and returns its path.
pub fn newer() -> Result<PathBuf> {
    let folder = workspace::target().join("peers").join(format!("openssl-src-{SOURCE}"));
    let program = folder.join("build/apps/openssl");
    if program.is_file() {
        return Ok(program);
    }
    install::programs(install::COMPILING)?;
    let source = source(&folder)?;
    shell::step("Building a newer OpenSSL", || {
        let build = folder.join("build");
        fs::create_dir_all(&build)?;
        let mut configure = Command::new("perl");
        configure.arg(source.join("Configure")).args(["no-shared", "no-module", "no-tests", "no-docs"]);
        quietly(configure.current_dir(&build), &folder)?;
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        for target in [&["build_generated"][..], &["-j", &jobs.to_string(), "apps/openssl"]] {
            quietly(Command::new("make").arg("-s").args(target).current_dir(&build), &folder)?;
        }
        Ok(())
    })?;
    Ok(program)
}

/// The folder of the source, which cargo fetches.
fn source(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let manifest = folder.join("Cargo.toml");
    let text = format!(
        "[package]\nname = \"newer-openssl\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n\
         [dependencies]\nopenssl-src = \"={SOURCE}\"\n\n[workspace]\n"
    );
    fs::write(&manifest, text)?;
    fs::write(folder.join("lib.rs"), "")?;
    let mut cargo = workspace::cargo(["metadata", "--format-version", "1", "--manifest-path"]);
    let metadata: Value = serde_json::from_str(&shell::output(cargo.arg(&manifest))?)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let package =
        packages.iter().find(|package| package.get("name").is_some_and(|name| name == "openssl-src"));
    let path =
        package.and_then(|package| package.get("manifest_path")?.as_str()).context("no openssl-src")?;
    Ok(Path::new(path).parent().context("a manifest without a folder")?.join("openssl"))
}

/// Runs a command whose many words are of interest only when it fails.
fn quietly(command: &mut Command, folder: &Path) -> Result<()> {
    let log = folder.join("build.log");
    let file = fs::OpenOptions::new().create(true).append(true).open(&log)?;
    command.stdout(file.try_clone()?).stderr(file);
    shell::run(command).with_context(|| format!("see {}", log.display()))
}
