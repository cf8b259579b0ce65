use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::engine::Source;
use super::{Connection, Session, SqlError};

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections that read, opened when they are needed and used in turns.
#[derive(Debug)]
pub enum Readers {
    /// To SQLite.
    Sqlite {
        /// Where they come from.
        source: Source,
        /// How many more may be taken.
        places: Arc<Semaphore>,
        /// Those that nobody uses now.
        idle: Arc<Mutex<Vec<Connection>>>,
        /// How many there may be.
        most: usize,
        /// How long somebody waits for one.
        patience: Duration,
    },
    /// To PostgreSQL.
    Postgres(PgPool),
}

impl Readers {
    /// Up to `most` connections to SQLite; `first` is open already.
    pub fn sqlite(source: Source, first: Connection, most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most));
        Self::Sqlite { source, places, idle: Arc::new(Mutex::new(vec![first])), most, patience: PATIENCE }
    }

    /// Up to `most` connections to PostgreSQL, with `settings` that are constants.
    pub async fn postgres(url: &str, settings: String, most: u32) -> Result<Self, SqlError> {
        let pool = PgPoolOptions::new()
            .min_connections(1)
            .max_connections(most)
            // A server is restarted now and then.
            .test_before_acquire(true)
            .after_connect(move |connection, _| {
                let settings = AssertSqlSafe(settings.clone());
                Box::pin(async move { sqlx::raw_sql(settings).execute(connection).await.map(drop) })
            });
        Ok(Self::Postgres(pool.connect(url).await?))
    }

    /// Takes one until it is dropped.
    ///
    /// What somebody asked there who went away is not done, or given up.
    pub async fn acquire(&self) -> Result<PooledConnection, SqlError> {
        let (source, places, idle, patience) = match self {
            Self::Sqlite { source, places, idle, patience, .. } => (source, places, idle, *patience),
            Self::Postgres(pool) => {
                let connection = Connection::Postgres(Session::Pooled(pool.acquire().await?));
                return Ok(PooledConnection { connection, home: None, place: None });
            }
        };
        let place = tokio::time::timeout(patience, Arc::clone(places).acquire_owned()).await;
        let place = place.map_err(|_| SqlError::Busy)?.map_err(|_| SqlError::Closed)?;
        let open = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match open {
            Some(connection) => connection,
            None => source.reader().await?,
        };
        Ok(PooledConnection { connection, home: Some((Arc::clone(idle), place)), place: None })
    }

    /// How many are open, and how many of these nobody uses now.
    pub fn count(&self) -> (usize, usize) {
        match self {
            Self::Postgres(pool) => (usize::try_from(pool.size()).unwrap_or_default(), pool.num_idle()),
            Self::Sqlite { places, idle, most, .. } => {
                let idle = idle.lock().unwrap_or_else(PoisonError::into_inner).len();
                (idle + most.saturating_sub(places.available_permits()), idle)
            }
        }
    }

    /// Ends those that nobody uses; the others end when they are dropped.
    pub async fn close(&self) {
        let (places, idle) = match self {
            Self::Postgres(pool) => return pool.close().await,
            Self::Sqlite { places, idle, .. } => (places, idle),
        };
        places.close();
        let idle = std::mem::take(&mut *idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            connection.close().await.ok();
        }
    }
}

/// A connection to read with.
#[derive(Debug)]
pub struct PooledConnection {
    connection: Connection,
    home: Option<(Arc<Mutex<Vec<Connection>>>, OwnedSemaphorePermit)>,
    place: Option<OwnedSemaphorePermit>,
}

impl PooledConnection {
    /// Keeps a place for as long as the connection is used.
    pub fn with(mut self, place: OwnedSemaphorePermit) -> Self {
        self.place = Some(place);
        self
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        // Those of PostgreSQL go back to their pool by themselves.
        if let (Connection::Remote(sqlite), Some((idle, places))) = (&self.connection, &self.home)
            && sqlite.is_open()
            && !places.semaphore().is_closed()
        {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(Connection::Remote(sqlite.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Text, query};
    use super::*;
    use crate::random;

    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";

    /// One connection that reads, in a folder of its own.
    async fn one() -> (Readers, std::path::PathBuf) {
        let folder = std::env::temp_dir().join(random::id('r'));
        std::fs::create_dir(&folder).unwrap();
        let source = Source::new(&folder, None);
        let first = source.reader().await.unwrap();
        (Readers::sqlite(source, first, 1), folder)
    }

    async fn is_quick(readers: &Readers) {
        let quick = async {
            let mut reading = readers.acquire().await.unwrap();
            query("SELECT 1").fetch_one(&mut reading).await.unwrap();
        };
        tokio::time::timeout(Duration::from_secs(5), quick).await.unwrap();
    }

    #[tokio::test]
    async fn who_finds_all_in_use_for_long_is_told_so() {
        let (mut readers, folder) = one().await;
        if let Readers::Sqlite { patience, .. } = &mut readers {
            *patience = Duration::from_millis(20);
        }
        let reading = readers.acquire().await.unwrap();
        assert_eq!(readers.count(), (1, 0));
        assert!(matches!(readers.acquire().await, Err(SqlError::Busy)));
        drop(reading);
        assert_eq!(readers.count(), (1, 1));
        readers.acquire().await.unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn who_goes_away_holds_up_nobody() {
        let (readers, folder) = one().await;
        for _ in 0..20 {
            let mut reading = readers.acquire().await.unwrap();
            let asked = query(Text::of_constants(ENDLESS.into())).fetch_one(&mut reading);
            assert!(tokio::time::timeout(Duration::from_millis(5), asked).await.is_err());
        }
        is_quick(&readers).await;
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn nobody_reads_any_more_once_they_are_closed() {
        let (readers, folder) = one().await;
        is_quick(&readers).await;
        let mut reading = readers.acquire().await.unwrap();
        readers.close().await;
        assert!(matches!(readers.acquire().await, Err(SqlError::Closed)));
        query("SELECT 1").fetch_one(&mut reading).await.unwrap();
        drop(reading);
        assert_eq!(readers.count(), (0, 0));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
