use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{mpsc as channel, oneshot};

use super::{Local, Query, Row, SqlError};

/// Rows that go from one thread to another at once.
const ROWS: usize = 32;

/// Tells when whoever asked has gone away.
#[derive(Debug, Clone, Default)]
pub(super) struct Asker(Arc<AtomicBool>);

impl Asker {
    pub(super) fn is_gone(&self) -> bool {
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
    use std::time::Duration;

    use futures::TryStreamExt;

    use super::super::{Connection, Text, query};
    use super::*;

    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

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
        let limited = Local::in_memory().unwrap().limit(Duration::from_secs(2)).unwrap();
        let mut connection = Connection::Remote(Remote::of(limited));
        let mut rows = query(ENDLESS).fetch(&mut connection);
        for expected in 1..=50_i64 {
            if expected == 10 {
                tokio::time::sleep(Duration::from_secs(3)).await;
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
