use jmap::AccountId;

use super::sql::{self, Connection};
use super::{Kind, Ledger, StoreError, Tx};
use crate::clock::Millis;

/// What is answered while the owner is away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacation {
    /// Whether anything is answered.
    pub is_enabled: bool,
    /// From when.
    pub from_date: Option<Millis>,
    /// Until when.
    pub to_date: Option<Millis>,
    /// The subject of the answer.
    pub subject: Option<String>,
    /// Its text.
    pub text_body: Option<String>,
    /// Its text in HTML.
    pub html_body: Option<String>,
}

/// The vacation response of an account; switched off when there never was one.
pub async fn vacation(connection: &mut Connection, account: &AccountId) -> Result<Vacation, StoreError> {
    let row = sql::query(
        "SELECT is_enabled, from_date, to_date, subject, text_body, html_body FROM vacations
         WHERE account_id = $1",
    )
    .bind(account.as_str())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(Vacation::default()) };
    Ok(Vacation {
        is_enabled: row.try_get::<i64>(0)? != 0,
        from_date: row.try_get(1)?,
        to_date: row.try_get(2)?,
        subject: row.try_get(3)?,
        text_body: row.try_get(4)?,
        html_body: row.try_get(5)?,
    })
}

/// Replaces the vacation response, and forgets who was answered.
pub async fn put_vacation(tx: &mut Tx, ledger: &mut Ledger, new: &Vacation) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Vacation);
    sql::query(
        "INSERT INTO vacations (account_id, id, is_enabled, from_date, to_date, subject, text_body, html_body,
         created_state, updated_state) VALUES ($1, 'singleton', $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT (account_id, id) DO UPDATE SET is_enabled = EXCLUDED.is_enabled,
         from_date = EXCLUDED.from_date, to_date = EXCLUDED.to_date, subject = EXCLUDED.subject,
         text_body = EXCLUDED.text_body, html_body = EXCLUDED.html_body,
         updated_state = EXCLUDED.updated_state",
    )
    .bind(ledger.account().as_str())
    .bind(i64::from(new.is_enabled))
    .bind(new.from_date)
    .bind(new.to_date)
    .bind(new.subject.as_deref())
    .bind(new.text_body.as_deref())
    .bind(new.html_body.as_deref())
    .bind(state)
    .execute(tx.connection())
    .await?;
    sql::query("DELETE FROM vacation_answers WHERE account_id = $1")
        .bind(ledger.account().as_str())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Notes that an address is answered now; false when it was within `pause` (RFC 3834 2).
pub async fn claim_answer(
    tx: &mut Tx,
    account: &AccountId,
    address: &str,
    (now, pause): (Millis, Millis),
) -> Result<bool, StoreError> {
    // Anybody can write to an account under any number of names.
    sql::query("DELETE FROM vacation_answers WHERE account_id = $1 AND answered_at <= $2")
        .bind(account.as_str())
        .bind(now - pause)
        .execute(tx.connection())
        .await?;
    let done = sql::query(
        "INSERT INTO vacation_answers (account_id, address, answered_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, address) DO NOTHING",
    )
    .bind(account.as_str())
    .bind(address)
    .bind(now)
    .execute(tx.connection())
    .await?;
    Ok(done == 1)
}
