//! Immutable bytes, named by their content.
//!
//! Small ones ride in the SQL transaction of whatever holds them, so that many deliveries share
//! one sync. Large ones lie in files. A file has a row before it is written, is synced with its
//! folder before anybody refers to it, and is removed while its row says so: so no file is without
//! a row, and none is removed between its writing and its use, by whichever process.

mod incoming;
mod s3;
mod verify;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jmap::BlobId;
use object_store::local::LocalFileSystem;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::clock::{Millis, now};
use crate::config::Config;
use crate::delivery::off_thread;
use crate::store::{self, BlobRef, Content, Kept, Store, StoreError};
pub use incoming::{Incoming, Outgoing};

/// Up to this size a blob rides in the transaction: most sealed letters without attachments do.
const SMALL: usize = 64 * 1024;
/// What of a large message is read for its header.
const HEADER: u64 = 64 * 1024;
const HOUR: Millis = 60 * 60 * 1000;
/// How long an upload that nothing refers to is kept (RFC 8620 6: at least an hour).
const UNUSED: Millis = 24 * HOUR;
/// How long a blob that nobody holds is kept: longer than a file takes to be written.
const GRACE: Millis = HOUR;
/// Where bytes lie until they are whole.
const INCOMING: &str = "incoming";
/// How many blobs are looked for at once when they are collected.
const COLLECTED: i64 = 256;

/// The blobs of the relay.
#[derive(Debug)]
pub struct Blobs {
    files: Arc<dyn ObjectStore>,
    folder: Option<PathBuf>,
}

/// Bytes that are safe to refer to in a transaction.
#[derive(Debug, Clone)]
pub struct Prepared {
    blob: BlobRef,
}

impl Prepared {
    /// A blob that is there already; the transaction makes sure of that.
    pub fn kept(id: BlobId, size: i64) -> Self {
        Self { blob: BlobRef { id, size, data: None } }
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
    /// Its file does not have the bytes that its name and size say.
    #[error("the file of a blob is damaged")]
    Damaged,
    /// The folder or the bucket failed.
    #[error("the blob store failed: {0}")]
    Folder(#[from] object_store::Error),
    /// The credentials of the bucket cannot be read.
    #[error("{}: {source}", path.display())]
    Credentials {
        /// Their file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Blobs {
    /// Opens the bucket that the configuration names, or the folder, which is there.
    pub fn open(config: &Config) -> Result<Self, BlobError> {
        if let Some(s3) = &config.s3 {
            return Ok(Self { files: s3::open(s3)?, folder: None });
        }
        let folder = &folder(&config.data);
        let files = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { files: Arc::new(files), folder: Some(folder.to_owned()) })
    }

    /// Makes bytes safe to refer to within [`GRACE`].
    pub async fn prepare(&self, store: &Store, bytes: Vec<u8>) -> Result<Prepared, BlobError> {
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let id = id(&bytes);
        if bytes.len() <= SMALL {
            return Ok(Prepared { blob: BlobRef { id, size, data: Some(Content::of(bytes)) } });
        }
        let claimed = id.clone();
        let claim =
            store.write(move |tx| Box::pin(async move { store::claim_blob(tx, &claimed, size).await }));
        claim.await.map_err(|error: StoreError| error)?;
        // Written anew even when it is there: that one may be what a crash left half written.
        self.files.put(&path(&id), bytes.into()).await?;
        Ok(Prepared { blob: BlobRef { id, size, data: None } })
    }

    /// The bytes of a blob, whoever holds it.
    pub async fn read_any(&self, store: &Store, id: &BlobId) -> Result<Vec<u8>, BlobError> {
        let mut connection = store.read().await?;
        let row = store::blob_data(&mut connection, id).await?.ok_or(BlobError::NotFound)?;
        drop(connection);
        let size = match row {
            Kept::Data(data) => return Ok(data),
            Kept::File(size) => size,
        };
        // No copy: nobody else has them.
        let bytes = Vec::from(self.file(id, size, None).await?.bytes().await?);
        let wanted = id.clone();
        off_thread(move || (self::id(&bytes) == wanted).then_some(bytes)).await?.ok_or(BlobError::Damaged)
    }

    /// The bytes of a blob where it is small enough to lie in the store itself, whoever holds it.
    pub async fn read_packed(&self, store: &Store, id: &BlobId) -> Result<Option<Vec<u8>>, BlobError> {
        let mut connection = store.read().await?;
        match store::blob_data(&mut connection, id).await?.ok_or(BlobError::NotFound)? {
            Kept::Data(data) => Ok(Some(data)),
            Kept::File(_) => Ok(None),
        }
    }

    /// The beginning of a blob, which holds a message's header, whoever holds it.
    pub async fn read_start(&self, store: &Store, id: &BlobId) -> Result<Vec<u8>, BlobError> {
        let mut connection = store.read().await?;
        let row = store::blob_data(&mut connection, id).await?.ok_or(BlobError::NotFound)?;
        drop(connection);
        match row {
            Kept::Data(data) => Ok(data),
            Kept::File(size) => Ok(self.file(id, size, Some(0..HEADER)).await?.bytes().await?.to_vec()),
        }
    }

    /// Opens a file, or a part of it; one that is cut off is not read at all.
    async fn file(&self, id: &BlobId, size: i64, range: Option<Range<u64>>) -> Result<GetResult, BlobError> {
        let options = GetOptions::new().with_range(range);
        let file = self.files.get_opts(&path(id), options).await?;
        if u64::try_from(size) == Ok(file.meta.size) { Ok(file) } else { Err(BlobError::Damaged) }
    }

    /// Forgets uploads that nothing referred to for a day, and those that broke off and blobs that nobody held for
    /// an hour.
    pub async fn sweep(&self, store: &Store) -> Result<(), BlobError> {
        let at = now();
        let sweep = store.write(move |tx| Box::pin(store::sweep_uploads(tx, at - UNUSED)));
        sweep.await.map_err(|error: StoreError| error)?;
        self.collect(store, at - GRACE).await?;
        self.sweep_incoming(store).await
    }

    /// Has the files stay that came to be nobody's at or after `since`, for as long as if that were now.
    ///
    /// A copy of the store begins with its rows: the files that these name have to be there until it comes to them.
    pub async fn put_off(&self, store: &Store, since: Millis) -> Result<(), BlobError> {
        let keep = store.write(move |tx| Box::pin(store::keep_orphans(tx, since, now())));
        Ok(keep.await.map_err(|error: StoreError| error)?)
    }

    /// Forgets blobs that nobody has held since `since`.
    pub async fn collect(&self, store: &Store, since: Millis) -> Result<(), BlobError> {
        loop {
            let mut connection = store.read().await?;
            let orphans = store::orphans(&mut connection, since, COLLECTED).await?;
            drop(connection);
            if orphans.is_empty() {
                return Ok(());
            }
            let mut fewer = false;
            for id in orphans {
                match self.collect_one(store, id, since).await {
                    Ok(()) => fewer = true,
                    Err(BlobError::Store(error)) => return Err(error.into()),
                    // One that cannot be removed holds up none of the others; it is tried again with the next sweep.
                    Err(error) => tracing::warn!(%error, "a file that nobody needs could not be removed"),
                }
            }
            if !fewer {
                return Ok(());
            }
        }
    }

    /// The file goes between two transactions: others write while a server elsewhere removes it.
    async fn collect_one(&self, store: &Store, id: BlobId, since: Millis) -> Result<(), BlobError> {
        let blob = id.clone();
        let collect =
            store.write(move |tx| Box::pin(async move { store::collect_blob(tx, &blob, since).await }));
        let Some(mark) = collect.await.map_err(|error: StoreError| error)? else { return Ok(()) };
        let blob = id.clone();
        let renew = store.write(move |tx| Box::pin(async move { store::still_going(tx, &blob, mark).await }));
        if !renew.await.map_err(|error: StoreError| error)? {
            return Ok(());
        }
        remove(self.files.as_ref(), &id).await?;
        let forget = store.write(move |tx| Box::pin(async move { store::forget_file(tx, &id).await }));
        Ok(forget.await.map_err(|error: StoreError| error)?)
    }
}

async fn remove(files: &dyn ObjectStore, id: &BlobId) -> Result<(), BlobError> {
    match files.delete(&path(id)).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The folder of large blobs.
pub fn folder(data: &Path) -> PathBuf {
    data.join("blobs")
}

/// The id of these bytes.
pub fn id(bytes: &[u8]) -> BlobId {
    named(&Sha256::digest(bytes))
}

fn named(digest: &[u8]) -> BlobId {
    BlobId::from(format!("b{}", URL_SAFE_NO_PAD.encode(digest)))
}

/// Two levels of folders, so that none grows too large to list.
fn path(id: &BlobId) -> object_store::path::Path {
    let text = id.as_str();
    let fan = |range| text.get(range).unwrap_or("__");
    object_store::path::Path::from(format!("{}/{}/{text}", fan(1..3), fan(3..5)))
}
