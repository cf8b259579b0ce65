use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::clock::{Millis, is_over};
use crate::sources::network;

/// Wrong passwords for one address from one source within [`WINDOW`].
const MOST: u32 = 10;
/// Wrong passwords for one address from all sources: a stranger must not lock its owner out with
/// ten guesses, nor guess without end from many places.
const MOST_IN_ALL: u32 = 100;
const WINDOW: Millis = 5 * 60 * 1000;
/// Fixed, so that junk names fill nothing. Passwords are checked slowly, and an attempt that was not checked does not
/// stay counted: within a window a flood reaches a small part of the counters a few times.
const COUNTERS: usize = 64 * 1024;

/// Counts attempts to sign in by address, and by address and source.
///
/// By address and not by source alone: behind a portal all users come from one source. A source is a network where one
/// host has many addresses. Where a counter stands is keyed, so that nobody can aim at another address's.
#[derive(Debug)]
pub struct Attempts {
    key: RandomState,
    counters: Mutex<Vec<Counter>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    attempts: u32,
    until: Millis,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { key: RandomState::new(), counters: Mutex::new(vec![Counter::default(); COUNTERS]) }
    }
}

/// One attempt: taken back when it is dropped before its password turned out to be wrong.
#[derive(Debug)]
pub struct Attempt<'a> {
    attempts: &'a Attempts,
    places: [(usize, u32); 2],
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Right,
    Wrong,
}

impl Attempts {
    /// Counts an attempt before its password is checked, or tells how many seconds to wait.
    pub fn begin(&self, address: &str, source: Option<IpAddr>, now: Millis) -> Result<Attempt<'_>, u64> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let places = self.places(address, source);
        for (place, most) in places {
            let counter = counters.get(place).copied().unwrap_or_default();
            if !is_over(counter.until, WINDOW, now) && counter.attempts >= most {
                return Err(u64::try_from((counter.until - now + 999) / 1000).unwrap_or_default());
            }
        }
        for counter in places.map(|(place, _)| place) {
            let Some(counter) = counters.get_mut(counter) else { continue };
            if is_over(counter.until, WINDOW, now) {
                *counter = Counter { attempts: 0, until: now + WINDOW };
            }
            counter.attempts = counter.attempts.saturating_add(1);
        }
        Ok(Attempt { attempts: self, places, end: End::Open })
    }

    fn places(&self, address: &str, source: Option<IpAddr>) -> [(usize, u32); 2] {
        let place = |hash: u64| usize::try_from(hash % (COUNTERS as u64)).unwrap_or_default();
        let pair = self.key.hash_one((address, Some(source.map(network))));
        let all = self.key.hash_one((address, None::<Option<IpAddr>>));
        [(place(pair), MOST), (place(all), MOST_IN_ALL)]
    }
}

impl Attempt<'_> {
    /// The password was right: the source starts anew.
    pub fn right(mut self) {
        self.end = End::Right;
    }

    /// The password was wrong, which stays counted.
    pub fn wrong(mut self) {
        self.end = End::Wrong;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.end == End::Wrong {
            return;
        }
        let mut counters = self.attempts.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let [(pair, _), (all, _)] = self.places;
        if let Some(counter) = counters.get_mut(pair) {
            counter.attempts = if self.end == End::Right { 0 } else { counter.attempts.saturating_sub(1) };
        }
        if let Some(counter) = counters.get_mut(all) {
            counter.attempts = counter.attempts.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    /// What came of a wrong password.
    fn guess(attempts: &Attempts, address: &str, source: Option<IpAddr>, now: Millis) -> Result<(), u64> {
        attempts.begin(address, source, now).map(Attempt::wrong)
    }

    #[test]
    fn ten_wrong_passwords_close_the_address_for_five_minutes_to_their_source() {
        let attempts = Attempts::default();
        for _ in 0..MOST {
            assert_eq!(guess(&attempts, "a", source(1), 0), Ok(()));
        }
        assert_eq!(guess(&attempts, "a", source(1), 0), Err(300));
        assert_eq!(guess(&attempts, "b", source(1), 0), Ok(()));
        assert_eq!(guess(&attempts, "a", source(2), 0), Ok(()), "its owner comes from elsewhere");
        assert_eq!(guess(&attempts, "a", source(1), -1), Ok(()), "the clock was ahead");
        assert_eq!(guess(&attempts, "a", source(1), WINDOW), Ok(()));
    }

    #[test]
    fn many_sources_together_do_not_guess_without_end() {
        let attempts = Attempts::default();
        let tries = (0..=255).filter(|last| guess(&attempts, "a", source(*last), 0).is_ok());
        assert_eq!(tries.count(), 100);
    }

    #[test]
    fn junk_names_turn_nothing_off() {
        let attempts = Attempts::default();
        for number in 0..20_000 {
            guess(&attempts, &format!("junk{number}"), source(1), 0).ok();
        }
        let tries = (0..50).filter(|_| guess(&attempts, "a", source(1), 0).is_ok()).count();
        assert!(tries <= 10, "{tries} guesses were let through");
    }

    #[test]
    fn a_host_with_many_addresses_is_one_source() {
        let attempts = Attempts::default();
        let host = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]));
        let tries = (0..200).filter(|last| guess(&attempts, "a", host(*last), 0).is_ok());
        assert_eq!(tries.count(), 10);
        let elsewhere = Some(IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]));
        assert_eq!(guess(&attempts, "a", elsewhere, 0), Ok(()));
    }

    #[test]
    fn an_attempt_that_came_to_no_check_is_not_counted() {
        let attempts = Attempts::default();
        let open: Vec<_> = (0..20).filter_map(|_| attempts.begin("a", source(1), 0).ok()).collect();
        assert_eq!(open.len(), 10, "they are counted while they last");
        drop(open);
        assert_eq!(guess(&attempts, "a", source(1), 0), Ok(()));
    }

    #[test]
    fn the_right_password_is_no_attempt() {
        let attempts = Attempts::default();
        for _ in 0..MOST_IN_ALL * 2 {
            attempts.begin("a", source(1), 0).unwrap().right();
        }
    }
}
