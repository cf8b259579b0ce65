//! Jobs that write, in transactions that are durable before anybody hears of them.
//!
//! SQLite has one writer, with a thread of its own; it puts the jobs that wait at the same moment into one
//! transaction, so that they share one sync. PostgreSQL shares syncs itself, between all its clients: there several
//! connections write, each job has a transaction of its own, and no job waits for the locks of another
//! that is done. Where two stand in each other's way, one is taken back and done again. When a commit is not answered it
//! is not known whether it was made: the job is not done again, and not acknowledged.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jmap::AccountId;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::engine::{Engine, Source};
use super::sql::{self, Connection, SqlError};
use super::{StoreError, schema};
use crate::clock::Millis;
use crate::push::{Changed, Hub};
use crate::random;

/// Jobs that may wait before callers are held up.
const WAITING: usize = 1024;
/// Jobs in one transaction: enough to share a sync, few enough that the first does not wait long.
const GROUP: usize = 64;
/// Connections that write where several can.
const WRITERS: usize = 8;
/// How often a job is done that others stand in the way of.
const TRIES: u32 = 6;
/// How long a server may take to begin a transaction.
const PROMPT: Duration = Duration::from_secs(5);

/// A transaction that is being written.
#[derive(Debug)]
pub struct Tx {
    connection: Connection,
    engine: Engine,
    default_quota: Quota,
    changed: Vec<(AccountId, Changed)>,
    /// How many connections there were before this one.
    earlier: u64,
    /// Who wants the log of writes to be emptied.
    emptying: Vec<oneshot::Sender<bool>>,
}

/// What accounts may keep that have no quota of their own; the operator can change it.
#[derive(Debug, Clone, Default)]
pub struct Quota(Arc<AtomicI64>);

impl Quota {
    /// In octets; none for all there is.
    pub fn get(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|quota| *quota > 0)
    }

    /// Changes it.
    pub fn set(&self, quota: Option<i64>) {
        self.0.store(quota.unwrap_or_default(), Ordering::Relaxed);
    }
}

impl Tx {
    /// The connection to send statements through.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Which database it is written to.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Now, by the one clock that all processes on this store have in common.
    pub async fn now(&mut self) -> Result<Millis, StoreError> {
        Ok(self.engine.now(&mut self.connection).await?)
    }

    pub(super) fn default_quota(&self) -> Option<i64> {
        self.default_quota.get()
    }

    /// How many connections this writer had before: what a connection tells of itself means nothing to the next one.
    pub(super) fn earlier_connections(&self) -> u64 {
        self.earlier
    }

    /// Has the log of writes emptied once the transaction is durable, by the connection that writes: another one's would
    /// look like a write of somebody else's. Tells whether it was.
    pub(super) fn empty_log(&mut self) -> oneshot::Receiver<bool> {
        let (done, answer) = oneshot::channel();
        self.emptying.push(done);
        answer
    }

    /// Tells the listeners of the account once the transaction is durable.
    pub fn announce(&mut self, account: AccountId, changed: Changed) {
        self.changed.push((account, changed));
    }
}

/// The tasks that write.
#[derive(Debug)]
pub struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    tasks: Mutex<JoinSet<()>>,
}

type Queue = tokio::sync::Mutex<mpsc::Receiver<Box<dyn Job>>>;

impl Writer {
    /// Starts writing; `first` is a connection that is open already.
    pub async fn start(
        first: Connection,
        source: &Source,
        quota: &Quota,
        hub: Arc<Hub>,
    ) -> Result<Self, SqlError> {
        let (jobs, queue) = mpsc::channel(WAITING);
        let queue = Arc::new(Queue::new(queue));
        let mut connections = vec![first];
        if source.engine == Engine::Postgres {
            for _ in 1..WRITERS {
                connections.push(source.writer().await?);
            }
        }
        let mut tasks = JoinSet::new();
        let begun = Arc::new(AtomicUsize::new(0));
        for connection in connections {
            let (engine, default_quota) = (source.engine, quota.clone());
            let (changed, emptying) = (Vec::new(), Vec::new());
            let tx = Tx { connection, engine, default_quota, changed, earlier: 0, emptying };
            let (source, hub, begun) = (source.clone(), Arc::clone(&hub), Arc::clone(&begun));
            let hand = Hand { tx, source, broken: false, begun, hub };
            let work = hand.work(Arc::clone(&queue));
            if engine == Engine::Sqlite {
                // Its statements are calls, which hold up the thread that makes them.
                let runtime = Handle::current();
                tasks.spawn_blocking(move || runtime.block_on(work));
            } else {
                tasks.spawn(work);
            }
        }
        Ok(Self { jobs: Mutex::new(Some(jobs)), tasks: Mutex::new(tasks) })
    }

    /// Has a job done; see [`super::Store::write`].
    pub async fn run<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Once { job: Some(job), result: None, reply });
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let jobs = jobs.ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the waiting jobs finish and closes the connections.
    pub async fn stop(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // A panic in a task was reported where it happened.
        while tasks.join_next().await.is_some() {}
    }
}

/// A job whose result type is forgotten, so that jobs of all kinds wait in one queue.
trait Job: Send {
    /// Does it; `once` if it will not be done again.
    fn run<'t>(&'t mut self, tx: &'t mut Tx, once: bool) -> BoxFuture<'t, Verdict>;
    fn finish(self: Box<Self>, failure: Option<StoreError>);
}

/// What becomes of a job's statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    Undo,
}

struct Once<T, E, F> {
    job: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Once<T, E, F>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx, once: bool) -> BoxFuture<'t, Verdict> {
        Box::pin(async move {
            let job = if once { self.job.take() } else { self.job.clone() };
            let Some(job) = job else { return Verdict::Undo };
            // A panic in one job must not take the writer, and with it the relay, down.
            let outcome = AssertUnwindSafe(job(tx)).catch_unwind().await;
            let result = outcome.unwrap_or_else(|_| Err(E::from(StoreError::Abandoned)));
            let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
            self.result = Some(result);
            verdict
        })
    }

    fn finish(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (self.result, failure) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(failure)) => Err(E::from(failure)),
            (Some(result), None) => result,
            (None, None) => Err(E::from(StoreError::Abandoned)),
        };
        // The caller may have gone away; the work is done all the same.
        self.reply.send(result).ok();
    }
}

/// One connection that writes, made anew when it breaks.
struct Hand {
    tx: Tx,
    source: Source,
    broken: bool,
    /// How many transactions all hands began.
    begun: Arc<AtomicUsize>,
    hub: Arc<Hub>,
}

impl Hand {
    async fn work(mut self, queue: Arc<Queue>) {
        loop {
            let first = queue.lock().await.recv().await;
            let Some(first) = first else { break };
            let mut done = Vec::new();
            let begun = self.begun.load(Ordering::Relaxed);
            let begins = self.begin().await;
            let has_begun = begins.is_ok();
            let outcome = match begins {
                Ok(()) if self.source.engine == Engine::Sqlite => self.group(first, &queue, &mut done).await,
                Ok(()) => self.alone(first, &mut done).await,
                Err(error) => {
                    done.push(first);
                    if matches!(error, SqlError::Lost) && begun == self.begun.load(Ordering::Relaxed) {
                        // No hand gets through: what waits would wait as long, one after the other.
                        done.extend(std::iter::from_fn(|| queue.try_lock().ok()?.try_recv().ok()));
                    }
                    Err(error)
                }
            };
            let changed = std::mem::take(&mut self.tx.changed);
            match outcome {
                Ok(()) => {
                    for (account, changed) in changed {
                        self.hub.publish(&account, Arc::new(changed));
                    }
                    done.into_iter().for_each(|job| job.finish(None));
                    self.empty_log().await;
                }
                Err(error) => {
                    tracing::error!(%error, jobs = done.len(), "a group of writes failed");
                    self.undo().await;
                    if error.is_lost() && !changed.is_empty() {
                        self.hub.lost();
                    }
                    let passing = error.is_passing();
                    let failure = || match passing {
                        true if error.is_conflict() => SqlError::Conflict.into(),
                        true => SqlError::Lost.into(),
                        false => StoreError::Abandoned,
                    };
                    done.into_iter().for_each(|job| job.finish(Some(failure())));
                    if has_begun && self.broken {
                        // At once, for what it holds locked others wait for; if not, then before the next job.
                        self.renew().await.ok();
                    }
                }
            }
        }
        self.tx.connection.close().await.ok();
    }

    async fn empty_log(&mut self) {
        let asked = std::mem::take(&mut self.tx.emptying);
        if asked.is_empty() {
            return;
        }
        match schema::checkpoint(&mut self.tx.connection).await {
            Ok(done) => {
                for one in asked {
                    one.send(done).ok();
                }
            }
            Err(error) => tracing::error!(%error, "the log of the database could not be emptied"),
        }
    }

    /// Runs the first job and those that wait behind it in one transaction, so that they share a sync.
    async fn group(
        &mut self,
        first: Box<dyn Job>,
        queue: &Queue,
        done: &mut Vec<Box<dyn Job>>,
    ) -> Result<(), SqlError> {
        let mut next = Some(first);
        let mut applied = Ok(());
        while let Some(mut job) = next.take() {
            applied = self.apart(job.as_mut(), done.is_empty()).await;
            done.push(job);
            if applied.is_ok() && done.len() < GROUP {
                next = queue.try_lock().ok().and_then(|mut queue| queue.try_recv().ok());
            }
        }
        applied?;
        sql::script(&mut self.tx.connection, self.source.engine.commit()).await
    }

    /// Runs a job in a transaction of its own, and again where others stood in its way.
    async fn alone(&mut self, mut job: Box<dyn Job>, done: &mut Vec<Box<dyn Job>>) -> Result<(), SqlError> {
        let mut tries = 1;
        let ended = loop {
            let verdict = job.run(&mut self.tx, tries == TRIES).await;
            let end = if verdict == Verdict::Keep { self.source.engine.commit() } else { "ROLLBACK" };
            let ended = sql::script(&mut self.tx.connection, end).await;
            let conflicts = self.tx.connection.take_conflict();
            if verdict == Verdict::Undo || conflicts {
                self.tx.changed.clear();
            }
            if !conflicts {
                break ended;
            }
            if tries == TRIES {
                // What the server says of the end is that something failed before.
                break ended.map_err(|error| if error.is_lost() { error } else { SqlError::Conflict });
            }
            if ended.is_err() {
                self.undo().await;
            }
            sleep(pause(tries)).await;
            tries += 1;
            if let Err(error) = self.begin().await {
                break Err(error);
            }
        };
        done.push(job);
        ended
    }

    /// Begins a transaction, on a new connection when the old one is broken.
    async fn begin(&mut self) -> Result<(), SqlError> {
        let begin = self.source.engine.begin();
        if !self.broken {
            let begun = step(&mut self.tx.connection, begin);
            let begun = match self.source.engine {
                Engine::Sqlite => begun.await,
                // Nobody is in the way of that.
                Engine::Postgres => timeout(PROMPT, begun).await.unwrap_or(Err(SqlError::Lost)),
            };
            self.broken = begun.is_err();
        }
        if self.broken {
            self.renew().await?;
            step(&mut self.tx.connection, begin).await?;
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Opens a connection in the place of one that is broken.
    async fn renew(&mut self) -> Result<(), SqlError> {
        let lost = std::mem::replace(&mut self.tx.connection, self.source.writer().await?);
        self.tx.earlier += 1;
        self.broken = false;
        if let Err(error) = self.tx.connection.replace(lost).await {
            tracing::warn!(%error, "what a lost connection holds locked is not free yet");
        }
        Ok(())
    }

    /// Takes back what the transaction did; a connection that cannot is not used again.
    async fn undo(&mut self) {
        self.broken = self.broken || step(&mut self.tx.connection, "ROLLBACK").await.is_err();
    }

    /// Runs one job so that its failure leaves the others of the group alone.
    ///
    /// The first has no savepoint, for no other is there yet: SQLite keeps a journal of each, and walks through it at every
    /// statement that has a journal of its own.
    async fn apart(&mut self, job: &mut dyn Job, first: bool) -> Result<(), SqlError> {
        let announced = self.tx.changed.len();
        if !first {
            step(&mut self.tx.connection, "SAVEPOINT job").await?;
        }
        let verdict = job.run(&mut self.tx, true).await;
        if verdict == Verdict::Undo {
            self.tx.changed.truncate(announced);
        }
        match (verdict, first) {
            (Verdict::Keep, true) => Ok(()),
            (Verdict::Undo, true) => {
                step(&mut self.tx.connection, "ROLLBACK").await?;
                step(&mut self.tx.connection, self.source.engine.begin()).await
            }
            (Verdict::Keep, false) => step(&mut self.tx.connection, "RELEASE SAVEPOINT job").await,
            (Verdict::Undo, false) => {
                step(&mut self.tx.connection, "ROLLBACK TO SAVEPOINT job").await?;
                step(&mut self.tx.connection, "RELEASE SAVEPOINT job").await
            }
        }
    }
}

/// Up to a third of a second, of another length each time, so that those who met do not meet again.
fn pause(tries: u32) -> Duration {
    let most = 10_000_u64 << tries;
    Duration::from_micros(u64::from_be_bytes(random::bytes()) % most)
}

/// Statements that are prepared once, unlike those of [`sql::script`].
async fn step(connection: &mut Connection, statement: &'static str) -> Result<(), SqlError> {
    sql::query(statement).execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::processes::written_by_others;
    use super::*;

    #[tokio::test]
    async fn a_new_connection_is_not_taken_for_the_one_before() {
        let folder = std::env::temp_dir().join(random::id('w'));
        std::fs::create_dir(&folder).unwrap();
        let source = Source::new(&folder, None);
        let tx = Tx {
            connection: source.writer().await.unwrap(),
            engine: source.engine,
            default_quota: Quota::default(),
            changed: Vec::new(),
            earlier: 0,
            emptying: Vec::new(),
        };
        let mut hand = Hand { tx, source, broken: false, begun: Arc::default(), hub: Arc::default() };
        let mut seen = Vec::new();
        for is_broken in [false, false, true] {
            hand.broken = is_broken;
            hand.begin().await.unwrap();
            seen.push(written_by_others(&mut hand.tx).await.unwrap());
            hand.undo().await;
        }
        assert_eq!(seen[0], seen[1]);
        assert_ne!(seen[1], seen[2], "what was written in between is not known");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
