//! What a browser downloads, in brotli.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

use super::Figure;

/// The prefix of a program's files, and how many kilobytes it may have.
const PROGRAMS: [(&str, &str, f64); 2] = [("page", "app-", 250.0), ("engine", "engine-", 600.0)];

/// Sums glue and module of each program.
pub fn measure(dist: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (program, prefix, target) in PROGRAMS {
        let bytes = compressed_size(&dist.join("assets"), prefix)?;
        let value = bytes as f64 / 1000.0;
        let verdict = if value <= target { "" } else { ", missed" };
        let beside = format!("target {target}{verdict}");
        figures.push(kilobytes(format!("{program}, wasm and glue"), value, beside));
    }
    let style = compressed_size(&dist.join("assets"), "main-")? as f64 / 1000.0;
    figures.push(kilobytes("style sheet".to_owned(), style, String::new()));
    Ok(figures)
}

fn kilobytes(what: String, value: f64, beside: String) -> Figure {
    Figure { what, value: Some(value), unit: "KB".to_owned(), beside, detail: Value::Null }
}

fn compressed_size(assets: &Path, prefix: &str) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(assets)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(prefix) && name.to_string_lossy().ends_with(".br") {
            bytes += entry.metadata()?.len();
        }
    }
    if bytes == 0 {
        bail!("there is no compressed file {prefix}* in {}", assets.display());
    }
    Ok(bytes)
}
