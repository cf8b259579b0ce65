use std::ops::Range;
use std::sync::Arc;

use axum::body::Bytes;
use futures::stream::{BoxStream, StreamExt, once};
use jmap::{AccountId, BlobId};
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::{BlobError, Blobs, INCOMING, Prepared, SMALL, named, path};
use crate::random;
use crate::store::{self, BlobRef, Kept, Store, StoreError};

/// What is written at once, and how many such pieces may be on their way to the disk.
const PIECE: usize = 1024 * 1024;
const PIECES: usize = 2;
/// S3 takes no smaller part, but for the last.
const PART: usize = 5 * 1024 * 1024;

/// Bytes that come piece by piece; only the first [`SMALL`] of them and a few pieces are ever in memory.
///
/// They lie in a file without a name of their own until they are whole, which goes when they are dropped before. What
/// a crash leaves there is swept an hour later; a bucket's unfinished multipart uploads nobody sees but the bucket itself.
#[derive(Debug)]
pub struct Incoming<'a> {
    blobs: &'a Blobs,
    hash: Sha256,
    size: usize,
    start: Vec<u8>,
    file: Option<(object_store::path::Path, WriteMultipart)>,
}

/// A blob's bytes, or some of them, as they are read.
pub type Outgoing = BoxStream<'static, Result<Bytes, object_store::Error>>;

impl Blobs {
    /// Takes bytes in as they come.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { blobs: self, hash: Sha256::new(), size: 0, start: Vec::new(), file: None }
    }

    /// The size of a blob that the account holds and `reader` may read.
    pub async fn size(
        &self,
        store: &Store,
        (account, reader): (&AccountId, &AccountId),
        id: &BlobId,
    ) -> Result<usize, BlobError> {
        let mut connection = store.read().await?;
        let size = store::own_blob(&mut connection, account, reader, id).await?.ok_or(BlobError::NotFound)?;
        Ok(usize::try_from(size).unwrap_or_default())
    }

    /// A range of the bytes of a blob, which is within its size, whoever holds it.
    pub async fn stream(
        &self,
        store: &Store,
        id: &BlobId,
        range: Range<usize>,
    ) -> Result<Outgoing, BlobError> {
        let mut connection = store.read().await?;
        let row = store::blob_data(&mut connection, id).await?.ok_or(BlobError::NotFound)?;
        drop(connection);
        let size = match row {
            Kept::Data(data) => {
                let part = data.get(range).unwrap_or_default().to_vec();
                return Ok(once(async { Ok(Bytes::from(part)) }).boxed());
            }
            Kept::File(size) => size,
        };
        let wide = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
        let range = Some(wide(range.start)..wide(range.end));
        Ok(self.file(id, size, range).await?.into_stream())
    }
}

impl Incoming<'_> {
    /// How many bytes came.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.hash.update(bytes);
        self.size = self.size.saturating_add(bytes.len());
        if self.file.is_none() && self.size > SMALL {
            let place = object_store::path::Path::from(format!("{INCOMING}/{}", random::id('i')));
            let upload = self.blobs.files.put_multipart(&place).await?;
            let piece = if self.blobs.folder.is_some() { PIECE } else { PART };
            let mut upload = WriteMultipart::new_with_chunk_size(upload, piece);
            upload.write(&std::mem::take(&mut self.start));
            self.file = Some((place, upload));
        }
        match &mut self.file {
            None => self.start.extend_from_slice(bytes),
            Some((_, upload)) => {
                upload.wait_for_capacity(PIECES).await?;
                upload.write(bytes);
            }
        }
        Ok(())
    }

    /// Makes what came safe to refer to, as [`Blobs::prepare`] does.
    pub async fn finish(mut self, store: &Store) -> Result<Prepared, BlobError> {
        let Some((place, upload)) = self.file.take() else {
            return self.blobs.prepare(store, std::mem::take(&mut self.start)).await;
        };
        let files = Arc::clone(&self.blobs.files);
        // To its end, also when nobody waits for it any more: what was begun in a bucket would stay there unseen.
        let whole = tokio::spawn(async move {
            upload.finish().await?;
            Ok::<_, object_store::Error>(Unnamed { files, place: Some(place) })
        });
        let whole = whole.await.map_err(|_| StoreError::Abandoned)??;
        let digest = std::mem::take(&mut self.hash).finalize();
        let (id, size) = (named(&digest), i64::try_from(self.size).unwrap_or(i64::MAX));
        let claimed = id.clone();
        let claim =
            store.write(move |tx| Box::pin(async move { store::claim_blob(tx, &claimed, size).await }));
        claim.await.map_err(|error: StoreError| error)?;
        whole.rename(&path(&id)).await?;
        Ok(Prepared { blob: BlobRef { id, size, data: None } })
    }
}

impl Drop for Incoming<'_> {
    /// Forgets what came and was not finished, however that ended.
    fn drop(&mut self) {
        let (Some((_, upload)), Ok(runtime)) = (self.file.take(), Handle::try_current()) else { return };
        runtime.spawn(async {
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "a file that was given up could not be removed");
            }
        });
    }
}

/// A whole file under no name that lasts, which goes with whoever waited for it.
struct Unnamed {
    files: Arc<dyn ObjectStore>,
    place: Option<object_store::path::Path>,
}

impl Unnamed {
    async fn rename(mut self, name: &object_store::path::Path) -> Result<(), object_store::Error> {
        if let Some(place) = &self.place {
            self.files.rename(place, name).await?;
        }
        self.place = None;
        Ok(())
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        let (Some(place), Ok(runtime)) = (self.place.take(), Handle::try_current()) else { return };
        let files = Arc::clone(&self.files);
        runtime.spawn(async move {
            // Whoever waited may have gone while it was given its name.
            if let Err(error) = files.delete(&place).await
                && !matches!(error, object_store::Error::NotFound { .. })
            {
                tracing::warn!(%error, "a file that nobody waits for could not be removed");
            }
        });
    }
}
