use sqlx::{AnyConnection, Row};

use super::{OpenError, StoreError, run};

/// The versions of the schema, oldest first; a released one is never edited.
///
/// Only types that both databases know: TEXT, BIGINT, BLOB (BYTEA where it is PostgreSQL).
const VERSIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Settings of each new connection.
pub async fn prepare(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    // FULL: a commit is on the disk before it is answered, also in WAL mode.
    run(
        connection,
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 67108864;
         PRAGMA secure_delete = ON",
    )
    .await
}

/// Puts all that was written into the database file and empties the log of writes.
///
/// Until then the log still has the pages from before a deletion.
pub async fn checkpoint(connection: &mut AnyConnection) -> Result<(), StoreError> {
    Ok(run(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await?)
}

/// Reads something that is always there, to see whether the database can be read.
pub async fn check(connection: &mut AnyConnection) -> Result<(), StoreError> {
    version(connection).await?;
    Ok(())
}

/// Brings the database to the newest version, one transaction a step.
pub async fn migrate(connection: &mut AnyConnection) -> Result<(), OpenError> {
    run(connection, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").await?;
    let found = version(connection).await?;
    let known = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or_default();
    for (step, text) in (1_i64..).zip(VERSIONS).skip(done) {
        run(connection, "BEGIN IMMEDIATE").await?;
        run(connection, text).await?;
        sqlx::query("DELETE FROM schema_version").execute(&mut *connection).await?;
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
            .bind(step)
            .execute(&mut *connection)
            .await?;
        run(connection, "COMMIT").await?;
    }
    Ok(())
}

async fn version(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("SELECT version FROM schema_version").fetch_optional(connection).await?;
    row.map_or(Ok(0), |row| row.try_get(0))
}
