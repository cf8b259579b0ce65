//! The queue as an operator sees it, and acts on it: never what a message says.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::blobs::drop_ref;
use super::{Queued, StoreError, Tx, queue};
use crate::clock::Millis;

/// An entry of the queue.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// The account of its sender.
    pub account: String,
    /// The return path.
    pub mail_from: String,
    /// The recipient.
    pub recipient: String,
    /// The recipient's domain.
    pub domain: String,
    /// The octets of its message; none when that is lost.
    pub size: Option<i64>,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it waits.
    pub queued_at: Millis,
    /// When it is tried next.
    pub next_at: Millis,
    /// Whether an operator holds it.
    pub is_held: bool,
    /// Whether it is being sent now.
    pub is_leased: bool,
    /// What the other server said last.
    pub reply: Option<String>,
}

const COLUMNS: &str = "SELECT q.id, q.account_id, q.mail_from, q.recipient, q.domain, b.size, q.attempts,
    q.queued_at, q.next_at, q.held, q.leased_by, q.reply FROM queue q LEFT JOIN blobs b ON b.id = q.blob_id";

/// The entries that are due first, up to `limit`.
pub async fn waiting(connection: &mut AnyConnection, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let text = sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY q.next_at, q.id LIMIT $1"));
    sqlx::query(text).bind(limit).fetch_all(connection).await?.iter().map(read).collect()
}

/// One entry.
pub async fn waiting_entry(connection: &mut AnyConnection, id: &str) -> Result<Option<Waiting>, StoreError> {
    let text = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE q.id = $1"));
    sqlx::query(text).bind(id).fetch_optional(connection).await?.as_ref().map(read).transpose()
}

/// What an operator does with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Have it tried now.
    Retry,
    /// Keep it back.
    Hold,
    /// Let it go on.
    Release,
}

/// Acts on an entry that is not being sent now; false when there is none.
pub async fn act_on(tx: &mut Tx, id: &str, act: Act, now: Millis) -> Result<bool, StoreError> {
    let text = match act {
        Act::Retry => "UPDATE queue SET next_at = $2 WHERE id = $1 AND leased_by IS NULL",
        Act::Hold => {
            "UPDATE queue SET held = 1, next_at = next_at + 0 * $2 WHERE id = $1 AND leased_by IS NULL"
        }
        Act::Release => "UPDATE queue SET held = 0, next_at = $2 WHERE id = $1 AND leased_by IS NULL",
    };
    let done = sqlx::query(text).bind(id).bind(now).execute(tx.connection()).await?;
    Ok(done.rows_affected() == 1)
}

/// Takes an entry out that is not being sent now; none when there is none.
pub async fn remove_waiting(tx: &mut Tx, id: &str) -> Result<Option<Queued>, StoreError> {
    let row = sqlx::query(
        "DELETE FROM queue WHERE id = $1 AND leased_by IS NULL
         RETURNING id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts, queued_at",
    )
    .bind(id)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let queued = queue::read(&row)?;
    drop_ref(tx, &queued.outgoing.blob).await?;
    Ok(Some(queued))
}

fn read(row: &AnyRow) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        id: row.try_get(0)?,
        account: row.try_get(1)?,
        mail_from: row.try_get(2)?,
        recipient: row.try_get(3)?,
        domain: row.try_get(4)?,
        size: row.try_get(5)?,
        attempts: row.try_get(6)?,
        queued_at: row.try_get(7)?,
        next_at: row.try_get(8)?,
        is_held: row.try_get::<i64, _>(9)? == 1,
        is_leased: row.try_get::<Option<String>, _>(10)?.is_some(),
        reply: row.try_get(11)?,
    })
}
