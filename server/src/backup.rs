//! Copies of a store that goes on meanwhile, in a form that either database takes in.
//!
//! A copy is a folder: `rows.jsonl`, one row a line; `data.jsonl`, the small blobs; `blobs/`, the large
//! ones; `authority/`, in a whole copy; and `manifest.json`, written last, with the hashes of the first
//! two. An incremental copy has the rows again, and those blobs only that the one before it lacks.

mod manifest;
mod restore;
mod take;
mod within;

use std::path::{Path, PathBuf};

use jmap::BlobId;

pub use manifest::{Manifest, Scope};
pub use restore::{restore, restore_authority};
pub use take::take;

use crate::blobs::BlobError;
use crate::store::sql::SqlError;
use crate::store::{MigrateError, StoreError};

/// Why no copy was made, or none was restored. Nothing half done is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is something where the copy is to be.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A copy is damaged, or is none.
    #[error("{} is no whole copy: {what}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The copy has tables of another release.
    #[error(
        "the copy has version {found} of the tables, this release has {known}: use one of the same version"
    )]
    Version {
        /// Its version.
        found: i64,
        /// That of this release.
        known: i64,
    },
    /// The copy that another one is to build on lies elsewhere than that.
    #[error("{} does not lie beside the new copy, which would not find it", .0.display())]
    Elsewhere(PathBuf),
    /// No account is of that organisation or has that address.
    #[error("there is no such account")]
    Nobody,
    /// A whole copy is restored into an empty store only.
    #[error("the store has accounts: a whole copy is restored into an empty one")]
    NotEmpty,
    /// An account of the copy is there.
    #[error("an account of the copy is there: --replace puts the copy's in its place")]
    AccountExists,
    /// What the copy says is one of its accounts is another one here.
    #[error("{0} is not of what the copy is of: copies of that account alone replace it")]
    Another(String),
    /// A file that was put into the store was removed before its rows came.
    #[error("the file {0} was removed meanwhile, for it took more than a day: restore again")]
    Removed(BlobId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The tables could not be brought to the copy's version.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

/// Under which name something lies beside `path` until it is whole.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

impl From<SqlError> for BackupError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}
