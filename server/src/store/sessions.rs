use jmap::AccountId;
use sqlx::AnyConnection;

use super::{Account, StoreError, Tx};
use crate::clock::Millis;

/// Remembers a session by the hash of its token.
pub async fn add_session(
    tx: &mut Tx,
    token_hash: &str,
    account: &AccountId,
    expires_at: Millis,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO sessions (token_hash, account_id, expires_at) VALUES ($1, $2, $3)")
        .bind(token_hash)
        .bind(account.as_str())
        .bind(expires_at)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Whose session it is, if it has not expired.
pub async fn session_account(
    connection: &mut AnyConnection,
    token_hash: &str,
    now: Millis,
) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query(
        "SELECT a.id, a.address, a.name, a.kind, a.organisation, a.password
         FROM sessions s JOIN accounts a ON a.id = s.account_id
         WHERE s.token_hash = $1 AND s.expires_at > $2",
    )
    .bind(token_hash)
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(super::accounts::read).transpose()
}

/// Ends a session.
pub async fn drop_session(tx: &mut Tx, token_hash: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
        .bind(token_hash)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Forgets expired sessions.
pub async fn sweep_sessions(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(tx.connection()).await?;
    Ok(())
}
