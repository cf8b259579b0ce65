//! `cargo xtask build`: the front-end, from Rust and CSS to `dist/`.

mod assets;
mod bindgen;
mod glue;
mod optimise;
mod pages;
mod style;

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Result;

use crate::{install, shell, workspace};

/// How the front-end is built.
#[derive(Clone, Copy, clap::Args)]
pub struct Options {
    /// Builds quickly and unoptimised, for work on the program itself.
    #[arg(long)]
    pub dev: bool,
}

/// One of the two WebAssembly programs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Page,
    Engine,
    /// What `cargo xtask bench` runs in the browser; no part of the product.
    Bench,
}

impl Program {
    /// The name of its binary in the crate `app`.
    pub fn binary(self) -> &'static str {
        match self {
            Program::Page => "app",
            Program::Engine => "engine",
            Program::Bench => "bench",
        }
    }
}

/// Builds `dist/` and returns its path.
pub fn build(options: Options) -> Result<PathBuf> {
    install::wasm_target()?;
    shell::step("Compiling the page and the engine", || compile(&[Program::Page, Program::Engine], options))?;
    let page = module(Program::Page, options)?;
    let engine = module(Program::Engine, options)?;
    shell::step("Writing dist", || {
        let mut assets = assets::Assets::new(workspace::dist(), !options.dev);
        pages::write(&mut assets, page, engine)?;
        assets.finish()
    })
}

/// Builds the program of `cargo xtask bench smime`.
pub fn bench_module() -> Result<bindgen::Module> {
    let options = Options { dev: false };
    install::wasm_target()?;
    shell::step("Compiling the bench program", || compile(&[Program::Bench], options))?;
    module(Program::Bench, options)
}

fn profile(options: Options) -> &'static str {
    if options.dev { "dev" } else { "release-wasm" }
}

fn compile(programs: &[Program], options: Options) -> Result<()> {
    let mut cargo = workspace::cargo(["build", "--package", "app", "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--profile", profile(options)]);
    for program in programs {
        cargo.args(["--bin", program.binary()]);
    }
    if programs.contains(&Program::Bench) {
        cargo.args(["--features", "bench"]);
    }
    if !options.dev {
        cargo.args(["--config", &remapped_paths()?]);
    }
    shell::run(&mut cargo)
}

/// Flags that keep this machine's folders out of the program: panics name source files, and the
/// bytes that a browser runs should be the same wherever they were built.
fn remapped_paths() -> Result<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.map(|home| home.join("registry/src"));
    let mut folders = vec![(workspace::root().to_path_buf(), "/sealpost")];
    for registry in sources.iter().filter_map(|sources| fs::read_dir(sources).ok()).flatten() {
        folders.push((registry?.path(), "/crates"));
    }
    let flags = folders.iter().map(|(from, to)| format!("'--remap-path-prefix={}={to}'", from.display()));
    let flags = flags.collect::<Vec<_>>().join(", ");
    Ok(format!("target.wasm32-unknown-unknown.rustflags = [{flags}]"))
}

fn module(program: Program, options: Options) -> Result<bindgen::Module> {
    let folder = if options.dev { "debug" } else { profile(options) };
    let compiled = workspace::target()
        .join("wasm32-unknown-unknown")
        .join(folder)
        .join(program.binary())
        .with_extension("wasm");
    // The profile that the bench takes would be of nameless functions.
    let keep_names = options.dev || program == Program::Bench;
    let mut module = bindgen::generate(program, &compiled, keep_names)?;
    if program == Program::Page {
        module.glue = glue::route_through_policy(&module.glue)?;
    } else {
        glue::refuse_markup_sinks(&module.glue)?;
    }
    if !options.dev {
        optimise::optimise(&mut module)?;
    }
    Ok(module)
}
