//! State changes, fanned out to whoever listens for an account.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jmap::{AccountId, State};
use tokio::sync::broadcast;

/// What changed in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The new states, by type name.
    pub states: BTreeMap<String, State>,
    /// The sequence number of the last change; grows with every change of the account.
    pub at: i64,
}

/// How many changes a slow listener may lag behind before it reads the current states instead.
const BACKLOG: usize = 16;

/// How many streams one account may have open: tabs and devices, not a flood.
const LISTENERS: usize = 64;

/// Fans state changes out to the push streams of this process.
#[derive(Debug, Default)]
pub struct Hub {
    channels: Mutex<HashMap<AccountId, broadcast::Sender<Arc<Changed>>>>,
}

impl Hub {
    /// Listens for the changes of one account from now on; none when too many do already.
    pub fn subscribe(&self, account: &AccountId) -> Option<broadcast::Receiver<Arc<Changed>>> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channels.entry(account.clone()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        (channel.receiver_count() < LISTENERS).then(|| channel.subscribe())
    }

    /// Ends the streams of an account; whoever may still listen comes back.
    pub fn end(&self, account: &AccountId) {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }

    /// Tells all listeners of the account.
    pub fn publish(&self, account: &AccountId, changed: Arc<Changed>) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let unheard = channels.get(account).is_some_and(|channel| channel.send(changed).is_err());
        if unheard {
            channels.remove(account);
        }
    }
}
