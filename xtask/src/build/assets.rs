//! Files under `dist/`: named by their content, compressed once, and stale ones swept.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::workspace;

/// Files being written to a folder that a relay serves.
pub struct Assets {
    folder: PathBuf,
    compress: bool,
    written: BTreeSet<PathBuf>,
}

impl Assets {
    /// Begins to write to `folder`.
    pub fn new(folder: PathBuf, compress: bool) -> Self {
        Assets { folder, compress, written: BTreeSet::new() }
    }

    /// Writes `content` under a name with its hash and returns the path that the browser asks for.
    pub fn add(&mut self, stem: &str, extension: &str, content: &[u8]) -> Result<String> {
        let path = format!("assets/{stem}-{}.{extension}", content_hash(&[content]));
        self.add_named(&path, content)?;
        Ok(format!("/{path}"))
    }

    /// Writes `content` under a name that is known beforehand.
    pub fn add_named(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.put(name, content)?;
        if self.compress {
            self.put(&format!("{name}.br"), &compressed(content, "br", brotli)?)?;
            self.put(&format!("{name}.gz"), &compressed(content, "gz", gzip)?)?;
        }
        Ok(())
    }

    /// Removes what an earlier build left and returns the folder.
    pub fn finish(self) -> Result<PathBuf> {
        for folder in [self.folder.clone(), self.folder.join("assets")] {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_file() && !self.written.contains(&path) {
                    fs::remove_file(path)?;
                }
            }
        }
        Ok(self.folder)
    }

    fn put(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        write_whole(&path, content)?;
        self.written.insert(path);
        Ok(())
    }
}

/// The first 64 bits of SHA-256 in hexadecimal: enough for a name that changes with its content.
pub fn content_hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A reader, such as a running relay, sees the old file or the new one, never a part.
fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    fs::write(&part, content)?;
    Ok(fs::rename(part, path)?)
}

fn compressed(content: &[u8], suffix: &str, compress: fn(&[u8]) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let name = format!("{}.{suffix}", content_hash(&[content]));
    let path = workspace::target().join("front-end/compressed").join(name);
    if let Ok(known) = fs::read(&path) {
        return Ok(known);
    }
    let made = compress(content)?;
    write_whole(&path, &made)?;
    Ok(made)
}

/// Compresses as well as brotli can; the files are made once and sent often.
pub fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        // Smaller blocks than it would choose: a program's parts differ.
        lgblock: 16,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut made = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut made, &parameters)?;
    Ok(made)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
