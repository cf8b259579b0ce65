//! DKIM signatures (RFC 6376, RFC 8463) of what leaves in the name of this domain.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{Canonicalization, DkimSigner, Done};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::clock::{Millis, now, parse_date};
use crate::config::{Config, ConfigError};
use crate::outer;

/// What is signed of a header. From twice: one more of it would break the signature (RFC 6376 8.15).
const SIGNED: [&str; 13] = [
    "From",
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// The keys that sign.
#[derive(Debug, Default)]
pub struct Dkim {
    domain: String,
    keys: Vec<Key>,
}

struct Key {
    selector: String,
    from: Millis,
    signer: Signer,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.selector)
    }
}

enum Signer {
    Rsa(Box<DkimSigner<RsaKey<Sha256>, Done>>),
    Ed25519(Box<DkimSigner<Ed25519Key, Done>>),
}

/// Why a key cannot sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DkimError {
    /// The file cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It is no key that DKIM knows.
    #[error("{} holds no RSA or Ed25519 private key as PEM of PKCS#8", .0.display())]
    Key(PathBuf),
    /// The date from which it signs is none.
    #[error("{0:?} is no date as in \"2026-12-01T00:00:00Z\"")]
    From(String),
    /// The selector cannot stand in DNS.
    #[error("{0:?} is no selector")]
    Selector(String),
}

impl Dkim {
    /// Reads the keys that the configuration names.
    pub fn open(config: &Config) -> Result<Self, DkimError> {
        let mut keys = Vec::new();
        for named in &config.outbound.dkim {
            let selector = named.selector.clone();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            if selector.is_empty() || !selector.bytes().all(plain) {
                return Err(DkimError::Selector(selector));
            }
            let date = |text: &String| parse_date(text).ok_or_else(|| DkimError::From(text.clone()));
            let from = named.from.as_ref().map(date).transpose()?.unwrap_or_default();
            let unreadable = |source| ConfigError::Unreadable { path: named.key.clone(), source };
            let pem = zeroize::Zeroizing::new(std::fs::read(&named.key).map_err(unreadable)?);
            let signer = signer(&config.domain, &selector, &pem);
            keys.push(Key {
                selector,
                from,
                signer: signer.ok_or_else(|| DkimError::Key(named.key.clone()))?,
            });
        }
        Ok(Self { domain: config.domain.clone(), keys })
    }

    /// The fields that go before the message: a signature of each kind of key, where its only author is of this domain.
    pub fn signatures(&self, message: &[u8]) -> Vec<u8> {
        let own = |author: String| {
            author.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(&self.domain))
        };
        if self.keys.is_empty() || !outer::sole_author(message).is_some_and(own) {
            return Vec::new();
        }
        let mut fields = Vec::new();
        for key in self.current(now()) {
            let signature = match &key.signer {
                Signer::Rsa(signer) => signer.sign(message),
                Signer::Ed25519(signer) => signer.sign(message),
            };
            match signature {
                Ok(signature) => fields.extend_from_slice(signature.to_header().as_bytes()),
                Err(error) => {
                    tracing::error!(%error, selector = key.selector, "a message could not be signed")
                }
            }
        }
        fields
    }

    /// Of each kind the key that signs now: the one that began last.
    fn current(&self, at: Millis) -> impl Iterator<Item = &Key> {
        let newest = move |is_rsa: bool| {
            let alike = self.keys.iter().filter(move |key| matches!(key.signer, Signer::Rsa(_)) == is_rsa);
            alike.filter(move |key| key.from <= at).max_by_key(|key| key.from)
        };
        [newest(true), newest(false)].into_iter().flatten()
    }

    /// What DNS must say: a name and the text of its TXT record, for each key.
    pub fn records(&self) -> Vec<(String, String)> {
        let record = |key: &Key| {
            let (kind, public) = match &key.signer {
                Signer::Rsa(signer) => ("rsa", spki(&signer.key.public_key())),
                Signer::Ed25519(signer) => ("ed25519", signer.key.public_key()),
            };
            let name = format!("{}._domainkey.{}", key.selector, self.domain);
            (name, format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(public)))
        };
        self.keys.iter().map(record).collect()
    }
}

fn signer(domain: &str, selector: &str, pem: &[u8]) -> Option<Signer> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
    if let Ok(key) = Ed25519Key::from_pkcs8_maybe_unchecked_der(key.secret_pkcs8_der()) {
        return Some(Signer::Ed25519(Box::new(ready(key, domain, selector))));
    }
    let key = RsaKey::<Sha256>::from_key_der(PrivateKeyDer::Pkcs8(key)).ok()?;
    Some(Signer::Rsa(Box::new(ready(key, domain, selector))))
}

fn ready<K: SigningKey>(key: K, domain: &str, selector: &str) -> DkimSigner<K, Done> {
    DkimSigner::from_key(key)
        .domain(domain)
        .selector(selector)
        .headers(SIGNED)
        .header_canonicalization(Canonicalization::Relaxed)
        .body_canonicalization(Canonicalization::Relaxed)
}

/// An RSA key as verifiers expect it: PKCS#1 within SubjectPublicKeyInfo (RFC 6376 3.6.1 with erratum 3017).
fn spki(pkcs1: &[u8]) -> Vec<u8> {
    // rsaEncryption with NULL (RFC 8017 A.1).
    const ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    let bits = tagged(0x03, &[&[0], pkcs1].concat());
    tagged(0x30, &[&ALGORITHM, bits.as_slice()].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![tag];
    if content.len() >= 0x80 {
        der.push(0x80 | u8::try_from(significant.len()).unwrap_or_default());
    }
    der.extend(significant);
    der.extend_from_slice(content);
    der
}
