use std::collections::{HashMap, VecDeque};

use tokio::sync::oneshot;

use super::{Class, Place};

/// One in so many goes to what runs by itself, even while people wait: it must not stand still.
const BULK_SHARE: u32 = 8;

/// What runs and what waits.
#[derive(Debug, Default)]
pub struct Line {
    /// How much runs.
    pub running: usize,
    /// How much waits.
    pub waiting: usize,
    served: u32,
    interactive: Organisations,
    bulk: Organisations,
}

type Organisations = Rounds<Rounds<VecDeque<Waiting>>>;

/// How somebody who waits is given a place.
pub type Waiting = oneshot::Sender<Place>;

/// Those who take turns, by name.
#[derive(Debug)]
struct Rounds<T> {
    order: VecDeque<String>,
    each: HashMap<String, T>,
}

impl<T> Default for Rounds<T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), each: HashMap::new() }
    }
}

impl<T: Default> Rounds<T> {
    /// What is there of somebody, without giving him a turn.
    fn known(&mut self, name: &str) -> Option<&mut T> {
        self.each.get_mut(name)
    }

    fn of(&mut self, name: &str) -> &mut T {
        if !self.each.contains_key(name) {
            self.order.push_back(name.to_owned());
        }
        self.each.entry(name.to_owned()).or_default()
    }

    /// What the one whose turn it is gives; whoever has nothing left is forgotten.
    fn next(&mut self, take: impl Fn(&mut T) -> Option<Waiting>) -> Option<Waiting> {
        while let Some(name) = self.order.pop_front() {
            if let Some(waiting) = self.each.get_mut(&name).and_then(&take) {
                self.order.push_back(name);
                return Some(waiting);
            }
            self.each.remove(&name);
        }
        None
    }
}

impl Line {
    /// Lets somebody wait, last of his account.
    pub fn push(&mut self, organisation: &str, account: &str, class: Class, call: Waiting) {
        self.of(class).of(organisation).of(account).push_back(call);
        self.waiting += 1;
    }

    /// Takes out whoever of an account does not wait any more.
    pub fn forget(&mut self, organisation: &str, account: &str, class: Class) {
        let accounts = self.of(class).known(organisation);
        let Some(waiting) = accounts.and_then(|accounts| accounts.known(account)) else { return };
        let before = waiting.len();
        waiting.retain(|call| !call.is_closed());
        let gone = before - waiting.len();
        self.waiting -= gone;
    }

    fn of(&mut self, class: Class) -> &mut Organisations {
        match class {
            Class::Interactive => &mut self.interactive,
            Class::Bulk => &mut self.bulk,
        }
    }

    /// Sends away what the greatest account of the greatest organisation asked last, unless that is who asks now.
    pub fn make_room(&mut self, organisation: &str, account: &str) -> bool {
        let mut counts: HashMap<&str, HashMap<&str, usize>> = HashMap::new();
        for (name, accounts) in self.interactive.each.iter().chain(&self.bulk.each) {
            let counts = counts.entry(name).or_default();
            accounts
                .each
                .iter()
                .for_each(|(name, waiting)| *counts.entry(name).or_default() += waiting.len());
        }
        *counts.entry(organisation).or_default().entry(account).or_default() += 1;
        let all = |accounts: &HashMap<&str, usize>| accounts.values().sum::<usize>();
        let greatest = counts.iter().max_by_key(|(name, accounts)| (all(accounts), **name == organisation));
        let Some((greatest, accounts)) = greatest else { return false };
        let last = accounts.iter().max_by_key(|(name, count)| (**count, **name == account));
        let Some((last, _)) = last.filter(|(name, _)| (*greatest, **name) != (organisation, account)) else {
            return false;
        };
        let (greatest, last) = ((*greatest).to_owned(), (*last).to_owned());
        let found = [&mut self.bulk, &mut self.interactive].into_iter().find_map(|rounds| {
            rounds.known(&greatest).and_then(|accounts| accounts.known(&last)).and_then(VecDeque::pop_back)
        });
        self.waiting -= usize::from(found.is_some());
        found.is_some()
    }

    /// Whose turn it is; he waits no more.
    pub fn next(&mut self) -> Option<Waiting> {
        self.served = self.served.wrapping_add(1);
        let take = |rounds: &mut Organisations| rounds.next(|accounts| accounts.next(VecDeque::pop_front));
        let next = if self.served.is_multiple_of(BULK_SHARE) {
            take(&mut self.bulk).or_else(|| take(&mut self.interactive))
        } else {
            take(&mut self.interactive).or_else(|| take(&mut self.bulk))
        };
        self.waiting -= usize::from(next.is_some());
        next
    }
}
