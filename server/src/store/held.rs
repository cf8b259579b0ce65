use jmap::{AccountId, BlobId, SubmissionId};

use super::blobs::{add_ref, drop_ref};
use super::sql::{self, Connection, Row};
use super::{StoreError, Tx};
use crate::clock::Millis;

/// A submission that waits for its time; its message is held until then.
#[derive(Debug, Clone)]
pub struct Held {
    /// The submission.
    pub submission: SubmissionId,
    /// Who sends.
    pub account: AccountId,
    /// The message.
    pub blob: BlobId,
    /// The return path.
    pub mail_from: String,
    /// The recipients: a JSON array of addresses.
    pub recipients: String,
    /// What the servers on the way are asked for: by recipient, a JSON object of JSON objects.
    pub parameters: String,
    /// When it is to go out, and was, however often it is tried after that.
    pub send_at: Millis,
}

impl Held {
    /// The recipients, where they can be read.
    pub fn recipients(&self) -> Result<Vec<String>, StoreError> {
        serde_json::from_str(&self.recipients).map_err(|_| StoreError::Corrupt("held"))
    }
}

/// A submission that is to go out.
#[derive(Debug, Clone)]
pub struct Due {
    /// The submission.
    pub submission: SubmissionId,
    /// Since when it is to go out.
    pub since: Millis,
    /// How often that came to nothing.
    pub attempts: i64,
}

/// Holds a message until its time.
pub async fn hold(tx: &mut Tx, held: &Held) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO held (submission_id, account_id, blob_id, mail_from, recipients, send_at, parameters, due_at,
         attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $6, 0)",
    )
    .bind(held.submission.as_str())
    .bind(held.account.as_str())
    .bind(held.blob.as_str())
    .bind(&held.mail_from)
    .bind(&held.recipients)
    .bind(held.send_at)
    .bind(&held.parameters)
    .execute(tx.connection())
    .await?;
    add_ref(tx, &held.blob).await
}

/// The submissions whose time has come, oldest first.
pub async fn due(connection: &mut Connection, now: Millis) -> Result<Vec<Due>, StoreError> {
    let text =
        "SELECT submission_id, due_at, attempts FROM held WHERE send_at <= $1 ORDER BY send_at LIMIT 32";
    let rows = sql::query(text).bind(now).fetch_all(connection).await?;
    let read = |row: &Row| {
        let submission = SubmissionId::from(row.try_get::<String>(0)?);
        Ok(Due { submission, since: row.try_get(1)?, attempts: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}

/// A submission that is held; none when it is held no longer.
pub async fn held(
    connection: &mut Connection,
    submission: &SubmissionId,
) -> Result<Option<Held>, StoreError> {
    let row = sql::query(
        "SELECT submission_id, account_id, blob_id, mail_from, recipients, due_at, parameters FROM held
         WHERE submission_id = $1",
    )
    .bind(submission.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Holds a message for longer: an attempt to send it came to nothing, which counts once of all that were made at a time.
pub async fn hold_on(tx: &mut Tx, due: &Due, until: Millis) -> Result<(), StoreError> {
    let text =
        "UPDATE held SET send_at = $2, attempts = attempts + 1 WHERE submission_id = $1 AND attempts = $3";
    sql::query(text)
        .bind(due.submission.as_str())
        .bind(until)
        .bind(due.attempts)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// When the next message goes out.
pub async fn next_held(connection: &mut Connection) -> Result<Option<Millis>, StoreError> {
    Ok(sql::query("SELECT MIN(send_at) FROM held").fetch_one(connection).await?.try_get(0)?)
}

/// Holds a message no longer; false when another did so first, who then sends it or took it back.
pub async fn release_held(tx: &mut Tx, submission: &SubmissionId) -> Result<bool, StoreError> {
    let row = sql::query("DELETE FROM held WHERE submission_id = $1 RETURNING blob_id")
        .bind(submission.as_str())
        .fetch_optional(tx.connection())
        .await?;
    let Some(row) = row else { return Ok(false) };
    drop_ref(tx, &BlobId::from(row.try_get::<String>(0)?)).await?;
    Ok(true)
}

fn read(row: &Row) -> Result<Held, StoreError> {
    Ok(Held {
        submission: SubmissionId::from(row.try_get::<String>(0)?),
        account: AccountId::from(row.try_get::<String>(1)?),
        blob: BlobId::from(row.try_get::<String>(2)?),
        mail_from: row.try_get(3)?,
        recipients: row.try_get(4)?,
        send_at: row.try_get(5)?,
        parameters: row.try_get(6)?,
    })
}
