//! Building the targets with coverage, and their first inputs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Target;
use crate::{install, shell, workspace};

/// What `cargo fuzz` asks of LLVM; all of it works on the stable compiler. A sanitizer would not, and
/// would find little: the workspace forbids unsafe code.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// The built targets.
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds them, and writes their first inputs.
    pub fn build<'t>(targets: impl Iterator<Item = &'t Target>, features: &[&str]) -> Result<Self> {
        install::programs(install::FUZZER)?;
        let programs = shell::step("Building the fuzz targets", || compile(features))?;
        shell::step("Writing first inputs", || programs.write_seeds(targets))?;
        Ok(programs)
    }

    /// The program of a target.
    pub fn of(&self, target: &str) -> Command {
        Command::new(self.folder.join(target))
    }

    fn write_seeds<'t>(&self, targets: impl Iterator<Item = &'t Target>) -> Result<()> {
        let folder = seeds();
        if folder.exists() {
            fs::remove_dir_all(&folder).context("old first inputs cannot be removed")?;
        }
        shell::run(self.of("seeds").arg(folder).args(targets.map(|target| target.name)))
    }
}

/// Where everything that the targets need or leave lies.
pub fn folder() -> PathBuf {
    workspace::target().join("fuzz")
}

/// The first inputs, in a folder for each target.
pub fn seeds() -> PathBuf {
    folder().join("seeds")
}

fn compile(features: &[&str]) -> Result<Programs> {
    let version = shell::output(Command::new("rustc").arg("-vV"))?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names its host")?;
    let mut cargo = workspace::cargo(["build", "--locked", "--release", "--bins"]);
    cargo.args(features).current_dir(workspace::root().join("fuzz"));
    cargo.arg("--target-dir").arg(folder());
    // With a target named, build scripts and macros are built without the flags.
    shell::run(cargo.args(["--target", host]).env("RUSTFLAGS", COVERAGE))?;
    Ok(Programs { folder: folder().join(Path::new(host)).join("release") })
}
