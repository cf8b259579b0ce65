//! The parts of a running relay, and how they start and stop.

use std::fs;
use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use smime::Certificate;
use tokio::sync::{Mutex, Notify};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::address;
use crate::allowance::{self, Allowance};
use crate::authority::{Authority, OpenAuthorityError};
use crate::blobs::{self, BlobError, Blobs};
use crate::clear::UnderWay;
use crate::clock::unix_time;
use crate::config::{Config, ConfigError};
use crate::jmap::Limits;
use crate::metrics::Metrics;
use crate::outbound::{Sender, SenderError};
use crate::parts::ReadBudget;
use crate::push::Hub;
use crate::random;
use crate::session::SignIn;
use crate::smtp::Greylist;
use crate::store::{OpenError, Store, fanout};
use crate::webpush::Pusher;

/// Everything that the doors of the relay share.
#[derive(Debug)]
pub struct Relay {
    /// What the operator decided.
    pub config: Config,
    /// The name of this process among those that share the store.
    pub process: String,
    /// What is remembered.
    pub store: Store,
    /// Bytes.
    pub blobs: Blobs,
    /// Reads blobs whole, and takes them apart.
    pub reading: ReadBudget,
    /// Certificates and timestamps.
    pub authority: Authority,
    /// Certificates of other authorities that vouch for correspondents.
    pub anchors: RwLock<Vec<Certificate>>,
    /// Pushes changes to those who do not listen now.
    pub pusher: Pusher,
    /// Who listens for changes.
    pub hub: Arc<Hub>,
    /// Passwords and their rate limit.
    pub sign_in: SignIn,
    /// How many recipients each account sent to of late.
    pub sending: Arc<Allowance>,
    /// How many vacation responses were sent for each account of late.
    pub answering: Arc<Allowance>,
    /// The letters in clear that are on their way.
    pub clearing: UnderWay,
    /// How many push subscriptions each account made of late.
    pub subscribing: Allowance,
    /// How many octets each account uploaded of late.
    pub uploading: Arc<Allowance>,
    /// Puts strangers off, where the operator wants that.
    pub greylist: Option<Greylist>,
    /// Figures of what it does.
    pub metrics: Metrics,
    /// How mail leaves.
    pub sender: Sender,
    /// What a request may ask for.
    pub limits: Limits,
    /// Wakes the queue when something was put into it.
    pub queue_bell: Notify,
    /// Wakes whoever sends what was held when something is held.
    pub held_bell: Notify,
    /// Ends streams and loops.
    pub stopping: CancellationToken,
    begun: TaskTracker,
    telling: Mutex<JoinSet<()>>,
    told: CancellationToken,
}

/// Why the relay cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data folder cannot be made.
    #[error("cannot use the data folder: {0}")]
    Folder(#[from] io::Error),
    /// The configuration names something that is not there.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Mail cannot be sent as the configuration says.
    #[error(transparent)]
    Sender(#[from] SenderError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The blob folder cannot be opened.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The authorities cannot be opened.
    #[error(transparent)]
    Authority(#[from] OpenAuthorityError),
}

impl Relay {
    /// Opens everything in the data folder; makes what is not there.
    pub async fn open(config: Config) -> Result<Arc<Self>, StartError> {
        let authority_folder = config.data.join("authority");
        for folder in [&config.data, &authority_folder, &blobs::folder(&config.data)] {
            private_folder(folder)?;
        }
        let hub = Arc::new(Hub::default());
        let authority = Authority::open(&authority_folder, &config.domain, unix_time())?;
        let push_anchors = config.read_push_anchors()?.iter().map(|anchor| anchor.der().to_vec()).collect();
        let greylisting = config.inbound.greylisting;
        let greylist = greylisting.then(|| Greylist::open(&authority, &config.inbound)).transpose()?;
        let pusher = Pusher::new(authority.push_key()?, push_anchors);
        let limits = Limits::for_messages_of(config.max_message_size);
        let relay = Self {
            process: random::id('p'),
            store: Store::open(&config.data, config.database.as_ref(), Arc::clone(&hub)).await?,
            blobs: Blobs::open(&config)?,
            anchors: RwLock::new(config.read_anchors()?),
            authority,
            pusher,
            hub,
            sign_in: SignIn::default(),
            sending: Arc::new(Allowance::new(allowance::RECIPIENTS)),
            answering: Arc::new(Allowance::new(allowance::ANSWERS)),
            clearing: UnderWay::default(),
            subscribing: Allowance::new(allowance::SUBSCRIPTIONS),
            uploading: Arc::new(Allowance::new(limits.uploaded_an_hour())),
            greylist,
            metrics: Metrics::default(),
            sender: Sender::open(&config)?,
            reading: ReadBudget::new(limits.largest()),
            limits,
            queue_bell: Notify::new(),
            held_bell: Notify::new(),
            stopping: CancellationToken::new(),
            begun: TaskTracker::new(),
            telling: Mutex::default(),
            told: CancellationToken::new(),
            config,
        };
        relay.set_quota(relay.config.quota);
        if let Some(database) = relay.config.database.clone() {
            let (process, hub) = (relay.process.clone(), Arc::clone(&relay.hub));
            let tell = fanout::tell(database, process, hub, relay.told.clone());
            relay.telling.lock().await.spawn(tell);
        }
        Ok(Arc::new(relay))
    }

    /// How much mail each account may keep from now on.
    pub fn set_quota(&self, quota: Option<NonZeroU64>) {
        self.store.quota().set(quota.map(|quota| i64::try_from(quota.get()).unwrap_or(i64::MAX)));
    }

    /// Certificates that vouch for correspondents: this relay's own and the configured ones.
    pub fn trust_anchors(&self) -> Vec<Certificate> {
        let mut anchors = self.authority.trust_anchors();
        anchors.extend(self.anchors.read().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        anchors
    }

    /// Whether an address belongs to this relay's domain.
    pub fn is_local(&self, address: &str) -> bool {
        address.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(&self.config.domain))
    }

    /// The one form of an address: here all in lower case, elsewhere the domain, for what stands before it is read as
    /// its own servers like (RFC 5321 2.4).
    pub fn canonical(&self, address: &str) -> String {
        // The domain first: a sign like U+212A is one of ASCII only once it is in lower case.
        let address = address::canonical(address);
        if self.is_local(&address) { address.to_lowercase() } else { address }
    }

    /// Has work done to its end, also when whoever asked for it goes away.
    pub fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.begun.spawn(work.in_current_span())
    }

    /// Waits for all that is to be done to its end.
    pub async fn finish(&self) {
        self.begun.close();
        self.begun.wait().await;
    }

    /// Ends the streams, finishes the waiting writes and closes the store.
    pub async fn close(&self) {
        self.stopping.cancel();
        self.store.close().await;
        // The last writes are done: other processes are to hear of them.
        self.told.cancel();
        self.telling.lock().await.join_next().await;
    }
}

/// Makes a folder that only the relay's user enters.
pub fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // It may have been there, made by a hand with another umask.
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}
