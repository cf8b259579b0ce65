use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::{Busy, Queued};

/// How many conversations run at once: each is with a server that may be slow, and costs little more than a socket then.
const MOST: usize = 64;
/// How many of them run at once where all go to the smarthost, which wants no more of one client.
const MOST_TO_SMARTHOST: usize = 16;
/// How many conversations are for one account, or with one domain: none may hold up all others.
const ALIKE: usize = 4;
/// Where there are so many, the other places are for accounts and domains that have none.
const COMMON: usize = 32;
/// How many have no return path, whatever accounts and domains they are for: strangers cause such mail.
const WITHOUT_RETURN_PATH: usize = 2 * ALIKE;
/// How many messages are in memory at once that lie in files, being long.
const LONG: usize = 16;

/// The conversations under way.
#[derive(Debug)]
pub struct Talks {
    counts: Mutex<BTreeMap<Key, usize>>,
    unrecorded: Mutex<BTreeSet<String>>,
    long: Arc<Semaphore>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    All,
    WithoutReturnPath,
    Account(String),
    Domain(String),
}

/// One conversation; ends when it is dropped.
#[derive(Debug)]
pub struct Talk {
    talks: Arc<Talks>,
    keys: Vec<Key>,
}

impl Default for Talks {
    fn default() -> Self {
        Self { counts: Mutex::default(), unrecorded: Mutex::default(), long: Arc::new(Semaphore::new(LONG)) }
    }
}

impl Talks {
    /// Whether there is no place for another one.
    pub fn are_full(&self, by_domain: bool) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        count(&counts, &Key::All) >= if by_domain { MOST } else { MOST_TO_SMARTHOST }
    }

    /// Waits for a place in memory for a long message.
    pub async fn long(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.long).acquire_owned().await.ok()
    }

    /// A conversation about these entries.
    pub fn begin(self: &Arc<Self>, due: &[Queued]) -> Talk {
        let mut keys: Vec<Key> = due
            .iter()
            .flat_map(|queued| {
                let outgoing = &queued.outgoing;
                // Others cause what has no return path: it must not take the account's places.
                let whose = match outgoing.mail_from.is_empty() {
                    true => Key::WithoutReturnPath,
                    false => Key::Account(outgoing.account.to_string()),
                };
                [Key::All, whose, Key::Domain(outgoing.domain.clone())]
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let mut unrecorded = self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner);
        unrecorded.extend(due.iter().map(|queued| queued.id.clone()));
        drop(unrecorded);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &keys {
            *counts.entry(key.clone()).or_default() += 1;
        }
        Talk { talks: Arc::clone(self), keys }
    }

    /// What became of an entry is recorded.
    pub fn recorded(&self, entry: &str) {
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).remove(entry);
    }

    /// The entries that were talked about, or are, and of which it is not recorded what became of them: they may be sent.
    pub fn unrecorded(&self) -> BTreeSet<String> {
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who has as many conversations as one may have.
    pub fn busy(&self, by_domain: bool) -> Busy {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = if count(&counts, &Key::All) < COMMON { ALIKE } else { 1 };
        let without_return_path = count(&counts, &Key::WithoutReturnPath) >= WITHOUT_RETURN_PATH;
        let mut busy = Busy { without_return_path, ..Busy::default() };
        for key in counts.iter().filter(|(_, count)| **count >= alike).map(|(key, _)| key) {
            match key {
                Key::Account(account) => busy.accounts.push(account.clone()),
                Key::Domain(domain) if by_domain => busy.domains.push(domain.clone()),
                _ => {}
            }
        }
        busy
    }
}

fn count(counts: &BTreeMap<Key, usize>, key: &Key) -> usize {
    counts.get(key).copied().unwrap_or_default()
}

impl Drop for Talk {
    fn drop(&mut self) {
        let mut counts = self.talks.counts.lock().unwrap_or_else(PoisonError::into_inner);
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
        let outgoing = Outgoing::new(account.into(), "s@h.example".into(), format!("x@{domain}"), "b".into());
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
        open.clear();
        assert_eq!(talks.unrecorded(), BTreeSet::from(["q".to_owned()]), "a conversation that broke off");
        talks.recorded("q");
        assert!(talks.unrecorded().is_empty());
    }

    #[test]
    fn once_half_of_the_places_are_taken_the_others_are_for_who_has_none() {
        let talks = Arc::new(Talks::default());
        let account = |number: usize| queued(&format!("a{}", number / 2), &format!("d{number}.example"));
        let mut open: Vec<Talk> = (0..COMMON).map(|number| talks.begin(&[account(number)])).collect();
        let busy = talks.busy(true);
        assert_eq!((busy.accounts.len(), busy.domains.len()), (COMMON / 2, COMMON));
        assert!(talks.are_full(false) && !talks.are_full(true));
        open.pop();
        assert!(talks.busy(true).accounts.is_empty());
        open.extend((COMMON..=MOST).map(|number| talks.begin(&[account(number)])));
        assert!(talks.are_full(true));
    }

    #[test]
    fn what_has_no_return_path_has_few_places_and_none_of_an_accounts() {
        let talks = Arc::new(Talks::default());
        let notice = |number: usize| {
            let mut queued = queued("a", &format!("d{number}.example"));
            queued.outgoing.mail_from.clear();
            queued
        };
        let mut open: Vec<Talk> =
            (0..WITHOUT_RETURN_PATH).map(|number| talks.begin(&[notice(number)])).collect();
        let busy = talks.busy(true);
        assert!(busy.without_return_path && busy.accounts.is_empty());
        open.pop();
        assert!(!talks.busy(true).without_return_path);
    }
}
