use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, PgConnection, Postgres, Row as _, TypeInfo as _};

use super::{Query, Row, SqlError, Value};

/// A connection to the server.
#[derive(Debug)]
pub enum Session {
    /// Of its own.
    Own(Box<PgConnection>),
    /// Out of a pool, to which it goes back.
    Pooled(PoolConnection<Postgres>),
}

impl Session {
    /// Connects.
    pub async fn connect(url: &str) -> Result<Self, SqlError> {
        Ok(Self::Own(Box::new(PgConnection::connect(url).await?)))
    }

    pub(super) async fn end(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Own(connection) => connection.close().await,
            Self::Pooled(_) => Ok(()),
        }
    }
}

impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(connection) => connection,
        }
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(connection) => connection,
            Self::Pooled(connection) => connection,
        }
    }
}

// Boxed, since what waits for them is kept for each stream and request, and they are large.

pub(super) fn script<'c>(
    connection: &'c mut PgConnection,
    text: Cow<'static, str>,
) -> BoxFuture<'c, Result<(), SqlError>> {
    async move {
        sqlx::raw_sql(AssertSqlSafe(text.into_owned())).execute(connection).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn execute(connection: &mut PgConnection, query: Query) -> BoxFuture<'_, Result<u64, SqlError>> {
    async move { Ok(bound(query).execute(connection).await?.rows_affected()) }.boxed()
}

pub(super) fn rows(connection: &mut PgConnection, query: Query) -> BoxFuture<'_, Result<Vec<Row>, SqlError>> {
    async move { bound(query).fetch_all(connection).await?.iter().map(read).collect() }.boxed()
}

pub(super) fn row(
    connection: &mut PgConnection,
    query: Query,
) -> BoxFuture<'_, Result<Option<Row>, SqlError>> {
    async move { bound(query).fetch_optional(connection).await?.as_ref().map(read).transpose() }.boxed()
}

pub(super) fn stream(connection: &mut PgConnection, query: Query) -> BoxStream<'_, Result<Row, SqlError>> {
    bound(query).fetch(connection).map(|row| read(&row?)).boxed()
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
