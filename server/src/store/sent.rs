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
    sql::query("DELETE FROM sent WHERE sent_at <= $1").bind(now - DAY).execute(tx.connection()).await?;
    let done = sql::query(
        "INSERT INTO sent (account_id, message, sent_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, message) DO NOTHING",
    )
    .bind(account.as_str())
    .bind(digest(message_id, recipient))
    .bind(now)
    .execute(tx.connection())
    .await?;
    Ok(done == 1)
}

/// Takes the note back: the message did not go there.
pub async fn release_sending(
    tx: &mut Tx,
    account: &AccountId,
    message_id: &str,
    recipient: &str,
) -> Result<(), StoreError> {
    sql::query("DELETE FROM sent WHERE account_id = $1 AND message = $2")
        .bind(account.as_str())
        .bind(digest(message_id, recipient))
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn digest(message_id: &str, recipient: &str) -> String {
    // The length keeps two pairs apart that are the same text together.
    let text = format!("{} {message_id} {}", message_id.len(), recipient.to_lowercase());
    crate::base64_url(&Sha256::digest(text))
}
