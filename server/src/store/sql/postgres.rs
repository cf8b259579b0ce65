//! What is sent to PostgreSQL, and what comes back, or does not.
//!
//! A server whose packets vanish says nothing, and its connections stay. So nobody waits for an answer without asking,
//! after a while, on another connection, whether the server still works on it: what takes long goes on, and what
//! is lost is given up. A connection that was given up is not used again, for an answer may come late.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, PgConnection, Postgres, Row as _, TypeInfo as _};
use tokio::time::timeout;

use super::{FULL, Query, Row, SqlError, Value, query};
use crate::config::Database;

/// How long an answer, or its next row, may take before the server is asked about it; statements of those who read
/// are given up sooner.
const ANSWER: Duration = Duration::from_secs(12);
/// How often a server with no connection left for a look is taken to work.
const UNSEEN: usize = 4;
/// How long the server may take for what is no work: a connection, a look.
pub(super) const PROMPT: Duration = Duration::from_secs(5);

/// A connection to the server.
#[derive(Debug)]
pub struct Session {
    /// None once it was taken, or is lost: what is closed the server may hear of.
    connection: Option<Box<PgConnection>>,
    server: Arc<Server>,
    state: State,
    conflicted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// Something was asked, and the end of the answer was not seen.
    Asked,
    /// It broke, or no answer came.
    Lost,
}

/// The other side of a connection.
#[derive(Debug)]
struct Server {
    database: Database,
    /// None where the server shows no processes.
    process: Option<Process>,
}

/// A process there, by its number and its beginning in microseconds, for numbers are given again.
#[derive(Debug, Clone, Copy)]
struct Process {
    number: i64,
    since: i64,
}

impl Session {
    /// Connects.
    pub async fn connect(database: &Database) -> Result<Self, SqlError> {
        let connecting = async {
            let mut connection = Box::new(PgConnection::connect(database.url()).await?);
            let text =
                "SELECT CAST(pid AS BIGINT), CAST(EXTRACT(EPOCH FROM backend_start) * 1000000 AS BIGINT)
                        FROM pg_stat_activity WHERE pid = pg_backend_pid()";
            let process = sqlx::query_as::<_, (i64, i64)>(text).fetch_optional(&mut *connection).await?;
            Ok::<_, sqlx::Error>((connection, process))
        };
        let (connection, process) = timeout(PROMPT, connecting).await.map_err(|_| SqlError::Lost)??;
        let process = process.map(|(number, since)| Process { number, since });
        let server = Arc::new(Server { database: database.clone(), process });
        Ok(Self { connection: Some(connection), server, state: State::Idle, conflicted: false })
    }

    /// Takes the connection out, unless it is lost; tells whether the answer to something is still under way.
    pub(super) fn take(&mut self) -> Option<(Self, bool)> {
        let connection = self.connection.take().filter(|_| self.state != State::Lost)?;
        let server = Arc::clone(&self.server);
        let taken = Self { connection: Some(connection), server, state: self.state, conflicted: false };
        Some((taken, self.state == State::Asked))
    }

    /// Has the server end what was on the other side of a lost connection, with the locks that it holds.
    pub(super) async fn replace(&mut self, lost: Self) -> Result<(), SqlError> {
        let Some(Process { number, since }) = lost.server.process else { return Ok(()) };
        drop(lost);
        let end = query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE pid = $1 AND CAST(EXTRACT(EPOCH FROM backend_start) * 1000000 AS BIGINT) = $2",
        );
        execute(self, end.bind(number).bind(since)).await.map(drop)
    }

    /// Waits until what was asked is answered, whoever it was for.
    pub(super) async fn settle(&mut self) -> Result<(), SqlError> {
        match self.ask(|connection| connection.ping().boxed()).await {
            // That may be the answer to what was asked before.
            Err(error) if !error.is_lost() => self.ask(|connection| connection.ping().boxed()).await,
            settled => settled,
        }
    }

    /// Whether a transaction was given up because of others since this was last asked.
    pub(super) fn take_conflict(&mut self) -> bool {
        std::mem::take(&mut self.conflicted)
    }

    pub(super) async fn end(mut self) -> Result<(), SqlError> {
        let Some((Self { connection: Some(connection), .. }, _)) = self.take() else { return Ok(()) };
        Ok(timeout(PROMPT, connection.close()).await.map_err(|_| SqlError::Lost)??)
    }

    async fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut PgConnection) -> BoxFuture<'_, Result<T, sqlx::Error>>,
    ) -> Result<T, SqlError> {
        self.close_lost();
        let connection = self.connection.as_mut().ok_or(SqlError::Lost)?;
        self.state = State::Asked;
        let answer = self.server.answer(question(connection)).await.and_then(|answer| Ok(answer?));
        self.state = State::after(&answer);
        self.close_lost();
        self.conflicted |= answer.as_ref().is_err_and(SqlError::is_conflict);
        answer
    }

    fn close_lost(&mut self) {
        if self.state == State::Lost {
            self.connection = None;
        }
    }
}

impl State {
    fn after<T>(answer: &Result<T, SqlError>) -> Self {
        match answer {
            Err(error) if error.is_lost() => Self::Lost,
            _ => Self::Idle,
        }
    }
}

impl Server {
    /// Waits for an answer as long as the server works on it.
    async fn answer<T>(&self, answer: impl Future<Output = T>) -> Result<T, SqlError> {
        let mut answer = pin!(answer);
        let mut unseen = 0;
        loop {
            if let Ok(answer) = timeout(ANSWER, &mut answer).await {
                return Ok(answer);
            }
            let works = tokio::select! {
                biased;
                answer = &mut answer => return Ok(answer),
                works = self.works() => works,
            };
            let goes_on = works.unwrap_or_else(|error| {
                unseen += 1;
                error.is_one_of(&[FULL]) && unseen <= UNSEEN
            });
            if !goes_on {
                // It may have answered just before it was asked.
                return timeout(Duration::from_secs(1), answer).await.map_err(|_| SqlError::Lost);
            }
        }
    }

    /// Whether the server works on what it was asked, and does not wait for this side; it need not tell what it works on.
    async fn works(&self) -> Result<bool, SqlError> {
        let look = async {
            let mut other = PgConnection::connect(self.database.url()).await?;
            let text = "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = $1
                        AND CAST(EXTRACT(EPOCH FROM backend_start) * 1000000 AS BIGINT) = $2
                        AND state IN ('active', 'disabled') AND wait_event_type IS DISTINCT FROM 'Client'";
            let active: i64 = match self.process {
                Some(Process { number, since }) => {
                    sqlx::query_scalar(text).bind(number).bind(since).fetch_one(&mut other).await?
                }
                None => 1,
            };
            other.close().await?;
            Ok(active > 0)
        };
        timeout(PROMPT, look).await.map_err(|_| SqlError::Lost)?
    }
}

// Boxed, since what waits for them is kept for each stream and request, and they are large.

pub(super) fn script<'s>(
    session: &'s mut Session,
    text: Cow<'static, str>,
) -> BoxFuture<'s, Result<(), SqlError>> {
    async move {
        let text = sqlx::raw_sql(AssertSqlSafe(text.into_owned()));
        session.ask(|connection| text.execute(connection).boxed()).await.map(drop)
    }
    .boxed()
}

pub(super) fn execute(session: &mut Session, query: Query) -> BoxFuture<'_, Result<u64, SqlError>> {
    async move {
        let done = session.ask(|connection| bound(query).execute(connection).boxed()).await?;
        Ok(done.rows_affected())
    }
    .boxed()
}

pub(super) fn rows(session: &mut Session, query: Query) -> BoxFuture<'_, Result<Vec<Row>, SqlError>> {
    stream(session, query).try_collect().boxed()
}

pub(super) fn row(session: &mut Session, query: Query) -> BoxFuture<'_, Result<Option<Row>, SqlError>> {
    async move {
        let mut rows = stream(session, query).fuse();
        let first = rows.try_next().await?;
        // The statement may fail after its first row.
        while rows.try_next().await?.is_some() {}
        Ok(first)
    }
    .boxed()
}

/// Rows as they come; each may take as long as an answer. The time of whoever takes them does not count here, but for
/// the server, which may give a statement up that it cannot send the rows of.
pub(super) fn stream(session: &mut Session, query: Query) -> BoxStream<'_, Result<Row, SqlError>> {
    session.close_lost();
    let Session { connection, server, state, conflicted } = session;
    let Some(connection) = connection.as_mut() else {
        return stream::iter([Err(SqlError::Lost)]).boxed();
    };
    *state = State::Asked;
    let rows = bound(query).fetch(&mut **connection);
    let rows = stream::unfold(Some((rows, server, state, conflicted)), |open| async {
        let (mut rows, server, state, conflicted) = open?;
        let next = server.answer(rows.next()).await.and_then(|next| Ok(next.transpose()?));
        match next {
            Ok(Some(row)) => Some((read(&row), Some((rows, server, state, conflicted)))),
            Ok(None) => {
                *state = State::Idle;
                None
            }
            Err(error) => {
                *conflicted |= error.is_conflict();
                let failed = Err(error);
                *state = State::after(&failed);
                Some((failed, None))
            }
        }
    });
    rows.boxed()
}

fn bound(query: Query) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    let statement = match query.text {
        Cow::Borrowed(text) => sqlx::query(text),
        Cow::Owned(text) => sqlx::query(AssertSqlSafe(text)),
    };
    query.values.into_iter().fold(statement, |statement, value| match value {
        Value::Integer(number) => statement.bind(number),
        Value::Text(text) => statement.bind(text),
        Value::Blob(octets) => statement.bind(octets),
    })
}

fn read(row: &PgRow) -> Result<Row, SqlError> {
    let columns = row.columns().iter().enumerate();
    let values = columns.map(|(place, column)| {
        Ok(match column.type_info().name() {
            "INT8" => Value::Integer(row.try_get(place)?),
            "INT4" => Value::Integer(row.try_get::<Option<i32>, _>(place)?.map(i64::from)),
            "BYTEA" => Value::Blob(row.try_get(place)?),
            _ => Value::Text(row.try_get(place)?),
        })
    });
    values.collect::<Result<_, SqlError>>().map(Row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_shown() {
        let database = Database::try_from("postgres://a:secret@b/c".to_owned()).unwrap();
        let server = Arc::new(Server { database, process: Some(Process { number: 1, since: 2 }) });
        let session = Session { connection: None, server, state: State::Idle, conflicted: false };
        assert!(!format!("{session:?}").contains("secret"));
    }
}
