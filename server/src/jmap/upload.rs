//! What an account uploads, by HTTP or by a method of `Blob`.

use jmap::{AccountId, BlobId};

use crate::blobs::{BlobError, Prepared};
use crate::clock::now;
use crate::relay::Relay;
use crate::store::{self, StoreError};

/// Whether an account may upload so many octets now; they count from here on.
pub fn may_upload(relay: &Relay, account: &AccountId, octets: usize) -> bool {
    relay.uploading.take(account, relay.limits.counted(octets), now())
}

/// Takes back what was counted for more octets than came.
pub fn has_uploaded(relay: &Relay, account: &AccountId, counted: usize, octets: usize) {
    let unused = relay.limits.counted(counted).saturating_sub(relay.limits.counted(octets));
    relay.uploading.give_back(account, unused);
}

/// Keeps an upload; of those that nothing refers to yet the oldest make room for it (RFC 8620 6).
pub async fn keep_upload(relay: &Relay, account: &AccountId, upload: Prepared) -> Result<BlobId, BlobError> {
    let (owner, id, most) = (account.clone(), upload.blob().id.clone(), relay.limits.idle_uploads());
    // Read before: whoever writes holds up all others.
    let mut connection = relay.store.read().await?;
    let beyond = store::uploads_beyond(&mut connection, account, upload.blob(), most).await?;
    drop(connection);
    let put = relay
        .store
        .write(move |tx| Box::pin(async move { store::put_upload(tx, &owner, upload.blob(), beyond).await }));
    put.await.map_err(|error: StoreError| error)?;
    Ok(id)
}
