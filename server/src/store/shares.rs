use jmap::AccountId;

use super::sql::{self, Connection, Row};
use super::{Account, StoreError, Tx};

/// Another account that somebody may open.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The account.
    pub account: Account,
    /// Whether its content may be changed.
    pub may_write: bool,
}

/// Lets `member` open an account.
pub async fn share(
    tx: &mut Tx,
    account: &AccountId,
    member: &AccountId,
    may_write: bool,
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO shares (member_id, account_id, may_write) VALUES ($1, $2, $3)
         ON CONFLICT (member_id, account_id) DO UPDATE SET may_write = EXCLUDED.may_write",
    )
    .bind(member.as_str())
    .bind(account.as_str())
    .bind(i64::from(may_write))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends that; tells whether there was anything to end.
pub async fn unshare(tx: &mut Tx, account: &AccountId, member: &AccountId) -> Result<bool, StoreError> {
    let gone = sql::query("DELETE FROM shares WHERE member_id = $1 AND account_id = $2")
        .bind(member.as_str())
        .bind(account.as_str())
        .execute(tx.connection())
        .await?;
    Ok(gone == 1)
}

/// The other accounts that somebody may open.
pub async fn shared_with(connection: &mut Connection, member: &AccountId) -> Result<Vec<Shared>, StoreError> {
    let rows = sql::query(
        "SELECT a.id, a.address, a.name, a.kind, a.organisation, a.password, s.may_write
         FROM shares s JOIN accounts a ON a.id = s.account_id WHERE s.member_id = $1 ORDER BY a.id",
    )
    .bind(member.as_str())
    .fetch_all(connection)
    .await?;
    let read = |row: &Row| {
        Ok(Shared { account: super::accounts::read(row)?, may_write: row.try_get::<i64>(6)? != 0 })
    };
    rows.iter().map(read).collect()
}
