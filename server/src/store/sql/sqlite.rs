use std::ffi::c_int;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ToSql};

use super::remote::Asker;
use super::{Query, Row, SqlError, Value};

/// Statements that stay prepared on each connection: more than there are, lists of few lengths included.
const PREPARED: usize = 256;
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

    pub(super) fn begin(&self, asker: &Asker) {
        if let Some(limit) = &self.limit {
            let mut present = limit.present.lock().unwrap_or_else(PoisonError::into_inner);
            *present = Present { end: Instant::now() + limit.time, asker: asker.clone() };
        }
    }

    /// Does what the statement waits for, whose time does not count.
    pub(super) fn pause<T>(&self, others: impl FnOnce() -> T) -> T {
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
    pub(super) fn each(&self, query: &Query, mut take: impl FnMut(Row) -> bool) -> Result<(), SqlError> {
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
        let (marks, bound) = (statement.parameter_count(), query.values.len());
        if marks != bound {
            return Err(SqlError::Unbound { marks, bound });
        }
        for index in 1..=marks {
            let name = statement.parameter_name(index).and_then(|name| name.get(1..));
            let number: Option<usize> = name.and_then(|number| number.parse().ok());
            let value = number.and_then(|number| query.values.get(number.checked_sub(1)?));
            statement.raw_bind_parameter(index, value.ok_or(SqlError::Unbound { marks, bound })?)?;
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

#[cfg(test)]
mod tests {
    use super::super::{Connection, Remote, query, script};
    use super::*;

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
            assert_eq!(some.try_get::<&str>(1).unwrap(), "x'\u{fffd}");
            assert_eq!((some.try_get(0).unwrap(), some.try_get(2).unwrap()), (7_i64, vec![0_u8, 255]));
            for (text, marks) in [("SELECT $1, $2", 2), ("SELECT 1", 0), ("SELECT $2", 1)] {
                let wrong = query(text).bind(1_i64).fetch_all(&mut connection).await;
                let is_told =
                    matches!(wrong, Err(SqlError::Unbound { marks: found, bound: 1 }) if found == marks);
                assert!(is_told, "{text}: {wrong:?}");
            }
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
}
