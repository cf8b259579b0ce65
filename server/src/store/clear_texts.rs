use jmap::{AccountId, EmailId};

use super::sql;
use super::{StoreError, Tx};
use crate::clear_text::ClearText;

/// Keeps what a message of a public account can be found by.
pub(super) async fn add_clear_text(
    tx: &mut Tx,
    account: &AccountId,
    email: &EmailId,
    text: &ClearText,
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO clear_texts (account_id, email_id, from_text, to_text, cc_text, bcc_text, subject, body,
         attachments, has_attachment, sort_from, sort_to, sort_subject, sent_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(account.as_str())
    .bind(email.as_str())
    .bind(&text.from)
    .bind(&text.to)
    .bind(&text.cc)
    .bind(&text.bcc)
    .bind(&text.subject)
    .bind(&text.body)
    .bind(&text.attachments)
    .bind(i64::from(text.has_attachment))
    .bind(&text.sort_from)
    .bind(&text.sort_to)
    .bind(&text.sort_subject)
    .bind(text.sent_at)
    .execute(tx.connection())
    .await?;
    for (place, (name, value)) in (0_i64..).zip(&text.headers) {
        sql::query(
            "INSERT INTO clear_headers (account_id, email_id, place, name, value) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(account.as_str())
        .bind(email.as_str())
        .bind(place)
        .bind(name)
        .bind(value)
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

/// Forgets it.
pub(super) async fn drop_clear_text(
    tx: &mut Tx,
    account: &AccountId,
    email: &EmailId,
) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM clear_texts WHERE account_id = $1 AND email_id = $2",
        "DELETE FROM clear_headers WHERE account_id = $1 AND email_id = $2",
    ] {
        sql::query(statement).bind(account.as_str()).bind(email.as_str()).execute(tx.connection()).await?;
    }
    Ok(())
}
