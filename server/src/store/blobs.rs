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

/// Keeps a blob for an account; `in_use` tells that an email holds it.
pub async fn put_blob(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobRef,
    in_use: bool,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO blobs (id, size, data) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
        .bind(blob.id.as_str())
        .bind(blob.size)
        .bind(blob.data.clone())
        .execute(tx.connection())
        .await?;
    hold_blob(tx, account, &blob.id, in_use).await
}

/// Lets an account hold a blob that is there.
pub async fn hold_blob(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobId,
    in_use: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO account_blobs (account_id, blob_id, added_at, in_use) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, blob_id) DO UPDATE SET added_at = EXCLUDED.added_at,
         in_use = CASE WHEN account_blobs.in_use = 1 THEN 1 ELSE EXCLUDED.in_use END",
    )
    .bind(account.as_str())
    .bind(blob.as_str())
    .bind(clock::now())
    .bind(i64::from(in_use))
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
    let row = sqlx::query("SELECT data FROM blobs WHERE id = $1")
        .bind(blob.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Takes a blob from an account whose emails no longer hold it, and forgets it when nobody holds it.
pub async fn release_blob(tx: &mut Tx, account: &AccountId, blob: &BlobId) -> Result<(), StoreError> {
    let gone = sqlx::query(
        "DELETE FROM account_blobs WHERE account_id = $1 AND blob_id = $2
         AND NOT EXISTS (SELECT 1 FROM emails WHERE account_id = $1 AND blob_id = $2)",
    )
    .bind(account.as_str())
    .bind(blob.as_str())
    .execute(tx.connection())
    .await?;
    if gone.rows_affected() > 0 {
        forget_blob(tx, blob).await?;
    }
    Ok(())
}

/// Forgets a blob that neither an account nor the queue holds.
pub(super) async fn forget_blob(tx: &mut Tx, blob: &BlobId) -> Result<(), StoreError> {
    let row = sqlx::query(
        "DELETE FROM blobs WHERE id = $1
         AND NOT EXISTS (SELECT 1 FROM account_blobs WHERE blob_id = $1)
         AND NOT EXISTS (SELECT 1 FROM queue WHERE blob_id = $1)
         RETURNING CASE WHEN data IS NULL THEN 1 ELSE 0 END",
    )
    .bind(blob.as_str())
    .fetch_optional(tx.connection())
    .await?;
    let in_file = row.map(|row| row.try_get::<i64, _>(0)).transpose()?;
    if in_file == Some(1) {
        sqlx::query("INSERT INTO loose_files (blob_id) VALUES ($1) ON CONFLICT (blob_id) DO NOTHING")
            .bind(blob.as_str())
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

/// Forgets uploads from before `since` that nothing holds; returns the files that may go.
pub async fn sweep_blobs(tx: &mut Tx, since: Millis) -> Result<Vec<BlobId>, StoreError> {
    let idle = sqlx::query("DELETE FROM account_blobs WHERE in_use = 0 AND added_at < $1 RETURNING blob_id")
        .bind(since)
        .fetch_all(tx.connection())
        .await?;
    for row in idle {
        forget_blob(tx, &BlobId::from(row.try_get::<String, _>(0)?)).await?;
    }
    let loose = sqlx::query(
        "DELETE FROM loose_files RETURNING blob_id,
         CASE WHEN EXISTS (SELECT 1 FROM blobs WHERE id = loose_files.blob_id) THEN 1 ELSE 0 END",
    )
    .fetch_all(tx.connection())
    .await?;
    let mut files = Vec::new();
    for row in loose {
        // The same content may have come again since.
        if row.try_get::<i64, _>(1)? == 0 {
            files.push(BlobId::from(row.try_get::<String, _>(0)?));
        }
    }
    Ok(files)
}
