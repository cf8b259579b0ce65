use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::{Busy, Queued};

/// How many conversations are for one account, or with one domain: none may hold up all others.
const ALIKE: usize = 4;

/// The conversations under way.
#[derive(Debug, Default)]
pub struct Talks(Mutex<BTreeMap<Key, usize>>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Account(String),
    Domain(String),
}

/// One conversation; ends when it is dropped.
#[derive(Debug)]
pub struct Talk {
    talks: Arc<Talks>,
    keys: Vec<Key>,
}

impl Talks {
    /// A conversation about these entries.
    pub fn begin(self: &Arc<Self>, due: &[Queued]) -> Talk {
        let mut keys: Vec<Key> = due
            .iter()
            .flat_map(|queued| {
                let outgoing = &queued.outgoing;
                [Key::Account(outgoing.account.to_string()), Key::Domain(outgoing.domain.clone())]
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &keys {
            *counts.entry(key.clone()).or_default() += 1;
        }
        Talk { talks: Arc::clone(self), keys }
    }

    /// Who has as many conversations as one may have.
    pub fn busy(&self, by_domain: bool) -> Busy {
        let mut busy = Busy::default();
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in counts.iter().filter(|(_, count)| **count >= ALIKE).map(|(key, _)| key) {
            match key {
                Key::Account(account) => busy.accounts.push(account.clone()),
                Key::Domain(domain) if by_domain => busy.domains.push(domain.clone()),
                Key::Domain(_) => {}
            }
        }
        busy
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let mut counts = self.talks.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            if let Some(count) = counts.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Outgoing;

    fn queued(account: &str, domain: &str) -> Queued {
        let outgoing = Outgoing::new(account.into(), String::new(), format!("x@{domain}"), "b".into());
        Queued { id: "q".into(), outgoing, attempts: 0, queued_at: 0, delay_told: false }
    }

    #[test]
    fn who_has_many_conversations_waits_until_one_ends() {
        let talks = Arc::new(Talks::default());
        let mut open: Vec<Talk> =
            (0..ALIKE).map(|_| talks.begin(&[queued("a", "x.example"), queued("a", "x.example")])).collect();
        let busy = talks.busy(true);
        assert_eq!((busy.accounts, busy.domains), (vec!["a".to_owned()], vec!["x.example".to_owned()]));
        assert!(talks.busy(false).domains.is_empty());
        open.pop();
        assert!(talks.busy(true).accounts.is_empty());
    }
}
