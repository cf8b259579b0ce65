use std::ffi::c_int;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ToSql};
use tokio::sync::{mpsc as channel, oneshot};

use super::{Query, Row, SqlError, Value};

/// Statements that stay prepared on each connection: more than there are, lists of few lengths included.
const PREPARED: usize = 256;
/// Rows that go from one thread to another at once.
const ROWS: usize = 32;

/// Instructions of SQLite between two looks at the clock: some tenths of a millisecond.
const INSTRUCTIONS: c_int = 10_000;

/// A connection to SQLite that is called in place.
pub struct Local {
    connection: rusqlite::Connection,
    limit: Option<Limit>,
}

/// How long a statement may take, and when the present one has taken that long.
struct Limit {
    time: Duration,
    end: Arc<Mutex<Instant>>,
}

impl Local {
    /// Opens the database file, which is made where there is none.
    pub fn open(path: &Path) -> Result<Self, SqlError> {
        Self::of(rusqlite::Connection::open(path)?)
    }

    /// A database of its own that is nowhere kept.
    pub fn in_memory() -> Result<Self, SqlError> {
        Self::of(rusqlite::Connection::open_in_memory()?)
    }

    fn of(connection: rusqlite::Connection) -> Result<Self, SqlError> {
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(Self { connection, limit: None })
    }

    /// Gives up statements that take longer than `time`.
    pub fn limit(mut self, time: Duration) -> Result<Self, SqlError> {
        let end = Arc::new(Mutex::new(Instant::now()));
        let seen = Arc::clone(&end);
        let late = move || Instant::now() > *seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.connection.progress_handler(INSTRUCTIONS, Some(late))?;
        self.limit = Some(Limit { time, end });
        Ok(self)
    }

    pub(super) fn script(&self, text: &str) -> Result<(), SqlError> {
        Ok(self.connection.execute_batch(text)?)
    }

    pub(super) fn execute(&self, query: &Query) -> Result<u64, SqlError> {
        let mut statement = self.bound(query)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(self.connection.changes())
    }

    pub(super) fn rows(&self, query: &Query, most: usize) -> Result<Vec<Row>, SqlError> {
        let mut all = Vec::new();
        self.each(query, |row| {
            all.push(row);
            all.len() < most
        })?;
        Ok(all)
    }

    /// Reads rows until `take` has enough. What changes rows has done so by the time that its first row is there.
    fn each(&self, query: &Query, mut take: impl FnMut(Row) -> bool) -> Result<(), SqlError> {
        let mut statement = self.bound(query)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|place| read(row.get_ref(place)?).ok_or(SqlError::Column(place)));
            if !take(Row(values.collect::<Result<_, SqlError>>()?)) {
                break;
            }
        }
        Ok(())
    }

    /// SQLite takes `$1` for a name and not for a number.
    fn bound(&self, query: &Query) -> Result<CachedStatement<'_>, SqlError> {
        if let Some(limit) = &self.limit {
            *limit.end.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + limit.time;
        }
        let mut statement = self.connection.prepare_cached(&query.text)?;
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index).and_then(|name| name.get(1..));
            let number: Option<usize> = name.and_then(|number| number.parse().ok());
            let value = number.and_then(|number| query.values.get(number.checked_sub(1)?));
            statement.raw_bind_parameter(index, value.ok_or(SqlError::Column(index))?)?;
        }
        Ok(statement)
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local(..)")
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(Some(number)) => ValueRef::Integer(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Blob(Some(octets)) => ValueRef::Blob(octets),
            Self::Integer(None) | Self::Text(None) | Self::Blob(None) => ValueRef::Null,
        }))
    }
}

/// The value of a column; none for a real number, which no table has, and for text that is not UTF-8.
fn read(value: ValueRef<'_>) -> Option<Value> {
    match value {
        ValueRef::Null => Some(Value::Integer(None)),
        ValueRef::Integer(number) => Some(Value::Integer(Some(number))),
        ValueRef::Text(text) => Some(Value::Text(Some(str::from_utf8(text).ok()?.to_owned()))),
        ValueRef::Blob(octets) => Some(Value::Blob(Some(octets.to_vec()))),
        ValueRef::Real(_) => None,
    }
}

type Work = Box<dyn FnOnce(&mut Local) + Send>;

/// A connection to SQLite on a thread of its own, which ends with the last of its clones.
#[derive(Clone)]
pub struct Remote {
    work: mpsc::Sender<Work>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Remote {
    /// Gives a connection a thread.
    pub fn of(mut local: Local) -> Self {
        let (work, waiting) = mpsc::channel::<Work>();
        let thread = thread::Builder::new().name("sqlite".into());
        let thread = thread.spawn(move || waiting.into_iter().for_each(|work| work(&mut local)));
        if let Err(error) = &thread {
            // The receiver went with it, so that every call says that the connection is closed.
            tracing::error!(%error, "no thread for a connection to the database");
        }
        Self { work, thread: Arc::new(Mutex::new(thread.ok())) }
    }

    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Local) -> T + Send + 'static,
    ) -> Result<T, SqlError> {
        let (reply, answer) = oneshot::channel();
        // Whoever asked may have gone away.
        let work = Box::new(move |local: &mut Local| drop(reply.send(work(local))));
        self.work.send(work).map_err(|_| SqlError::Closed)?;
        answer.await.map_err(|_| SqlError::Closed)
    }

    pub(super) fn stream(&self, query: Query) -> BoxStream<'_, Result<Row, SqlError>> {
        let (send, receive) = channel::channel::<Result<Vec<Row>, SqlError>>(1);
        let work = Box::new(move |local: &mut Local| {
            let mut batch = Vec::new();
            let read = local.each(&query, |row| {
                batch.push(row);
                batch.len() < ROWS || send.blocking_send(Ok(std::mem::take(&mut batch))).is_ok()
            });
            // Whoever asked may have gone away.
            drop(send.blocking_send(read.map(|()| batch)));
        });
        if self.work.send(work).is_err() {
            return stream::iter([Err(SqlError::Closed)]).boxed();
        }
        let batches = stream::unfold(receive, |mut receive| async { Some((receive.recv().await?, receive)) });
        let rows = |batch: Result<Vec<Row>, SqlError>| match batch {
            Ok(rows) => stream::iter(rows.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        };
        batches.flat_map(rows).boxed()
    }

    /// Waits until the database file is closed.
    pub(super) async fn end(self) -> Result<(), SqlError> {
        drop(self.work);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        if matches!(ended, Ok(Ok(()))) { Ok(()) } else { Err(SqlError::Closed) }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote(..)")
    }
}
