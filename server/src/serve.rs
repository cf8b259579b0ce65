//! Starting the doors, and stopping them without losing anything.

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};

use crate::config::Config;
use crate::people::AddError;
use crate::relay::{Relay, StartError};
use crate::store::{Engine, StoreError, fanout};
use crate::{demo, http, outbound, processes, smtp};

/// How long open work may take once the relay stops.
const GRACE: Duration = Duration::from_secs(20);
/// How often what nobody needs any more is swept.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Why the relay does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Something in the data folder cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Another relay serves what is in the data folder.
    #[error("another relay serves {}", .0.display())]
    InUse(PathBuf),
    /// The data folder cannot be locked.
    #[error("cannot lock the data folder: {0}")]
    Lock(io::Error),
    /// The store did not take this process in.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The demo people could not be made.
    #[error("cannot make the demo people: {0}")]
    Demo(#[from] AddError),
}

/// A relay with its doors open.
#[derive(Debug)]
pub struct Running {
    /// The relay.
    pub relay: Arc<Relay>,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// Where SMTP is served.
    pub smtp: SocketAddr,
    tasks: JoinSet<()>,
    _alone: Option<File>,
}

/// Opens the relay and its doors.
pub async fn start(mut config: Config) -> Result<Running, ServeError> {
    raise_descriptors();
    let http_listener = listen(config.listen).await?;
    let smtp_listener = listen(config.smtp_listen).await?;
    let address = |listener: &TcpListener, asked| listener.local_addr().unwrap_or(asked);
    // Port 0 asks for any; from here on the real one counts.
    config.listen = address(&http_listener, config.listen);
    config.smtp_listen = address(&smtp_listener, config.smtp_listen);
    let (http, smtp) = (config.listen, config.smtp_listen);
    let relay = Relay::open(config).await?;
    if relay.config.demo {
        demo::add_people(&relay).await?;
    }
    let alone = alone(&relay)?;
    processes::arrive(&relay).await?;
    let mut tasks = JoinSet::new();
    let served = Arc::clone(&relay);
    tasks.spawn(async move {
        if let Err(error) = http::serve(http_listener, served).await {
            tracing::error!(%error, "HTTP ended");
        }
    });
    tasks.spawn(smtp::serve(smtp_listener, Arc::clone(&relay)));
    tasks.spawn(outbound::run(Arc::clone(&relay)));
    tasks.spawn(outbound::run_held(Arc::clone(&relay)));
    tasks.spawn(crate::webpush::run(Arc::clone(&relay)));
    tasks.spawn(sweep(Arc::clone(&relay)));
    if let Some(database) = relay.config.database.clone() {
        let (process, hub) = (relay.process.clone(), Arc::clone(&relay.hub));
        tasks.spawn(fanout::hear(database, process, hub, relay.stopping.clone()));
    }
    tasks.spawn(processes::keep_alive(Arc::clone(&relay)));
    Ok(Running { relay, http, smtp, tasks, _alone: alone })
}

/// Every push stream is an open file, and the usual limit of a thousand is meant for programs that
/// wait for files one by one. Where it cannot be raised, connections beyond it wait to be accepted.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_err() {
        tracing::warn!("the limit of open files stays as it is");
    }
}

impl Running {
    /// Closes the doors, lets work under way finish and closes the store.
    pub async fn stop(mut self) {
        self.relay.stopping.cancel();
        let finish = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, finish).await.is_err() {
            tracing::warn!("some work did not end in time");
        }
        processes::depart(&self.relay).await;
        self.relay.close().await;
    }

    /// Waits until a door closes by itself, which only a failure makes it do.
    pub async fn failed(&mut self) -> Option<Result<(), JoinError>> {
        self.tasks.join_next().await
    }
}

/// Keeps a second relay off the embedded database: each would take the other's work for left over.
fn alone(relay: &Relay) -> Result<Option<File>, ServeError> {
    if relay.store.engine() != Engine::Sqlite {
        return Ok(None);
    }
    let folder = &relay.config.data;
    let lock = File::create(folder.join("lock")).map_err(ServeError::Lock)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Err(ServeError::InUse(folder.clone())),
        Err(TryLockError::Error(error)) => Err(ServeError::Lock(error)),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

async fn sweep(relay: Arc<Relay>) {
    loop {
        if let Err(error) = relay.blobs.sweep(&relay.store).await {
            tracing::error!(%error, "sweeping failed");
        }
        tokio::select! {
            () = relay.stopping.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}
