//! How much work one question may cost.

use super::PathError;
use crate::certificate::{Certificate, KeyKind, rsa_exponent_bits};
use crate::provider::Curve;

/// What signatures, digests and comparisons may cost, in microseconds of a machine of 2026.
///
/// Three signers with timestamps, paths of five and evidence for each cost half of it.
const WORK: u64 = 40_000;
/// What the search for paths may cost, in the same unit.
const SEARCH: u64 = 5_000;

/// A check under the largest DSA key, that of the key included.
const DSA: u64 = 5_000;
/// Octets that are digested in a microsecond.
const DIGESTED: usize = 800;
/// Names or policies that are compared in a microsecond.
const COMPARED: usize = 16;

/// The budget of one message, or of one path. A hostile message can carry any number of certificates,
/// each with keys, names and policies that are as costly as can be.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    work: u64,
    search: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { work: WORK, search: SEARCH }
    }
}

impl Budget {
    /// Pays for one check of a signature over so many octets under the key of a certificate. What is
    /// too costly costs nothing, and is not done.
    pub(crate) fn spend(&mut self, signer: &Certificate, octets: usize) -> Result<(), PathError> {
        let digest = (octets / DIGESTED) as u64;
        self.pay(check(signer).saturating_add(digest))
    }

    /// Pays for one check of a DSA signature over so many octets.
    pub(super) fn spend_dsa(&mut self, octets: usize) -> Result<(), PathError> {
        self.pay(DSA + (octets / DIGESTED) as u64)
    }

    /// Pays for digesting, reading or walking through so many octets.
    pub(crate) fn read(&mut self, octets: usize) -> Result<(), PathError> {
        self.pay((octets / DIGESTED) as u64)
    }

    /// Pays for so many comparisons of names or policies.
    pub(super) fn compare(&mut self, pairs: usize) -> Result<(), PathError> {
        self.pay((pairs / COMPARED) as u64)
    }

    /// Pays for one step in the search for a path, with so many possible issuers to choose from;
    /// false if nothing is left.
    pub(super) fn step(&mut self, candidates: usize) -> bool {
        let left = self.search.checked_sub(1 + candidates as u64);
        self.search = left.unwrap_or_default();
        left.is_some()
    }

    fn pay(&mut self, cost: u64) -> Result<(), PathError> {
        self.work = self.work.checked_sub(cost).ok_or(PathError::BudgetExceeded)?;
        Ok(())
    }
}

/// The cost of one check under a key, as measured natively.
fn check(signer: &Certificate) -> u64 {
    match signer.key_kind() {
        KeyKind::Rsa { bits } | KeyKind::RsaPss { bits, .. } => {
            // Quadratic in the modulus, linear in the exponent, of which 65537 is the usual one.
            let size = (bits as u64).div_ceil(2048);
            let exponent = rsa_exponent_bits(signer.spki()).unwrap_or(usize::MAX) as u64;
            size.saturating_mul(size).saturating_mul(exponent.div_ceil(17)).saturating_mul(55)
        }
        KeyKind::Ec(Curve::P256) => 150,
        KeyKind::Ed25519 => 50,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_never_grows_and_nothing_is_free_for_long() {
        let mut budget = Budget::default();
        assert_eq!(budget.compare(usize::MAX), Err(PathError::BudgetExceeded));
        assert_eq!(budget.work, WORK);
        let mut times = 0;
        while budget.read(DIGESTED).is_ok() {
            times += 1;
        }
        assert_eq!((times, budget.work), (WORK, 0));
        assert!(budget.step(SEARCH as usize - 1));
        assert!(!budget.step(0) && !budget.step(0));
    }
}
