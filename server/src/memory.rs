//! How much of what is long is held in memory at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jmap::AccountId;

/// What nobody counts: most requests are shorter, and turns bound how many there are.
pub const FREE: usize = 64 * 1024;

/// The memory for what is long, bounded for all together and for each account.
#[derive(Debug)]
pub struct Memory {
    all: usize,
    each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    each: HashMap<AccountId, usize>,
}

/// There is no memory left for now: so much is held already.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too much is held in memory at once")]
pub struct Full;

/// Octets of memory that count for an account until this is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Arc<Memory>,
    account: AccountId,
    octets: usize,
}

impl Memory {
    /// As much as two of the `largest` need for each account, and four times that for all.
    pub fn new(largest: usize) -> Self {
        // What is held is counted in steps.
        let each = largest.next_multiple_of(FREE).saturating_mul(2);
        Self { all: each.saturating_mul(4), each, taken: Mutex::default() }
    }

    /// Begins to count for an account.
    pub fn hold(self: &Arc<Self>, account: &AccountId) -> Held {
        Held { memory: Arc::clone(self), account: account.clone(), octets: 0 }
    }
}

impl Held {
    /// Makes sure of so many octets in all.
    pub fn grow(&mut self, octets: usize) -> Result<(), Full> {
        // In steps, so that what comes in small pieces is not counted at each.
        let octets = if octets <= FREE { 0 } else { octets.next_multiple_of(FREE) };
        let more = octets.saturating_sub(self.octets);
        if more == 0 {
            return Ok(());
        }
        let Memory { all, each, taken } = &*self.memory;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = taken.each.get(&self.account).copied().unwrap_or_default();
        // What is longer than all that an account may hold, as a letter of days with a higher limit, is held alone.
        let too_much = of_account > 0 && of_account.saturating_add(more) > *each;
        if taken.all.saturating_add(more) > *all || too_much {
            return Err(Full);
        }
        taken.all += more;
        taken.each.insert(self.account.clone(), of_account + more);
        self.octets = octets;
        Ok(())
    }

    /// Gives all of it back.
    pub fn release(&mut self) {
        let octets = std::mem::take(&mut self.octets);
        if octets == 0 {
            return;
        }
        let mut taken = self.memory.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= octets;
        if let Some(of_account) = taken.each.get_mut(&self.account) {
            *of_account -= octets;
            if *of_account == 0 {
                taken.each.remove(&self.account);
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_holds_two_of_the_largest_and_all_four_times_that() {
        let memory = Arc::new(Memory::new(FREE));
        let account = |n: usize| AccountId::from(format!("a{n}"));
        let fits = |held: &mut Held| held.grow(2 * FREE).is_ok();
        let mut all: Vec<Held> = (0..5).map(|n| memory.hold(&account(n))).collect();
        assert_eq!(all.iter_mut().map(fits).collect::<Vec<_>>(), [true, true, true, true, false]);
        assert!(all[0].grow(2 * FREE).is_ok() && all[0].grow(2 * FREE + 1).is_err());
        assert!(memory.hold(&account(0)).grow(FREE).is_ok(), "what is small counts for nobody");
        drop(all);
        let mut alone = memory.hold(&account(0));
        assert!(
            alone.grow(8 * FREE + 1).is_err() && alone.grow(8 * FREE).is_ok(),
            "one longer than two is held alone"
        );
        assert!(memory.hold(&account(1)).grow(2 * FREE).is_err());
        drop(alone);
        let taken = memory.taken.lock().unwrap();
        assert!(taken.all == 0 && taken.each.is_empty());
    }
}
