use std::borrow::Cow;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Column as _, PgConnection, Postgres, Row as _, TypeInfo as _};

use super::{Query, Row, SqlError, Value};

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
