//! Choosing how a message is encrypted, so that every recipient can open it.
//!
//! Two questions, each answered with its reasons. Which certificate of a person? [`choose`] takes the
//! newest that stands up, and says of every other why not. Which algorithms? [`agree`] takes the best
//! that all of them read (RFC 8551 2.7), and says for whose sake not a better one. What is known of a
//! person comes from a directory or from their own mail: [`offers`].
//!
//! ```
//! # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
//! # use people::{NOW, People, people};
//! # use smime::rustcrypto::RustCrypto;
//! use smime::recipients::{Candidate, Reads, agree, choose};
//! use smime::{ContentEncryption, encrypt_with};
//!
//! # smime::block_on_ready(async {
//! # let People { alice, reads, trust, .. } = people().await?;
//! let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//! let known = [&reads, &alice.chain[0]].map(|certificate| Candidate {
//!     certificate: certificate.clone(),
//!     issuers: Vec::new(),
//!     reads: Reads::Unknown,
//! });
//! let chosen = choose(&RustCrypto, "alice@a.example", &known, &trust, NOW).await?;
//! assert_eq!(chosen.certificate(), &reads);
//! for other in chosen.passed_over() {
//!     println!("{}: {}", other.certificate.subject(), other.reason);
//! }
//!
//! // Nothing is known of her program, so it gets what every program reads.
//! let agreement = agree([&chosen]);
//! assert_eq!(agreement.cipher, ContentEncryption::Aes256Cbc);
//! let (to, content) = ([chosen.certificate().clone()], b"Content-Type: text/plain\r\n\r\nHello\r\n");
//! encrypt_with(&RustCrypto, &mut rng, content, &to, agreement.cipher, &agreement.transport).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod agreement;
mod offer;

use const_oid::ObjectIdentifier;

use crate::algorithm;
use crate::certificate::{Certificate, KeyKind};
use crate::message::{path_code, same_mailbox};
use crate::path::{self, Budget, Candidates, PathError, Purpose, Query, Revocations, VerifiedPath};
use crate::provider::{ContentEncryption, Provider};
use crate::time::UnixTime;
use crate::verify::Trust;

pub use agreement::{Agreement, agree, agree_on};
pub use offer::{Offer, offers};

/// More certificates of one person, valid and for encryption, are not checked: each may cost a whole budget,
/// and whoever knows the address can offer any number of costly ones.
const MAX_CHECKED: usize = 4;

/// What the smimeCapabilities of a signed message announce (RFC 8551 2.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The content ciphers that its signer reads, the preferred first.
    pub ciphers: Vec<ContentEncryption>,
    /// Whether RSAES-OAEP with SHA-256 is read.
    pub oaep: bool,
}

impl Capabilities {
    /// Whether anything is announced.
    pub const fn is_empty(&self) -> bool {
        self.ciphers.is_empty() && !self.oaep
    }

    /// The object identifiers of what is read, in dotted form: how it may be stored.
    pub fn identifiers(&self) -> Vec<String> {
        let ciphers = self.ciphers.iter().map(|cipher| algorithm::cipher_oid(*cipher));
        let all = ciphers.chain(self.oaep.then_some(algorithm::RSA_OAEP));
        all.map(|identifier| identifier.to_string()).collect()
    }

    /// Reads back what [`Self::identifiers`] gave; what is unknown is left out.
    pub fn from_identifiers(identifiers: &[String]) -> Self {
        let known = identifiers.iter().filter_map(|text| ObjectIdentifier::new(text).ok());
        let known: Vec<ObjectIdentifier> = known.collect();
        Self {
            ciphers: known.iter().copied().filter_map(algorithm::cipher_of).collect(),
            oaep: known.contains(&algorithm::RSA_OAEP),
        }
    }
}

/// What is known of the programs with which a person reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// Nothing: what every program in use reads has to do.
    #[default]
    Unknown,
    /// What their signed mail announced.
    Announced(Capabilities),
    /// All that this crate writes: they use it too.
    Everything,
}

/// A certificate that a person might be written to under.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The certificate.
    pub certificate: Certificate,
    /// Certificates that came with it and may lie between it and a root.
    pub issuers: Vec<Certificate>,
    /// What is known of the programs that hold its key.
    pub reads: Reads,
}

/// A certificate that was checked for an address. Only [`choose`] makes one.
#[derive(Clone, Debug)]
pub struct Chosen {
    certificate: Certificate,
    path: VerifiedPath,
    reads: Reads,
    passed_over: Vec<PassedOver>,
}

/// A certificate that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The certificate.
    pub certificate: Certificate,
    /// Why.
    pub reason: Unfit,
}

/// Why a certificate is not written to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It names other addresses.
    #[error("it names another address")]
    OtherAddress,
    /// Its key is of a kind that nothing can be encrypted to, or too weak, or for another use.
    #[error("mail cannot be encrypted to it")]
    WrongUsage,
    /// Its key is of a kind that nothing can be encrypted to here, though elsewhere it can: ML-KEM, and RSA
    /// above 8192 bits.
    #[error("this program cannot encrypt to its kind or size of key")]
    Unsupported,
    /// It is expired, revoked, or not trusted.
    #[error(transparent)]
    Path(PathError),
    /// It may be good, and another good one was issued later.
    #[error("a newer one is good")]
    Older,
    /// The person has more certificates than are checked.
    #[error("there are too many")]
    NotChecked,
}

/// Why there is no certificate to write to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoneChosen {
    /// None is known for the address.
    #[error("no certificate is known for the address")]
    Unknown,
    /// None of those that are known stands up: the newest first, and never empty.
    #[error("no certificate of the address can be used")]
    Unfit(Vec<PassedOver>),
}

impl Chosen {
    /// The certificate to encrypt to.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The path that vouches for it.
    pub fn path(&self) -> &VerifiedPath {
        &self.path
    }

    /// What is known of the programs that hold its key.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// The certificates that were not chosen, and why.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }
}

impl NoneChosen {
    /// What to tell of it: why the newest certificate of the address is not written to.
    pub fn reason(&self) -> Option<&Unfit> {
        match self {
            Self::Unknown => None,
            Self::Unfit(passed_over) => passed_over.first().map(|one| &one.reason),
        }
    }
}

impl Unfit {
    /// The stable name in machine-readable output.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherAddress => "other-address",
            Self::WrongUsage => "wrong-usage",
            Self::Unsupported => "unsupported-key",
            Self::Path(error) => path_code(error),
            Self::Older => "older",
            Self::NotChecked => "not-checked",
        }
    }
}

/// The newest certificate of an address that is valid at `now`, for encryption (by the provider, too), not
/// known to be revoked, and leads to a root of `trust`. None of the sources is believed: all pass the same checks.
pub async fn choose(
    provider: &impl Provider,
    address: &str,
    candidates: &[Candidate],
    trust: &Trust,
    now: UnixTime,
) -> Result<Chosen, NoneChosen> {
    let (own, others) = of_address(address, candidates);
    if own.is_empty() {
        return Err(NoneChosen::Unknown);
    }
    let revocations = trust.revocations();
    let mut checked = 0;
    let mut chosen: Option<(&Candidate, VerifiedPath)> = None;
    let mut passed_over = Vec::new();
    for candidate in own.iter().copied() {
        let reason = match (&chosen, at_a_glance(provider, &candidate.certificate, now)) {
            (Some(_), _) => Unfit::Older,
            (None, Err(reason)) => reason,
            (None, Ok(())) if checked == MAX_CHECKED => Unfit::NotChecked,
            (None, Ok(())) => {
                checked += 1;
                match check(provider, candidate, (trust, &revocations), now).await {
                    Ok(path) => {
                        chosen = Some((candidate, path));
                        continue;
                    }
                    Err(reason) => reason,
                }
            }
        };
        passed_over.push(PassedOver { certificate: candidate.certificate.clone(), reason });
    }
    let Some((candidate, path)) = chosen else { return Err(NoneChosen::Unfit(passed_over)) };
    passed_over.extend(others);
    let certificate = candidate.certificate.clone();
    let reads = best_reads(&certificate, &own);
    Ok(Chosen { certificate, path, reads, passed_over })
}

/// The candidates that name the address, each certificate once, the newest first; and the others.
fn of_address<'c>(address: &str, candidates: &'c [Candidate]) -> (Vec<&'c Candidate>, Vec<PassedOver>) {
    let names_it = |candidate: &&Candidate| {
        candidate.certificate.emails().iter().any(|email| same_mailbox(email, address))
    };
    let (own, others): (Vec<_>, Vec<_>) = candidates.iter().partition(names_it);
    let others = others
        .into_iter()
        .map(|other| PassedOver { certificate: other.certificate.clone(), reason: Unfit::OtherAddress });
    let age = |one: &Candidate| {
        let certificate = &one.certificate;
        (certificate.not_before(), certificate.not_after(), certificate.sha256())
    };
    // They are few, and a sort would be one more function of its own in a browser's program.
    let mut newest: Vec<&Candidate> = Vec::with_capacity(own.len());
    for one in own {
        newest.insert(newest.partition_point(|other| age(other) >= age(one)), one);
    }
    (newest, others.collect())
}

/// What can be said of a certificate without looking for those that vouch for it.
fn at_a_glance(provider: &impl Provider, leaf: &Certificate, now: UnixTime) -> Result<(), Unfit> {
    let key = leaf.key_kind();
    if algorithm::is_oversized_key(key) || matches!(key, KeyKind::MlKem(_)) && !provider.encapsulates() {
        return Err(Unfit::Unsupported);
    }
    if !leaf.can_encrypt() {
        return Err(Unfit::WrongUsage);
    }
    path::check_time(leaf, now).map_err(Unfit::Path)
}

/// Each has its own budget, so that a costly one does not take from those that come after it.
async fn check(
    provider: &impl Provider,
    candidate: &Candidate,
    (trust, revocations): (&Trust, &Revocations<'_>),
    now: UnixTime,
) -> Result<VerifiedPath, Unfit> {
    let mut query = Query::new(Purpose::Encryption, now);
    query.revocation_required = trust.revocation_required;
    let known: Vec<Certificate> = candidate.issuers.iter().chain(&trust.intermediates).cloned().collect();
    let candidates = Candidates::new(&trust.anchors, &known);
    let (leaf, budget) = (&candidate.certificate, &mut Budget::default());
    let path = path::validate_within(provider, leaf, &candidates, &[revocations], &query, budget).await;
    path.map_err(|error| match error {
        PathError::WrongUsage => Unfit::WrongUsage,
        error => Unfit::Path(error),
    })
}

/// One certificate may have been learnt twice: what is known best of its owner's programs counts.
fn best_reads(certificate: &Certificate, own: &[&Candidate]) -> Reads {
    let same = own.iter().filter(|candidate| candidate.certificate == *certificate);
    let rank = |reads: &&Reads| match reads {
        Reads::Unknown => 0,
        Reads::Announced(_) => 1,
        Reads::Everything => 2,
    };
    same.map(|candidate| &candidate.reads).max_by_key(rank).cloned().unwrap_or_default()
}
