use jmap::{AccountId, BlobId, SubmissionId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::blobs::forget_blob;
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
    /// The return path.
    pub mail_from: String,
    /// The recipient.
    pub recipient: String,
    /// The recipient's domain.
    pub domain: String,
    /// The message.
    pub blob: BlobId,
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
}

/// Puts a message into the queue; it is due at once.
pub async fn enqueue(tx: &mut Tx, outgoing: &Outgoing, now: Millis) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO queue (id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts,
         queued_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8)",
    )
    .bind(random::id('q'))
    .bind(outgoing.account.as_str())
    .bind(outgoing.submission.as_ref().map(SubmissionId::as_str))
    .bind(&outgoing.mail_from)
    .bind(&outgoing.recipient)
    .bind(&outgoing.domain)
    .bind(outgoing.blob.as_str())
    .bind(now)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes entries of the message that is due first and hides them until `until`, in case this
/// process dies; all have one sender, and one domain where `by_domain` says so.
pub async fn lease(
    tx: &mut Tx,
    (now, until): (Millis, Millis),
    limit: i64,
    by_domain: bool,
    busy: &Busy,
) -> Result<Vec<Queued>, StoreError> {
    // Few, for each is the cause of several conversations that go on now.
    let (accounts, domains) = (list(&busy.accounts), list(&busy.domains));
    let rows = sqlx::query(
        "UPDATE queue SET next_at = $2 WHERE id IN (
           SELECT q.id FROM queue q JOIN (
             SELECT account_id, mail_from, blob_id, domain FROM queue WHERE next_at <= $1
             AND $5 NOT LIKE '% ' || account_id || ' %' AND $6 NOT LIKE '% ' || domain || ' %'
             ORDER BY next_at LIMIT 1
           ) f ON q.account_id = f.account_id AND q.mail_from = f.mail_from AND q.blob_id = f.blob_id
             AND ($4 = 0 OR q.domain = f.domain)
           WHERE q.next_at <= $1 ORDER BY q.next_at LIMIT $3)
         RETURNING id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts, queued_at",
    )
    .bind(now)
    .bind(until)
    .bind(limit)
    .bind(i64::from(by_domain))
    .bind(accounts)
    .bind(domains)
    .fetch_all(tx.connection())
    .await?;
    rows.iter().map(read).collect()
}

/// Whose mail, and mail for where, has to wait.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    /// Accounts.
    pub accounts: Vec<String>,
    /// Domains.
    pub domains: Vec<String>,
}

/// Between spaces, which neither an id nor a domain has.
fn list(names: &[String]) -> String {
    format!(" {} ", names.join(" "))
}

/// Puts an entry back for another attempt.
pub async fn postpone(tx: &mut Tx, id: &str, next_at: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE queue SET attempts = attempts + 1, next_at = $2 WHERE id = $1")
        .bind(id)
        .bind(next_at)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Takes an entry out, and its message with it when nothing else holds that.
pub async fn discard(tx: &mut Tx, queued: &Queued) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM queue WHERE id = $1").bind(&queued.id).execute(tx.connection()).await?;
    forget_blob(tx, &queued.outgoing.blob).await
}

/// When the next entry is due.
pub async fn next_due(connection: &mut AnyConnection) -> Result<Option<Millis>, StoreError> {
    let row = sqlx::query("SELECT MIN(next_at) FROM queue").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

/// Makes entries that an earlier process had taken due again.
///
/// An entry that was never tried, or whose lease this schedule could not have set, is due at once.
pub async fn release_leases(tx: &mut Tx, now: Millis, lease: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE queue SET next_at = $1 WHERE attempts = 0 OR next_at <= $1 + $2")
        .bind(now)
        .bind(lease)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Queued, StoreError> {
    Ok(Queued {
        id: row.try_get(0)?,
        outgoing: Outgoing {
            account: AccountId::from(row.try_get::<String, _>(1)?),
            submission: row.try_get::<Option<String>, _>(2)?.map(SubmissionId::from),
            mail_from: row.try_get(3)?,
            recipient: row.try_get(4)?,
            domain: row.try_get(5)?,
            blob: BlobId::from(row.try_get::<String, _>(6)?),
        },
        attempts: row.try_get(7)?,
        queued_at: row.try_get(8)?,
    })
}
