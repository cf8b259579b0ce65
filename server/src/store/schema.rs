//! The versions of the schema, and the ways between them.

use std::collections::BTreeSet;

use super::sql::{self, Connection, Local, SqlError};

use super::engine::Engine;
use super::{ALIVE, OpenError, StoreError, blobs, processes};

/// A version: the way to it from the one before, and the way back.
struct Version {
    up: &'static str,
    back: &'static str,
}

macro_rules! version {
    ($number:literal) => {
        Version {
            up: include_str!(concat!("schema/", $number, ".sql")),
            back: include_str!(concat!("schema/", $number, ".back.sql")),
        }
    };
}

/// Oldest first; a released one is never edited. A new one is two files, `N.sql` and `N.back.sql`, in
/// the words that both databases share: TEXT, BIGINT and BLOB (see [`Engine::definition`]), statements
/// that end in a semicolon, and no TEXT or BLOB but as the type of a column.
const VERSIONS: &[Version] = &[
    version!("1"),
    version!("2"),
    version!("3"),
    version!("4"),
    version!("5"),
    version!("6"),
    version!("7"),
    version!("8"),
    version!("9"),
    version!("10"),
];

/// The first version that knows which processes serve.
const WITH_PROCESSES: i64 = 2;
/// The first version that packs small blobs.
const WITH_PACKED: i64 = 5;
/// The first version that keeps messages until their time.
const WITH_HELD: i64 = 3;

/// The newest version that this release can use.
pub fn newest() -> i64 {
    i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX)
}

/// Puts all that was written into the file of SQLite and empties its log of writes; false where somebody still reads
/// what was before.
pub async fn checkpoint(connection: &mut Connection) -> Result<bool, StoreError> {
    // It waits for those who read with the lock in its hand that all need who write.
    sql::script(connection, "PRAGMA busy_timeout = 100").await?;
    let done = sql::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await;
    sql::script(connection, "PRAGMA busy_timeout = 10000").await?;
    Ok(done?.try_get::<i64>(0)? == 0)
}

/// Reads something that is always there, to see whether the database can be read.
pub async fn probe(connection: &mut Connection) -> Result<(), StoreError> {
    version(connection).await?;
    Ok(())
}

/// The version of the database; 0 before there is any.
pub async fn version(connection: &mut Connection) -> Result<i64, SqlError> {
    let row = sql::query("SELECT version FROM schema_version").fetch_optional(connection).await?;
    row.map_or(Ok(0), |row| row.try_get(0))
}

/// Why a database was left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database could not be reached or refused a statement.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such version.
    #[error("there is no version {asked}: this release knows 1 to {known}")]
    Unknown {
        /// What was asked for.
        asked: i64,
        /// The newest.
        known: i64,
    },
    /// The way led to other tables than a new database of that version has.
    #[error("the way to version {version} does not give its tables: {difference}")]
    Differs {
        /// Where it led.
        version: i64,
        /// A table, column or index that is only on one side.
        difference: String,
    },
    /// The processes that serve could not be counted.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A way back that would leave the database to processes that need the newer tables.
    #[error("{0} processes are serving: stop them first")]
    Serving(i64),
    /// A way back that would forget messages that wait for their time.
    #[error("{0} messages wait for their time, which the older version cannot keep: let them go out first")]
    Held(i64),
}

impl From<SqlError> for MigrateError {
    fn from(error: SqlError) -> Self {
        Self::Open(error.into())
    }
}

/// Brings the database to the newest version, all steps in one transaction.
pub async fn migrate(connection: &mut Connection, engine: Engine) -> Result<(), OpenError> {
    sql::script(connection, engine.begin()).await?;
    let moved = async {
        let found = begin_at(connection, engine).await?;
        go(connection, engine, found, newest()).await?;
        Ok(())
    }
    .await;
    finish(connection, moved).await
}

/// Which version the database had and has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Before.
    pub from: i64,
    /// After; with `dry`, what it would be.
    pub to: i64,
}

/// Brings the database to version `to`, and compares its tables with those of a new database.
///
/// `dry` goes the whole way, back again where it led forward, compares both times, and keeps nothing.
pub async fn migrate_to(
    connection: &mut Connection,
    engine: Engine,
    to: i64,
    dry: bool,
) -> Result<Moved, MigrateError> {
    if !(1..=newest()).contains(&to) {
        return Err(MigrateError::Unknown { asked: to, known: newest() });
    }
    sql::script(connection, engine.begin()).await?;
    let moved = async {
        let from = begin_at(connection, engine).await?;
        if to < from && !dry && from >= WITH_PROCESSES {
            let since = engine.now(connection).await? - ALIVE;
            match processes::serving(connection, since).await? {
                0 => {}
                serving => return Err(MigrateError::Serving(serving)),
            }
        }
        if to < WITH_HELD && from >= WITH_HELD {
            let row = sql::query("SELECT COUNT(*) FROM held").fetch_one(&mut *connection).await?;
            match row.try_get(0)? {
                0 => {}
                held => return Err(MigrateError::Held(held)),
            }
        }
        go(connection, engine, from, to).await?;
        compare(connection, engine, to).await?;
        if dry && from > 0 {
            go(connection, engine, to, from).await?;
            compare(connection, engine, from).await?;
        }
        Ok(Moved { from, to })
    }
    .await;
    match moved {
        Ok(moved) if dry => {
            sql::script(connection, "ROLLBACK").await?;
            Ok(moved)
        }
        outcome => finish(connection, outcome).await,
    }
}

async fn finish<T, E: From<SqlError>>(connection: &mut Connection, outcome: Result<T, E>) -> Result<T, E> {
    sql::script(connection, if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    outcome
}

/// Alone with the schema; the version from which to go on.
async fn begin_at(connection: &mut Connection, engine: Engine) -> Result<i64, OpenError> {
    engine.lock_schema(connection).await?;
    sql::script(connection, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").await?;
    let found = version(connection).await?;
    let known = newest();
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    Ok(found)
}

/// Goes step by step, up or back.
async fn go(connection: &mut Connection, engine: Engine, from: i64, to: i64) -> Result<(), SqlError> {
    let place = |version: i64| usize::try_from(version).unwrap_or_default();
    let mut texts: Vec<&str> =
        VERSIONS.iter().take(place(to)).skip(place(from)).map(|version| version.up).collect();
    texts.extend(VERSIONS.iter().take(place(from)).skip(place(to)).rev().map(|version| version.back));
    if texts.is_empty() {
        return Ok(());
    }
    if to < WITH_PACKED && from >= WITH_PACKED {
        blobs::unpack(connection).await?;
    }
    for text in texts {
        let text = sql::Text::of_constants(engine.definition(text));
        sql::script(connection, text).await?;
    }
    sql::query("DELETE FROM schema_version").execute(&mut *connection).await?;
    sql::query("INSERT INTO schema_version (version) VALUES ($1)").bind(to).execute(connection).await?;
    Ok(())
}

/// Compares tables, columns and indices with those of a new database of that version.
async fn compare(connection: &mut Connection, engine: Engine, version: i64) -> Result<(), MigrateError> {
    match difference(connection, engine, version).await? {
        Some(difference) => Err(MigrateError::Differs { version, difference }),
        None => Ok(()),
    }
}

/// A table, column or index that is only here, or only in a new database of that version.
pub async fn difference(
    connection: &mut Connection,
    engine: Engine,
    version: i64,
) -> Result<Option<String>, SqlError> {
    let found = shape(connection, engine).await?;
    let mut fresh = Connection::Local(Box::new(Local::in_memory()?));
    sql::script(&mut fresh, "CREATE TABLE schema_version (version BIGINT NOT NULL)").await?;
    go(&mut fresh, Engine::Sqlite, 0, version).await?;
    let expected = shape(&mut fresh, Engine::Sqlite).await?;
    fresh.close().await?;
    Ok(found.symmetric_difference(&expected).next().cloned())
}

/// The names of tables with their columns, and of indices.
pub async fn shape(connection: &mut Connection, engine: Engine) -> Result<BTreeSet<String>, SqlError> {
    let text = match engine {
        Engine::Sqlite => {
            "SELECT m.name || '.' || p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'
             UNION ALL
             SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite%'"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name || '.' || column_name AS TEXT) FROM information_schema.columns
             WHERE table_schema = current_schema()
             UNION ALL
             SELECT CAST(c.relname AS TEXT) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             LEFT JOIN pg_constraint k ON k.conindid = c.oid
             WHERE k.oid IS NULL AND c.relnamespace = current_schema()::regnamespace"
        }
    };
    sql::query(text).fetch_all(connection).await?.iter().map(|row| row.try_get(0)).collect()
}
