//! Which processes serve this store.

use super::sql::{self, Connection};
use super::{StoreError, Tx, schema};
use crate::clock::Millis;

/// Says that a process is alive, and forgets those that have not said so since `dead`; gives how many.
///
/// One that could not say so itself since then forgets nobody yet: the others may have been as cut off, and have mail
/// under way.
pub async fn beat(tx: &mut Tx, process: &str, now: Millis, dead: Millis) -> Result<u64, StoreError> {
    let seen = sql::query("SELECT seen_at FROM processes WHERE id = $1").bind(process);
    let seen = seen.fetch_optional(tx.connection()).await?;
    let seen = seen.map(|row| row.try_get::<i64>(0)).transpose()?;
    let dead = if dead < now && seen.is_some_and(|seen| seen < dead) { Millis::MIN } else { dead };
    sql::query(
        "INSERT INTO processes (id, started_at, seen_at) VALUES ($1, $2, $2)
         ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at",
    )
    .bind(process)
    .bind(now)
    .execute(tx.connection())
    .await?;
    let gone = sql::query("DELETE FROM processes WHERE seen_at < $1 AND id <> $2")
        .bind(dead)
        .bind(process)
        .execute(tx.connection())
        .await?;
    let (found, known) = (schema::version(tx.connection()).await?, schema::newest());
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(gone) }
}

/// Says that a process ends.
pub async fn depart(tx: &mut Tx, process: &str) -> Result<(), StoreError> {
    sql::query("DELETE FROM processes WHERE id = $1").bind(process).execute(tx.connection()).await?;
    Ok(())
}

/// What is another once somebody else than this store wrote to the embedded database, or may have: it is one connection's
/// own number, and which connection's it is.
pub async fn written_by_others(tx: &mut Tx) -> Result<(u64, i64), StoreError> {
    let version = sql::query("PRAGMA data_version").fetch_one(tx.connection()).await?.try_get(0)?;
    Ok((tx.earlier_connections(), version))
}

/// How many processes said since `since` that they are alive.
pub async fn serving(connection: &mut Connection, since: Millis) -> Result<i64, StoreError> {
    let row = sql::query("SELECT COUNT(*) FROM processes WHERE seen_at >= $1");
    Ok(row.bind(since).fetch_one(connection).await?.try_get(0)?)
}
