//! Which letters in clear went to whom, and which are on their way.
//!
//! Recipients are named in the one form of their addresses. What went is noted as a digest; what is on its way as
//! the digest, a space, and the process that sends it.

use jmap::AccountId;
use sha2::{Digest, Sha256};

use super::sql;
use super::{StoreError, Tx};
use crate::clock::Millis;

/// How long it is remembered what was sent to whom.
const DAY: Millis = 24 * 60 * 60 * 1000;

/// Notes that a message goes to a recipient; false when it went there within a day.
pub async fn claim_sending(
    tx: &mut Tx,
    account: &AccountId,
    message_id: &str,
    recipient: &str,
    now: Millis,
) -> Result<bool, StoreError> {
    forget_old(tx, now).await?;
    note(tx, account, &digest(message_id, recipient), now).await
}

/// Takes the note back: the message did not go there.
pub async fn release_sending(
    tx: &mut Tx,
    account: &AccountId,
    message_id: &str,
    recipient: &str,
) -> Result<(), StoreError> {
    remove(tx, account, &digest(message_id, recipient)).await
}

/// What is known of a letter to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It did not go there; that it is being sent is noted now.
    Fresh,
    /// Another process is sending it now.
    Sending,
    /// It went there within a day.
    Sent,
}

/// Notes that `process`, which is not sending it already, begins to send a message to a recipient.
///
/// What a process was sending that is gone never went out, as far as anybody knows.
pub async fn begin_sending(
    tx: &mut Tx,
    account: &AccountId,
    message_id: &str,
    recipient: &str,
    (process, now): (&str, Millis),
) -> Result<Claim, StoreError> {
    forget_old(tx, now).await?;
    let sent = digest(message_id, recipient);
    // A digest has 43 characters; "!" comes right after the space.
    let (first, end) = (sending(&sent, ""), format!("{sent}!"));
    sql::query(
        "DELETE FROM sent WHERE account_id = $1 AND message > $2 AND message < $3
         AND (SUBSTR(message, 45) = $4 OR SUBSTR(message, 45) NOT IN (SELECT id FROM processes))",
    )
    .bind(account.as_str())
    .bind(first)
    .bind(&end)
    .bind(process)
    .execute(tx.connection())
    .await?;
    let row = sql::query("SELECT message FROM sent WHERE account_id = $1 AND message >= $2 AND message < $3")
        .bind(account.as_str())
        .bind(&sent)
        .bind(&end)
        .fetch_optional(tx.connection())
        .await?;
    if let Some(row) = row {
        return Ok(if row.try_get::<String>(0)? == sent { Claim::Sent } else { Claim::Sending });
    }
    note(tx, account, &sending(&sent, process), now).await?;
    Ok(Claim::Fresh)
}

/// Notes when a message went that `process` was sending; none when it did not.
pub async fn settle_sending(
    tx: &mut Tx,
    account: &AccountId,
    message_id: &str,
    recipient: &str,
    process: &str,
    went: Option<Millis>,
) -> Result<(), StoreError> {
    let sent = digest(message_id, recipient);
    remove(tx, account, &sending(&sent, process)).await?;
    if let Some(at) = went {
        note(tx, account, &sent, at).await?;
    }
    Ok(())
}

async fn forget_old(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    sql::query("DELETE FROM sent WHERE sent_at <= $1").bind(now - DAY).execute(tx.connection()).await?;
    Ok(())
}

async fn note(tx: &mut Tx, account: &AccountId, message: &str, at: Millis) -> Result<bool, StoreError> {
    let done = sql::query(
        "INSERT INTO sent (account_id, message, sent_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, message) DO NOTHING",
    )
    .bind(account.as_str())
    .bind(message)
    .bind(at)
    .execute(tx.connection())
    .await?;
    Ok(done == 1)
}

async fn remove(tx: &mut Tx, account: &AccountId, message: &str) -> Result<(), StoreError> {
    sql::query("DELETE FROM sent WHERE account_id = $1 AND message = $2")
        .bind(account.as_str())
        .bind(message)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn sending(sent: &str, process: &str) -> String {
    format!("{sent} {process}")
}

fn digest(message_id: &str, recipient: &str) -> String {
    // The length keeps two pairs apart that are the same text together.
    let text = format!("{} {message_id} {recipient}", message_id.len());
    crate::base64_url(&Sha256::digest(text))
}
