//! Blobs that nobody holds: they stay for a while, and go with their files.

use jmap::BlobId;

use super::blobs::GOING;
use super::sql::{self, Connection};
use super::{StoreError, Tx};
use crate::clock::Millis;

/// Since when a file that was found without a row is taken to be held by nobody.
pub const ADOPTED: Millis = 0;

/// Gives a file that has no row one by which it can be collected; a blob that has a row keeps it.
pub async fn adopt_blob(tx: &mut Tx, id: &BlobId) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO blobs (id, size, in_file, refs, idle_since) VALUES ($1, 0, 1, 0, $2)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id.as_str())
    .bind(ADOPTED)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Blobs that nobody has held since `since`, up to `limit`.
pub async fn orphans(
    connection: &mut Connection,
    since: Millis,
    limit: i64,
) -> Result<Vec<BlobId>, StoreError> {
    let rows =
        sql::query("SELECT id FROM blobs WHERE refs = 0 AND idle_since < $1 ORDER BY idle_since LIMIT $2")
            .bind(since)
            .bind(limit)
            .fetch_all(connection)
            .await?;
    rows.iter().map(|row| Ok(BlobId::from(row.try_get::<String>(0)?))).collect()
}

/// Counts the files that nobody has held since a time from `since` on as if that were since `now`.
pub async fn keep_orphans(tx: &mut Tx, since: Millis, now: Millis) -> Result<(), StoreError> {
    let text = "UPDATE blobs SET idle_since = $2
                WHERE refs = 0 AND in_file = 1 AND idle_since >= $1 AND idle_since < $2";
    sql::query(text).bind(since).bind(now).execute(tx.connection()).await?;
    Ok(())
}

/// Forgets a blob if still nobody has held it since `since`; where its file has to go, tells since when it does.
///
/// Nobody can hold one whose file has to go; [`forget_file`] ends that.
pub async fn collect_blob(tx: &mut Tx, blob: &BlobId, since: Millis) -> Result<Option<Millis>, StoreError> {
    let now = tx.now().await?;
    let going = sql::query(
        "UPDATE blobs SET in_file = $3, idle_since = $4
         WHERE id = $1 AND refs = 0 AND idle_since < $2 AND in_file <> 0",
    );
    let going = going.bind(blob.as_str()).bind(since).bind(GOING).bind(now);
    if going.execute(tx.connection()).await? == 1 {
        return Ok(Some(now));
    }
    let gone = sql::query("DELETE FROM blobs WHERE id = $1 AND refs = 0 AND idle_since < $2");
    let gone = gone.bind(blob.as_str()).bind(since).execute(tx.connection()).await?;
    if gone == 1 {
        let bytes = sql::query("DELETE FROM blob_data WHERE blob_id = $1").bind(blob.as_str());
        bytes.execute(tx.connection()).await?;
    }
    Ok(None)
}

/// Whether a file that has to go since `mark` still has to: whoever removes it may have been taken for dead meanwhile,
/// and the file written anew. Nobody takes it over for as long again.
pub async fn still_going(tx: &mut Tx, blob: &BlobId, mark: Millis) -> Result<bool, StoreError> {
    let now = tx.now().await?;
    let text = "UPDATE blobs SET idle_since = $4 WHERE id = $1 AND in_file = $2 AND idle_since = $3";
    let renewed = sql::query(text).bind(blob.as_str()).bind(GOING).bind(mark).bind(now);
    Ok(renewed.execute(tx.connection()).await? == 1)
}

/// Forgets a blob whose file was removed.
pub async fn forget_file(tx: &mut Tx, blob: &BlobId) -> Result<(), StoreError> {
    let gone = sql::query("DELETE FROM blobs WHERE id = $1 AND in_file = $2").bind(blob.as_str()).bind(GOING);
    gone.execute(tx.connection()).await?;
    Ok(())
}
