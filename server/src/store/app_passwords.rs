use jmap::AccountId;

use super::sql::{self, Connection, Row};
use super::{Account, StoreError, Tx};
use crate::clock::{self, Millis};

/// An app password as its owner sees it in a list; the secret itself is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPassword {
    /// Its public part.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// Since when it works.
    pub created_at: Millis,
}

/// Remembers an app password by its public part and the hash of its secret part.
pub async fn add_app_password(
    tx: &mut Tx,
    account: &AccountId,
    (id, hash): (&str, &str),
    label: &str,
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO app_passwords (id, account_id, label, hash, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(account.as_str())
    .bind(label)
    .bind(hash)
    .bind(clock::now())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whose app password has that public part, and the hash of its secret part.
pub async fn app_password(
    connection: &mut Connection,
    id: &str,
) -> Result<Option<(Account, String)>, StoreError> {
    let row = sql::query(
        "SELECT a.id, a.address, a.name, a.kind, a.organisation, a.password, p.hash
         FROM app_passwords p JOIN accounts a ON a.id = p.account_id WHERE p.id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((super::accounts::read(&row)?, row.try_get(6)?))).transpose()
}

/// The app passwords of an account, oldest first.
pub async fn app_passwords(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<Vec<AppPassword>, StoreError> {
    let rows = sql::query(
        "SELECT id, label, created_at FROM app_passwords WHERE account_id = $1 ORDER BY created_at, id",
    )
    .bind(account.as_str())
    .fetch_all(connection)
    .await?;
    let read = |row: &Row| {
        Ok(AppPassword { id: row.try_get(0)?, label: row.try_get(1)?, created_at: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}

/// Revokes an app password; tells whether there was one.
pub async fn drop_app_password(tx: &mut Tx, account: &AccountId, id: &str) -> Result<bool, StoreError> {
    let gone = sql::query("DELETE FROM app_passwords WHERE account_id = $1 AND id = $2")
        .bind(account.as_str())
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(gone == 1)
}
