//! Statements for either database, in one text.
//!
//! SQLite is called in place by the thread that writes, so that a job of a dozen statements costs no change of
//! threads; each connection that reads has a thread of its own, since a slow statement must not hold up the
//! sockets. PostgreSQL is reached through sqlx.

mod postgres;
mod readers;
mod remote;
mod sqlite;

use std::borrow::Cow;

use futures::stream::{self, BoxStream, StreamExt};

use super::engine::Engine;
pub use postgres::Session;
pub use readers::{PooledConnection, Readers};
pub use remote::Remote;
pub use sqlite::Local;

/// Why a statement did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The embedded database refused it.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The server refused it or could not be reached.
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    /// There is no row where there is always one.
    #[error("no row was returned")]
    NoRow,
    /// A column is missing or of another type than is asked for.
    #[error("column {0} is missing or of another type")]
    Column(usize),
    /// The statement has more or fewer marks than values are bound.
    #[error("{bound} values are bound to {marks} marks")]
    Unbound {
        /// Marks of the statement.
        marks: usize,
        /// Values that were bound.
        bound: usize,
    },
    /// The thread of the connection is gone.
    #[error("the connection is closed")]
    Closed,
    /// All connections that read were in use for too long.
    #[error("no connection came free")]
    Busy,
    /// Others stood in the way each time.
    #[error("others are in the way")]
    Conflict,
    /// The server did not answer; what it was asked to do may be done.
    #[error("the database does not answer")]
    Lost,
}

/// `query_canceled`, as PostgreSQL calls it.
const CANCELLED: &str = "57014";
/// `serialization_failure` and `deadlock_detected`: the same once more may succeed.
const CONFLICTS: [&str; 2] = ["40001", "40P01"];
/// `too_many_connections`.
const FULL: &str = "53300";
/// Of a server that starts, stops, or has no connection left.
const NOT_NOW: [&str; 4] = ["57P01", "57P02", "57P03", FULL];
/// `lock_not_available`: somebody else had it for too long.
const LOCKED: &str = "55P03";

impl SqlError {
    /// Whether the database gave the statement up because it took too long.
    pub fn is_too_long(&self) -> bool {
        match self {
            Self::Sqlite(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
            }
            _ => self.is_one_of(&[CANCELLED]),
        }
    }

    /// Whether the transaction was given up because of what others do.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict) || self.is_one_of(&CONFLICTS)
    }

    /// Whether the connection is of no more use, and nothing was heard of what was asked last.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Lost => true,
            Self::Postgres(error) => matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::WorkerCrashed
            ),
            _ => false,
        }
    }

    /// Whether the server refuses to be spoken to now.
    pub fn is_away(&self) -> bool {
        let refuses = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
        self.is_one_of(&NOT_NOW) || matches!(self, Self::Postgres(sqlx::Error::Io(error)) if refuses(error))
    }

    /// Whether the same may succeed later.
    pub fn is_passing(&self) -> bool {
        self.is_lost()
            || self.is_away()
            || self.is_conflict()
            || self.is_one_of(&[LOCKED])
            || matches!(self, Self::Busy)
    }

    /// Whether the server says one of these codes (SQLSTATE).
    fn is_one_of(&self, codes: &[&str]) -> bool {
        let Self::Postgres(error) = self else { return false };
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| codes.contains(&&*code))
    }
}

/// A value that is bound to a statement, or comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A BIGINT, or none.
    Integer(Option<i64>),
    /// A TEXT, or none.
    Text(Option<String>),
    /// A BLOB, or none.
    Blob(Option<Vec<u8>>),
}

macro_rules! values {
    ($($variant:ident: $($from:ty)|+ => $to:ty;)+) => {$($(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(Some(<$to>::from(value)))
            }
        }

        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(<$to>::from))
            }
        }
    )+)+};
}

values! {
    Integer: i64 => i64;
    Text: &str | &String | String => String;
    Blob: &[u8] | Vec<u8> => Vec<u8>;
}

/// What a column can be read as.
pub trait Column<'r>: Sized {
    /// The value, if it is of this type.
    fn of(value: &'r Value) -> Option<Self>;
}

macro_rules! columns {
    ($($variant:ident($value:ident) => $to:ty: $read:expr;)+) => {$(
        impl<'r> Column<'r> for $to {
            fn of(value: &'r Value) -> Option<Self> {
                match value {
                    Value::$variant(Some($value)) => Some($read),
                    _ => None,
                }
            }
        }
    )+};
}

columns! {
    Integer(number) => i64: *number;
    Text(text) => String: text.clone();
    Text(text) => &'r str: text;
    Blob(octets) => Vec<u8>: octets.clone();
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn of(value: &'r Value) -> Option<Self> {
        match value {
            Value::Integer(None) | Value::Text(None) | Value::Blob(None) => Some(None),
            _ => T::of(value).map(Some),
        }
    }
}

/// What a statement gives back for one row.
#[derive(Debug, Clone)]
pub struct Row(Vec<Value>);

impl Row {
    /// The value of a column, counted from 0.
    pub fn try_get<'r, T: Column<'r>>(&'r self, place: usize) -> Result<T, SqlError> {
        self.0.get(place).and_then(T::of).ok_or(SqlError::Column(place))
    }

    /// All values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.0
    }
}

/// A statement: a constant, or put together from constants.
#[derive(Debug, Clone)]
pub struct Text(Cow<'static, str>);

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Text {
    /// Whoever calls this asserts that nothing of it came from outside: that is bound, and never part of a statement.
    pub fn of_constants(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

/// A statement and what is bound to its `$1`, `$2`, ….
#[derive(Debug, Clone)]
#[must_use]
pub struct Query {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement with nothing bound to it yet; it is prepared once for each connection.
pub fn query(text: impl Into<Text>) -> Query {
    Query { text: text.into().0, values: Vec::new() }
}

/// Statements that give nothing back and are not prepared.
pub async fn script(connection: &mut Connection, text: impl Into<Text>) -> Result<(), SqlError> {
    let text = text.into().0;
    match connection {
        Connection::Local(sqlite) => sqlite.script(&text),
        Connection::Remote(sqlite) => sqlite.call(move |sqlite| sqlite.script(&text)).await?,
        Connection::Postgres(postgres) => postgres::script(postgres, text).await,
    }
}

impl Query {
    /// Binds the next value; U+0000, which PostgreSQL has in no text, is kept and looked for as U+FFFD by both.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        let mut value = value.into();
        if let Value::Text(Some(text)) = &mut value
            && text.contains('\0')
        {
            *text = text.replace('\0', "\u{fffd}");
        }
        self.values.push(value);
        self
    }

    /// Runs it; how many rows it changed.
    pub async fn execute(self, connection: &mut Connection) -> Result<u64, SqlError> {
        match connection {
            Connection::Local(sqlite) => sqlite.execute(&self),
            Connection::Remote(sqlite) => sqlite.call(move |sqlite| sqlite.execute(&self)).await?,
            Connection::Postgres(postgres) => postgres::execute(postgres, self).await,
        }
    }

    /// Its rows.
    pub async fn fetch_all(self, connection: &mut Connection) -> Result<Vec<Row>, SqlError> {
        match connection {
            Connection::Local(sqlite) => sqlite.rows(&self, usize::MAX),
            Connection::Remote(sqlite) => sqlite.call(move |sqlite| sqlite.rows(&self, usize::MAX)).await?,
            Connection::Postgres(postgres) => postgres::rows(postgres, self).await,
        }
    }

    /// Its first row.
    pub async fn fetch_optional(self, connection: &mut Connection) -> Result<Option<Row>, SqlError> {
        let mut rows = match connection {
            Connection::Local(sqlite) => sqlite.rows(&self, 1)?,
            Connection::Remote(sqlite) => sqlite.call(move |sqlite| sqlite.rows(&self, 1)).await??,
            Connection::Postgres(postgres) => return postgres::row(postgres, self).await,
        };
        Ok(rows.pop())
    }

    /// Its first row, which is there.
    pub async fn fetch_one(self, connection: &mut Connection) -> Result<Row, SqlError> {
        self.fetch_optional(connection).await?.ok_or(SqlError::NoRow)
    }

    /// Its rows one after the other; a few more are read than are taken, and all at once on [`Connection::Local`].
    pub fn fetch(self, connection: &mut Connection) -> BoxStream<'_, Result<Row, SqlError>> {
        match connection {
            Connection::Local(sqlite) => match sqlite.rows(&self, usize::MAX) {
                Ok(rows) => stream::iter(rows.into_iter().map(Ok)).boxed(),
                Err(error) => stream::iter([Err(error)]).boxed(),
            },
            Connection::Remote(sqlite) => sqlite.stream(self),
            Connection::Postgres(postgres) => postgres::stream(postgres, self),
        }
    }
}

/// A connection to one of the databases.
#[derive(Debug)]
pub enum Connection {
    /// To SQLite, called in place: for a thread that may wait.
    Local(Box<Local>),
    /// To SQLite, on a thread of its own.
    Remote(Remote),
    /// To PostgreSQL.
    Postgres(Session),
}

impl Connection {
    /// Which database it leads to.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Local(_) | Self::Remote(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Ends it in order.
    pub async fn close(self) -> Result<(), SqlError> {
        match self {
            Self::Postgres(postgres) => postgres.end().await,
            Self::Remote(sqlite) => sqlite.end().await,
            Self::Local(_) => Ok(()),
        }
    }

    /// Stands in for a connection that is lost: what that holds locked is free then.
    pub async fn replace(&mut self, lost: Self) -> Result<(), SqlError> {
        match (self, lost) {
            (Self::Postgres(postgres), Self::Postgres(lost)) => postgres.replace(lost).await,
            _ => Ok(()),
        }
    }

    /// Whether a transaction was given up because of others since this was last asked.
    pub fn take_conflict(&mut self) -> bool {
        match self {
            Self::Postgres(postgres) => postgres.take_conflict(),
            // Its writer is alone.
            Self::Local(_) | Self::Remote(_) => false,
        }
    }
}
