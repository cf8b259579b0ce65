//! Starting the doors, and stopping them without losing anything.

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::clock::now;
use crate::config::{Config, Socket};
use crate::people::AddError;
use crate::relay::{Relay, StartError};
use crate::smtp::{Door, Gate, Listener, Protocol};
use crate::store::{self, Engine, StoreError, fanout};
use crate::tls::{Tls, TlsError};
use crate::{demo, http, logging, outbound, processes, smtp};

/// How long open work may take once the relay stops.
const GRACE: Duration = Duration::from_secs(20);
/// How often what nobody needs any more is swept.
const SWEEP: Duration = Duration::from_secs(60 * 60);
/// After how long it is tried again to erase what somebody still read.
const ERASE_AGAIN: Duration = Duration::from_secs(60);

/// Why the relay does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Something in the data folder cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An address cannot be listened on.
    #[error("cannot listen on {socket}: {source}")]
    Listen {
        /// Which one.
        socket: Socket,
        /// Why not.
        source: io::Error,
    },
    /// The certificate for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
    /// Where HTTPS is served.
    pub https: Option<SocketAddr>,
    /// Where figures are served.
    pub metrics: Option<SocketAddr>,
    /// Where SMTP is served.
    pub smtp: SocketAddr,
    /// Where SMTP with TLS from the start is served.
    pub smtp_tls: Option<SocketAddr>,
    /// Where LMTP is served, when that is an address.
    pub lmtp: Option<SocketAddr>,
    tasks: JoinSet<()>,
    _alone: Option<File>,
}

/// Opens the relay and its doors.
pub async fn start(mut config: Config) -> Result<Running, ServeError> {
    raise_descriptors();
    let tls = match (&config.tls_certificate, &config.tls_key) {
        (Some(chain), Some(key)) => Some(Arc::new(Tls::open(chain, key)?)),
        _ => None,
    };
    let http_listener = listen(config.listen).await?;
    let [https_listener, metrics_listener] =
        [listen_any(config.tls_listen).await?, listen_any(config.metrics_listen).await?];
    let [https, metrics] =
        [&https_listener, &metrics_listener].map(|listener| listener.as_ref()?.local_addr().ok());
    let doors = Doors::open(&config).await?;
    // Port 0 asks for any; from here on the real one counts.
    config.listen = http_listener.local_addr().unwrap_or(config.listen);
    config.smtp_listen = doors.smtp.address().unwrap_or(config.smtp_listen);
    let (http, smtp) = (config.listen, config.smtp_listen);
    let [smtp_tls, lmtp] = [&doors.smtp_tls, &doors.lmtp].map(|door| door.as_ref()?.address());
    let relay = Relay::open(config).await?;
    if relay.config.demo {
        demo::add_people(&relay).await?;
    }
    let alone = alone(&relay)?;
    processes::arrive(&relay).await?;
    let mut tasks = JoinSet::new();
    let secured = https_listener.zip(tls.as_ref());
    serve_http(&mut tasks, &relay, http_listener, secured, metrics_listener);
    if let Some(tls) = tls.clone() {
        let stopping = relay.stopping.clone();
        tasks.spawn(async move { tls.keep_fresh(stopping).await });
    }
    doors.serve(&mut tasks, &Gate::new(Arc::clone(&relay), tls));
    work(&mut tasks, &relay);
    Ok(Running { relay, http, https, metrics, smtp, smtp_tls, lmtp, tasks, _alone: alone })
}

/// The doors for browsers and programs, and for those who look at figures.
fn serve_http(
    tasks: &mut JoinSet<()>,
    relay: &Arc<Relay>,
    plain: TcpListener,
    secured: Option<(TcpListener, &Arc<Tls>)>,
    metrics: Option<TcpListener>,
) {
    let router = http::router(Arc::clone(relay));
    let secured = secured.map(|(door, tls)| (door, Some(http::Secure::new(tls.https(), Arc::clone(relay)))));
    for (listener, secure) in [Some((plain, None)), secured].into_iter().flatten() {
        let (router, stopping) = (router.clone(), relay.stopping.clone());
        tasks.spawn(async move {
            if let Err(error) = http::serve(listener, secure, router, stopping).await {
                tracing::error!(%error, "HTTP ended");
            }
        });
    }
    if let Some(listener) = metrics {
        let relay = Arc::clone(relay);
        tasks.spawn(async move {
            if let Err(error) = http::serve_metrics(listener, relay).await {
                tracing::error!(%error, "figures are served no longer");
            }
        });
    }
}

/// What goes on by itself.
fn work(tasks: &mut JoinSet<()>, relay: &Arc<Relay>) {
    tasks.spawn(outbound::run(Arc::clone(relay)));
    tasks.spawn(outbound::run_held(Arc::clone(relay)));
    tasks.spawn(crate::webpush::run(Arc::clone(relay)));
    tasks.spawn(sweep(Arc::clone(relay)));
    match relay.config.database.clone() {
        Some(database) => {
            let (process, hub) = (relay.process.clone(), Arc::clone(&relay.hub));
            tasks.spawn(fanout::hear(database, process, hub, relay.stopping.clone()));
        }
        None => {
            tasks.spawn(processes::look_for_commands(Arc::clone(relay)));
        }
    }
    tasks.spawn(processes::keep_alive(Arc::clone(relay)));
}

/// The doors for mail.
struct Doors {
    smtp: Listener,
    smtp_tls: Option<Listener>,
    lmtp: Option<Listener>,
}

impl Doors {
    async fn open(config: &Config) -> Result<Self, ServeError> {
        let bind = async |socket: Socket| {
            Listener::bind(&socket).await.map_err(|source| ServeError::Listen { socket, source })
        };
        let smtp = bind(Socket::Tcp(config.smtp_listen)).await?;
        let smtp_tls = match config.smtp_tls_listen {
            Some(address) => Some(bind(Socket::Tcp(address)).await?),
            None => None,
        };
        let lmtp = match &config.lmtp_listen {
            Some(socket) => Some(bind(socket.clone()).await?),
            None => None,
        };
        Ok(Self { smtp, smtp_tls, lmtp })
    }

    fn serve(self, tasks: &mut JoinSet<()>, gate: &Arc<Gate>) {
        let doors = [
            (Some(self.smtp), Protocol::Smtp, false),
            (self.smtp_tls, Protocol::Smtp, true),
            (self.lmtp, Protocol::Lmtp, false),
        ];
        for (listener, protocol, implicit_tls) in doors {
            let Some(listener) = listener else { continue };
            tasks.spawn(smtp::serve(listener, Door { protocol, implicit_tls }, Arc::clone(gate)));
        }
    }
}

/// Every push stream is an open file, and the usual limit of a thousand is meant for programs that
/// wait for files one by one. Where it cannot be raised, connections beyond it wait to be accepted.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_err() {
        tracing::warn!("the limit of open files stays as it is");
    }
}

/// Has the kernel never write this process's memory to a file: letters pass through it in clear, and keys lie in it.
pub fn forbid_core_dumps() -> std::io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

impl Running {
    /// Closes the doors, lets work under way finish and closes the store.
    pub async fn stop(mut self) {
        self.relay.stopping.cancel();
        let finish = async {
            while self.tasks.join_next().await.is_some() {}
            self.relay.finish().await;
        };
        if timeout(GRACE, finish).await.is_err() {
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
    let socket = Socket::Tcp(address);
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { socket, source })
}

async fn listen_any(address: Option<SocketAddr>) -> Result<Option<TcpListener>, ServeError> {
    match address {
        Some(address) => Ok(Some(listen(address).await?)),
        None => Ok(None),
    }
}

async fn sweep(relay: Arc<Relay>) {
    loop {
        if let Err(error) = relay.blobs.sweep(&relay.store).await {
            tracing::error!(%error, "sweeping failed");
        }
        let expired = relay.store.write(|tx| Box::pin(store::sweep_sessions(tx, now())));
        if let Err(error) = expired.await.map_err(|error: StoreError| error) {
            tracing::error!(%error, "expired sessions could not be forgotten");
        }
        let ended = relay.store.write(|tx| Box::pin(store::sweep_subscriptions(tx, now())));
        if let Err(error) = ended.await.map_err(|error: StoreError| error) {
            tracing::error!(%error, "ended push subscriptions could not be forgotten");
        }
        let known = relay.store.write(|tx| Box::pin(store::sweep_marks(tx, now())));
        if let Err(error) = known.await.map_err(|error: StoreError| error) {
            tracing::error!(%error, "senders that stayed away could not be forgotten");
        }
        let failed = relay.store.write(|tx| Box::pin(store::sweep_destinations(tx, now())));
        if let Err(error) = failed.await.map_err(|error: StoreError| error) {
            tracing::error!(%error, "destinations that failed long ago could not be forgotten");
        }
        if let Err(error) = store::forget_destroyed(&relay.store, store::TOLD, &relay.stopping).await {
            tracing::error!(%error, "what was destroyed long ago could not be forgotten");
        }
        if let Some(folder) = &relay.config.log_folder {
            let today = time::OffsetDateTime::now_utc().date();
            if let Err(error) = logging::prune(folder, relay.config.log_days, today) {
                tracing::error!(%error, "old logs could not be removed");
            }
        }
        tokio::select! {
            () = relay.stopping.cancelled() => return,
            _ = async { tokio::join!(timeout(SWEEP, erase(&relay)), sleep(SWEEP)) } => {}
        }
    }
}

/// Removes what was deleted from the log of writes too, as soon as nobody reads what was before.
async fn erase(relay: &Relay) {
    loop {
        match relay.store.checkpoint().await {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!("the log of the database keeps what was deleted: somebody reads for long")
            }
            Err(error) => tracing::error!(%error, "what was deleted could not be erased"),
        }
        sleep(ERASE_AGAIN).await;
    }
}
