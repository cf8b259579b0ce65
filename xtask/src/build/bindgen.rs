//! From a compiled WebAssembly program to the module and glue that a browser loads.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use super::{Program, assets::content_hash};
use crate::{shell, workspace};

/// A program as a browser loads it.
pub struct Module {
    pub program: Program,
    pub wasm: Vec<u8>,
    pub glue: String,
    /// Scripts that dependencies bring, each with the path under which the glue imports it.
    pub snippets: Vec<(String, String)>,
}

/// Generates the glue of `compiled`, or takes it from the last time if the program is the same.
pub fn generate(program: Program, compiled: &Path, keep_names: bool) -> Result<Module> {
    let input = fs::read(compiled).with_context(|| format!("{} was not built", compiled.display()))?;
    let name = program.binary();
    let key = content_hash(&[&input, env!("CARGO_PKG_VERSION").as_bytes()]);
    let folder = workspace::target().join("front-end").join(format!("{name}-{key}"));
    if !folder.join("done").is_file() {
        shell::step(&format!("Generating the glue of {name}"), || {
            emit(input, &folder, name, keep_names)?;
            Ok(fs::write(folder.join("done"), "")?)
        })?;
    }
    let wasm = fs::read(folder.join(format!("{name}_bg.wasm")))?;
    let glue = fs::read_to_string(folder.join(format!("{name}.js")))?;
    Ok(Module { program, wasm, glue, snippets: snippets(&folder)? })
}

fn emit(input: Vec<u8>, folder: &Path, name: &str, keep_names: bool) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_bytes(name, input)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .keep_debug(keep_names)
        .remove_name_section(!keep_names)
        .remove_producers_section(!keep_names);
    let mut output = bindgen.generate_output()?;
    output.emit(folder)
}

fn snippets(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("snippets")];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(next) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let import = format!("./{}", path.strip_prefix(folder)?.display());
                found.push((import, fs::read_to_string(&path)?));
            }
        }
    }
    Ok(found)
}
