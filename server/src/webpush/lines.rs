use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jmap::{AccountId, State};

use crate::store::PushSubscription;

/// What a subscription has to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Untold {
    /// The code by which its client proves the URL.
    pub code: bool,
    /// The newest states, by account and type.
    pub changed: BTreeMap<AccountId, BTreeMap<String, State>>,
}

impl Untold {
    /// Takes in what came later.
    fn add(&mut self, later: Self) {
        self.code |= later.code;
        for (account, states) in later.changed {
            self.changed.entry(account).or_default().extend(states);
        }
    }

    fn is_empty(&self) -> bool {
        !self.code && self.changed.is_empty()
    }
}

/// What waits for each subscription that is being spoken to, by its account and id: one push at a time goes to
/// each, and what changes meanwhile becomes one (RFC 8620 7.2 lets a server put changes together).
#[derive(Debug, Default)]
pub struct Lines(Mutex<HashMap<(AccountId, String), Untold>>);

impl Lines {
    /// Adds what is to be told; true if nobody speaks to the subscription yet, so that the caller has to.
    pub fn add(&self, subscription: &PushSubscription, untold: Untold) -> bool {
        match self.lock().entry(key(subscription)) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().add(untold);
                false
            }
            Entry::Vacant(line) => {
                line.insert(untold);
                true
            }
        }
    }

    /// What is to be told now; none if there is nothing, and then nobody speaks to the subscription any more.
    pub fn next(&self, subscription: &PushSubscription) -> Option<Untold> {
        match self.lock().entry(key(subscription)) {
            Entry::Occupied(mut waiting) if !waiting.get().is_empty() => {
                Some(std::mem::take(waiting.get_mut()))
            }
            Entry::Occupied(waiting) => {
                waiting.remove();
                None
            }
            Entry::Vacant(_) => None,
        }
    }

    /// Forgets a subscription that is gone, and what it had to be told.
    pub fn end(&self, subscription: &PushSubscription) {
        self.lock().remove(&key(subscription));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(AccountId, String), Untold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(subscription: &PushSubscription) -> (AccountId, String) {
    (subscription.account.clone(), subscription.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Credential;

    fn subscription(id: &str) -> PushSubscription {
        PushSubscription {
            account: "a".into(),
            credential: Credential::named("x"),
            id: id.into(),
            device: String::new(),
            url: String::new(),
            keys: None,
            types: None,
            code: String::new(),
            verified: true,
            expires_at: 0,
        }
    }

    fn changed(kind: &str, state: &str) -> Untold {
        let states = BTreeMap::from([(kind.to_owned(), State::from(state.to_owned()))]);
        Untold { code: false, changed: BTreeMap::from([("a".into(), states)]) }
    }

    #[test]
    fn what_changes_while_a_service_is_spoken_to_becomes_one_push_of_the_newest_states() {
        let (lines, one) = (Lines::default(), subscription("p1"));
        assert!(lines.add(&one, changed("Email", "1")), "somebody has to speak to it");
        assert_eq!(lines.next(&one), Some(changed("Email", "1")));
        for number in 2..100 {
            assert!(!lines.add(&one, changed("Email", &number.to_string())), "it is spoken to already");
        }
        assert!(lines.add(&subscription("p2"), changed("Email", "2")), "another has a line of its own");
        assert_eq!(lines.next(&one), Some(changed("Email", "99")));
        assert_eq!(lines.next(&one), None);
        assert!(lines.add(&one, changed("Email", "100")), "nobody speaks to it any more");
    }
}
