use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::super::engine::Source;
use super::postgres::PROMPT;
use super::{Connection, SqlError};

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer is waited for that nobody wants any more: longer than the server works on it.
const SETTLED: Duration = Duration::from_secs(15);
/// How long before a server that is just being started is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections that read, opened when they are needed and used in turns.
#[derive(Debug)]
pub struct Readers {
    source: Source,
    /// How many more may be taken.
    places: Arc<Semaphore>,
    /// Those that nobody uses now.
    idle: Idle,
    /// How many there may be.
    most: usize,
    /// How long somebody waits for one.
    patience: Duration,
}

type Idle = Arc<Mutex<Vec<Connection>>>;

impl Readers {
    /// Up to `most` connections; `first` is open already.
    pub fn new(source: Source, first: Connection, most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most));
        Self { source, places, idle: Arc::new(Mutex::new(vec![first])), most, patience: PATIENCE }
    }

    /// Takes one until it is dropped.
    ///
    /// What somebody asked there who went away is not done, or given up.
    pub async fn acquire(&self) -> Result<PooledConnection, SqlError> {
        let place = timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| SqlError::Busy)?.map_err(|_| SqlError::Closed)?;
        let open = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match open {
            Some(Connection::Postgres(mut session)) => {
                // A server is restarted now and then, or nothing gets through to it any more.
                match timeout(PROMPT, session.settle()).await {
                    Ok(Ok(())) => Connection::Postgres(session),
                    Ok(Err(_)) | Err(_) => self.open().await?,
                }
            }
            Some(connection) => connection,
            None => self.open().await?,
        };
        Ok(PooledConnection { connection, home: Some((Arc::clone(&self.idle), place)), place: None })
    }

    /// Opens one more; a server that says that it cannot be used now is waited for.
    async fn open(&self) -> Result<Connection, SqlError> {
        let until = Instant::now() + self.patience;
        loop {
            match self.source.reader().await {
                Err(error) if error.is_away() && Instant::now() < until => sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    /// How many are open, and how many of these nobody uses now.
    pub fn count(&self) -> (usize, usize) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        (idle + self.most.saturating_sub(self.places.available_permits()), idle)
    }

    /// Ends those that nobody uses; the others end when they are dropped.
    pub async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            connection.close().await.ok();
        }
    }
}

/// A connection to read with.
#[derive(Debug)]
pub struct PooledConnection {
    connection: Connection,
    /// Where it goes back to, and its place there; none once it did.
    home: Option<(Idle, OwnedSemaphorePermit)>,
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
        let Some((idle, place)) = self.home.take() else { return };
        match &mut self.connection {
            Connection::Remote(sqlite) if sqlite.is_open() => {
                go_home(Connection::Remote(sqlite.clone()), &idle, place);
            }
            Connection::Postgres(session) => match (session.take(), Handle::try_current()) {
                (Some((session, false)), _) => go_home(Connection::Postgres(session), &idle, place),
                // It keeps its places: whoever asks and goes away may not have the server do more at once than others.
                (Some((mut session, true)), Ok(runtime)) => {
                    let kept = self.place.take();
                    drop(runtime.spawn(async move {
                        if let Ok(Ok(())) = timeout(SETTLED, session.settle()).await {
                            go_home(Connection::Postgres(session), &idle, place);
                        }
                        drop(kept);
                    }));
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn go_home(connection: Connection, idle: &Idle, place: OwnedSemaphorePermit) {
    if !place.semaphore().is_closed() {
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
    drop(place);
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
        (Readers::new(source, first, 1), folder)
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
        readers.patience = Duration::from_millis(20);
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
