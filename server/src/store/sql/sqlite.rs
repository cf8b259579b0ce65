use std::ffi::c_int;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// How long a statement may take.
struct Limit {
    time: Duration,
    present: Arc<Mutex<Present>>,
}

/// The statement that runs.
struct Present {
    end: Instant,
    asker: Asker,
}

/// Tells when whoever asked has gone away.
#[derive(Debug, Clone, Default)]
struct Asker(Arc<AtomicBool>);

impl Asker {
    fn is_gone(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Held by whoever asks, as long as they wait.
struct Waiting(Asker);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
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

    /// Gives up statements that take longer than `time`, and those that nobody waits for any more.
    pub fn limit(mut self, time: Duration) -> Result<Self, SqlError> {
        let present = Arc::new(Mutex::new(Present { end: Instant::now(), asker: Asker::default() }));
        let seen = Arc::clone(&present);
        let in_vain = move || {
            let present = seen.lock().unwrap_or_else(PoisonError::into_inner);
            present.asker.is_gone() || Instant::now() > present.end
        };
        self.connection.progress_handler(INSTRUCTIONS, Some(in_vain))?;
        self.limit = Some(Limit { time, present });
        Ok(self)
    }

    fn begin(&self, asker: &Asker) {
        if let Some(limit) = &self.limit {
            let mut present = limit.present.lock().unwrap_or_else(PoisonError::into_inner);
            *present = Present { end: Instant::now() + limit.time, asker: asker.clone() };
        }
    }

    /// Does what the statement waits for, whose time does not count.
    fn pause<T>(&self, others: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = others();
        if let Some(limit) = &self.limit {
            limit.present.lock().unwrap_or_else(PoisonError::into_inner).end += began.elapsed();
        }
        done
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

    /// Whether its thread still works.
    pub(super) fn is_open(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Local) -> T + Send + 'static,
    ) -> Result<T, SqlError> {
        let (reply, answer) = oneshot::channel();
        let asker = Asker::default();
        let _waiting = Waiting(asker.clone());
        let work = Box::new(move |local: &mut Local| {
            if !asker.is_gone() {
                local.begin(&asker);
                drop(reply.send(work(local)));
            }
        });
        self.work.send(work).map_err(|_| SqlError::Closed)?;
        answer.await.map_err(|_| SqlError::Closed)
    }

    pub(super) fn stream(&self, query: Query) -> BoxStream<'_, Result<Row, SqlError>> {
        let (send, receive) = channel::channel::<Result<Vec<Row>, SqlError>>(1);
        let asker = Asker::default();
        let waiting = Waiting(asker.clone());
        let work = Box::new(move |local: &mut Local| {
            let mut batch = Vec::new();
            local.begin(&asker);
            let read = local.each(&query, |row| {
                batch.push(row);
                batch.len() < ROWS
                    || local.pause(|| send.blocking_send(Ok(std::mem::take(&mut batch))).is_ok())
            });
            drop(send.blocking_send(read.map(|()| batch)));
        });
        if self.work.send(work).is_err() {
            return stream::iter([Err(SqlError::Closed)]).boxed();
        }
        let batches = stream::unfold((receive, waiting), |(mut receive, waiting)| async {
            Some((receive.recv().await?, (receive, waiting)))
        });
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

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::super::{Connection, Text, query, script};
    use super::*;

    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

    fn both() -> [Connection; 2] {
        let open = || Local::in_memory().unwrap();
        [Connection::Local(Box::new(open())), Connection::Remote(Remote::of(open()))]
    }

    #[tokio::test]
    async fn values_go_by_the_number_of_their_mark_and_come_back() {
        for mut connection in both() {
            script(&mut connection, "CREATE TABLE t (a BIGINT, b TEXT, c BLOB)").await.unwrap();
            let put = query("INSERT INTO t (c, b, a) VALUES ($3, $2, $1), ($3, NULL, $1)");
            let put = put.bind(7_i64).bind("x'\0").bind(vec![0_u8, 255]);
            assert_eq!(put.execute(&mut connection).await.unwrap(), 2);
            let rows = query("SELECT a, b, c FROM t ORDER BY b").fetch_all(&mut connection).await.unwrap();
            let [none, some] = rows.as_slice() else { panic!("{rows:?}") };
            assert_eq!(none.try_get::<Option<String>>(1).unwrap(), None);
            assert!(none.try_get::<String>(1).is_err() && none.try_get::<i64>(3).is_err());
            assert_eq!(some.try_get::<&str>(1).unwrap(), "x'\0");
            assert_eq!((some.try_get(0).unwrap(), some.try_get(2).unwrap()), (7_i64, vec![0_u8, 255]));
            let missing = query("SELECT $1, $2").bind(1_i64).fetch_all(&mut connection).await;
            assert!(matches!(missing, Err(SqlError::Column(2))), "{missing:?}");
        }
    }

    #[tokio::test]
    async fn what_changes_rows_is_done_though_only_its_first_row_is_read() {
        for mut connection in both() {
            script(&mut connection, "CREATE TABLE t (a BIGINT); INSERT INTO t VALUES (1), (2), (3)")
                .await
                .unwrap();
            query("DELETE FROM t RETURNING a").fetch_one(&mut connection).await.unwrap();
            let left = query("SELECT COUNT(*) FROM t").fetch_one(&mut connection).await.unwrap();
            assert_eq!(left.try_get::<i64>(0).unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_stream_reads_no_more_than_is_taken() {
        let mut connection = Connection::Remote(Remote::of(Local::in_memory().unwrap()));
        let mut rows = query(ENDLESS).fetch(&mut connection);
        for expected in 1..=100_i64 {
            assert_eq!(rows.try_next().await.unwrap().unwrap().try_get::<i64>(0).unwrap(), expected);
        }
        drop(rows);
        query("SELECT 1").fetch_one(&mut connection).await.unwrap();
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_holds_nobody_up() {
        let limited = || Local::in_memory().unwrap().limit(Duration::from_secs(60)).unwrap();
        let mut connection = Connection::Remote(Remote::of(limited()));
        let endless = || query(Text::of_constants(format!("SELECT COUNT(*) FROM ({ENDLESS})")));
        for _ in 0..20 {
            let asked = endless().fetch_one(&mut connection);
            assert!(tokio::time::timeout(Duration::from_millis(5), asked).await.is_err());
            let text = format!("SELECT i FROM ({ENDLESS}) WHERE i < 0");
            let mut rows = query(Text::of_constants(text)).fetch(&mut connection);
            assert!(tokio::time::timeout(Duration::from_millis(5), rows.try_next()).await.is_err());
        }
        let quick = query("SELECT 1").fetch_one(&mut connection);
        tokio::time::timeout(Duration::from_secs(20), quick).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_time_of_whoever_takes_the_rows_does_not_count() {
        let limited = Local::in_memory().unwrap().limit(Duration::from_millis(500)).unwrap();
        let mut connection = Connection::Remote(Remote::of(limited));
        let mut rows = query(ENDLESS).fetch(&mut connection);
        for expected in 1..=1000_i64 {
            if expected == 10 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            assert_eq!(rows.try_next().await.unwrap().unwrap().try_get::<i64>(0).unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_statement_that_takes_too_long_is_given_up() {
        let limited = Local::in_memory().unwrap().limit(Duration::from_millis(20)).unwrap();
        let mut connection = Connection::Remote(Remote::of(limited));
        let text = format!("SELECT COUNT(*) FROM ({ENDLESS})");
        let endless = query(Text::of_constants(text)).fetch_one(&mut connection).await;
        assert!(endless.is_err_and(|error| error.is_too_long()));
        query("SELECT 1").fetch_one(&mut connection).await.unwrap();
    }
}
