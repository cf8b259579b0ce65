//! Uploads that nothing refers to yet.

use jmap::{AccountId, BlobId};

use super::blobs::{drop_ref, put_blob};
use super::sql::{self, Connection};
use super::{BlobRef, Hold, StoreError, Tx};
use crate::clock::Millis;

/// So many uploads, and their octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploads {
    /// How many.
    pub count: i64,
    /// Their octets together.
    pub octets: i64,
}

/// How many go at once: meanwhile nobody else writes. What is left goes with the next upload.
const GO_AT_ONCE: i64 = 100;

/// What has to go of an account's uploads that nothing refers to, so that with a new one no more than `most` are there;
/// nothing has to where neither is above 0.
pub async fn uploads_beyond(
    connection: &mut Connection,
    account: &AccountId,
    new: &BlobRef,
    most: Uploads,
) -> Result<Uploads, StoreError> {
    let row = sql::query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(b.size), 0) AS BIGINT)
         FROM account_blobs a JOIN blobs b ON b.id = a.blob_id
         WHERE a.in_use = 0 AND a.account_id = $1 AND a.blob_id <> $2",
    );
    let row = row.bind(account.as_str()).bind(new.id.as_str()).fetch_one(connection).await?;
    let (count, octets) = (row.try_get::<i64>(0)?, row.try_get::<i64>(1)?);
    Ok(Uploads {
        count: count.saturating_add(1).saturating_sub(most.count),
        octets: octets.saturating_add(new.size).saturating_sub(most.octets),
    })
}

/// Keeps what `user` uploaded, for which as many of the oldest go as `beyond` says (RFC 8620 6).
pub async fn put_upload(
    tx: &mut Tx,
    account: &AccountId,
    user: &AccountId,
    new: &BlobRef,
    mut beyond: Uploads,
) -> Result<(), StoreError> {
    put_blob(tx, account, new, Hold::Upload(user)).await?;
    if beyond.count <= 0 && beyond.octets <= 0 {
        return Ok(());
    }
    let oldest = sql::query(
        "SELECT a.blob_id, b.size FROM account_blobs a JOIN blobs b ON b.id = a.blob_id
         WHERE a.in_use = 0 AND a.account_id = $1 AND a.blob_id <> $2 ORDER BY a.added_at, a.blob_id LIMIT $3",
    );
    let oldest = oldest.bind(account.as_str()).bind(new.id.as_str()).bind(GO_AT_ONCE);
    for row in oldest.fetch_all(tx.connection()).await? {
        if beyond.count <= 0 && beyond.octets <= 0 {
            break;
        }
        let id = BlobId::from(row.try_get::<String>(0)?);
        let gone =
            sql::query("DELETE FROM account_blobs WHERE account_id = $1 AND blob_id = $2 AND in_use = 0");
        if gone.bind(account.as_str()).bind(id.as_str()).execute(tx.connection()).await? == 1 {
            drop_ref(tx, &id).await?;
            beyond.count -= 1;
            beyond.octets -= row.try_get::<i64>(1)?;
        }
    }
    Ok(())
}

/// Takes uploads from before `since` that no email came to hold from their accounts.
pub async fn sweep_uploads(tx: &mut Tx, since: Millis) -> Result<(), StoreError> {
    let idle = sql::query("DELETE FROM account_blobs WHERE in_use = 0 AND added_at < $1 RETURNING blob_id")
        .bind(since)
        .fetch_all(tx.connection())
        .await?;
    let mut idle = idle.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    // In the order in which all come to blobs.
    idle.sort_unstable();
    for id in idle {
        drop_ref(tx, &BlobId::from(id)).await?;
    }
    Ok(())
}
