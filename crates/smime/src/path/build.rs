//! Chains of names from a certificate to the anchors, most plausible first.

use crate::certificate::{Certificate, normalized_name};
use crate::time::UnixTime;

/// A path has at most this many certificates, the anchor included.
const MAX_LENGTH: usize = 12;
/// As many chains are looked at; a hostile bag of certificates has exponentially many.
const MAX_CHAINS: usize = 24;
/// As many certificates are tried as issuers in all.
const MAX_STEPS: usize = 256;

struct Candidate<'a> {
    certificate: &'a Certificate,
    subject: Vec<u8>,
    is_anchor: bool,
}

/// Every chain found, each with the leaf first and an anchor last; and if there may be more.
pub(super) struct Chains<'a> {
    pub(super) found: Vec<Vec<&'a Certificate>>,
    pub(super) incomplete: bool,
}

pub(super) fn chains<'a>(
    leaf: &'a Certificate,
    anchors: &'a [Certificate],
    intermediates: &'a [Certificate],
    at: UnixTime,
) -> Chains<'a> {
    if anchors.contains(leaf) {
        return Chains { found: vec![vec![leaf]], incomplete: false };
    }
    let of = |certificate: &'a Certificate, is_anchor| Candidate {
        certificate,
        subject: normalized_name(certificate.subject_der()),
        is_anchor,
    };
    let mut candidates = anchors.iter().map(|anchor| of(anchor, true)).collect::<Vec<_>>();
    for certificate in intermediates {
        if certificate != leaf && !candidates.iter().any(|known| known.certificate == certificate) {
            candidates.push(of(certificate, false));
        }
    }
    let mut search =
        Search { candidates, at, steps: 0, chains: Chains { found: Vec::new(), incomplete: false } };
    search.extend(&mut vec![leaf]);
    search.chains
}

struct Search<'a> {
    candidates: Vec<Candidate<'a>>,
    at: UnixTime,
    steps: usize,
    chains: Chains<'a>,
}

impl<'a> Search<'a> {
    fn extend(&mut self, chain: &mut Vec<&'a Certificate>) {
        let Some(last) = chain.last().copied() else { return };
        for (issuer, is_anchor) in self.issuers(last, chain) {
            self.steps += 1;
            if self.steps > MAX_STEPS || self.chains.found.len() == MAX_CHAINS || chain.len() == MAX_LENGTH {
                self.chains.incomplete = true;
                return;
            }
            chain.push(issuer);
            if is_anchor {
                self.chains.found.push(chain.clone());
            } else {
                self.extend(chain);
            }
            chain.pop();
        }
    }

    /// Those whose name fits; those whose key identifier fits too first, then anchors, then those
    /// that were valid at the time.
    fn issuers(&self, of: &Certificate, chain: &[&Certificate]) -> Vec<(&'a Certificate, bool)> {
        let name = normalized_name(of.issuer_der());
        let wanted = of.authority_key_identifier();
        let mut fitting = self
            .candidates
            .iter()
            .filter(|candidate| candidate.subject == name)
            // Who is in the chain already can add nothing but a circle.
            .filter(|candidate| !chain.iter().any(|known| same_entity(known, candidate.certificate)))
            .collect::<Vec<_>>();
        fitting.sort_by_cached_key(|candidate| {
            let identifier = candidate.certificate.subject_key_identifier();
            let mismatch = wanted.is_some() && identifier.is_some() && wanted != identifier;
            (mismatch, !candidate.is_anchor, !candidate.certificate.is_valid_at(self.at))
        });
        fitting.iter().map(|candidate| (candidate.certificate, candidate.is_anchor)).collect()
    }
}

fn same_entity(one: &Certificate, other: &Certificate) -> bool {
    one.spki() == other.spki() && one.subject_der() == other.subject_der()
}
