//! Whose certificate a letter is sealed to.

use smime::message::same_mailbox;
use smime::path::{self, Purpose, Query};
use smime::{Certificate, Provider, Trust, UnixTime};

/// More certificates of one person are not looked at.
const MAX_CANDIDATES: usize = 16;

/// Where a certificate was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The relay's directory: its people use this program.
    Directory,
    /// A signed message: nothing is known of what its sender's program can read.
    Message,
}

/// A certificate with those above it, as it was learnt.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The certificate first, then its issuers.
    pub chain: Vec<Certificate>,
    /// Where it was learnt.
    pub source: Source,
}

/// A certificate that was checked for an address. Only [`choose`] makes one.
#[derive(Clone, Debug)]
pub struct Chosen {
    certificate: Certificate,
    source: Source,
    vouched_by: String,
}

impl Chosen {
    /// The certificate to seal to.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Where it was learnt.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The name of the authority that vouches for it.
    pub fn vouched_by(&self) -> &str {
        &self.vouched_by
    }
}

/// Why there is no certificate to seal to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoneChosen {
    /// None is known for the address.
    Unknown,
    /// Those that are known do not stand up: expired, for other uses, from unknown authorities.
    Unfit,
}

/// The newest certificate of an address that is valid now, for encryption, under a pinned authority.
///
/// The directory is not believed: its certificates pass the same checks as any other.
pub async fn choose(
    provider: &impl Provider,
    address: &str,
    candidates: &[Candidate],
    trust: &Trust,
    now: UnixTime,
) -> Result<Chosen, NoneChosen> {
    let mut own: Vec<(&Certificate, &Candidate)> = candidates
        .iter()
        .filter_map(|candidate| Some((candidate.chain.first()?, candidate)))
        .filter(|(leaf, _)| leaf.emails().iter().any(|email| same_mailbox(email, address)))
        .collect();
    if own.is_empty() {
        return Err(NoneChosen::Unknown);
    }
    own.sort_by_key(|(leaf, _)| std::cmp::Reverse(leaf.not_before()));
    for (leaf, candidate) in own.into_iter().take(MAX_CANDIDATES) {
        let above = candidate.chain.get(1..).unwrap_or_default();
        let query = Query::new(Purpose::Encryption, now);
        let path = path::validate(provider, leaf, &trust.anchors, above, &trust.crls, &query).await;
        if let Ok(path) = path {
            let anchor = path.anchor().map(|anchor| anchor.common_name().unwrap_or_else(|| anchor.subject()));
            let vouched_by = anchor.unwrap_or_default();
            return Ok(Chosen { certificate: leaf.clone(), source: candidate.source, vouched_by });
        }
    }
    Err(NoneChosen::Unfit)
}
