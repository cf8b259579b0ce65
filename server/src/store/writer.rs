use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use jmap::AccountId;
use sqlx::{AnyConnection, Connection};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::StoreError;
use crate::push::{Changed, Hub};

/// Jobs that may wait before callers are held up.
const WAITING: usize = 1024;
/// Jobs in one transaction: enough to share a sync, few enough that the first does not wait long.
const GROUP: usize = 64;

/// A transaction that is being written.
#[derive(Debug)]
pub struct Tx {
    connection: AnyConnection,
    changed: Vec<(AccountId, Changed)>,
}

impl Tx {
    /// The connection to send statements through.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }

    /// Tells the listeners of the account once the transaction is durable.
    pub fn announce(&mut self, account: AccountId, changed: Changed) {
        self.changed.push((account, changed));
    }
}

/// The one task that writes.
#[derive(Debug)]
pub struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts writing on `connection`.
    pub fn start(connection: AnyConnection, hub: Arc<Hub>) -> Self {
        let (jobs, queue) = mpsc::channel(WAITING);
        let task = tokio::spawn(work(Tx { connection, changed: Vec::new() }, queue, hub));
        Self { jobs: Mutex::new(Some(jobs)), task: Mutex::new(Some(task)) }
    }

    /// Has a job done; see [`super::Store::write`].
    pub async fn run<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
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

    /// Lets the waiting jobs finish and closes the connection.
    pub async fn stop(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A panic in the task was reported where it happened.
            task.await.ok();
        }
    }
}

/// A job whose result type is forgotten, so that jobs of all kinds wait in one queue.
trait Job: Send {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Verdict>;
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
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Verdict> {
        Box::pin(async move {
            let Some(job) = self.job.take() else { return Verdict::Undo };
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

async fn work(mut tx: Tx, mut queue: mpsc::Receiver<Box<dyn Job>>, hub: Arc<Hub>) {
    while let Some(first) = queue.recv().await {
        let mut done = Vec::new();
        let outcome = group(&mut tx, first, &mut queue, &mut done).await;
        let changed = std::mem::take(&mut tx.changed);
        match outcome {
            Ok(()) => {
                for (account, changed) in changed {
                    hub.publish(&account, Arc::new(changed));
                }
                done.into_iter().for_each(|job| job.finish(None));
            }
            Err(error) => {
                tracing::error!(%error, jobs = done.len(), "a group of writes failed");
                step(&mut tx.connection, "ROLLBACK").await.ok();
                done.into_iter().for_each(|job| job.finish(Some(StoreError::Abandoned)));
            }
        }
    }
    tx.connection.close().await.ok();
}

/// Runs the first job and those that wait behind it in one transaction.
async fn group(
    tx: &mut Tx,
    first: Box<dyn Job>,
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
) -> Result<(), sqlx::Error> {
    let mut next = Some(first);
    // IMMEDIATE takes the write lock at once: a read lock that is upgraded later can fail as busy.
    let mut begun = step(&mut tx.connection, "BEGIN IMMEDIATE").await;
    while let Some(mut job) = next.take() {
        if begun.is_ok() {
            begun = apart(tx, job.as_mut()).await;
        }
        done.push(job);
        if begun.is_ok() && done.len() < GROUP {
            next = queue.try_recv().ok();
        }
    }
    begun?;
    step(&mut tx.connection, "COMMIT").await
}

/// Runs one job so that its failure leaves the others of the group alone.
async fn apart(tx: &mut Tx, job: &mut dyn Job) -> Result<(), sqlx::Error> {
    let announced = tx.changed.len();
    step(&mut tx.connection, "SAVEPOINT job").await?;
    if job.run(tx).await == Verdict::Undo {
        tx.changed.truncate(announced);
        step(&mut tx.connection, "ROLLBACK TO SAVEPOINT job").await?;
    }
    step(&mut tx.connection, "RELEASE SAVEPOINT job").await
}

/// A statement that is prepared once, unlike those that may hold several.
async fn step(connection: &mut AnyConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(drop)
}
