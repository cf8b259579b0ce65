use jmap::AccountId;

use super::sql::{self, Connection};
use super::{StoreError, Tx};

/// The vault's state and content; state 0 and nothing before the first time.
pub async fn vault(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<(i64, Option<Vec<u8>>), StoreError> {
    let row = sql::query("SELECT state, data FROM vaults WHERE account_id = $1")
        .bind(account.as_str())
        .fetch_optional(connection)
        .await?;
    row.map_or(Ok((0, None)), |row| Ok((row.try_get(0)?, Some(row.try_get(1)?))))
}

/// Replaces the vault if its state is `expected`; returns the new state, or none.
pub async fn put_vault(
    tx: &mut Tx,
    account: &AccountId,
    expected: i64,
    data: Vec<u8>,
) -> Result<Option<i64>, StoreError> {
    let row = sql::query(
        "INSERT INTO vaults (account_id, state, data) SELECT $1, 1, $3 WHERE $2 = 0
         ON CONFLICT (account_id) DO NOTHING RETURNING state",
    );
    let fresh = row.bind(account.as_str()).bind(expected).bind(data.clone());
    if let Some(row) = fresh.fetch_optional(tx.connection()).await? {
        return Ok(Some(row.try_get(0)?));
    }
    let row = sql::query(
        "UPDATE vaults SET state = state + 1, data = $3 WHERE account_id = $1 AND state = $2 RETURNING state",
    )
    .bind(account.as_str())
    .bind(expected)
    .bind(data)
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| row.try_get(0)).transpose().map_err(StoreError::from)
}
