//! How much of something one account may do within an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jmap::AccountId;

use crate::clock::{Millis, is_over};

/// Recipients that one account may send to: one stolen session must not fill the relay.
pub const RECIPIENTS: usize = 5_000;
/// Push subscriptions that one account may make: for each, something is sent to a URL of its choice.
pub const SUBSCRIPTIONS: usize = 60;
/// Vacation responses that are sent for one account: anybody can cause them.
pub const ANSWERS: usize = 500;
/// Delivery status notifications that are sent of one account's mail.
pub const NOTICES: usize = 60;

const WINDOW: Millis = 60 * 60 * 1000;

/// Counts what each account does, and refuses what goes beyond its hourly measure.
#[derive(Debug)]
pub struct Allowance {
    most: usize,
    counts: Mutex<HashMap<AccountId, (usize, Millis)>>,
}

impl Allowance {
    /// So many of something for each account.
    pub fn new(most: usize) -> Self {
        Self { most, counts: Mutex::default() }
    }

    /// Takes so many; false when the account has not that many left for now.
    pub fn take(&self, account: &AccountId, wanted: usize, now: Millis) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, until) = counts.entry(account.clone()).or_insert((0, now + WINDOW));
        if is_over(*until, WINDOW, now) {
            (*count, *until) = (0, now + WINDOW);
        }
        let fits = wanted <= self.most.saturating_sub(*count);
        if fits {
            *count += wanted;
        }
        fits
    }

    /// Takes so many for what is only being prepared; none when the account has not that many left for now.
    pub fn count(self: &Arc<Self>, account: &AccountId, wanted: usize, now: Millis) -> Option<Counted> {
        let counted = || Counted { allowance: Arc::clone(self), account: account.clone(), count: wanted };
        self.take(account, wanted, now).then(counted)
    }

    /// Gives back what was taken too much.
    pub fn give_back(&self, account: &AccountId, unused: usize) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = counts.get_mut(account) {
            *count = count.saturating_sub(unused);
        }
    }
}

/// What an account was counted for something that is being prepared: given back when that comes to nothing.
#[derive(Debug)]
pub struct Counted {
    allowance: Arc<Allowance>,
    account: AccountId,
    count: usize,
}

impl Counted {
    /// It is about to be done: how many.
    pub fn spend(mut self) -> usize {
        std::mem::take(&mut self.count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.allowance.give_back(&self.account, self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_does_so_much_within_an_hour() {
        let (sending, alice) = (Allowance::new(RECIPIENTS), AccountId::from("alice"));
        assert!(sending.take(&alice, RECIPIENTS, 0));
        assert!(!sending.take(&alice, 1, WINDOW - 1));
        assert!(sending.take(&AccountId::from("bob"), 1, 0));
        assert!(sending.take(&alice, RECIPIENTS, WINDOW));
        assert!(sending.take(&alice, 1, 0), "the clock was ahead");
    }

    #[test]
    fn what_was_prepared_and_not_done_is_not_counted() {
        let (sending, alice) = (Arc::new(Allowance::new(3)), AccountId::from("alice"));
        drop(sending.count(&alice, 3, 0));
        assert_eq!(sending.count(&alice, 2, 0).map(Counted::spend), Some(2));
        assert!(sending.count(&alice, 2, 0).is_none());
        assert!(sending.take(&alice, 1, 0) && !sending.take(&alice, 1, 0));
    }
}
