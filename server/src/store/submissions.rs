use std::collections::BTreeMap;

use jmap::{AccountId, BlobId, Delivered, DeliveryStatus, EmailId, IdentityId, SubmissionId, ThreadId};

use super::changes::bury;
use super::emails::{MOST_RELATED, emails_of_message};
use super::sql::{self, Connection, Row};
use super::{Kind, Ledger, StoreError, Tx};
use crate::clock::Millis;

/// How many notifications of one submission are named.
const MOST_REPORTS: usize = 1000;

/// A submission; envelope and delivery states are JSON as they stand on the wire.
#[derive(Debug, Clone)]
pub struct SubmissionRow {
    /// Its id.
    pub id: SubmissionId,
    /// Who sent.
    pub identity_id: IdentityId,
    /// What was sent.
    pub email_id: EmailId,
    /// The email's thread.
    pub thread_id: ThreadId,
    /// From where to where.
    pub envelope: String,
    /// When.
    pub send_at: Millis,
    /// By address: how far it got.
    pub delivery: String,
    /// `pending`, `final` or `canceled`.
    pub undo_status: String,
    /// The blobs of notifications about its delivery, oldest first, as JSON.
    pub dsn_blobs: String,
    /// And of those that tell that it was displayed.
    pub mdn_blobs: String,
    created_state: i64,
}

impl SubmissionRow {
    /// The recipients for whom it is not settled what becomes of the message; none where that cannot be read.
    pub fn unsettled(&self) -> Vec<String> {
        let states: BTreeMap<String, DeliveryStatus> =
            serde_json::from_str(&self.delivery).unwrap_or_default();
        let is_open =
            |status: &DeliveryStatus| matches!(status.delivered, Delivered::Queued | Delivered::Unknown);
        states.into_iter().filter(|(_, status)| is_open(status)).map(|(address, _)| address).collect()
    }
}

/// The newest submissions of an account, up to `limit`.
pub async fn submissions(
    connection: &mut Connection,
    account: &AccountId,
    limit: i64,
) -> Result<Vec<SubmissionRow>, StoreError> {
    let rows = sql::query(
        "SELECT id, identity_id, email_id, thread_id, envelope, send_at, delivery, undo_status,
         created_state, dsn_blobs, mdn_blobs FROM submissions WHERE account_id = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(account.as_str())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// One submission.
pub async fn submission(
    connection: &mut Connection,
    account: &AccountId,
    id: &SubmissionId,
) -> Result<Option<SubmissionRow>, StoreError> {
    let row = sql::query(
        "SELECT id, identity_id, email_id, thread_id, envelope, send_at, delivery, undo_status,
         created_state, dsn_blobs, mdn_blobs FROM submissions WHERE account_id = $1 AND id = $2",
    )
    .bind(account.as_str())
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

/// A submission to remember; its id is chosen already.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is the column of its name in SubmissionRow")]
pub struct NewSubmission<'a> {
    pub id: &'a SubmissionId,
    pub identity_id: &'a IdentityId,
    pub email_id: &'a EmailId,
    pub thread_id: &'a ThreadId,
    pub envelope: String,
    pub delivery: String,
    pub send_at: Millis,
    pub undo_status: &'static str,
}

/// Remembers a submission.
pub async fn add_submission(
    tx: &mut Tx,
    ledger: &mut Ledger,
    new: NewSubmission<'_>,
) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Submission);
    sql::query(
        "INSERT INTO submissions (account_id, id, identity_id, email_id, thread_id, envelope, send_at,
         delivery, undo_status, created_state, updated_state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
    )
    .bind(ledger.account().as_str())
    .bind(new.id.as_str())
    .bind(new.identity_id.as_str())
    .bind(new.email_id.as_str())
    .bind(new.thread_id.as_str())
    .bind(new.envelope)
    .bind(new.send_at)
    .bind(new.delivery)
    .bind(new.undo_status)
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Tells whether a submission can still be taken back.
pub async fn set_undo(
    tx: &mut Tx,
    ledger: &mut Ledger,
    id: &SubmissionId,
    undo_status: &'static str,
) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Submission);
    sql::query(
        "UPDATE submissions SET undo_status = $3, updated_state = $4 WHERE account_id = $1 AND id = $2",
    )
    .bind(ledger.account().as_str())
    .bind(id.as_str())
    .bind(undo_status)
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Replaces the delivery states of a submission.
pub async fn set_delivery(
    tx: &mut Tx,
    ledger: &mut Ledger,
    id: &SubmissionId,
    delivery: String,
) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Submission);
    sql::query("UPDATE submissions SET delivery = $3, updated_state = $4 WHERE account_id = $1 AND id = $2")
        .bind(ledger.account().as_str())
        .bind(id.as_str())
        .bind(delivery)
        .bind(state)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Names blobs of notifications about a submission, behind those that are named already.
pub async fn add_dsn(
    tx: &mut Tx,
    ledger: &mut Ledger,
    id: &SubmissionId,
    blobs: &[BlobId],
) -> Result<(), StoreError> {
    let Some(row) = submission(tx.connection(), ledger.account(), id).await? else { return Ok(()) };
    let corrupt = |_| StoreError::Corrupt("submission");
    let mut named: Vec<BlobId> = serde_json::from_str(&row.dsn_blobs).map_err(corrupt)?;
    named.extend(blobs.iter().cloned());
    named.truncate(MOST_REPORTS);
    let dsn_blobs = serde_json::to_string(&named).map_err(corrupt)?;
    set_reported(tx, ledger, &SubmissionRow { dsn_blobs, ..row }).await
}

/// Writes what was reported of a submission: its delivery states and the blobs of the reports.
pub async fn set_reported(tx: &mut Tx, ledger: &mut Ledger, row: &SubmissionRow) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Submission);
    sql::query(
        "UPDATE submissions SET delivery = $3, dsn_blobs = $4, mdn_blobs = $5, updated_state = $6
         WHERE account_id = $1 AND id = $2",
    )
    .bind(ledger.account().as_str())
    .bind(row.id.as_str())
    .bind(&row.delivery)
    .bind(&row.dsn_blobs)
    .bind(&row.mdn_blobs)
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The submissions of the email that has this Message-ID.
pub async fn submissions_of_message(
    connection: &mut Connection,
    account: &AccountId,
    message_id: &str,
) -> Result<Vec<SubmissionRow>, StoreError> {
    let mut found = Vec::new();
    for email in emails_of_message(connection, account, message_id).await? {
        let rows = sql::query(
            "SELECT id, identity_id, email_id, thread_id, envelope, send_at, delivery, undo_status,
             created_state, dsn_blobs, mdn_blobs FROM submissions
             WHERE account_id = $1 AND email_id = $2 ORDER BY id LIMIT $3",
        );
        let rows = rows.bind(account.as_str()).bind(email.id.as_str()).bind(MOST_RELATED);
        for row in rows.fetch_all(&mut *connection).await? {
            found.push(read(&row)?);
        }
    }
    Ok(found)
}

/// Forgets a submission; what is under way goes on.
pub async fn destroy_submission(
    tx: &mut Tx,
    ledger: &mut Ledger,
    row: &SubmissionRow,
) -> Result<(), StoreError> {
    sql::query("DELETE FROM submissions WHERE account_id = $1 AND id = $2")
        .bind(ledger.account().as_str())
        .bind(row.id.as_str())
        .execute(tx.connection())
        .await?;
    bury(tx, ledger, Kind::Submission, row.id.as_str(), row.created_state).await
}

fn read(row: &Row) -> Result<SubmissionRow, StoreError> {
    Ok(SubmissionRow {
        id: SubmissionId::from(row.try_get::<String>(0)?),
        identity_id: IdentityId::from(row.try_get::<String>(1)?),
        email_id: EmailId::from(row.try_get::<String>(2)?),
        thread_id: ThreadId::from(row.try_get::<String>(3)?),
        envelope: row.try_get(4)?,
        send_at: row.try_get(5)?,
        delivery: row.try_get(6)?,
        undo_status: row.try_get(7)?,
        created_state: row.try_get(8)?,
        dsn_blobs: row.try_get(9)?,
        mdn_blobs: row.try_get(10)?,
    })
}
