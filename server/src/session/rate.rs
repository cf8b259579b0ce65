use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Millis;

/// Wrong passwords for one address within [`WINDOW`].
const MOST: u32 = 10;
const WINDOW: Millis = 5 * 60 * 1000;
/// Addresses remembered at once; beyond this the ones whose window is over go first.
const ADDRESSES: usize = 10_000;

/// Counts wrong passwords by address.
///
/// By address and not by source: behind a portal all users come from one source.
#[derive(Debug, Default)]
pub struct Failures {
    counts: Mutex<HashMap<String, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    until: Millis,
}

impl Failures {
    /// How many seconds to wait before the next attempt, if it must wait.
    pub fn wait(&self, address: &str, now: Millis) -> Option<u64> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(address).filter(|count| count.until > now && count.failures >= MOST)?;
        u64::try_from((count.until - now + 999) / 1000).ok()
    }

    /// Counts a wrong password.
    pub fn add(&self, address: &str, now: Millis) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES {
            counts.retain(|_, count| count.until > now);
        }
        if counts.len() >= ADDRESSES && !counts.contains_key(address) {
            return;
        }
        let fresh = Count { failures: 0, until: now + WINDOW };
        let count = counts.entry(address.to_owned()).or_insert(fresh);
        if count.until <= now {
            *count = fresh;
        }
        count.failures += 1;
    }

    /// Forgets the wrong passwords of somebody who knew the right one.
    pub fn forget(&self, address: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_passwords_close_the_address_for_five_minutes() {
        let failures = Failures::default();
        for _ in 0..MOST {
            assert_eq!(failures.wait("a", 0), None);
            failures.add("a", 0);
        }
        assert_eq!(failures.wait("a", 0), Some(300));
        assert_eq!(failures.wait("b", 0), None);
        assert_eq!(failures.wait("a", WINDOW), None);
    }
}
