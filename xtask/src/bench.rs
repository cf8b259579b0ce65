//! `cargo xtask bench`: size over the wire, time to the list, speed of sealing and opening, and the relay.

mod browser;
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
    #[command(flatten)]
    relay: relay::Options,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// Brotli bytes of the page and of the engine.
    Size,
    /// Time to the list with 1000 messages in Chromium.
    List,
    /// Sealing and opening in Chromium, beside PKI.js and the bare WebCrypto primitives.
    Crypto,
    /// The relay beside Cyrus and Dovecot.
    Relay,
}

/// One figure.
pub struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    /// What it is held against, such as `target 250` or `3.1 of bare WebCrypto`.
    beside: String,
}

/// Measures, prints a table for each, and writes JSON where that is asked for.
pub fn bench(options: &Options) -> Result<()> {
    let all = [Name::Size, Name::List, Name::Crypto, Name::Relay];
    let names = if options.names.is_empty() { &all[..] } else { &options.names };
    let mut report = serde_json::Map::new();
    for name in names {
        let (title, figures) = match name {
            Name::Size => ("size", size::measure(&build::build(build::Options { dev: false })?)?),
            Name::List => ("list", browser::list()?),
            Name::Crypto => ("crypto", browser::crypto()?),
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
        json!({"what": self.what, "value": self.value, "unit": self.unit, "beside": self.beside})
    }
}

fn table(figures: &[Figure]) -> Result<String> {
    let width = figures.iter().map(|figure| figure.what.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for Figure { what, value, unit, beside } in figures {
        writeln!(text, "  {what:<width$}  {value:>9.1} {unit:<3} {beside}")?;
    }
    Ok(text)
}
