//! The queue as an operator sees it, and acts on it: never what a message says.

use super::blobs::drop_ref;
use super::sql::{self, Connection, Row};
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
    /// What goes first: greater ones.
    pub priority: i64,
    /// Why the last attempt came to nothing.
    pub reason: Option<String>,
    /// The server that it was made with.
    pub host: Option<String>,
    /// What that server said.
    pub reply: Option<String>,
}

const COLUMNS: &str = "SELECT q.id, q.account_id, q.mail_from, q.recipient, q.domain, b.size, q.attempts,
    q.queued_at, q.next_at, q.held, q.leased_by, q.reply, q.priority, q.reason, q.host FROM queue q LEFT JOIN blobs b ON b.id = q.blob_id";

/// The entries that are due first, up to `limit`; those for one domain where one is named.
pub async fn waiting(
    connection: &mut Connection,
    domain: Option<&str>,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let only = "WHERE ($2 = '' OR q.domain = $2)";
    let text = sql::Text::of_constants(format!("{COLUMNS} {only} ORDER BY q.next_at, q.id LIMIT $1"));
    let query = sql::query(text).bind(limit).bind(domain.unwrap_or_default());
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// What waits for one domain.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The domain.
    pub domain: String,
    /// How many entries.
    pub entries: i64,
    /// How many of them an operator holds.
    pub held: i64,
    /// Since when the oldest waits.
    pub oldest: Millis,
    /// Why nothing is tried, and until when.
    pub paused: Option<(String, Millis)>,
}

/// What waits, by domain, most first, up to `limit`.
pub async fn waiting_by_domain(
    connection: &mut Connection,
    limit: i64,
) -> Result<Vec<Destination>, StoreError> {
    let rows = sql::query(
        "SELECT q.domain, COUNT(*), CAST(SUM(q.held) AS BIGINT), MIN(q.queued_at), MAX(d.reason), MAX(d.until_at)
         FROM queue q LEFT JOIN destinations d ON d.domain = q.domain
         GROUP BY q.domain ORDER BY COUNT(*) DESC, q.domain LIMIT $1",
    )
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let read = |row: &Row| {
        let reason: Option<String> = row.try_get(4)?;
        let until: Option<Millis> = row.try_get(5)?;
        Ok(Destination {
            domain: row.try_get(0)?,
            entries: row.try_get(1)?,
            held: row.try_get(2)?,
            oldest: row.try_get(3)?,
            paused: reason.zip(until),
        })
    };
    rows.iter().map(read).collect()
}

/// The ids of what waits for a domain and is not being sent now, in their order: up to `limit` of those behind `after`.
pub async fn waiting_ids(
    connection: &mut Connection,
    domain: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let text =
        "SELECT id FROM queue WHERE domain = $1 AND id > $2 AND leased_by IS NULL ORDER BY id LIMIT $3";
    let rows = sql::query(text).bind(domain).bind(after).bind(limit).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// One entry.
pub async fn waiting_entry(connection: &mut Connection, id: &str) -> Result<Option<Waiting>, StoreError> {
    let text = sql::Text::of_constants(format!("{COLUMNS} WHERE q.id = $1"));
    sql::query(text).bind(id).fetch_optional(connection).await?.as_ref().map(read).transpose()
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
    let done = sql::query(text).bind(id).bind(now).execute(tx.connection()).await?;
    if act == Act::Retry {
        // The operator knows that its servers work again; the smarthost stands under no name.
        let text =
            "DELETE FROM destinations WHERE domain = '' OR domain = (SELECT domain FROM queue WHERE id = $1)";
        sql::query(text).bind(id).execute(tx.connection()).await?;
    }
    Ok(done == 1)
}

/// An entry as those who send it see it.
pub async fn queued_entry(connection: &mut Connection, id: &str) -> Result<Option<Queued>, StoreError> {
    let text =
        "SELECT id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts, queued_at,
                priority, parameters, delay_told FROM queue WHERE id = $1";
    sql::query(text).bind(id).fetch_optional(connection).await?.as_ref().map(queue::read).transpose()
}

/// Takes an entry out that is not being sent now; none when there is none.
pub async fn remove_waiting(tx: &mut Tx, id: &str) -> Result<Option<Queued>, StoreError> {
    let row = sql::query(
        "DELETE FROM queue WHERE id = $1 AND leased_by IS NULL
         RETURNING id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts, queued_at,
         priority, parameters, delay_told",
    )
    .bind(id)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let queued = queue::read(&row)?;
    drop_ref(tx, &queued.outgoing.blob).await?;
    Ok(Some(queued))
}

fn read(row: &Row) -> Result<Waiting, StoreError> {
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
        is_held: row.try_get::<i64>(9)? == 1,
        is_leased: row.try_get::<Option<String>>(10)?.is_some(),
        reply: row.try_get(11)?,
        priority: row.try_get(12)?,
        reason: row.try_get(13)?,
        host: row.try_get(14)?,
    })
}
