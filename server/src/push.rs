//! State changes, fanned out to whoever listens for an account.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jmap::{AccountId, State};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};

/// What changed in one account; where no state is named, something may not have been told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The new states, by type name.
    pub states: BTreeMap<String, State>,
    /// The sequence number of the last change; grows with every change of the account.
    pub at: i64,
    /// Who alone sees that; all who may open the account where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<AccountId>,
}

impl Changed {
    fn untold() -> Self {
        Self { states: BTreeMap::new(), at: 0, only: None }
    }
}

/// What the processes that share a store tell each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// An account changed.
    Changed(AccountId, Changed),
    /// The streams of an account are to end.
    End(AccountId),
    /// Which accounts a user may open is another question now.
    Shared(AccountId),
    /// Something was not told.
    Missed,
}

/// How many notices may wait to be told to other processes.
const TELLING: usize = 4096;

/// How many changes a slow listener may lag behind before it reads the current states instead.
const BACKLOG: usize = 4;

/// How many streams one account may have open: tabs and devices, not a flood.
const LISTENERS: usize = 64;

/// What a listener hears: which account changed, and what.
pub type Heard = (AccountId, Arc<Changed>);

/// Fans state changes out to the push streams of this process, and to other processes.
#[derive(Debug, Default)]
pub struct Hub {
    listeners: Mutex<Listeners>,
    others: OnceLock<mpsc::Sender<Notice>>,
    own: OnceLock<broadcast::Sender<Heard>>,
    untold: AtomicBool,
}

#[derive(Debug, Default)]
struct Listeners {
    /// By user who listens.
    channels: HashMap<AccountId, broadcast::Sender<Heard>>,
    /// By account: the users who listen and whom it is shared with.
    members: HashMap<AccountId, BTreeSet<AccountId>>,
}

impl Listeners {
    fn send(&mut self, user: &AccountId, heard: Heard) {
        if self.channels.get(user).is_some_and(|channel| channel.send(heard).is_err()) {
            self.channels.remove(user);
        }
    }
}

impl Hub {
    /// What other processes are to be told from now on.
    pub fn notices(&self) -> mpsc::Receiver<Notice> {
        let (others, notices) = mpsc::channel(TELLING);
        self.others.set(others).ok();
        notices
    }

    /// The changes that this process writes, of all accounts, from now on.
    pub fn own_changes(&self) -> broadcast::Receiver<Heard> {
        self.own.get_or_init(|| broadcast::channel(TELLING).0).subscribe()
    }

    /// Whether something could not be told since this was last asked.
    pub fn take_untold(&self) -> bool {
        self.untold.swap(false, Ordering::Relaxed)
    }

    /// Passes on what another process tells.
    pub fn hear(&self, notice: Notice) {
        match notice {
            Notice::Changed(account, changed) => self.send(&account, Arc::new(changed)),
            Notice::End(account) => self.cut(&account),
            Notice::Shared(user) => self.have_read(&user),
            Notice::Missed => self.missed(),
        }
    }

    fn tell(&self, notice: impl FnOnce() -> Notice) {
        if let Some(others) = self.others.get()
            && others.try_send(notice()).is_err()
        {
            self.untold.store(true, Ordering::Relaxed);
        }
    }

    /// Listens for the changes of a user's account from now on; none when too many listen for the user already.
    pub fn subscribe(&self, user: &AccountId) -> Option<broadcast::Receiver<Heard>> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = listeners.channels.entry(user.clone()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        (channel.receiver_count() < LISTENERS).then(|| channel.subscribe())
    }

    /// Has the listeners of a user hear of these accounts too, which are shared with them.
    pub fn follow<'a>(&self, user: &AccountId, shared: impl IntoIterator<Item = &'a AccountId>) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        for account in shared {
            listeners.members.entry(account.clone()).or_default().insert(user.clone());
        }
    }

    /// How many listen.
    pub fn listening(&self) -> usize {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.channels.values().map(broadcast::Sender::receiver_count).sum()
    }

    /// Ends the streams of an account; whoever may still listen comes back.
    pub fn end(&self, account: &AccountId) {
        self.tell(|| Notice::End(account.clone()));
        self.cut(account);
    }

    /// Has the listeners of a user read the current states, of what is shared with them now.
    pub fn shared(&self, user: &AccountId) {
        self.tell(|| Notice::Shared(user.clone()));
        self.have_read(user);
    }

    fn have_read(&self, user: &AccountId) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.send(user, (user.clone(), Arc::new(Changed::untold())));
    }

    /// Has all listeners read the current states: something may not have been told.
    pub fn missed(&self) {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = Arc::new(Changed::untold());
        for (user, channel) in &listeners.channels {
            channel.send((user.clone(), Arc::clone(&untold))).ok();
        }
    }

    /// Has all listeners of all processes read the current states: whether something was written is not known.
    pub fn lost(&self) {
        self.tell(|| Notice::Missed);
        self.missed();
    }

    /// Tells all listeners of the account.
    pub fn publish(&self, account: &AccountId, changed: Arc<Changed>) {
        self.tell(|| Notice::Changed(account.clone(), Changed::clone(&changed)));
        if let Some(own) = self.own.get() {
            // With nobody to push for, nobody listens.
            own.send((account.clone(), Arc::clone(&changed))).ok();
        }
        self.send(account, changed);
    }

    fn send(&self, account: &AccountId, changed: Arc<Changed>) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(member) = &changed.only {
            return listeners.send(member, (account.clone(), Arc::clone(&changed)));
        }
        listeners.send(account, (account.clone(), Arc::clone(&changed)));
        let Some(mut members) = listeners.members.remove(account) else { return };
        members.retain(|member| {
            listeners.send(member, (account.clone(), Arc::clone(&changed)));
            listeners.channels.contains_key(member)
        });
        if !members.is_empty() {
            listeners.members.insert(account.clone(), members);
        }
    }

    fn cut(&self, user: &AccountId) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).channels.remove(user);
    }
}
