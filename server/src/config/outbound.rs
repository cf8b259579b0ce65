use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// How mail leaves: the table `[outbound]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// Whether answers are validated by DNSSEC, without which there is no DANE.
    pub dnssec: bool,
    /// A file of DNSKEY records that vouch for the root; those of the public root when absent.
    pub dnssec_anchor: Option<PathBuf>,
    /// The port of mail exchangers.
    pub exchanger_port: u16,
    /// Whether MTA-STS policies are asked for (RFC 8461).
    pub mta_sts: bool,
    /// The port where they are published.
    pub mta_sts_port: u16,
    /// PEM files of authorities that vouch for mail and policy servers, beside the public ones.
    pub tls_anchors: Vec<PathBuf>,
    /// By destination: how its servers are to be spoken to, whatever they publish.
    pub tls: BTreeMap<String, Level>,
    /// The keys that sign mail; of each kind the newest signs.
    pub dkim: Vec<DkimKey>,
    /// How many minutes to wait after each failed attempt; the last is that of all later ones.
    pub retry_minutes: Vec<u32>,
    /// After how many hours a message that could not be sent is returned.
    pub give_up_hours: u32,
    /// After how many hours its sender hears that a message still waits.
    pub tell_delay_hours: u32,
    /// From how many recipients on a message goes behind those for few.
    pub bulk_recipients: usize,
    /// How the smarthost is spoken to; see [`Outbound::smarthost_level`] when absent.
    pub smarthost_tls: Option<Level>,
    /// Whether the smarthost's port speaks TLS from the first octet on (RFC 8314 3.3).
    pub smarthost_implicit_tls: bool,
    /// The name under which the relay signs in at the smarthost.
    pub smarthost_user: Option<String>,
    /// The file whose first line is its password there.
    pub smarthost_password_file: Option<PathBuf>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            dnssec: true,
            dnssec_anchor: None,
            exchanger_port: 25,
            mta_sts: true,
            mta_sts_port: 443,
            tls_anchors: Vec::new(),
            tls: BTreeMap::new(),
            dkim: Vec::new(),
            retry_minutes: vec![1, 5, 15, 30, 60, 120, 240],
            // RFC 5321 4.5.4.1: the give-up time is at least four to five days.
            give_up_hours: 5 * 24,
            tell_delay_hours: 4,
            bulk_recipients: 20,
            smarthost_tls: None,
            smarthost_implicit_tls: false,
            smarthost_user: None,
            smarthost_password_file: None,
        }
    }
}

impl Outbound {
    /// How much TLS the smarthost must speak: where the relay signs in, it proves its name first.
    pub fn smarthost_level(&self) -> Level {
        let signs_in = self.smarthost_user.is_some();
        self.smarthost_tls.unwrap_or(if signs_in { Level::Verify } else { Level::May })
    }
}

/// How much TLS a destination must speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// None, even where it is offered: for servers whose TLS is broken.
    None,
    /// Where it is offered; the certificate is not judged.
    May,
    /// Always; the certificate is not judged.
    Encrypt,
    /// Always, with a certificate for the server's name from an authority that is trusted.
    Verify,
}

/// A key that signs what leaves (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DkimKey {
    /// Its name in DNS, before `._domainkey`.
    pub selector: String,
    /// The file with the private key, RSA or Ed25519, as PEM of PKCS#8.
    pub key: PathBuf,
    /// From when on it signs in the place of an older one of its kind.
    pub from: Option<String>,
}
