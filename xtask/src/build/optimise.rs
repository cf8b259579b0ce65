//! `wasm-opt`, from the npm package binaryen.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::Program;
use super::assets::content_hash;
use super::bindgen::Module;
use crate::{install, shell, workspace};

/// What the compiler may have used and every supported browser has.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// For size, until nothing changes any more. The data stays in one piece: cut up where it is zero it is shorter as it
/// stands, but a fortieth of the whole program longer in brotli. Below 1024 lies only the far end of the stack, so that
/// small sums may become the offsets of loads.
const PASSES: &[&str] = &["-Oz", "--converge", "--skip-pass=memory-packing", "--low-memory-unused"];

/// Makes `module` smaller, or says why not and leaves it as it is.
pub fn optimise(module: &mut Module) -> Result<()> {
    let optimiser = match install::wasm_opt() {
        Ok(path) => path,
        Err(reason) => {
            eprintln!("    not optimised, so larger than need be: {reason:#}");
            return Ok(());
        }
    };
    let folder = workspace::target().join("front-end");
    fs::create_dir_all(&folder)?;
    let input = folder.join(format!("{}-input.wasm", module.program.binary()));
    let output =
        folder.join(format!("optimised-{}.wasm", content_hash(&[&module.wasm, PASSES.concat().as_bytes()])));
    if !output.is_file() {
        shell::step(&format!("Optimising {}", module.program.binary()), || {
            fs::write(&input, &module.wasm)?;
            let unfinished = output.with_extension("part");
            let mut command = Command::new(optimiser);
            if module.program == Program::Bench {
                command.arg("--debuginfo");
            }
            shell::run(command.args(PASSES).args(FEATURES).arg(&input).arg("-o").arg(&unfinished))?;
            Ok(fs::rename(unfinished, &output)?)
        })?;
    }
    module.wasm = fs::read(output)?;
    Ok(())
}
