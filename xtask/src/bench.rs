//! `cargo xtask bench`: size over the wire, time to the list, speed of sealing and opening, and the relay.

mod browser;
mod native;
mod relay;
mod size;

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::build;

/// What to measure and where to keep the figures.
#[derive(clap::Args)]
pub struct Options {
    /// All of them if none is named.
    #[arg(value_enum)]
    names: Vec<Name>,
    /// Also writes the figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Few rounds: to see that it runs, not to be quoted.
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    relay: relay::Options,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// Brotli bytes of the page and of the engine.
    Size,
    /// Time to the list with 1000 messages in Chromium.
    List,
    /// Sealing and opening in Chromium, beside PKI.js, node-forge and the bare WebCrypto primitives.
    Smime,
    /// Letters of 25 and 100 MB through the program itself, and how long the page stands still.
    Large,
    /// Sealing and opening natively, beside OpenSSL's library.
    Native,
    /// The relay beside Cyrus and Dovecot.
    Relay,
}

/// One figure.
pub struct Figure {
    what: String,
    /// None where there is nothing to measure; `beside` then says why.
    value: Option<f64>,
    unit: String,
    /// What it is held against, such as `target 250` or `1.3 x bare`.
    beside: String,
    /// What it was made of: sizes, rounds, the median and p95 it comes from.
    detail: Value,
}

/// Measures, prints a table for each, and writes JSON where that is asked for.
pub fn bench(options: &Options) -> Result<()> {
    let all = [Name::Size, Name::List, Name::Smime, Name::Large, Name::Native, Name::Relay];
    let names = if options.names.is_empty() { &all[..] } else { &options.names };
    let mut report = serde_json::Map::new();
    for name in names {
        let (title, figures) = match name {
            Name::Size => ("size", size::measure(&build::build(build::Options { dev: false })?)?),
            Name::List => ("list", browser::list()?),
            Name::Smime => ("smime", browser::smime(options.quick)?),
            Name::Large => ("large", browser::large(options.quick)?),
            Name::Native => ("native", native::smime(options.quick)?),
            Name::Relay => ("relay", relay::measure(&options.relay)?),
        };
        println!("\n{title}\n{}", table(&figures)?);
        report.insert(title.to_owned(), figures.iter().map(Figure::to_json).collect());
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&Value::Object(report))?;
        fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

impl Figure {
    fn to_json(&self) -> Value {
        let Self { what, value, unit, beside, detail } = self;
        json!({"what": what, "value": value, "unit": unit, "beside": beside, "detail": detail})
    }
}

fn table(figures: &[Figure]) -> Result<String> {
    let width = figures.iter().map(|figure| figure.what.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for Figure { what, value, unit, beside, .. } in figures {
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        writeln!(text, "  {what:<width$}  {value:>9} {unit:<3} {beside}")?;
    }
    Ok(text)
}
