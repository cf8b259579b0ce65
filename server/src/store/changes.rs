use jmap::AccountId;
use tokio_util::sync::CancellationToken;

use super::sql::{self, Connection, Row};
use super::{Kind, Store, StoreError, Tx, states, states_for};

/// How many destroyed objects of each type an account tells of; who knows none of so many better reads anew.
pub const TOLD: i64 = 20_000;
/// How many are forgotten in one transaction: meanwhile nobody else writes.
const AT_ONCE: u64 = 1_000;

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
    /// No such state was ever given out, or it is so old that what was destroyed since is forgotten.
    #[error("the state is not one that changes are known since")]
    UnknownState,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The changes of a type after `since` as `member` sees them, at most `limit` of them, oldest first.
pub async fn changes(
    connection: &mut Connection,
    (account, member): (&AccountId, &AccountId),
    kind: Kind,
    since: i64,
    limit: usize,
) -> Result<ChangedIds, ChangesError> {
    let current = match kind {
        Kind::Mailbox => states_for(connection, account, member).await?,
        _ => states(connection, account).await?,
    };
    let current = current.number(kind);
    if since > current {
        return Err(ChangesError::UnknownState);
    }
    let mut query = sql::query(statement(kind))
        .bind(account.as_str())
        .bind(since)
        .bind(kind.name())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1));
    if kind == Kind::Mailbox {
        query = query.bind(member.as_str());
    }
    let rows = query.fetch_all(connection).await.map_err(StoreError::from)?;
    // Only now: what is forgotten meanwhile is not among the rows. Where nothing happened since, all is known.
    if since < current && since < known_since(connection, account).await? {
        return Err(ChangesError::UnknownState);
    }
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
        ($($found:literal),*) => {
            concat!(
                $($found,)*
                "
                 UNION ALL
                 SELECT id, created_state, updated_state, 1 FROM tombstones
                 WHERE account_id = $1 AND kind = $3 AND updated_state > $2
                 ORDER BY 3 LIMIT $4"
            )
        };
    }
    macro_rules! of {
        ($table:literal) => {
            text!(
                "SELECT id, created_state, updated_state, 0 FROM ",
                $table,
                " WHERE account_id = $1 AND updated_state > $2"
            )
        };
    }
    match kind {
        // Nobody's own subscriptions are to show to others.
        Kind::Mailbox => text!(
            "SELECT m.id, m.created_state,
               CASE WHEN s.updated_state > m.updated_state THEN s.updated_state ELSE m.updated_state END, 0
             FROM mailboxes m LEFT JOIN mailbox_subscriptions s
               ON s.account_id = m.account_id AND s.mailbox_id = m.id AND s.member_id = $5
             WHERE m.account_id = $1 AND (m.updated_state > $2 OR s.updated_state > $2)"
        ),
        Kind::Email => of!("emails"),
        Kind::Thread => of!("threads"),
        Kind::Submission => of!("submissions"),
        Kind::Identity => of!("identities"),
        Kind::Vacation => of!("vacations"),
    }
}

/// Remembers that an object is gone.
pub(super) async fn bury(
    tx: &mut Tx,
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

/// Forgets of each account what was destroyed longest ago, beyond `kept` objects of each type, until it is to stop.
///
/// Of one that fails the others do not wait; the last error is told.
pub async fn forget_destroyed(
    store: &Store,
    kept: i64,
    stopping: &CancellationToken,
) -> Result<(), StoreError> {
    let many = many_destroyed(&mut *store.read().await?, kept).await?;
    let mut ended = Ok(());
    for (account, kind) in many {
        if stopping.is_cancelled() {
            break;
        }
        ended = forget_oldest(store, &account, &kind, kept, stopping).await.and(ended);
    }
    ended
}

/// The accounts of which more than `kept` objects of a type were destroyed, with the name of that type.
async fn many_destroyed(connection: &mut Connection, kept: i64) -> Result<Vec<(String, String)>, StoreError> {
    let text = "SELECT account_id, kind FROM tombstones GROUP BY account_id, kind HAVING COUNT(*) > $1";
    let rows = sql::query(text).bind(kept).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn forget_oldest(
    store: &Store,
    account: &str,
    kind: &str,
    kept: i64,
    stopping: &CancellationToken,
) -> Result<(), StoreError> {
    let Some(until) = newest_beyond(&mut *store.read().await?, account, kind, kept).await? else {
        return Ok(());
    };
    let mut gone = AT_ONCE;
    while gone == AT_ONCE && !stopping.is_cancelled() {
        let (account, kind) = (account.to_owned(), kind.to_owned());
        let forget = store.write(move |tx| Box::pin(async move { forget(tx, &account, &kind, until).await }));
        gone = forget.await?;
    }
    Ok(())
}

/// The state in which the newest object went of those that are beyond `kept`.
async fn newest_beyond(
    connection: &mut Connection,
    account: &str,
    kind: &str,
    kept: i64,
) -> Result<Option<i64>, StoreError> {
    let text = "SELECT updated_state FROM tombstones WHERE account_id = $1 AND kind = $2
                ORDER BY updated_state DESC LIMIT 1 OFFSET $3";
    let row = sql::query(text).bind(account).bind(kind).bind(kept);
    Ok(row.fetch_optional(connection).await?.map(|row| row.try_get(0)).transpose()?)
}

/// Forgets some objects that went before or in the state `until`, and tells how many.
async fn forget(tx: &mut Tx, account: &str, kind: &str, until: i64) -> Result<u64, StoreError> {
    sql::query("UPDATE accounts SET changes_since = $2 WHERE id = $1 AND changes_since < $2")
        .bind(account)
        .bind(until)
        .execute(tx.connection())
        .await?;
    let oldest = "DELETE FROM tombstones WHERE account_id = $1 AND kind = $2 AND id IN (
                    SELECT id FROM tombstones WHERE account_id = $1 AND kind = $2 AND updated_state <= $3
                    ORDER BY updated_state LIMIT $4)";
    let gone = sql::query(oldest)
        .bind(account)
        .bind(kind)
        .bind(until)
        .bind(i64::try_from(AT_ONCE).unwrap_or(i64::MAX))
        .execute(tx.connection())
        .await?;
    Ok(gone)
}
