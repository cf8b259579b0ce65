//! Immutable bytes, named by their content.
//!
//! Small ones ride in the SQL transaction of whatever holds them, so that many deliveries share
//! one sync. Large ones lie in files that are synced, with their folder, before the row is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jmap::{AccountId, BlobId};
use object_store::ObjectStoreExt;
use object_store::local::LocalFileSystem;
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, OwnedRwLockReadGuard, RwLock};

use crate::clock::{Millis, now};
use crate::store::{self, BlobRef, Store, StoreError};

/// Up to this size a blob rides in the transaction: most sealed letters without attachments do.
const SMALL: usize = 64 * 1024;
/// What of a large message is read for its header.
const HEADER: u64 = 64 * 1024;
/// How long an upload that nothing refers to is kept (RFC 8620 6: at least an hour).
const UNUSED: Millis = 24 * 60 * 60 * 1000;

/// The blobs of the relay.
#[derive(Debug)]
pub struct Blobs {
    files: LocalFileSystem,
    // Held for reading from the writing of a file until its row is there, and for writing while
    // files are swept, so that a file is never swept between the two.
    gate: Arc<RwLock<()>>,
}

type Passage = Arc<OwnedRwLockReadGuard<()>>;

/// Blobs that are prepared one after the other for one transaction.
///
/// The gate is fair: whoever holds it and asks for it again would wait behind a sweep that waits
/// for them. So a batch passes it once, for its first large blob.
#[derive(Debug, Default)]
pub struct Batch(OnceCell<Passage>);

/// Bytes that are safe to refer to in a transaction.
#[derive(Debug)]
pub struct Prepared {
    blob: BlobRef,
    _gate: Option<Passage>,
}

impl Prepared {
    /// A blob that is there already; the transaction makes sure of that.
    pub fn kept(id: BlobId, size: i64) -> Self {
        Self { blob: BlobRef { id, size, data: None }, _gate: None }
    }

    /// What to refer to.
    pub fn blob(&self) -> &BlobRef {
        &self.blob
    }
}

/// Why bytes cannot be kept or had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The account holds no such blob.
    #[error("there is no such blob")]
    NotFound,
    /// The folder failed.
    #[error("the blob folder failed: {0}")]
    Folder(#[from] object_store::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Blobs {
    /// Opens the folder, which is there.
    pub fn open(folder: &Path) -> Result<Self, BlobError> {
        let files = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { files, gate: Arc::default() })
    }

    /// Makes bytes safe to refer to, until the batch and all that was prepared in it are dropped.
    pub async fn prepare(&self, batch: &Batch, bytes: Vec<u8>) -> Result<Prepared, BlobError> {
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if bytes.len() <= SMALL {
            let blob = BlobRef { id: id(&bytes), size, data: Some(bytes) };
            return Ok(Prepared { blob, _gate: None });
        }
        let pass = || async { Arc::new(Arc::clone(&self.gate).read_owned().await) };
        let gate = Arc::clone(batch.0.get_or_init(pass).await);
        let id = id(&bytes);
        // Written anew even when it is there: that one may be what a crash left half written.
        self.files.put(&path(&id), bytes.into()).await?;
        Ok(Prepared { blob: BlobRef { id, size, data: None }, _gate: Some(gate) })
    }

    /// The bytes of a blob that the account holds.
    pub async fn read(&self, store: &Store, account: &AccountId, id: &BlobId) -> Result<Vec<u8>, BlobError> {
        let mut connection = store.read().await?;
        store::own_blob(&mut connection, account, id).await?.ok_or(BlobError::NotFound)?;
        drop(connection);
        self.read_any(store, id).await
    }

    /// The bytes of a blob, whoever holds it: for the queue.
    pub async fn read_any(&self, store: &Store, id: &BlobId) -> Result<Vec<u8>, BlobError> {
        let mut connection = store.read().await?;
        let row = store::blob_data(&mut connection, id).await?.ok_or(BlobError::NotFound)?;
        drop(connection);
        match row {
            Some(data) => Ok(data),
            None => Ok(self.files.get(&path(id)).await?.bytes().await?.to_vec()),
        }
    }

    /// The beginning of a blob, which holds a message's header, whoever holds it.
    pub async fn read_start(&self, store: &Store, id: &BlobId) -> Result<Vec<u8>, BlobError> {
        let mut connection = store.read().await?;
        let row = store::blob_data(&mut connection, id).await?.ok_or(BlobError::NotFound)?;
        drop(connection);
        match row {
            Some(data) => Ok(data),
            None => Ok(self.files.get_range(&path(id), 0..HEADER).await?.to_vec()),
        }
    }

    /// Forgets uploads that nothing referred to for a day, and files that nothing refers to.
    pub async fn sweep(&self, store: &Store) -> Result<(), BlobError> {
        let _alone = self.gate.write().await;
        let since = now() - UNUSED;
        let sweep = store.write(move |tx| Box::pin(store::sweep_blobs(tx, since)));
        let files: Vec<BlobId> = sweep.await?;
        for id in files {
            match self.files.delete(&path(&id)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The folder of large blobs.
pub fn folder(data: &Path) -> PathBuf {
    data.join("blobs")
}

fn id(bytes: &[u8]) -> BlobId {
    BlobId::from(format!("b{}", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))))
}

/// Two levels of folders, so that none grows too large to list.
fn path(id: &BlobId) -> object_store::path::Path {
    let text = id.as_str();
    let fan = |range| text.get(range).unwrap_or("__");
    object_store::path::Path::from(format!("{}/{}/{text}", fan(1..3), fan(3..5)))
}
