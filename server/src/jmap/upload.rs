//! What an account uploads, by HTTP or by a method of `Blob`.

use jmap::{AccountId, BlobId};

use crate::allowance::Counted;
use crate::blobs::{BlobError, Prepared};
use crate::clock::now;
use crate::relay::Relay;
use crate::store::{self, StoreError};

/// Whether an account may upload so many octets now; they count from here on.
pub fn may_upload(relay: &Relay, account: &AccountId, octets: usize) -> bool {
    relay.uploading.take(account, relay.limits.counted(octets), now())
}

/// Counts an upload of so many octets that is to come; none where the account may not upload as much now.
pub fn begin_upload(relay: &Relay, account: &AccountId, octets: usize) -> Option<Counted> {
    relay.uploading.count(account, relay.limits.counted(octets), now())
}

/// Counts what came of an upload in the place of what was to come.
pub fn has_uploaded(relay: &Relay, account: &AccountId, counted: Counted, octets: usize) {
    relay.uploading.give_back(account, counted.spend().saturating_sub(relay.limits.counted(octets)));
}

/// Keeps what `user` uploaded to an account; of what was uploaded there that nothing refers to yet the oldest make room for it (RFC 8620 6).
pub async fn keep_upload(
    relay: &Relay,
    (account, user): (&AccountId, &AccountId),
    upload: Prepared,
) -> Result<BlobId, BlobError> {
    let (owner, user, id, most) =
        (account.clone(), user.clone(), upload.blob().id.clone(), relay.limits.idle_uploads());
    // Read before: whoever writes holds up all others.
    let mut connection = relay.store.read().await?;
    let beyond = store::uploads_beyond(&mut connection, account, upload.blob(), most).await?;
    drop(connection);
    let put = relay.store.write(move |tx| {
        Box::pin(async move { store::put_upload(tx, &owner, &user, upload.blob(), beyond).await })
    });
    put.await.map_err(|error: StoreError| error)?;
    Ok(id)
}
