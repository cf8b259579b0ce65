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

/// Remembers a session by the hash of its token; false when the account's password is another one by now.
pub async fn add_session(
    tx: &mut Tx,
    token_hash: &str,
    account: &Account,
    expires_at: Millis,
) -> Result<bool, StoreError> {
    // Whoever changes the password ends the sessions that there are: none must slip in behind that.
    super::lock_accounts(tx, [&account.id]).await?;
    let added = sql::query(
        "INSERT INTO sessions (token_hash, account_id, expires_at)
         SELECT $1, id, $3 FROM accounts WHERE id = $2 AND password = $4",
    )
    .bind(token_hash)
    .bind(account.id.as_str())
    .bind(expires_at)
    .bind(&account.password)
    .execute(tx.connection())
    .await?;
    Ok(added == 1)
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

/// Ends all sessions of an account; gives how many there were.
pub async fn drop_sessions(tx: &mut Tx, account: &AccountId) -> Result<u64, StoreError> {
    let gone = sql::query("DELETE FROM sessions WHERE account_id = $1").bind(account.as_str());
    Ok(gone.execute(tx.connection()).await?)
}

/// Forgets expired sessions.
pub async fn sweep_sessions(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    sql::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(tx.connection()).await?;
    Ok(())
}
