//! Who refers to which bytes.
//!
//! `blobs.refs` counts the accounts and queue entries that hold a blob. At 0 it stays for a while (see
//! [`crate::blobs`]), so that whoever is about to hold it finds it. Each statement that decides looks
//! at the blob's own row only: such a decision holds also when several processes make it at once.
//!
//! `blobs.in_file` is 1 for bytes in a file, and [`GOING`] while that file is removed, which a server elsewhere may
//! take long for: nobody can hold such a blob.

use jmap::{AccountId, BlobId};

use super::sql::{self, Connection, Row, SqlError};
use super::{Content, StoreError, Tx};
use crate::clock::{self, Millis};

/// A blob to keep: small ones ride in the transaction, large ones lie in a durable file already.
#[derive(Debug, Clone)]
pub struct BlobRef {
    /// Its id, made from its content.
    pub id: BlobId,
    /// Its length.
    pub size: i64,
    /// Its content, when it is small.
    pub data: Option<Content>,
}

/// The mark of a blob whose file is being removed.
const GOING: i64 = 2;
/// After how long whoever began to remove a file is thought to be dead: longer than a request for it can last.
const REMOVING: Millis = 5 * 60 * 1000;

/// Remembers a blob whose file is about to be written, so that the file has an owner from the start.
///
/// Fails with [`StoreError::BlobGone`] while an earlier file of the same bytes is being removed.
pub async fn claim_blob(tx: &mut Tx, id: &BlobId, size: i64) -> Result<(), StoreError> {
    // By the clock of the store: this one may be ahead of that of whoever removes the file.
    let now = tx.now().await?;
    let claimed = sql::query(
        "INSERT INTO blobs (id, size, in_file, refs, idle_since) VALUES ($1, $2, 1, 0, $3)
         ON CONFLICT (id) DO UPDATE SET size = EXCLUDED.size, in_file = 1, idle_since = EXCLUDED.idle_since
         WHERE blobs.in_file <> $4 OR blobs.idle_since < $5",
    );
    let claimed = claimed.bind(id.as_str()).bind(size).bind(now).bind(GOING).bind(now - REMOVING);
    match claimed.execute(tx.connection()).await? {
        0 => Err(StoreError::BlobGone),
        _ => Ok(()),
    }
}

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

/// Keeps a blob for an account; `in_use` tells that an email holds it.
pub async fn put_blob(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobRef,
    in_use: bool,
) -> Result<(), StoreError> {
    let Some(data) = &blob.data else { return hold_blob(tx, account, &blob.id, in_use).await };
    let first = i64::from(begin_to_hold(tx, account, &blob.id, in_use).await?);
    // The row first: whoever collects the blob meanwhile, or keeps it too, stands at its row. A file that nobody
    // holds is not believed.
    let row = sql::query(
        "INSERT INTO blobs (id, size, in_file, refs, idle_since) VALUES ($1, $2, 0, $3, $4)
         ON CONFLICT (id) DO UPDATE SET refs = blobs.refs + EXCLUDED.refs, idle_since = EXCLUDED.idle_since,
           size = CASE WHEN blobs.refs = 0 THEN EXCLUDED.size ELSE blobs.size END,
           in_file = CASE WHEN blobs.refs = 0 THEN 0 ELSE blobs.in_file END
         WHERE blobs.in_file <> $5
         RETURNING refs, in_file",
    );
    let row = row.bind(blob.id.as_str()).bind(blob.size).bind(first).bind(clock::now()).bind(GOING);
    let row = row.fetch_optional(tx.connection()).await?.ok_or(StoreError::BlobGone)?;
    // Where others hold it the bytes are there.
    if row.try_get::<i64>(0)? > 1 || row.try_get::<i64>(1)? == 1 {
        return Ok(());
    }
    let bytes = "INSERT INTO blob_data (blob_id, data, packed) VALUES ($1, $2, $3)
                 ON CONFLICT (blob_id) DO NOTHING";
    let bytes = sql::query(bytes).bind(blob.id.as_str()).bind(data.bytes.clone());
    bytes.bind(i64::from(data.packed)).execute(tx.connection()).await?;
    Ok(())
}

/// Lets an account hold a blob; fails with [`StoreError::BlobGone`] when it is not there any more.
pub async fn hold_blob(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobId,
    in_use: bool,
) -> Result<(), StoreError> {
    if begin_to_hold(tx, account, blob, in_use).await? { add_ref(tx, blob).await } else { Ok(()) }
}

/// Notes that an account holds a blob; tells whether it did not before.
async fn begin_to_hold(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobId,
    in_use: bool,
) -> Result<bool, StoreError> {
    let held = sql::query(
        "INSERT INTO account_blobs (account_id, blob_id, added_at, in_use) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, blob_id) DO NOTHING",
    );
    let held = held.bind(account.as_str()).bind(blob.as_str()).bind(clock::now()).bind(i64::from(in_use));
    if held.execute(tx.connection()).await? == 1 {
        return Ok(true);
    }
    let again = sql::query(
        "UPDATE account_blobs SET added_at = $3, in_use = CASE WHEN in_use = 1 THEN 1 ELSE $4 END
         WHERE account_id = $1 AND blob_id = $2",
    );
    let again = again.bind(account.as_str()).bind(blob.as_str()).bind(clock::now()).bind(i64::from(in_use));
    match again.execute(tx.connection()).await? {
        // Swept between the two statements by another process.
        0 => Err(StoreError::BlobGone),
        _ => Ok(false),
    }
}

/// Counts one who holds the blob.
pub(super) async fn add_ref(tx: &mut Tx, blob: &BlobId) -> Result<(), StoreError> {
    let counted = sql::query("UPDATE blobs SET refs = refs + 1 WHERE id = $1 AND in_file <> $2")
        .bind(blob.as_str())
        .bind(GOING)
        .execute(tx.connection())
        .await?;
    if counted == 1 { Ok(()) } else { Err(StoreError::BlobGone) }
}

/// Counts one less who holds the blob.
pub(super) async fn drop_ref(tx: &mut Tx, blob: &BlobId) -> Result<(), StoreError> {
    sql::query("UPDATE blobs SET refs = refs - 1, idle_since = $2 WHERE id = $1")
        .bind(blob.as_str())
        .bind(clock::now())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The size of a blob, if the account holds it.
pub async fn own_blob(
    connection: &mut Connection,
    account: &AccountId,
    blob: &BlobId,
) -> Result<Option<i64>, StoreError> {
    let row = sql::query(
        "SELECT b.size FROM account_blobs a JOIN blobs b ON b.id = a.blob_id
         WHERE a.account_id = $1 AND a.blob_id = $2",
    )
    .bind(account.as_str())
    .bind(blob.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Where the bytes of a blob are.
#[derive(Debug)]
pub enum Kept {
    /// Here: they rode in a transaction.
    Data(Vec<u8>),
    /// In a file of this size.
    File(i64),
}

/// The bytes of a blob, or that they lie in a file.
pub async fn blob_data(connection: &mut Connection, blob: &BlobId) -> Result<Option<Kept>, StoreError> {
    let row = sql::query(
        "SELECT b.size, d.packed, d.data FROM blobs b LEFT JOIN blob_data d ON d.blob_id = b.id WHERE b.id = $1",
    );
    let row = row.bind(blob.as_str()).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(match opened(&row)? {
        Some(data) => Kept::Data(data),
        None => Kept::File(row.try_get(0)?),
    }))
}

/// The bytes of a row of size, packing and data, where it has any.
pub(super) fn opened(row: &Row) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(bytes) = row.try_get::<Option<Vec<u8>>>(2)? else { return Ok(None) };
    let content = Content { bytes, packed: row.try_get::<i64>(1)? == 1 };
    Ok(Some(content.open(row.try_get(0)?)))
}

/// Takes a blob from an account whose emails no longer hold it.
pub async fn release_blob(tx: &mut Tx, account: &AccountId, blob: &BlobId) -> Result<(), StoreError> {
    let gone = sql::query(
        "DELETE FROM account_blobs WHERE account_id = $1 AND blob_id = $2
         AND NOT EXISTS (SELECT 1 FROM emails WHERE account_id = $1 AND blob_id = $2)",
    )
    .bind(account.as_str())
    .bind(blob.as_str())
    .execute(tx.connection())
    .await?;
    if gone > 0 { drop_ref(tx, blob).await } else { Ok(()) }
}

/// Takes uploads from before `since` that no email came to hold from their accounts.
pub async fn sweep_uploads(tx: &mut Tx, since: Millis) -> Result<(), StoreError> {
    let idle = sql::query("DELETE FROM account_blobs WHERE in_use = 0 AND added_at < $1 RETURNING blob_id")
        .bind(since)
        .fetch_all(tx.connection())
        .await?;
    for row in idle {
        drop_ref(tx, &BlobId::from(row.try_get::<String>(0)?)).await?;
    }
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

/// Keeps all contents as they came, which is how versions of the tables before 5 have them.
pub(super) async fn unpack(connection: &mut Connection) -> Result<(), SqlError> {
    let mut after = String::new();
    loop {
        // By name, or each round would look again at all that were unpacked before.
        let packed =
            "SELECT b.size, d.packed, d.data, d.blob_id FROM blob_data d JOIN blobs b ON b.id = d.blob_id
                      WHERE d.packed = 1 AND d.blob_id > $1 ORDER BY d.blob_id LIMIT 64";
        let rows = sql::query(packed).bind(&after).fetch_all(&mut *connection).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = row.try_get(3)?;
            let content = Content { bytes: row.try_get(2)?, packed: true };
            let whole = "UPDATE blob_data SET data = $2, packed = 0 WHERE blob_id = $1";
            let whole = sql::query(whole).bind(&after).bind(content.open(row.try_get(0)?));
            whole.execute(&mut *connection).await?;
        }
    }
}
