//! Who refers to which bytes.
//!
//! `blobs.refs` counts the accounts and queue entries that hold a blob. At 0 it stays for a while (see
//! [`crate::blobs`]), so that whoever is about to hold it finds it. Each statement that decides looks
//! at the blob's own row only: such a decision holds also when several processes make it at once.

use jmap::{AccountId, BlobId};
use sqlx::{AnyConnection, Row};

use super::{StoreError, Tx};
use crate::clock::{self, Millis};

/// A blob to keep: small ones ride in the transaction, large ones lie in a durable file already.
#[derive(Debug, Clone)]
pub struct BlobRef {
    /// Its id, made from its content.
    pub id: BlobId,
    /// Its length.
    pub size: i64,
    /// Its content, when it is small.
    pub data: Option<Vec<u8>>,
}

/// Remembers a blob whose file is about to be written, so that the file has an owner from the start.
pub async fn claim_blob(tx: &mut Tx, id: &BlobId, size: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO blobs (id, size, in_file, refs, idle_since) VALUES ($1, $2, 1, 0, $3)
         ON CONFLICT (id) DO UPDATE SET size = EXCLUDED.size, in_file = 1, idle_since = EXCLUDED.idle_since",
    )
    .bind(id.as_str())
    .bind(size)
    .bind(clock::now())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Since when a file that was found without a row is taken to be held by nobody.
pub const ADOPTED: Millis = 0;

/// Gives a file that has no row one by which it can be collected; a blob that has a row keeps it.
pub async fn adopt_blob(tx: &mut Tx, id: &BlobId) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO blobs (id, size, in_file, refs, idle_since) VALUES ($1, 0, 1, 0, $2)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id.as_str())
    .bind(ADOPTED)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Keeps a blob for an account; `in_use` tells that an email holds it.
pub async fn put_blob(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobRef,
    in_use: bool,
) -> Result<(), StoreError> {
    if let Some(data) = &blob.data {
        keep_data(tx, blob, data).await?;
    }
    hold_blob(tx, account, &blob.id, in_use).await
}

async fn keep_data(tx: &mut Tx, blob: &BlobRef, data: &[u8]) -> Result<(), StoreError> {
    let known = sqlx::query("UPDATE blobs SET idle_since = $2 WHERE id = $1")
        .bind(blob.id.as_str())
        .bind(clock::now())
        .execute(tx.connection())
        .await?;
    if known.rows_affected() > 0 {
        return Ok(());
    }
    // The row first: whoever collects the blob meanwhile, or keeps it too, stands at its row.
    let fresh = sqlx::query(
        "INSERT INTO blobs (id, size, in_file, refs, idle_since) VALUES ($1, $2, 0, 0, $3)
         ON CONFLICT (id) DO UPDATE SET idle_since = EXCLUDED.idle_since",
    );
    let fresh = fresh.bind(blob.id.as_str()).bind(blob.size).bind(clock::now());
    fresh.execute(tx.connection()).await?;
    sqlx::query("INSERT INTO blob_data (blob_id, data) VALUES ($1, $2) ON CONFLICT (blob_id) DO NOTHING")
        .bind(blob.id.as_str())
        .bind(data.to_vec())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Lets an account hold a blob; fails with [`StoreError::BlobGone`] when it is not there any more.
pub async fn hold_blob(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobId,
    in_use: bool,
) -> Result<(), StoreError> {
    let held = sqlx::query(
        "INSERT INTO account_blobs (account_id, blob_id, added_at, in_use) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, blob_id) DO NOTHING",
    );
    let held = held.bind(account.as_str()).bind(blob.as_str()).bind(clock::now()).bind(i64::from(in_use));
    if held.execute(tx.connection()).await?.rows_affected() == 1 {
        return add_ref(tx, blob).await;
    }
    let again = sqlx::query(
        "UPDATE account_blobs SET added_at = $3, in_use = CASE WHEN in_use = 1 THEN 1 ELSE $4 END
         WHERE account_id = $1 AND blob_id = $2",
    );
    let again = again.bind(account.as_str()).bind(blob.as_str()).bind(clock::now()).bind(i64::from(in_use));
    match again.execute(tx.connection()).await?.rows_affected() {
        // Swept between the two statements by another process.
        0 => Err(StoreError::BlobGone),
        _ => Ok(()),
    }
}

/// Counts one who holds the blob.
pub(super) async fn add_ref(tx: &mut Tx, blob: &BlobId) -> Result<(), StoreError> {
    let counted = sqlx::query("UPDATE blobs SET refs = refs + 1 WHERE id = $1")
        .bind(blob.as_str())
        .execute(tx.connection())
        .await?;
    if counted.rows_affected() == 1 { Ok(()) } else { Err(StoreError::BlobGone) }
}

/// Counts one less who holds the blob.
pub(super) async fn drop_ref(tx: &mut Tx, blob: &BlobId) -> Result<(), StoreError> {
    sqlx::query("UPDATE blobs SET refs = refs - 1, idle_since = $2 WHERE id = $1")
        .bind(blob.as_str())
        .bind(clock::now())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The size of a blob, if the account holds it.
pub async fn own_blob(
    connection: &mut AnyConnection,
    account: &AccountId,
    blob: &BlobId,
) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query(
        "SELECT b.size FROM account_blobs a JOIN blobs b ON b.id = a.blob_id
         WHERE a.account_id = $1 AND a.blob_id = $2",
    )
    .bind(account.as_str())
    .bind(blob.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// The octets of an account's uploads that nothing refers to yet.
pub async fn idle_octets(connection: &mut AnyConnection, account: &AccountId) -> Result<i64, StoreError> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(b.size), 0) AS BIGINT) FROM account_blobs a JOIN blobs b ON b.id = a.blob_id
         WHERE a.in_use = 0 AND a.account_id = $1",
    )
    .bind(account.as_str())
    .fetch_one(connection)
    .await?;
    Ok(row.try_get(0)?)
}

/// The content of a blob that rode in a transaction; `Some(None)` when it lies in a file.
pub async fn blob_data(
    connection: &mut AnyConnection,
    blob: &BlobId,
) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    let row =
        sqlx::query("SELECT d.data FROM blobs b LEFT JOIN blob_data d ON d.blob_id = b.id WHERE b.id = $1")
            .bind(blob.as_str())
            .fetch_optional(connection)
            .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Takes a blob from an account whose emails no longer hold it.
pub async fn release_blob(tx: &mut Tx, account: &AccountId, blob: &BlobId) -> Result<(), StoreError> {
    let gone = sqlx::query(
        "DELETE FROM account_blobs WHERE account_id = $1 AND blob_id = $2
         AND NOT EXISTS (SELECT 1 FROM emails WHERE account_id = $1 AND blob_id = $2)",
    )
    .bind(account.as_str())
    .bind(blob.as_str())
    .execute(tx.connection())
    .await?;
    if gone.rows_affected() > 0 { drop_ref(tx, blob).await } else { Ok(()) }
}

/// Takes uploads from before `since` that no email came to hold from their accounts.
pub async fn sweep_uploads(tx: &mut Tx, since: Millis) -> Result<(), StoreError> {
    let idle = sqlx::query("DELETE FROM account_blobs WHERE in_use = 0 AND added_at < $1 RETURNING blob_id")
        .bind(since)
        .fetch_all(tx.connection())
        .await?;
    for row in idle {
        drop_ref(tx, &BlobId::from(row.try_get::<String, _>(0)?)).await?;
    }
    Ok(())
}

/// Blobs that nobody has held since `since`, up to `limit`.
pub async fn orphans(
    connection: &mut AnyConnection,
    since: Millis,
    limit: i64,
) -> Result<Vec<BlobId>, StoreError> {
    let rows =
        sqlx::query("SELECT id FROM blobs WHERE refs = 0 AND idle_since < $1 ORDER BY idle_since LIMIT $2")
            .bind(since)
            .bind(limit)
            .fetch_all(connection)
            .await?;
    rows.iter().map(|row| Ok(BlobId::from(row.try_get::<String, _>(0)?))).collect()
}

/// Forgets a blob if still nobody has held it since `since`; tells whether its file has to go.
///
/// Until the transaction ends nobody else can claim or hold it.
pub async fn collect_blob(tx: &mut Tx, blob: &BlobId, since: Millis) -> Result<bool, StoreError> {
    let gone =
        sqlx::query("DELETE FROM blobs WHERE id = $1 AND refs = 0 AND idle_since < $2 RETURNING in_file");
    let gone = gone.bind(blob.as_str()).bind(since).fetch_optional(tx.connection()).await?;
    let Some(row) = gone else { return Ok(false) };
    sqlx::query("DELETE FROM blob_data WHERE blob_id = $1")
        .bind(blob.as_str())
        .execute(tx.connection())
        .await?;
    Ok(row.try_get::<i64, _>(0)? == 1)
}
