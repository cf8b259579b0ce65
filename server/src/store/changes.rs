use jmap::AccountId;

use super::sql::{self, Connection, Row};
use super::{Kind, StoreError, states};

/// What happened to one type since a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedIds {
    /// New objects.
    pub created: Vec<String>,
    /// Changed objects.
    pub updated: Vec<String>,
    /// Objects that are gone.
    pub destroyed: Vec<String>,
    /// The state after these changes.
    pub new_state: i64,
    /// Whether more changes follow.
    pub has_more: bool,
}

/// Why changes cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangesError {
    /// No such state was ever given out.
    #[error("the state is not one of this account")]
    UnknownState,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The changes of a type after `since`, at most `limit` of them, oldest first.
pub async fn changes(
    connection: &mut Connection,
    account: &AccountId,
    kind: Kind,
    since: i64,
    limit: usize,
) -> Result<ChangedIds, ChangesError> {
    let current = states(connection, account).await?.number(kind);
    if !(known_since(connection, account).await?..=current).contains(&since) {
        return Err(ChangesError::UnknownState);
    }
    let rows = sql::query(statement(kind))
        .bind(account.as_str())
        .bind(since)
        .bind(kind.name())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
        .fetch_all(connection)
        .await
        .map_err(StoreError::from)?;
    let has_more = rows.len() > limit;
    let mut answer = ChangedIds {
        created: Vec::new(),
        updated: Vec::new(),
        destroyed: Vec::new(),
        new_state: current.max(since),
        has_more,
    };
    for row in rows.iter().take(limit) {
        let at = sort(row, since, &mut answer)?;
        if has_more {
            answer.new_state = at;
        }
    }
    Ok(answer)
}

/// The state from which on all changes are known.
async fn known_since(connection: &mut Connection, account: &AccountId) -> Result<i64, StoreError> {
    let row = sql::query("SELECT changes_since FROM accounts WHERE id = $1").bind(account.as_str());
    Ok(row.fetch_one(connection).await?.try_get(0)?)
}

fn sort(row: &Row, since: i64, answer: &mut ChangedIds) -> Result<i64, StoreError> {
    let id: String = row.try_get(0)?;
    let (created, updated, gone): (i64, i64, i64) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    match (gone != 0, created > since) {
        // Made and gone since: the client never saw it.
        (true, true) => {}
        (true, false) => answer.destroyed.push(id),
        (false, true) => answer.created.push(id),
        (false, false) => answer.updated.push(id),
    }
    Ok(updated)
}

fn statement(kind: Kind) -> &'static str {
    macro_rules! text {
        ($table:literal) => {
            concat!(
                "SELECT id, created_state, updated_state, 0 FROM ",
                $table,
                " WHERE account_id = $1 AND updated_state > $2
                 UNION ALL
                 SELECT id, created_state, updated_state, 1 FROM tombstones
                 WHERE account_id = $1 AND kind = $3 AND updated_state > $2
                 ORDER BY 3 LIMIT $4"
            )
        };
    }
    match kind {
        Kind::Mailbox => text!("mailboxes"),
        Kind::Email => text!("emails"),
        Kind::Thread => text!("threads"),
        Kind::Submission => text!("submissions"),
        Kind::Identity => text!("identities"),
        Kind::Vacation => text!("vacations"),
    }
}

/// Remembers that an object is gone.
pub(super) async fn bury(
    tx: &mut super::Tx,
    ledger: &mut super::Ledger,
    kind: Kind,
    id: &str,
    created_state: i64,
) -> Result<(), StoreError> {
    let state = ledger.next(kind);
    sql::query(
        "INSERT INTO tombstones (account_id, kind, id, created_state, updated_state)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(ledger.account().as_str())
    .bind(kind.name())
    .bind(id)
    .bind(created_state)
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(())
}
