use jmap::AccountId;

use super::sql::{self, Connection};
use super::{Account, StoreError, Tx};
use crate::clock::Millis;

/// By what somebody is signed in: the hash of a session's token, or the public part of an app password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// The credential that is kept under that name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Under which name it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Remembers a session by the hash of its token.
pub async fn add_session(
    tx: &mut Tx,
    token_hash: &str,
    account: &AccountId,
    expires_at: Millis,
) -> Result<(), StoreError> {
    sql::query("INSERT INTO sessions (token_hash, account_id, expires_at) VALUES ($1, $2, $3)")
        .bind(token_hash)
        .bind(account.as_str())
        .bind(expires_at)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Whose credential it is, while it is not revoked and has not expired.
pub async fn credential_account(
    connection: &mut Connection,
    credential: &Credential,
    now: Millis,
) -> Result<Option<Account>, StoreError> {
    let row = sql::query(
        "SELECT a.id, a.address, a.name, a.kind, a.organisation, a.password FROM accounts a WHERE a.id IN (
         SELECT account_id FROM sessions WHERE token_hash = $1 AND expires_at > $2
         UNION ALL SELECT account_id FROM app_passwords WHERE id = $1)",
    )
    .bind(credential.as_str())
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(super::accounts::read).transpose()
}

/// Ends a session.
pub async fn drop_session(tx: &mut Tx, token_hash: &str) -> Result<(), StoreError> {
    sql::query("DELETE FROM sessions WHERE token_hash = $1")
        .bind(token_hash)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Forgets expired sessions.
pub async fn sweep_sessions(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    sql::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(tx.connection()).await?;
    Ok(())
}
