use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Fault, LOG_DAYS};

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not TOML, has a key that does not exist, or a value that cannot be used.
    #[error("{}, {fault}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        fault: Fault,
    },
    /// A trust anchor is not a PEM certificate.
    #[error("{} holds no certificate: {source}", path.display())]
    Anchor {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: smime::CertificateError,
    },
    /// The demo people have a published password.
    #[error("demo = true is only for a loopback address, not {0}")]
    PublicDemo(SocketAddr),
    /// The figures ask for no password.
    #[error(
        "metrics_listen = {0} is no loopback address, and metrics_public = true does not say that it may be"
    )]
    PublicMetrics(SocketAddr),
    /// A certificate without its key, or the other way round.
    #[error("tls_certificate and tls_key belong together")]
    HalfTls,
    /// TLS without a certificate.
    #[error("{0} needs tls_certificate and tls_key")]
    NoTls(&'static str),
    /// HTTPS, and links and cookies that are none of it.
    #[error("tls_listen needs a public_url with https://")]
    NotHttps,
    /// Logs in files would be gone too soon.
    #[error("log_days = {0} is less than {LOG_DAYS}")]
    Retention(u16),
    /// What to log is not written as in `RUST_LOG`.
    #[error("log = {log:?} is no filter: {source}")]
    Log {
        /// What is written.
        log: String,
        /// Why it is none.
        source: tracing_subscriber::filter::ParseError,
    },
    /// A word that `RUST_LOG` takes for a target stands where a level is meant.
    #[error(
        "log = {log:?} is no filter: {word:?} is no level; a target has its level, as in \"sealpost=debug\""
    )]
    Level {
        /// What is written.
        log: String,
        /// The word.
        word: String,
    },
}
