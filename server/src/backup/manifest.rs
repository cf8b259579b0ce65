use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::BackupError;
use crate::base64_url;

/// Whose mail a copy has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The accounts of this organisation.
    pub organisation: Option<String>,
    /// The account of this address.
    pub address: Option<String>,
}

impl Scope {
    /// Whether it is all there is.
    pub fn is_whole(&self) -> bool {
        self.organisation.is_none() && self.address.is_none()
    }
}

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of its tables.
    pub version: i64,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
    /// Whose mail it has.
    pub scope: Scope,
    /// The name of the copy beside it that has the other blobs.
    pub since: Option<String>,
    /// All blobs that it needs, with those of the copies before it.
    pub blobs: Vec<String>,
    /// How many rows it has.
    pub rows: usize,
    /// SHA-256 of `rows.jsonl`, in base64url.
    pub rows_hash: String,
    /// SHA-256 of `data.jsonl`, in base64url.
    pub data_hash: String,
}

impl Manifest {
    /// Reads the manifest of a copy and checks the files that it names.
    pub fn open(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join("manifest.json");
        let text = fs::read(&path).map_err(|source| BackupError::File { path: path.clone(), source })?;
        let damaged = |path: PathBuf, what| BackupError::Damaged { path, what };
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|_| damaged(path, "its manifest cannot be read"))?;
        for (name, hash) in [("rows.jsonl", &manifest.rows_hash), ("data.jsonl", &manifest.data_hash)] {
            let path = folder.join(name);
            if hash_of(&path)? != *hash {
                return Err(damaged(path, "its hash is another"));
            }
        }
        Ok(manifest)
    }

    /// This copy and those before it that it needs, newest first.
    pub fn chain(folder: &Path) -> Result<Vec<(PathBuf, Self)>, BackupError> {
        let mut chain = vec![(folder.to_owned(), Self::open(folder)?)];
        while let Some((folder, manifest)) = chain.last()
            && let Some(since) = &manifest.since
        {
            let before = folder.parent().unwrap_or(Path::new(".")).join(since);
            if since.contains('/') || chain.len() > 10_000 || chain.iter().any(|(known, _)| *known == before)
            {
                return Err(BackupError::Damaged { path: before, what: "the copies go in circles" });
            }
            let manifest = Self::open(&before)?;
            chain.push((before, manifest));
        }
        Ok(chain)
    }
}

fn hash_of(path: &Path) -> Result<String, BackupError> {
    let wrong = |source| BackupError::File { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(wrong)?;
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(wrong)? {
            0 => return Ok(base64_url(&digest.finalize())),
            read => digest.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
