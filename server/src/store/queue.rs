//! Mail on its way elsewhere.
//!
//! An entry is worked on by who has it on lease: the statement that takes it looks at the entry's own
//! row, so that of several processes one gets it. What a process does with an entry that it has no
//! longer on lease is refused.

use std::collections::BTreeSet;

use jmap::{AccountId, BlobId, SubmissionId};

use super::blobs::{add_ref, drop_ref};
use super::sql::{self, Connection, Row};
use super::{StoreError, Tx};
use crate::clock::Millis;
use crate::random;

/// A message on its way to one recipient elsewhere.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Who sends it; bounces go there.
    pub account: AccountId,
    /// The submission it belongs to.
    pub submission: Option<SubmissionId>,
    /// The return path; empty for what is answered by a program.
    pub mail_from: String,
    /// The recipient.
    pub recipient: String,
    /// The recipient's domain.
    pub domain: String,
    /// The message.
    pub blob: BlobId,
    /// What goes first: from -9 to 9, greater ones earlier (RFC 6710).
    pub priority: i64,
    /// What the servers on the way are asked for, as a JSON object.
    pub parameters: String,
}

impl Outgoing {
    /// A message that belongs to no submission and asks for nothing.
    pub fn new(account: AccountId, mail_from: String, recipient: String, blob: BlobId) -> Self {
        let domain = crate::address::domain(&recipient).unwrap_or_default().to_lowercase();
        let parameters = "{}".to_owned();
        Self { account, submission: None, mail_from, recipient, domain, blob, priority: 0, parameters }
    }
}

/// An entry of the queue.
#[derive(Debug, Clone)]
pub struct Queued {
    /// Its id.
    pub id: String,
    /// What goes where.
    pub outgoing: Outgoing,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it waits.
    pub queued_at: Millis,
    /// Whether the sender knows that it waits.
    pub delay_told: bool,
}

/// A lease: whose it is, when it begins and when it ends at the latest.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The process.
    pub owner: String,
    /// Now.
    pub from: Millis,
    /// The end, in case the process hangs.
    pub until: Millis,
}

/// Puts a message into the queue; it is due at once.
pub async fn enqueue(tx: &mut Tx, outgoing: &Outgoing, now: Millis) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO queue (id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts,
         queued_at, next_at, held, leased_until, priority, parameters)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, 0, 0, $9, $10)",
    )
    .bind(random::id('q'))
    .bind(outgoing.account.as_str())
    .bind(outgoing.submission.as_ref().map(SubmissionId::as_str))
    .bind(&outgoing.mail_from)
    .bind(&outgoing.recipient)
    .bind(&outgoing.domain)
    .bind(outgoing.blob.as_str())
    .bind(now)
    .bind(outgoing.priority)
    .bind(&outgoing.parameters)
    .execute(tx.connection())
    .await?;
    add_ref(tx, &outgoing.blob).await
}

/// Takes entries of the message that is due first, greater priorities before lesser ones; all are of one
/// submission, and of one domain where `by_domain` says so.
pub async fn lease(
    tx: &mut Tx,
    lease: &Lease,
    limit: i64,
    by_domain: bool,
    busy: &Busy,
) -> Result<Vec<Queued>, StoreError> {
    // Few, for each is the cause of several conversations that go on now.
    let (accounts, domains) = (list(&busy.accounts), list(&busy.domains));
    // Whoever writes an address chooses its domain: as a pattern of LIKE it would be found where it is not.
    // The last line decides: another process may have taken the entry since it was selected.
    let rows = sql::query(
        "UPDATE queue SET leased_by = $7, leased_until = $2 WHERE id IN (
           SELECT q.id FROM queue q JOIN (
             SELECT account_id, mail_from, blob_id, domain, submission_id FROM queue
             WHERE next_at <= $1 AND held = 0 AND leased_by IS NULL
             AND (mail_from = '' AND $8 = 0
               OR mail_from <> '' AND REPLACE($5, ' ' || account_id || ' ', '') = $5)
             AND REPLACE($6, ' ' || domain || ' ', '') = $6
             ORDER BY priority DESC, next_at LIMIT 1
           ) f ON q.account_id = f.account_id AND q.mail_from = f.mail_from AND q.blob_id = f.blob_id
             AND COALESCE(q.submission_id, '') = COALESCE(f.submission_id, '')
             AND ($4 = 0 OR q.domain = f.domain)
           WHERE q.next_at <= $1 AND q.held = 0 AND q.leased_by IS NULL ORDER BY q.next_at LIMIT $3)
         AND next_at <= $1 AND held = 0 AND leased_by IS NULL
         RETURNING id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts, queued_at,
         priority, parameters, delay_told",
    )
    .bind(lease.from)
    .bind(lease.until)
    .bind(limit)
    .bind(i64::from(by_domain))
    .bind(accounts)
    .bind(domains)
    .bind(&lease.owner)
    .bind(i64::from(busy.without_return_path))
    .fetch_all(tx.connection())
    .await?;
    rows.iter().map(read).collect()
}

/// Whose mail, and mail for where, has to wait.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    /// Accounts: what has a return path.
    pub accounts: Vec<String>,
    /// Domains.
    pub domains: Vec<String>,
    /// Whether what has no return path has to wait.
    pub without_return_path: bool,
}

/// Between spaces, which neither an id nor a domain has.
fn list(names: &[String]) -> String {
    format!(" {} ", names.join(" "))
}

/// An attempt that came to nothing.
#[derive(Debug, Clone)]
pub struct Failure {
    /// When the next one is.
    pub next_at: Millis,
    /// Why, by the name of the reason.
    pub reason: &'static str,
    /// What the other server said.
    pub reply: String,
    /// Its name.
    pub host: Option<String>,
    /// Whether the sender knows by now that the message waits.
    pub delay_told: bool,
}

/// Puts an entry back for another attempt; false when it was not `owner`'s any more, or was put back already.
pub async fn postpone(
    tx: &mut Tx,
    queued: &Queued,
    owner: &str,
    failure: &Failure,
) -> Result<bool, StoreError> {
    let done = sql::query(
        "UPDATE queue SET attempts = attempts + 1, next_at = $4, reply = $5, reason = $6, host = $7,
         delay_told = $8, leased_by = NULL, leased_until = 0
         WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND attempts = $9",
    )
    .bind(queued.outgoing.account.as_str())
    .bind(&queued.id)
    .bind(owner)
    .bind(failure.next_at)
    .bind(&failure.reply)
    .bind(failure.reason)
    .bind(failure.host.as_deref())
    .bind(i64::from(failure.delay_told))
    .bind(queued.attempts)
    .execute(tx.connection())
    .await?;
    Ok(done == 1)
}

/// Takes an entry out; false when it was not `owner`'s any more.
pub async fn discard(tx: &mut Tx, queued: &Queued, owner: &str) -> Result<bool, StoreError> {
    let done = sql::query("DELETE FROM queue WHERE account_id = $1 AND id = $2 AND leased_by = $3")
        .bind(queued.outgoing.account.as_str())
        .bind(&queued.id)
        .bind(owner)
        .execute(tx.connection())
        .await?;
    if done == 0 {
        return Ok(false);
    }
    drop_ref(tx, &queued.outgoing.blob).await?;
    Ok(true)
}

/// How many entries wait to be sent elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Entries that could go now.
    pub due: i64,
    /// Entries that wait for their next attempt, or are held by an operator.
    pub waiting: i64,
}

/// How many entries wait to be sent elsewhere.
pub async fn queue_depth(connection: &mut Connection, now: Millis) -> Result<Depth, StoreError> {
    let row = sql::query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN next_at <= $1 AND held = 0 THEN 1 ELSE 0 END), 0) AS BIGINT)
         FROM queue",
    )
    .bind(now)
    .fetch_one(connection)
    .await?;
    let (all, due): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Depth { due, waiting: all - due })
}

/// When the next entry is due that nobody works on.
pub async fn next_due(connection: &mut Connection) -> Result<Option<Millis>, StoreError> {
    let text = "SELECT MIN(next_at) FROM queue WHERE held = 0 AND leased_by IS NULL";
    Ok(sql::query(text).fetch_one(connection).await?.try_get(0)?)
}

/// Gives back what is on lease with processes that are gone, and what was on lease for too long.
pub async fn release_leases(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    sql::query(
        "UPDATE queue SET leased_by = NULL, leased_until = 0 WHERE leased_by IS NOT NULL
         AND (leased_until <= $1 OR leased_by NOT IN (SELECT id FROM processes))",
    )
    .bind(now)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Gives back what `owner` has on lease, but for these entries.
pub async fn release_others(tx: &mut Tx, owner: &str, but: &BTreeSet<String>) -> Result<(), StoreError> {
    let text = "SELECT account_id, id FROM queue WHERE leased_by = $1";
    let rows = sql::query(text).bind(owner).fetch_all(tx.connection()).await?;
    for row in rows {
        let (account, id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if but.contains(&id) {
            continue;
        }
        let text = "UPDATE queue SET leased_by = NULL, leased_until = 0
                    WHERE account_id = $1 AND id = $2 AND leased_by = $3";
        sql::query(text).bind(account).bind(id).bind(owner).execute(tx.connection()).await?;
    }
    Ok(())
}

pub(super) fn read(row: &Row) -> Result<Queued, StoreError> {
    Ok(Queued {
        id: row.try_get(0)?,
        outgoing: Outgoing {
            account: AccountId::from(row.try_get::<String>(1)?),
            submission: row.try_get::<Option<String>>(2)?.map(SubmissionId::from),
            mail_from: row.try_get(3)?,
            recipient: row.try_get(4)?,
            domain: row.try_get(5)?,
            blob: BlobId::from(row.try_get::<String>(6)?),
            priority: row.try_get(9)?,
            parameters: row.try_get(10)?,
        },
        attempts: row.try_get(7)?,
        queued_at: row.try_get(8)?,
        delay_told: row.try_get::<i64>(11)? == 1,
    })
}
