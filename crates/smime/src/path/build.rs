//! Chains of names from a certificate to the anchors, most plausible first.

use std::collections::{HashMap, HashSet};

use super::Budget;
use crate::certificate::Certificate;
use crate::time::UnixTime;

/// A path has at most this many certificates, the anchor included.
const MAX_LENGTH: usize = 12;
/// As many chains are looked at; a hostile bag of certificates has exponentially many.
const MAX_CHAINS: usize = 64;

/// The certificates that paths are built from: each once, found by its subject.
pub(crate) struct Candidates<'a> {
    by_subject: HashMap<&'a [u8], Vec<Candidate<'a>>>,
}

#[derive(Clone, Copy)]
struct Candidate<'a> {
    certificate: &'a Certificate,
    is_anchor: bool,
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(anchors: &'a [Certificate], intermediates: &'a [Certificate]) -> Self {
        let mut by_subject = HashMap::<_, Vec<_>>::new();
        let mut seen = HashSet::new();
        let anchors = anchors.iter().map(|anchor| (anchor, true));
        for (certificate, is_anchor) in anchors.chain(intermediates.iter().map(|other| (other, false))) {
            if seen.insert(certificate.der()) {
                let named = by_subject.entry(certificate.subject_name()).or_default();
                named.push(Candidate { certificate, is_anchor });
            }
        }
        Self { by_subject }
    }

    /// Those with that subject, in the form of [`Certificate::subject_name`].
    pub(super) fn named(&self, subject: &[u8]) -> impl Iterator<Item = &'a Certificate> {
        self.of(subject).iter().map(|candidate| candidate.certificate)
    }

    fn of(&self, subject: &[u8]) -> &[Candidate<'a>] {
        self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default()
    }

    fn has_anchor(&self, certificate: &Certificate) -> bool {
        let same = self.of(certificate.subject_name()).iter();
        same.filter(|one| one.is_anchor).any(|anchor| anchor.certificate == certificate)
    }
}

/// Every chain found, each with the leaf first and an anchor last; and if there may be more.
pub(super) struct Chains<'a> {
    pub(super) found: Vec<Vec<&'a Certificate>>,
    pub(super) incomplete: bool,
}

pub(super) fn chains<'a>(
    leaf: &'a Certificate,
    candidates: &Candidates<'a>,
    at: UnixTime,
    budget: &mut Budget,
) -> Chains<'a> {
    if candidates.has_anchor(leaf) {
        return Chains { found: vec![vec![leaf]], incomplete: false };
    }
    let chains = Chains { found: Vec::new(), incomplete: false };
    let mut search = Search { candidates, at, budget, chains };
    search.extend(&mut vec![leaf]);
    search.chains
}

struct Search<'s, 'a> {
    candidates: &'s Candidates<'a>,
    at: UnixTime,
    budget: &'s mut Budget,
    chains: Chains<'a>,
}

impl<'a> Search<'_, 'a> {
    fn extend(&mut self, chain: &mut Vec<&'a Certificate>) {
        let Some(last) = chain.last().copied() else { return };
        let fitting = self.candidates.of(last.issuer_name()).len();
        if !self.budget.step(fitting) {
            self.chains.incomplete = true;
            return;
        }
        for issuer in self.issuers(last, chain) {
            let full = self.chains.found.len() == MAX_CHAINS || chain.len() == MAX_LENGTH;
            if full || !self.budget.step(0) {
                self.chains.incomplete = true;
                return;
            }
            chain.push(issuer.certificate);
            if issuer.is_anchor {
                self.chains.found.push(chain.clone());
            } else {
                self.extend(chain);
            }
            chain.pop();
        }
    }

    /// Those whose name fits; those whose key identifier fits too first, then anchors, then those
    /// that were valid at the time.
    fn issuers(&self, of: &Certificate, chain: &[&Certificate]) -> Vec<Candidate<'a>> {
        let wanted = of.authority_key_identifier();
        let fitting = self.candidates.of(of.issuer_name()).iter().copied();
        // Who is in the chain already can add nothing but a circle.
        let fitting =
            fitting.filter(|candidate| !chain.iter().any(|known| same_entity(known, candidate.certificate)));
        let mut ranks: [Vec<Candidate<'a>>; 8] = Default::default();
        for candidate in fitting {
            let identifier = candidate.certificate.subject_key_identifier();
            let mismatch = wanted.is_some() && identifier.is_some() && wanted != identifier;
            let rank = [mismatch, !candidate.is_anchor, !candidate.certificate.is_valid_at(self.at)];
            let rank = rank.into_iter().fold(0, |rank, bit| rank * 2 + usize::from(bit));
            ranks.get_mut(rank).into_iter().for_each(|rank| rank.push(candidate));
        }
        ranks.concat()
    }
}

fn same_entity(one: &Certificate, other: &Certificate) -> bool {
    one.spki() == other.spki() && one.subject_der() == other.subject_der()
}
