//! Destinations whose servers failed of late.
//!
//! A destination is a domain; the empty one stands for the smarthost.

use super::sql::{self, Connection, SqlError};
use super::{StoreError, Tx};
use crate::clock::Millis;

/// How long it is remembered that the servers of a destination failed, after it could be tried again and was not.
const UNUSED: Millis = 7 * 24 * 60 * 60 * 1000;

/// What is due for destinations that failed waits until they may be tried again; `$1` is now.
const PUT_OFF: &str =
    "UPDATE queue SET next_at = (SELECT d.until_at FROM destinations d WHERE d.domain = queue.domain)
     WHERE next_at <= $1 AND held = 0 AND leased_by IS NULL
     AND domain IN (SELECT domain FROM destinations WHERE until_at > $1)";

/// Notes that the servers of a destination failed; gives how often in a row.
///
/// One failure counts once, however many messages it met: those that began before the last pause ended
/// are part of it.
pub async fn note_failure(
    tx: &mut Tx,
    domain: &str,
    reason: &str,
    now: Millis,
    pause: impl Fn(i64) -> Millis,
) -> Result<(), StoreError> {
    let text = "SELECT failures, until_at FROM destinations WHERE domain = $1";
    let row = sql::query(text).bind(domain).fetch_optional(tx.connection()).await?;
    let (failures, until): (i64, Millis) =
        row.map_or(Ok((0, 0)), |row| Ok::<_, SqlError>((row.try_get(0)?, row.try_get(1)?)))?;
    if until > now {
        return Ok(());
    }
    sql::query(
        "INSERT INTO destinations (domain, failures, until_at, reason) VALUES ($1, $2, $3, $4)
         ON CONFLICT (domain) DO UPDATE SET failures = $2, until_at = $3, reason = $4",
    )
    .bind(domain)
    .bind(failures + 1)
    .bind(now + pause(failures + 1))
    .bind(reason)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whether anything is noted against a destination.
pub async fn has_failures(connection: &mut Connection, domain: &str) -> Result<bool, StoreError> {
    let row = sql::query("SELECT 1 FROM destinations WHERE domain = $1").bind(domain);
    Ok(row.fetch_optional(connection).await?.is_some())
}

/// Notes that the servers of a destination work.
pub async fn forget_failures(tx: &mut Tx, domain: &str) -> Result<(), StoreError> {
    sql::query("DELETE FROM destinations WHERE domain = $1").bind(domain).execute(tx.connection()).await?;
    Ok(())
}

/// Forgets what is noted against destinations that nothing was sent to for long.
pub async fn sweep_destinations(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    sql::query("DELETE FROM destinations WHERE until_at <= $1")
        .bind(now - UNUSED)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Has what is due for destinations that failed wait for as long as they do.
pub async fn put_off(tx: &mut Tx, by_domain: bool, now: Millis) -> Result<(), StoreError> {
    let text = match by_domain {
        true => PUT_OFF,
        false => {
            "UPDATE queue SET next_at = (SELECT d.until_at FROM destinations d WHERE d.domain = '')
             WHERE next_at <= $1 AND held = 0 AND leased_by IS NULL
             AND EXISTS (SELECT 1 FROM destinations WHERE domain = '' AND until_at > $1)"
        }
    };
    sql::query(text).bind(now).execute(tx.connection()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::Engine;
    use crate::store::schema;
    use crate::store::sql::Local;

    #[tokio::test]
    async fn of_all_that_ever_failed_only_paused_destinations_are_looked_at() {
        let mut connection = Connection::Local(Box::new(Local::in_memory().unwrap()));
        schema::migrate(&mut connection, Engine::Sqlite).await.unwrap();
        let text = sql::Text::of_constants(format!("EXPLAIN QUERY PLAN {PUT_OFF}"));
        let plan = sql::query(text).bind(0_i64).fetch_all(&mut connection).await.unwrap();
        let steps: Vec<String> = plan.iter().map(|row| row.try_get(3).unwrap()).collect();
        let reads = steps.iter().filter(|step| step.contains("destinations") || step.contains(" d "));
        assert!(
            reads.clone().count() > 0 && reads.clone().all(|step| step.starts_with("SEARCH")),
            "{steps:?}"
        );
    }
}
