//! The configuration: one TOML file, every key optional.

mod ancestor;
mod checks;
mod database;
mod error;
mod fault;
mod inbound;
mod outbound;
mod s3;
mod smarthost;
mod socket;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;
use smime::Certificate;

pub use ancestor::{Ancestor, AncestorError};
pub use database::{Database, DatabaseError};
pub use error::ConfigError;
pub use fault::Fault;
pub use inbound::{Inbound, ScannerFailure, SenderChecks};
pub use outbound::{DkimKey, Level, Outbound};
pub use s3::S3;
pub use smarthost::{Smarthost, SmarthostError};
pub use socket::{Socket, SocketError};

/// The fewest days for which logs are kept in files: the law of some countries wants half a year.
pub const LOG_DAYS: u16 = 180;

/// What the operator decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Where SMTP is served.
    pub smtp_listen: SocketAddr,
    /// Name servers to ask; those of the system when empty.
    pub dns_servers: Vec<SocketAddr>,
    /// Where HTTPS is served, beside `listen`.
    pub tls_listen: Option<SocketAddr>,
    /// Where SMTP with TLS from the start is served.
    pub smtp_tls_listen: Option<SocketAddr>,
    /// Whether SMTP takes mail in TLS only.
    pub smtp_require_tls: bool,
    /// Where LMTP is served, for mail servers that deliver here.
    pub lmtp_listen: Option<Socket>,
    /// Networks of proxies that say by the PROXY protocol where a connection for mail really comes from.
    pub proxy_networks: Vec<IpNet>,
    /// Networks of proxies whose X-Forwarded-For tells where an HTTP request really comes from.
    pub forwarded_networks: Vec<IpNet>,
    /// How mail from elsewhere is looked at.
    pub inbound: Inbound,
    /// The PEM file of the certificate for TLS, with the chain after it.
    pub tls_certificate: Option<PathBuf>,
    /// The PEM file of its key.
    pub tls_key: Option<PathBuf>,
    /// The folder of everything that is kept.
    pub data: PathBuf,
    /// The database that several processes share; embedded in `data` when absent.
    pub database: Option<Database>,
    /// Where large blobs lie; in `data` when absent.
    pub s3: Option<S3>,
    /// The domain of the addresses.
    pub domain: String,
    /// The name of this host in SMTP; the domain when absent.
    pub host: Option<String>,
    /// The folder of the built front-end.
    pub web_root: PathBuf,
    /// How browsers reach the relay; `http://localhost` and the port when absent.
    pub public_url: Option<String>,
    /// Where all outgoing mail goes; by MX when absent.
    pub smarthost: Option<Smarthost>,
    /// How mail leaves.
    pub outbound: Outbound,
    /// Whether mail exchangers of other domains may have addresses of a private net.
    pub private_exchangers: bool,
    /// PEM files of certificates that vouch for correspondents elsewhere.
    pub trust_anchors: Vec<PathBuf>,
    /// Whether push services may have addresses of a private net.
    pub private_push: bool,
    /// PEM files of authorities that vouch for push services, beside the public ones.
    pub push_anchors: Vec<PathBuf>,
    /// Origins that may show the mailbox in a frame.
    pub frame_ancestors: Vec<Ancestor>,
    /// The greatest message in octets.
    pub max_message_size: usize,
    /// How much mail one account may keep, in octets; any amount when absent.
    pub quota: Option<NonZeroU64>,
    /// Whether to make the demo people; only on loopback.
    pub demo: bool,
    /// What to log, as in `RUST_LOG`.
    pub log: String,
    /// The folder of the logs, one file a day; standard error when absent.
    pub log_folder: Option<PathBuf>,
    /// For how many days logs are kept.
    pub log_days: u16,
    /// Where figures for Prometheus are served; nowhere when absent.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether that may be another address than loopback: it asks for no password.
    pub metrics_public: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            smtp_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 2525)),
            dns_servers: Vec::new(),
            tls_listen: None,
            smtp_tls_listen: None,
            smtp_require_tls: false,
            lmtp_listen: None,
            proxy_networks: Vec::new(),
            forwarded_networks: Vec::new(),
            inbound: Inbound::default(),
            tls_certificate: None,
            tls_key: None,
            data: PathBuf::from("data"),
            database: None,
            s3: None,
            domain: "sealpost.example".into(),
            host: None,
            web_root: PathBuf::from("dist"),
            public_url: None,
            smarthost: None,
            outbound: Outbound::default(),
            private_exchangers: false,
            trust_anchors: Vec::new(),
            private_push: false,
            push_anchors: Vec::new(),
            frame_ancestors: Vec::new(),
            max_message_size: 64 * 1024 * 1024,
            quota: None,
            demo: false,
            log: "info".into(),
            log_folder: None,
            log_days: LOG_DAYS,
            metrics_listen: None,
            metrics_public: false,
        }
    }
}

impl Config {
    /// Reads a file; relative paths in it are relative to the current folder.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self::read_with_keys(path)?.0)
    }

    /// Reads and checks a file, and gives its keys as they stand there.
    pub fn read_with_keys(path: &Path) -> Result<(Self, toml::Table), ConfigError> {
        let text = read(path)?;
        let malformed = |error: toml::de::Error| {
            let fault = Fault::new(&error, &text);
            ConfigError::Malformed { path: path.to_owned(), fault }
        };
        let config: Self = toml::from_str(&text).map_err(malformed)?;
        Ok((config.checked()?, text.parse().map_err(malformed)?))
    }

    /// How browsers reach the relay, without a slash at the end.
    pub fn url(&self) -> String {
        let default = || format!("http://localhost:{}", self.listen.port());
        self.public_url.as_deref().map_or_else(default, |url| url.trim_end_matches('/').to_owned())
    }

    /// Whether browsers come over TLS, or over loopback where that is not needed.
    pub fn secure_cookies(&self) -> bool {
        self.url().starts_with("https://") || !self.listen.ip().is_loopback()
    }

    /// The name of this host in SMTP.
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or(&self.domain)
    }

    /// The certificates of [`Config::trust_anchors`].
    pub fn read_anchors(&self) -> Result<Vec<Certificate>, ConfigError> {
        Self::certificates(&self.trust_anchors)
    }

    /// The certificates of [`Config::push_anchors`].
    pub fn read_push_anchors(&self) -> Result<Vec<Certificate>, ConfigError> {
        Self::certificates(&self.push_anchors)
    }

    /// The certificates of [`Outbound::tls_anchors`].
    pub fn read_tls_anchors(&self) -> Result<Vec<Certificate>, ConfigError> {
        Self::certificates(&self.outbound.tls_anchors)
    }

    fn certificates(paths: &[PathBuf]) -> Result<Vec<Certificate>, ConfigError> {
        let mut anchors = Vec::new();
        for path in paths {
            let found = Certificate::all_from_pem(&read(path)?)
                .map_err(|source| ConfigError::Anchor { path: path.clone(), source })?;
            anchors.extend(found);
        }
        Ok(anchors)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_a_configuration() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        assert!(toml::from_str::<Config>("smart_host = 'mx:25'").is_err());
    }

    #[test]
    fn the_readme_tells_of_every_key_and_its_example_is_read() {
        let readme = include_str!("../README.md");
        let unknown = toml::from_str::<Config>("no_such_key = 1").unwrap_err().to_string();
        let keys: Vec<_> = unknown.split('`').skip(3).step_by(2).collect();
        assert!(keys.contains(&"listen") && keys.contains(&"log"), "{unknown}");
        for key in keys {
            assert!(readme.contains(&format!("\n| `{key}` | ")), "{key}");
        }
        let indented = readme.lines().filter_map(|line| line.strip_prefix("    "));
        let is_toml = |line: &&str| line.contains(" = ") || line.starts_with('[');
        let example: Vec<_> = indented.filter(is_toml).collect();
        assert!(example.len() > 5);
        toml::from_str::<Config>(&example.join("\n")).unwrap().checked().unwrap();
    }

    #[test]
    fn a_value_that_cannot_be_used_is_told_in_a_sentence() {
        for (text, sentence) in [
            ("smarthost = 'mx:abc'", "the port of the smarthost is no number from 1 to 65535"),
            ("smarthost = '2001:db8::1'", "an IPv6 address stands in brackets"),
            (
                "frame_ancestors = ['https://a.example; script-src *']",
                "an entry of frame_ancestors is one origin",
            ),
        ] {
            let refused = toml::from_str::<Config>(text).unwrap_err().to_string();
            assert!(refused.contains(sentence) && refused.contains(text), "{refused}");
        }
    }
}
