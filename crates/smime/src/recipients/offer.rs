//! What mail tells about how its sender is written to (RFC 8551 2.5).

use super::{Candidate, Capabilities, Reads};
use crate::certificate::Certificate;
use crate::message::{Kind, Opened, SignerReport, same_mailbox};
use crate::time::UnixTime;

/// Certificates of a chain that are kept.
const MAX_CHAIN: usize = 8;
/// Certificates that one message offers at most.
const MAX_OFFERS: usize = 8;
/// Addresses that are learnt from one certificate.
const MAX_ADDRESSES: usize = 4;

/// A certificate that came with mail, and the addresses it may be learnt for.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The addresses.
    pub addresses: Vec<String>,
    /// The certificate, not checked yet: see [`super::choose`].
    pub candidate: Candidate,
    /// When that was said: by a timestamp, or by the signer's own account; see [`Self::heard`].
    pub at: Option<UnixTime>,
}

impl Offer {
    /// What it tells of its sender's programs, and when that was said: nothing from after `now`, and nothing that
    /// is not newer than what was heard `last` (RFC 8551 2.7.1).
    pub fn heard(&self, last: Option<UnixTime>, now: UnixTime) -> Option<(UnixTime, &Capabilities)> {
        let Reads::Announced(said) = &self.candidate.reads else { return None };
        let at = self.at.filter(|at| *at <= now && last.is_none_or(|last| last < *at))?;
        Some((at, said))
    }
}

/// How to write to those whose signature holds, and to those whose certificates the message carries as its
/// only content (RFC 8551 3.8).
///
/// Signers are learnt for their own addresses only: nobody vouches for somebody else. Certificates alone
/// have no signer; an authority of one's own trust vouches for them, or they are of no use.
pub fn offers(opened: &Opened) -> Vec<Offer> {
    let signed = opened.signers.iter().filter_map(|signer| signed_offer(signer, &opened.certificates));
    let alone = opened.certificates.iter().filter(|certificate| {
        opened.kind == Kind::Certificates && is_leaf(certificate, &opened.certificates)
    });
    let alone = alone.filter(|certificate| certificate.can_encrypt()).map(|certificate| Offer {
        addresses: certificate.emails().into_iter().take(MAX_ADDRESSES).collect(),
        candidate: candidate(certificate, &opened.certificates, Reads::Unknown),
        at: None,
    });
    signed.chain(alone).filter(|offer| !offer.addresses.is_empty()).take(MAX_OFFERS).collect()
}

fn signed_offer(signer: &SignerReport, certificates: &[Certificate]) -> Option<Offer> {
    let certificate = to_write_to(signer, certificates).filter(|_| signer.valid)?;
    let own = |address: &String| signer.emails.iter().any(|email| same_mailbox(email, address));
    let addresses = certificate.emails().into_iter().filter(own).take(MAX_ADDRESSES).collect();
    let reads = match &signer.capabilities {
        announced if announced.is_empty() => Reads::Unknown,
        announced => Reads::Announced(Capabilities::clone(announced)),
    };
    Some(Offer { addresses, candidate: candidate(certificate, certificates, reads), at: signer.signed_at })
}

fn candidate(certificate: &Certificate, certificates: &[Certificate], reads: Reads) -> Candidate {
    let issuers = certificates.iter().filter(|one| *one != certificate && !is_leaf(one, certificates));
    let issuers = issuers.take(MAX_CHAIN - 1).cloned().collect();
    Candidate { certificate: certificate.clone(), issuers, reads }
}

/// The certificate to write to a signer under (RFC 8551 2.5.3.1): the one they ask for, otherwise one in
/// the message that names the same subject and is for encryption.
fn to_write_to<'a>(signer: &'a SignerReport, certificates: &'a [Certificate]) -> Option<&'a Certificate> {
    let own = signer.certificate.as_ref()?;
    let for_encryption =
        |certificate: &&Certificate| certificate.can_encrypt() && certificate.subject() == own.subject();
    signer.encryption.as_ref().or_else(|| std::iter::once(own).chain(certificates).find(for_encryption))
}

/// Certificates of people name an address, and so do those of some authorities, which certified another of the
/// message. basicConstraints would not tell: what OpenSSL makes a person by default has cA TRUE.
fn is_leaf(certificate: &Certificate, all: &[Certificate]) -> bool {
    let certified =
        |other: &Certificate| !other.is_self_issued() && other.issuer_name() == certificate.subject_name();
    !certificate.emails().is_empty() && !all.iter().any(certified)
}
