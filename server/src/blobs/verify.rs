//! Whether files are what they are named, and which belong to nothing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use jmap::BlobId;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use super::{BlobError, Blobs, INCOMING, id, named, path};
use crate::store::check::BytesFault;
use crate::store::{self, Store, StoreError};

/// Half-written files are left for so long: somebody may be writing them.
const GRACE: Duration = Duration::from_secs(60 * 60);

impl Blobs {
    /// What is wrong with a blob's file; nothing if it has the bytes that its name says.
    pub async fn fault(&self, blob: &BlobId) -> Result<Option<BytesFault>, BlobError> {
        let file = match self.files.get(&path(blob)).await {
            Ok(file) => file,
            Err(object_store::Error::NotFound { .. }) => return Ok(Some(BytesFault::Missing)),
            Err(error) => return Err(error.into()),
        };
        let (mut digest, mut bytes) = (Sha256::new(), file.into_stream());
        while let Some(chunk) = bytes.try_next().await? {
            digest.update(&chunk);
        }
        Ok((named(&digest.finalize()) != *blob).then_some(BytesFault::Damaged))
    }

    /// What is wrong with the bytes of a blob that are in the database.
    pub fn fault_in(blob: &BlobId, bytes: &[u8]) -> Option<BytesFault> {
        (id(bytes) != *blob).then_some(BytesFault::Damaged)
    }

    /// The paths of all files that were there an hour ago, with the blobs that they are named by.
    pub async fn files(&self) -> Result<Vec<(String, Option<BlobId>)>, BlobError> {
        let paths = self.old("").await?;
        Ok(paths.into_iter().map(|path| (path.clone(), blob_of(&path))).collect())
    }

    /// Removes what uploads left that broke off, by a crash as well.
    pub async fn sweep_incoming(&self, store: &Store) -> Result<(), BlobError> {
        for path in self.old(INCOMING).await? {
            self.remove_stray(store, &path).await?;
        }
        Ok(())
    }

    async fn old(&self, under: &'static str) -> Result<Vec<String>, BlobError> {
        let before = SystemTime::now().checked_sub(GRACE).unwrap_or(SystemTime::UNIX_EPOCH);
        match self.folder.clone() {
            // The folder itself also has what a crash left half written, which the object store hides.
            Some(folder) => walk(folder, under, before).await,
            None => self.list(under, before).await,
        }
    }

    async fn list(&self, under: &str, before: SystemTime) -> Result<Vec<String>, BlobError> {
        let under = object_store::path::Path::from(under);
        let listed: Vec<_> = self.files.list(Some(&under)).try_collect().await?;
        let old = listed.into_iter().filter(|meta| SystemTime::from(meta.last_modified) < before);
        // What is named otherwise was put into the bucket by somebody else, and is not ours to remove.
        let is_ours = |path: &String| path.starts_with("incoming/i") || blob_of(path).is_some();
        Ok(old.map(|meta| meta.location.to_string()).filter(is_ours).collect())
    }

    /// Removes a file that belongs to nothing.
    ///
    /// One that is named by a blob is given a row and collected: somebody may have begun to keep the
    /// same bytes since the file was found to be a stray, and meets us at that row.
    pub async fn remove_stray(&self, store: &Store, stray: &str) -> Result<(), BlobError> {
        if let Some(blob) = blob_of(stray) {
            let adopt = store.write(move |tx| Box::pin(async move { store::adopt_blob(tx, &blob).await }));
            adopt.await.map_err(|error: StoreError| error)?;
            return self.collect(store, store::ADOPTED + 1).await;
        }
        if let Some(folder) = &self.folder {
            return match tokio::fs::remove_file(folder.join(stray)).await {
                // An upload that was slow is whole by now, or was given up.
                Err(error) if error.kind() != ErrorKind::NotFound => Err(io(error).into()),
                _ => Ok(()),
            };
        }
        Ok(self.files.delete(&object_store::path::Path::from(stray)).await?)
    }
}

fn io(source: std::io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "folder", source: Box::new(source) }
}

fn blob_of(stray: &str) -> Option<BlobId> {
    let name = BlobId::from(stray.rsplit('/').next()?);
    (path(&name).as_ref() == stray).then_some(name)
}

async fn walk(root: PathBuf, under: &'static str, before: SystemTime) -> Result<Vec<String>, BlobError> {
    let walking = tokio::task::spawn_blocking(move || {
        let (mut files, folder) = (Vec::new(), root.join(under));
        if folder.is_dir() {
            gather(&root, &folder, before, &mut files)?;
        }
        Ok(files)
    });
    Ok(walking.await.map_err(|error| io(error.into()))?.map_err(io)?)
}

fn gather(root: &Path, folder: &Path, before: SystemTime, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            gather(root, &entry.path(), before, files)?;
            continue;
        }
        // What goes meanwhile was no stray.
        let old = entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at < before);
        if let (true, Ok(path)) = (old, entry.path().strip_prefix(root)) {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
