//! What the two databases do not share: addresses, settings of a connection, how a write begins.

use std::path::Path;
use std::sync::Arc;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Row};

use super::run;
use crate::clock::{self, Millis};
use crate::config::Database;

/// Enough that a slow read does not hold up quick ones; each connection has a page cache of its own.
const READERS: u32 = 4;

/// Which database holds the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one process.
    Sqlite,
    /// A server, any number of processes.
    Postgres,
}

impl Engine {
    /// Settings of each new connection.
    pub async fn prepare(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        run(
            connection,
            match self {
                // FULL: a commit is on the disk before it is answered, also in WAL mode.
                Self::Sqlite => {
                    "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                     PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;
                     PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON"
                }
                // Whatever the server's default: a commit is on the disk before it is answered. A
                // process that hangs must not keep others off its accounts for ever.
                Self::Postgres => {
                    "SET synchronous_commit = on; SET lock_timeout = '30s';
                     SET idle_in_transaction_session_timeout = '60s'"
                }
            },
        )
        .await
    }

    /// Settings of each new connection that answers what people ask.
    ///
    /// SQLite has no time for a statement: there it is what a filter may ask for that bounds it.
    async fn prepare_reader(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        self.prepare(connection).await?;
        match self {
            Self::Sqlite => Ok(()),
            Self::Postgres => run(connection, "SET statement_timeout = '10s'").await,
        }
    }

    /// Now, by the one clock that all processes on this store have in common.
    pub async fn now(self, connection: &mut AnyConnection) -> Result<Millis, sqlx::Error> {
        let text = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        match self {
            // There is one process, on one host.
            Self::Sqlite => Ok(clock::now()),
            Self::Postgres => sqlx::query(text).fetch_one(connection).await?.try_get(0),
        }
    }

    /// Begins a transaction that writes.
    pub fn begin(self) -> &'static str {
        match self {
            // Takes the write lock at once: a read lock that is upgraded later can fail as busy.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Begins a transaction that reads everything as at one moment.
    pub fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => {
                "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            }
        }
    }

    /// Makes a transaction durable.
    pub fn commit(self) -> &'static str {
        match self {
            Self::Sqlite => "COMMIT",
            // PostgreSQL answers COMMIT with success also when a statement had failed and nothing is
            // kept; any other statement fails then, and what follows it is not run.
            Self::Postgres => "SELECT 1; COMMIT",
        }
    }

    /// Keeps other processes from changing the schema until the transaction ends.
    pub async fn lock_schema(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite => Ok(()),
            Self::Postgres => run(connection, "SELECT pg_advisory_xact_lock(7286245103)").await,
        }
    }

    /// A text of the schema in the engine's own words.
    ///
    /// The schema uses TEXT, BIGINT and BLOB only. Text is compared by octets in both. What follows a line
    /// `-- sqlite:` or `-- postgres:`, up to `-- both:`, is for that engine alone.
    pub fn definition(self, text: &str) -> String {
        let other = match self {
            Self::Sqlite => "-- postgres:",
            Self::Postgres => "-- sqlite:",
        };
        let mut own = true;
        let kept = text.lines().filter(|line| {
            if matches!(*line, "-- sqlite:" | "-- postgres:" | "-- both:") {
                own = *line != other;
            }
            own
        });
        let text = kept.collect::<Vec<_>>().join("\n");
        match self {
            Self::Sqlite => text,
            Self::Postgres => text.replace(" BLOB", " BYTEA").replace(" TEXT", " TEXT COLLATE \"C\""),
        }
    }
}

/// Where connections come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// What they lead to.
    pub engine: Engine,
    url: Arc<str>,
}

impl Source {
    /// The configured database, or the embedded one in `folder`.
    pub fn new(folder: &Path, database: Option<&Database>) -> Self {
        match database {
            Some(database) => Self { engine: Engine::Postgres, url: database.url().into() },
            None => Self { engine: Engine::Sqlite, url: sqlite_url(folder).into() },
        }
    }

    /// Whether there is a database at all; of a server that is not known.
    pub fn exists(&self, folder: &Path) -> bool {
        self.engine == Engine::Postgres || folder.join("sealpost.db").exists()
    }

    /// A connection of one's own.
    pub async fn connect(&self) -> Result<AnyConnection, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await?;
        self.engine.prepare(&mut connection).await?;
        Ok(connection)
    }

    /// Connections to read with.
    pub async fn readers(&self) -> Result<AnyPool, sqlx::Error> {
        let engine = self.engine;
        AnyPoolOptions::new()
            .min_connections(1)
            .max_connections(READERS)
            // A file does not go away; a server is restarted now and then.
            .test_before_acquire(engine == Engine::Postgres)
            .after_connect(move |connection, _| {
                Box::pin(async move { engine.prepare_reader(connection).await })
            })
            .connect(&self.url)
            .await
    }
}

/// The address of the embedded database in a folder.
fn sqlite_url(folder: &Path) -> String {
    let mut url = String::from("sqlite://");
    for byte in folder.join("sealpost.db").as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                url.push(char::from(*byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url + "?mode=rwc"
}
