//! The certificate that this relay shows on its doors, read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, ServerConfig};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM of its kind.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: PemError,
    },
    /// The chain and the key do not belong together, or the key is of an unknown kind.
    #[error("{} and its key cannot be used: {source}", path.display())]
    Unusable {
        /// The file of the chain.
        path: PathBuf,
        /// Why not.
        source: Error,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(Error),
}

/// A chain and its key in PEM files, as they are now.
#[derive(Debug)]
pub struct Tls {
    chain: PathBuf,
    key: PathBuf,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

/// What clients are shown.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads a chain, its own certificate first, and the key of that.
    pub fn open(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let shown = Arc::new(Shown(RwLock::new(Arc::new(read(chain, key)?))));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), shown, config: Arc::new(config) })
    }

    /// What a connection is made TLS with; it shows the certificate of that moment.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// The same for HTTP, whose version is agreed on by its name (RFC 7301).
    pub fn https(&self) -> TlsAcceptor {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Reads the files again; what was shown before stays when they cannot be used.
    pub fn reload(&self) -> Result<(), TlsError> {
        let read = Arc::new(read(&self.chain, &self.key)?);
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// Reads the files again when they change, and on SIGHUP, until the relay stops.
    pub async fn keep_fresh(&self, stopping: CancellationToken) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return stopping.cancelled().await };
        let mut seen = self.stamp();
        loop {
            let told = tokio::select! {
                () = stopping.cancelled() => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = self.stamp();
            if !told && now == seen {
                continue;
            }
            seen = now;
            match self.reload() {
                Ok(()) => tracing::info!("the TLS certificate was read again"),
                // Between the writing of one file and the other they do not fit; the next change is looked at.
                Err(error) => tracing::error!(%error, "the TLS certificate stays the one from before"),
            }
        }
    }

    fn stamp(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.chain, &self.key].map(|path| {
            let data = std::fs::metadata(path).ok()?;
            Some((data.modified().ok()?, data.len()))
        })
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Unreadable { path, source }
    };
    let certificates = CertificateDer::pem_file_iter(chain).map_err(unreadable(chain))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(unreadable(chain))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    CertifiedKey::from_der(certificates, private, &ring::default_provider())
        .map_err(|source| TlsError::Unusable { path: chain.to_owned(), source })
}
