//! Who refers to which bytes.
//!
//! `blobs.refs` counts the accounts and queue entries that hold a blob. At 0 it stays for a while (see
//! [`crate::blobs`]), so that whoever is about to hold it finds it. Each statement that decides looks
//! at the blob's own row only: such a decision holds also when several processes make it at once.
//!
//! `blobs.in_file` is 1 for bytes in a file, and [`GOING`] while that file is removed, which a server elsewhere may
//! take long for: nobody can hold such a blob.

use jmap::{AccountId, BlobId};

use super::sql::{self, Connection, Query, Row, SqlError};
use super::{Content, StoreError, Tx, words};
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
pub(super) const GOING: i64 = 2;
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
         ON CONFLICT (id) DO UPDATE SET size = EXCLUDED.size, in_file = 1,
           idle_since = CASE WHEN blobs.in_file <> $4 AND blobs.idle_since > $3
           THEN blobs.idle_since ELSE EXCLUDED.idle_since END
         WHERE blobs.in_file <> $4 OR blobs.idle_since < $5",
    );
    let claimed = claimed.bind(id.as_str()).bind(size).bind(now).bind(GOING).bind(now - REMOVING);
    match claimed.execute(tx.connection()).await? {
        0 => Err(StoreError::BlobGone),
        _ => Ok(()),
    }
}

/// Counts a blob as idle from then on at the earliest, so that its file stays for whoever is about to hold it; false
/// where the file is gone.
pub async fn keep_idle(tx: &mut Tx, id: &BlobId, until: Millis) -> Result<bool, StoreError> {
    let text = "UPDATE blobs SET idle_since = CASE WHEN idle_since < $2 THEN $2 ELSE idle_since END
                WHERE id = $1 AND in_file = 1";
    Ok(sql::query(text).bind(id.as_str()).bind(until).execute(tx.connection()).await? == 1)
}

/// For what an account holds a blob.
#[derive(Debug, Clone, Copy)]
pub enum Hold<'a> {
    /// For an email: who may open the account may read it.
    Email,
    /// This user uploaded it; nobody else may read it until something refers to it (RFC 8620 6.1).
    Upload(&'a AccountId),
    /// It is on its way to elsewhere: nobody asks for it.
    Sending,
}

impl Hold<'_> {
    fn in_use(self) -> i64 {
        i64::from(matches!(self, Self::Email))
    }

    fn uploader(&self) -> &str {
        match self {
            Self::Upload(user) => user.as_str(),
            Self::Email | Self::Sending => "",
        }
    }
}

/// Keeps a blob for an account.
pub async fn put_blob(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobRef,
    hold: Hold<'_>,
) -> Result<(), StoreError> {
    let Some(data) = &blob.data else { return hold_blob(tx, account, &blob.id, hold).await };
    let first = i64::from(begin_to_hold(tx, account, &blob.id, hold).await?);
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
    hold: Hold<'_>,
) -> Result<(), StoreError> {
    if begin_to_hold(tx, account, blob, hold).await? { add_ref(tx, blob).await } else { Ok(()) }
}

/// Notes that an account holds a blob; tells whether it did not before.
async fn begin_to_hold(
    tx: &mut Tx,
    account: &AccountId,
    blob: &BlobId,
    hold: Hold<'_>,
) -> Result<bool, StoreError> {
    let held = sql::query(
        "INSERT INTO account_blobs (account_id, blob_id, added_at, in_use, uploaders)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, blob_id) DO NOTHING",
    );
    let of = |query: Query| query.bind(account.as_str()).bind(blob.as_str()).bind(clock::now());
    let held = of(held).bind(hold.in_use()).bind(hold.uploader());
    if held.execute(tx.connection()).await? == 1 {
        return Ok(true);
    }
    let again = sql::query(
        "UPDATE account_blobs SET added_at = $3, in_use = CASE WHEN in_use = 1 THEN 1 ELSE $4 END,
         uploaders = TRIM(REPLACE(' ' || uploaders || ' ', ' ' || $5 || ' ', ' ') || $5)
         WHERE account_id = $1 AND blob_id = $2",
    );
    let again = of(again).bind(hold.in_use()).bind(hold.uploader());
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
    sql::query("UPDATE blobs SET refs = refs - 1, idle_since = CASE WHEN idle_since < $2 THEN $2 ELSE idle_since END WHERE id = $1")
        .bind(blob.as_str())
        .bind(clock::now())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The size of a blob, if the account holds it and `reader`, who may open the account, may read it.
pub async fn own_blob(
    connection: &mut Connection,
    account: &AccountId,
    reader: &AccountId,
    blob: &BlobId,
) -> Result<Option<i64>, StoreError> {
    let row = sql::query(
        "SELECT b.size, a.in_use, a.uploaders FROM account_blobs a JOIN blobs b ON b.id = a.blob_id
         WHERE a.account_id = $1 AND a.blob_id = $2",
    )
    .bind(account.as_str())
    .bind(blob.as_str())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let may_read = row.try_get::<i64>(1)? == 1 || words::<AccountId>(row.try_get(2)?).contains(reader);
    Ok(if may_read { Some(row.try_get(0)?) } else { None })
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
