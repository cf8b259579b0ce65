//! How much one account may send.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jmap::AccountId;

use crate::clock::Millis;

/// Recipients of one account within [`WINDOW`].
const MOST: usize = 5_000;
const WINDOW: Millis = 60 * 60 * 1000;

/// Counts the recipients of each account's letters: one stolen session must not fill the relay.
#[derive(Debug, Default)]
pub struct Sending(Mutex<HashMap<AccountId, (usize, Millis)>>);

impl Sending {
    /// Takes room for so many recipients; false when the account has none left for now.
    pub fn take(&self, account: &AccountId, recipients: usize, now: Millis) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, until) = counts.entry(account.clone()).or_insert((0, now + WINDOW));
        if *until <= now {
            (*count, *until) = (0, now + WINDOW);
        }
        let fits = recipients <= MOST.saturating_sub(*count);
        if fits {
            *count += recipients;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_sends_so_much_within_an_hour() {
        let (sending, alice) = (Sending::default(), AccountId::from("alice"));
        assert!(sending.take(&alice, MOST, 0));
        assert!(!sending.take(&alice, 1, WINDOW - 1));
        assert!(sending.take(&AccountId::from("bob"), 1, 0));
        assert!(sending.take(&alice, 1, WINDOW));
    }
}
