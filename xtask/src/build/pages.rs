//! The documents and boot modules, with the hashed names filled in.

use std::fs;

use anyhow::{Context, Result, bail};

use super::assets::Assets;
use super::bindgen::Module;
use super::{glue, style};
use crate::workspace;

/// Writes the programs, their boot modules, the style sheet and the two documents.
///
/// Placeholders: `__JS__` and `__WASM__` are the program's own glue and module (in `index.html` and
/// `app/boot.js` the page's, in `app/engine-boot.js` the engine's), `__ENGINE__` the engine's boot
/// module, `__BOOT__` the page's, `__CSS__` the style sheet.
pub fn write(assets: &mut Assets, page: Module, engine: Module) -> Result<()> {
    let engine_names = add(assets, engine)?;
    let engine_boot = fill("app/engine-boot.js", &engine_names)?;
    let engine_boot = assets.add("engine-boot", "js", engine_boot.as_bytes())?;

    let mut names = add(assets, page)?;
    names.push(("__ENGINE__", engine_boot));
    let css = style::bundle(&workspace::root().join("style/main.css"))?;
    names.push(("__CSS__", assets.add("main", "css", css.as_bytes())?));
    let boot = fill("app/boot.js", &names)?;
    names.push(("__BOOT__", assets.add("boot", "js", boot.as_bytes())?));

    assets.add_named("frame.html", fill("frame.html", &names)?.as_bytes())?;
    // Last, since it names all the others.
    assets.add_named("index.html", fill("index.html", &names)?.as_bytes())
}

type Names = Vec<(&'static str, String)>;

fn add(assets: &mut Assets, module: Module) -> Result<Names> {
    let stem = module.program.binary();
    let mut glue = module.glue;
    for (import, script) in &module.snippets {
        glue::refuse_markup_sinks(script)?;
        glue = glue.replace(import, &assets.add("snippet", "js", script.as_bytes())?);
    }
    let js = assets.add(stem, "js", glue.as_bytes())?;
    let wasm = assets.add(stem, "wasm", &module.wasm)?;
    Ok(vec![("__JS__", js), ("__WASM__", wasm)])
}

fn fill(file: &str, names: &Names) -> Result<String> {
    let path = workspace::root().join(file);
    let mut text = fs::read_to_string(&path).with_context(|| format!("{file} cannot be read"))?;
    for (placeholder, value) in names {
        text = text.replace(placeholder, value);
    }
    if let Some(left) =
        ["__JS__", "__WASM__", "__ENGINE__", "__CSS__", "__BOOT__"].iter().find(|p| text.contains(**p))
    {
        bail!("{file} has the placeholder {left}, which has no meaning there");
    }
    Ok(text)
}
