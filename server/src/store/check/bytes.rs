use jmap::{AccountId, BlobId};

use super::finding::Finding;
use crate::store::StoreError;
use crate::store::blobs::opened;
use crate::store::sql::{self, Connection, Row};

/// Looks at who holds what, and at the queue.
pub async fn examine(connection: &mut Connection, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let wrong = "SELECT b.id, b.refs, COALESCE(a.held, 0) + COALESCE(q.held, 0) + COALESCE(w.held, 0)
        FROM blobs b
        LEFT JOIN (SELECT blob_id, COUNT(*) AS held FROM account_blobs GROUP BY blob_id) a ON a.blob_id = b.id
        LEFT JOIN (SELECT blob_id, COUNT(*) AS held FROM queue GROUP BY blob_id) q ON q.blob_id = b.id
        LEFT JOIN (SELECT blob_id, COUNT(*) AS held FROM held GROUP BY blob_id) w ON w.blob_id = b.id
        WHERE b.refs <> COALESCE(a.held, 0) + COALESCE(q.held, 0) + COALESCE(w.held, 0)";
    for row in sql::query(wrong).fetch_all(&mut *connection).await? {
        let blob = BlobId::from(row.try_get::<String>(0)?);
        findings.push(Finding::Refs { blob, found: row.try_get(1)?, expected: row.try_get(2)? });
    }
    let gone = "SELECT blob_id FROM account_blobs WHERE blob_id NOT IN (SELECT id FROM blobs)
        UNION SELECT blob_id FROM queue WHERE blob_id NOT IN (SELECT id FROM blobs)
        UNION SELECT blob_id FROM held WHERE blob_id NOT IN (SELECT id FROM blobs)";
    for blob in blobs(connection, gone).await? {
        findings.push(Finding::NoBlob { blob });
    }
    let stray = "SELECT blob_id FROM blob_data WHERE blob_id NOT IN (SELECT id FROM blobs)";
    for blob in blobs(connection, stray).await? {
        findings.push(Finding::StrayData { blob });
    }
    let leased = "SELECT account_id, id FROM queue WHERE leased_by IS NOT NULL
        AND leased_by NOT IN (SELECT id FROM processes)";
    for row in sql::query(leased).fetch_all(&mut *connection).await? {
        let account = AccountId::from(row.try_get::<String>(0)?);
        findings.push(Finding::Lease { account, entry: row.try_get(1)? });
    }
    nobody(connection, findings).await
}

async fn blobs(connection: &mut Connection, text: &'static str) -> Result<Vec<BlobId>, StoreError> {
    let rows = sql::query(text).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(BlobId::from(row.try_get::<String>(0)?))).collect()
}

/// Rows of accounts that are not there.
async fn nobody(connection: &mut Connection, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    macro_rules! look {
        ($($table:literal),*) => {
            $(
                let text = concat!("SELECT DISTINCT account_id FROM ", $table,
                    " WHERE account_id NOT IN (SELECT id FROM accounts)");
                for row in sql::query(text).fetch_all(&mut *connection).await? {
                    let account = AccountId::from(row.try_get::<String>(0)?);
                    findings.push(Finding::Nobody { table: $table, account });
                }
            )*
        };
    }
    look!(
        "mailboxes",
        "mailbox_subscriptions",
        "emails",
        "email_mailboxes",
        "threads",
        "account_blobs",
        "submissions",
        "identities",
        "clear_texts",
        "app_passwords",
        "held",
        "queue",
        "vaults"
    );
    Ok(())
}

/// A blob with its bytes, where these are in the database.
#[derive(Debug)]
pub struct Content {
    /// The blob.
    pub blob: BlobId,
    /// Its size.
    pub size: i64,
    /// Whether its bytes are in a file.
    pub in_file: bool,
    /// Whether anybody holds it.
    pub is_held: bool,
    /// Its bytes.
    pub data: Option<Vec<u8>>,
}

/// The blobs after `after`, in the order of their ids, up to `limit`.
pub async fn contents(
    connection: &mut Connection,
    after: &str,
    limit: i64,
) -> Result<Vec<Content>, StoreError> {
    let rows = sql::query(
        "SELECT b.size, d.packed, d.data, b.id, b.in_file, b.refs FROM blobs b
         LEFT JOIN blob_data d ON d.blob_id = b.id WHERE b.id > $1 ORDER BY b.id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let read = |row: &Row| {
        Ok(Content {
            blob: BlobId::from(row.try_get::<String>(3)?),
            size: row.try_get(0)?,
            in_file: row.try_get::<i64>(4)? != 0,
            is_held: row.try_get::<i64>(5)? > 0,
            data: opened(row)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Whether there is such a blob, held by anybody where `held` asks for that.
pub async fn is_known(connection: &mut Connection, blob: &str, held: bool) -> Result<bool, StoreError> {
    let row = sql::query("SELECT 1 FROM blobs WHERE id = $1 AND refs >= $2").bind(blob);
    Ok(row.bind(i64::from(held)).fetch_optional(connection).await?.is_some())
}
