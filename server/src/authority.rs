//! The built-in certificate authority and timestamp authority.
//!
//! A root vouches for the issuing authority of people's certificates and for the timestamp
//! authority. All are made on the first start; the keys are files that only the relay's user reads.

mod files;
mod lists;
mod revoked;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hkdf::Hkdf;
use p256::pkcs8::DecodePrivateKey;
use sha2::Sha256;
use smime::issue::{IssueError, Issuer, Profile, Usage, issue, revocation_list, self_signed_root};
use smime::path::{Purpose, Query, validate};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::timestamp::TimestampAuthority;
use smime::{Certificate, KeyId, KeyringError, Signer, UnixTime, block_on_ready};
use zeroize::Zeroizing;

use crate::random;
use lists::{Lists, Stamp};

const DAY: u64 = 24 * 60 * 60;
/// The life of the root and of the authorities under it.
const AUTHORITY_LIFE: u64 = 20 * 365 * DAY;
/// The life of a person's certificate.
const PERSON_LIFE: u64 = 3 * 365 * DAY;
/// How long a revocation list may be believed: what keeps new ones away can hide a revocation for as long.
const LIST_LIFE: u64 = 3 * DAY;
/// Clocks of correspondents may be this much behind.
const SKEW: u64 = 60 * 60;

/// Why the authorities cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenAuthorityError {
    /// A file cannot be read or written.
    #[error("cannot read or write the authority's files: {0}")]
    Files(#[from] std::io::Error),
    /// A key file does not hold a key.
    #[error("an authority's key cannot be used: {0}")]
    Key(#[from] KeyringError),
    /// A certificate file does not hold a certificate.
    #[error("an authority's certificate cannot be used: {0}")]
    Certificate(#[from] smime::CertificateError),
    /// A certificate could not be made.
    #[error("an authority's certificate could not be made: {0}")]
    Issue(#[from] IssueError),
}

/// Why there is no revocation list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// What was revoked cannot be read.
    #[error("the revoked certificates cannot be read: {0}")]
    Files(#[from] std::io::Error),
    /// It could not be signed.
    #[error("the revocation list could not be made: {0}")]
    Issue(#[from] IssueError),
}

/// The name of the key for pushes.
const PUSH: &str = "push";

/// Whom a certificate is for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The address, which the relay has checked.
    pub address: &'a str,
    /// The name.
    pub name: &'a str,
    /// The organisation.
    pub organisation: Option<&'a str>,
}

/// The authorities of this relay.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    keyring: MemoryKeyring,
    root: Issuer,
    issuer: Issuer,
    timestamps: TimestampAuthority,
    lists: Mutex<Option<Lists>>,
}

impl Authority {
    /// Opens the authorities in `folder`; makes what is not there.
    pub fn open(folder: &Path, domain: &str, now: UnixTime) -> Result<Self, OpenAuthorityError> {
        let mut keyring = MemoryKeyring::new();
        let [root_key, issuer_key, timestamp_key] = ["root", "issuer", "timestamp"].map(KeyId::new);
        for key in [&root_key, &issuer_key, &timestamp_key, &KeyId::new(PUSH)] {
            files::open_key(folder, key, &mut keyring)?;
        }
        let until = UnixTime(now.0 + AUTHORITY_LIFE);
        let root = files::open_certificate(folder, &root_key, || {
            let spki = keyring.spki(&root_key)?;
            let name = format!("Sealpost root of {domain}");
            let made = self_signed_root(&keyring, &root_key, &spki, &name, serial(), since(now), until);
            Ok(block_on_ready(made)?)
        })?;
        let by_root = Issuer { key: root_key, certificate: root };
        let under_root = |key: &KeyId, usage, name: &str| {
            files::open_certificate(folder, key, || {
                let spki = keyring.spki(key)?;
                let profile =
                    authority_profile(format!("Sealpost {name} of {domain}"), usage, since(now), until);
                Ok(block_on_ready(issue(&keyring, &by_root, &spki, &profile))?)
            })
        };
        let certificate = under_root(&issuer_key, Usage::CertificateAuthority, "mail authority")?;
        let stamper = under_root(&timestamp_key, Usage::TimestampAuthority, "timestamp authority")?;
        let issuer = Issuer { key: issuer_key, certificate };
        let chain = vec![stamper, by_root.certificate.clone()];
        let signer = Signer { key: timestamp_key, chain, encryption: None };
        let timestamps = TimestampAuthority { signer };
        let (folder, lists) = (folder.to_path_buf(), Mutex::default());
        Ok(Self { folder, keyring, root: by_root, issuer, timestamps, lists })
    }

    /// The key by which push services know this relay (RFC 8292); it certifies nothing.
    pub fn push_key(&self) -> Result<p256::ecdsa::SigningKey, OpenAuthorityError> {
        let pkcs8 = Zeroizing::new(self.keyring.pkcs8(&KeyId::new(PUSH))?);
        let key = p256::ecdsa::SigningKey::from_pkcs8_der(&pkcs8);
        key.map_err(|_| OpenAuthorityError::Key(smime::KeyringError::Malformed))
    }

    /// The key of what is remembered of strangers, the same for all processes; drawn from the key for
    /// pushes, which is not in the store either.
    pub fn greylist_key(&self) -> Result<Zeroizing<[u8; 32]>, OpenAuthorityError> {
        let secret = Zeroizing::new(self.push_key()?.to_bytes());
        let mut key = Zeroizing::new([0; 32]);
        let drawn = Hkdf::<Sha256>::new(None, &secret).expand(b"sealpost greylist", &mut *key);
        drawn.map_err(|_| KeyringError::Malformed)?;
        Ok(key)
    }

    /// Certificates that vouch for the people of this relay.
    pub fn trust_anchors(&self) -> Vec<Certificate> {
        vec![self.root.certificate.clone()]
    }

    /// Certificates that vouch for this relay's timestamps.
    pub fn timestamp_anchors(&self) -> Vec<Certificate> {
        vec![self.root.certificate.clone()]
    }

    /// A person's certificate with its issuers, as far as they are this relay's.
    pub fn chain(&self, leaf: Certificate) -> Vec<Certificate> {
        if leaf.issuer() != self.issuer.certificate.subject() {
            return vec![leaf];
        }
        vec![leaf, self.issuer.certificate.clone(), self.root.certificate.clone()]
    }

    /// Certifies a key whose possession and whose owner's address were checked.
    pub fn certify(
        &self,
        spki: &[u8],
        subject: Subject<'_>,
        usage: Usage,
        now: UnixTime,
    ) -> Result<Certificate, IssueError> {
        let profile = Profile {
            common_name: subject.name.to_owned(),
            organisation: subject.organisation.map(str::to_owned),
            emails: vec![subject.address.to_owned()],
            usage,
            serial: serial(),
            not_before: since(now),
            not_after: UnixTime(now.0 + PERSON_LIFE),
        };
        block_on_ready(issue(&self.keyring, &self.issuer, spki, &profile))
    }

    /// Whether a certificate is one that [`Self::certify`] would give now, and in the first half of its time.
    pub fn still_gives(
        &self,
        certificate: &Certificate,
        spki: &[u8],
        subject: Subject<'_>,
        usage: Usage,
        now: UnixTime,
    ) -> bool {
        let purpose = match usage {
            Usage::Encryption => Purpose::Encryption,
            _ => Purpose::Signing,
        };
        let half = certificate.not_before().0.midpoint(certificate.not_after().0);
        let (anchors, above) = (self.trust_anchors(), [self.issuer.certificate.clone()]);
        let query = Query::new(purpose, now);
        certificate.spki() == spki
            && now.0 < half
            && certificate.common_name().as_deref() == Some(subject.name)
            && certificate.organisation().as_deref() == subject.organisation
            && certificate.emails() == [subject.address]
            && block_on_ready(validate(&RustCrypto, certificate, &anchors, &above, &[], &query)).is_ok()
    }

    /// Takes certificates back for good; the serial numbers of those that are this relay's and were not yet.
    pub fn revoke<'a>(
        &self,
        certificates: impl IntoIterator<Item = &'a Certificate>,
        now: UnixTime,
    ) -> std::io::Result<Vec<Vec<u8>>> {
        let own = |certificate: &&Certificate| certificate.issuer() == self.issuer.certificate.subject();
        let own = certificates.into_iter().filter(own);
        revoked::add(&self.folder, own.map(|certificate| certificate.serial().to_vec()), now)
    }

    /// The revocation lists (RFC 5280 5) of the authority of people, and of the root, in DER, as of the last minute.
    pub fn revocation_lists(&self, now: UnixTime) -> Result<Arc<[Vec<u8>; 2]>, ListError> {
        let mut kept = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the file is read: what is added meanwhile makes new lists the next time.
        let stamp = Stamp::of(&self.folder)?;
        if let Some(lists) = kept.as_ref().filter(|lists| lists.hold(now, stamp)) {
            return Ok(Arc::clone(&lists.lists));
        }
        let made = kept.insert(Lists::new(now, stamp, self.sign_lists(now)?));
        Ok(Arc::clone(&made.lists))
    }

    fn sign_lists(&self, now: UnixTime) -> Result<[Vec<u8>; 2], ListError> {
        let withdrawn = revoked::read(&self.folder)?;
        let until = UnixTime(now.0 + LIST_LIFE);
        let people = revocation_list(&self.keyring, &self.issuer, &withdrawn, now, until);
        let authorities = revocation_list(&self.keyring, &self.root, &[], now, until);
        Ok([block_on_ready(people)?, block_on_ready(authorities)?])
    }

    /// Answers an RFC 3161 request.
    pub fn stamp(&self, request: &[u8], now: UnixTime) -> Result<Vec<u8>, smime::timestamp::AuthorityError> {
        // 127 random bits, positive: never the same twice, without a counter that a restore turns back.
        let serial = u128::from_be_bytes(random::bytes()) >> 1;
        block_on_ready(self.timestamps.respond(&RustCrypto, &self.keyring, request, serial, now))
    }
}

fn authority_profile(name: String, usage: Usage, not_before: UnixTime, not_after: UnixTime) -> Profile {
    Profile {
        common_name: name,
        organisation: None,
        emails: Vec::new(),
        usage,
        serial: serial(),
        not_before,
        not_after,
    }
}

fn since(now: UnixTime) -> UnixTime {
    UnixTime(now.0.saturating_sub(SKEW))
}

/// RFC 5280 4.1.2.2: positive and not zero.
fn serial() -> [u8; 16] {
    let mut serial: [u8; 16] = random::bytes();
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}
