//! What the two databases do not share: addresses, settings of a connection, how a write begins.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::sql::{self, Connection, Local, Readers, Remote, Session, SqlError};
use crate::clock::{self, Millis};
use crate::config::Database;

/// Enough that a slow read does not hold up quick ones; each connection has a page cache of its own.
const READERS: usize = 4;
/// How many of these may search at once.
pub const SEARCHES: usize = 3;
/// How long a statement may take that somebody waits for.
const PATIENCE: Duration = Duration::from_secs(10);

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
    fn settings(self) -> &'static str {
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
        }
    }

    /// Now, by the one clock that all processes on this store have in common.
    pub async fn now(self, connection: &mut Connection) -> Result<Millis, SqlError> {
        let text = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        match self {
            // There is one process, on one host.
            Self::Sqlite => Ok(clock::now()),
            Self::Postgres => sql::query(text).fetch_one(connection).await?.try_get(0),
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
    pub async fn lock_schema(self, connection: &mut Connection) -> Result<(), SqlError> {
        match self {
            Self::Sqlite => Ok(()),
            Self::Postgres => sql::script(connection, "SELECT pg_advisory_xact_lock(7286245103)").await,
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
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    File(Arc<Path>),
    Server(Database),
}

impl Source {
    /// The configured database, or the embedded one in `folder`.
    pub fn new(folder: &Path, database: Option<&Database>) -> Self {
        match database {
            Some(database) => Self { engine: Engine::Postgres, place: Place::Server(database.clone()) },
            None => Self { engine: Engine::Sqlite, place: Place::File(folder.join("sealpost.db").into()) },
        }
    }

    /// Whether there is a database at all; of a server that is not known.
    pub fn exists(&self) -> bool {
        match &self.place {
            Place::File(path) => path.exists(),
            Place::Server(_) => true,
        }
    }

    /// A connection of one's own.
    pub async fn connect(&self) -> Result<Connection, SqlError> {
        let mut connection = match &self.place {
            Place::File(path) => Connection::Remote(Remote::of(Local::open(path)?)),
            Place::Server(database) => Connection::Postgres(Session::connect(database).await?),
        };
        sql::script(&mut connection, self.engine.settings()).await?;
        Ok(connection)
    }

    /// A connection that writes, for a thread that may wait.
    pub async fn writer(&self) -> Result<Connection, SqlError> {
        let Place::File(path) = &self.place else { return self.connect().await };
        let mut connection = Connection::Local(Box::new(Local::open(path)?));
        sql::script(&mut connection, self.engine.settings()).await?;
        Ok(connection)
    }

    /// A connection that answers what people ask: statements that take too long are given up.
    pub async fn reader(&self) -> Result<Connection, SqlError> {
        let Place::File(path) = &self.place else {
            let mut connection = self.connect().await?;
            let limit = format!("SET statement_timeout = {}", PATIENCE.as_millis());
            sql::script(&mut connection, sql::Text::of_constants(limit)).await?;
            return Ok(connection);
        };
        let mut connection = Connection::Remote(Remote::of(Local::open(path)?.limit(PATIENCE)?));
        sql::script(&mut connection, self.engine.settings()).await?;
        Ok(connection)
    }

    /// Connections to read with.
    pub async fn readers(&self) -> Result<Readers, SqlError> {
        Ok(Readers::new(self.clone(), self.reader().await?, READERS))
    }
}
