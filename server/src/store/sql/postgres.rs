//! What is sent to PostgreSQL, and what comes back, or does not.
//!
//! A server whose packets vanish says nothing, and its connections stay. So nobody waits for an answer without asking,
//! after a while, on another connection, whether the server still works on it: what takes long goes on, and what
//! is lost is given up. A connection that was given up is not used again, for an answer may come late.

use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, PgConnection, Postgres, Row as _, TypeInfo as _};
use tokio::time::timeout;

use super::{Query, Row, SqlError, Value};

/// How long an answer may take before the server is asked about it; statements of those who read are given up sooner.
const ANSWER: Duration = Duration::from_secs(12);
/// How long the server may take for what is no work: a connection, a look.
pub(super) const PROMPT: Duration = Duration::from_secs(5);

/// A connection to the server.
#[derive(Debug)]
pub struct Session {
    /// None once it was taken.
    connection: Option<Box<PgConnection>>,
    server: Server,
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
    url: String,
    /// The number of its process there; none where the server shows no processes.
    process: Option<i64>,
}

impl Session {
    /// Connects.
    pub async fn connect(url: &str) -> Result<Self, SqlError> {
        let connecting = async {
            let mut connection = Box::new(PgConnection::connect(url).await?);
            let text = "SELECT CAST(pid AS BIGINT) FROM pg_stat_activity WHERE pid = pg_backend_pid()";
            let process = sqlx::query_scalar(text).fetch_optional(&mut *connection).await?;
            Ok::<_, sqlx::Error>((connection, process))
        };
        let (connection, process) = timeout(PROMPT, connecting).await.map_err(|_| SqlError::Lost)??;
        let server = Server { url: url.to_owned(), process };
        Ok(Self { connection: Some(connection), server, state: State::Idle, conflicted: false })
    }

    /// Takes the connection out, unless it is lost; tells whether the answer to something is still under way.
    pub(super) fn take(&mut self) -> Option<(Self, bool)> {
        let connection = self.connection.take().filter(|_| self.state != State::Lost)?;
        let server = Server { url: std::mem::take(&mut self.server.url), process: self.server.process };
        let taken = Self { connection: Some(connection), server, state: self.state, conflicted: false };
        Some((taken, self.state == State::Asked))
    }

    /// Waits until what was asked is answered, whoever it was for.
    pub(super) async fn settle(&mut self) -> Result<(), SqlError> {
        self.ask(|connection| connection.ping().boxed()).await
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
        let open = self.connection.as_mut().filter(|_| self.state != State::Lost);
        let connection = open.ok_or(SqlError::Lost)?;
        self.state = State::Asked;
        let answer = self.server.answer(question(connection)).await.and_then(|answer| Ok(answer?));
        self.state = State::after(&answer);
        self.conflicted |= answer.as_ref().is_err_and(SqlError::is_conflict);
        answer
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
        loop {
            if let Ok(answer) = timeout(ANSWER, &mut answer).await {
                return Ok(answer);
            }
            let works = tokio::select! {
                biased;
                answer = &mut answer => return Ok(answer),
                works = self.works() => works,
            };
            if !works {
                // It may have answered just before it was asked.
                return timeout(Duration::from_secs(1), answer).await.map_err(|_| SqlError::Lost);
            }
        }
    }

    /// Whether the server works on what it was asked.
    async fn works(&self) -> bool {
        let look = async {
            let mut other = PgConnection::connect(&self.url).await?;
            let text = "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active'";
            let active: i64 = match self.process {
                Some(process) => sqlx::query_scalar(text).bind(process).fetch_one(&mut other).await?,
                None => 1,
            };
            other.close().await?;
            Ok(active > 0)
        };
        match timeout(PROMPT, look).await {
            Ok(Ok(works)) => works,
            // It answers, if only that it has too many connections.
            Ok(Err(sqlx::Error::Database(_))) => true,
            Ok(Err(_)) | Err(_) => false,
        }
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
    async move {
        let rows = session.ask(|connection| bound(query).fetch_all(connection).boxed()).await?;
        rows.iter().map(read).collect()
    }
    .boxed()
}

pub(super) fn row(session: &mut Session, query: Query) -> BoxFuture<'_, Result<Option<Row>, SqlError>> {
    async move {
        let row = session.ask(|connection| bound(query).fetch_optional(connection).boxed()).await?;
        row.as_ref().map(read).transpose()
    }
    .boxed()
}

/// The time of whoever takes the rows does not count.
pub(super) fn stream(session: &mut Session, query: Query) -> BoxStream<'_, Result<Row, SqlError>> {
    let Session { connection, server, state, .. } = session;
    let Some(connection) = connection.as_mut().filter(|_| *state != State::Lost) else {
        return stream::iter([Err(SqlError::Lost)]).boxed();
    };
    *state = State::Asked;
    let rows = bound(query).fetch(&mut **connection);
    let rows = stream::unfold(Some((rows, server, state)), |open| async {
        let (mut rows, server, state) = open?;
        let next = server.answer(rows.next()).await.and_then(|next| Ok(next.transpose()?));
        match next {
            Ok(Some(row)) => Some((read(&row), Some((rows, server, state)))),
            Ok(None) => {
                *state = State::Idle;
                None
            }
            Err(error) => {
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
