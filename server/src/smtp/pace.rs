use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use crate::clock::{Millis, is_over};
use crate::sources::network;

const WINDOW: Millis = 60 * 60 * 1000;
/// Fixed, so that no number of sources fills anything; two that share a counter wait for each other at worst.
const COUNTERS: usize = 64 * 1024;

/// Counts the messages of each source within an hour.
#[derive(Debug)]
pub struct Pace {
    most: NonZeroU32,
    key: RandomState,
    counters: Mutex<Vec<(u32, Millis)>>,
}

impl Pace {
    /// So many messages for each source.
    pub fn new(most: NonZeroU32) -> Self {
        Self { most, key: RandomState::new(), counters: Mutex::new(vec![(0, 0); COUNTERS]) }
    }

    /// Counts a message; false when its source has sent as many as it may.
    pub fn take(&self, source: IpAddr, now: Millis) -> bool {
        let place = usize::try_from(self.key.hash_one(network(source)) % (COUNTERS as u64));
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((count, until)) = counters.get_mut(place.unwrap_or_default()) else { return true };
        if is_over(*until, WINDOW, now) {
            (*count, *until) = (0, now + WINDOW);
        }
        let fits = *count < self.most.get();
        *count += u32::from(fits);
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_sends_so_much_within_an_hour() {
        let pace = Pace::new(NonZeroU32::new(2).unwrap());
        let source = |address: &str| address.parse::<IpAddr>().unwrap();
        assert!(pace.take(source("2001:db8::1"), 0) && pace.take(source("2001:db8::2"), 0));
        assert!(!pace.take(source("2001:db8::3"), WINDOW - 1), "a network is one source");
        assert!(pace.take(source("2001:db8::3"), WINDOW));
        assert!(pace.take(source("192.0.2.1"), WINDOW) && pace.take(source("192.0.2.1"), WINDOW));
        assert!(pace.take(source("192.0.2.1"), 0), "the clock was ahead");
    }
}
