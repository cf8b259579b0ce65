//! What a user's streams hear: the changes of their own account and of those shared with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use jmap::{AccountId, State, StateChange};
use sha2::{Digest, Sha256};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::problem::Fault;
use super::signed_in::SignedIn;
use crate::clock::now;
use crate::push::{Changed, Heard};
use crate::relay::Relay;
use crate::store::sql::Connection;
use crate::store::{self, Credential, StoreError};

/// One who listens for as long as their credential holds.
#[derive(Debug)]
pub struct Listening {
    relay: Arc<Relay>,
    user: AccountId,
    credential: Credential,
    heard: Receiver<Heard>,
    types: Option<Vec<String>>,
    /// By account: the last change that is known of.
    at: BTreeMap<AccountId, i64>,
}

/// Something to tell a client of.
#[derive(Debug)]
pub enum News {
    /// An account changed.
    Of(AccountId, Arc<Changed>),
    /// Something was missed.
    Missed,
}

/// What a client is told.
#[derive(Debug)]
pub struct Told {
    /// The new states.
    pub change: StateChange,
    /// What the client gives when it comes back, to hear what it missed.
    pub id: String,
}

/// Why a stream ends.
#[derive(Debug)]
pub enum Over {
    /// The credential was revoked or has expired.
    SignedOut,
    /// The store failed.
    Failed,
}

impl From<StoreError> for Over {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a stream could not read the store");
        Self::Failed
    }
}

impl Listening {
    /// Begins to listen to `types`, or to all; also tells what was missed since the event `last`.
    pub async fn begin(
        relay: &Arc<Relay>,
        signed_in: &SignedIn,
        types: Option<Vec<String>>,
        last: Option<&str>,
    ) -> Result<(Self, Option<News>), Fault> {
        let user = signed_in.account.id.clone();
        // Who waits for a connection takes no place among the listeners yet.
        let mut connection = relay.store.read().await.map_err(Fault::failed)?;
        // Listening begins before it is read what is shared, and that before the states are, so that nothing falls in between.
        let heard = relay.hub.subscribe(&user);
        let heard =
            heard.ok_or_else(|| Fault::new(StatusCode::TOO_MANY_REQUESTS, "too many streams are open"))?;
        let shared = store::shared_with(&mut connection, &user).await.map_err(Fault::failed)?;
        relay.hub.follow(&user, shared.iter().map(|shared| &shared.account.id));
        let mut at = BTreeMap::new();
        for account in std::iter::once(&user).chain(shared.iter().map(|shared| &shared.account.id)) {
            let states = store::states_for(&mut connection, account, &user).await.map_err(Fault::failed)?;
            at.insert(account.clone(), states.newest());
        }
        let (relay, credential) = (Arc::clone(relay), signed_in.credential.clone());
        let listening = Self { relay, user, credential, heard, types, at };
        let missed = last.is_some_and(|last| last != listening.id());
        Ok((listening, missed.then_some(News::Missed)))
    }

    /// Waits for news; none when there will be no more.
    pub async fn news(&mut self) -> Option<News> {
        match self.heard.recv().await {
            Ok((_, changed)) if changed.states.is_empty() => Some(News::Missed),
            Ok((account, changed)) => Some(News::Of(account, changed)),
            Err(RecvError::Lagged(_)) => Some(News::Missed),
            Err(RecvError::Closed) => None,
        }
    }

    /// What the client is told of it; none when it does not want to hear of that.
    ///
    /// What was revoked or is shared no longer is not told, whichever process or command did that.
    pub async fn tell(&mut self, news: News) -> Result<Option<Told>, Over> {
        let relay = Arc::clone(&self.relay);
        let mut connection = relay.store.read().await?;
        let found = store::credential_account(&mut connection, &self.credential, now()).await?;
        if found.is_none() {
            return Err(Over::SignedOut);
        }
        let changed = match news {
            News::Of(account, changed) if account == self.user => vec![(account, changed)],
            News::Of(account, changed) => {
                let shared = store::shared_with(&mut connection, &self.user).await?;
                let is_shared = shared.iter().any(|shared| shared.account.id == account);
                is_shared.then_some((account, changed)).into_iter().collect()
            }
            News::Missed => self.everything(&mut connection).await?,
        };
        Ok(self.told(changed))
    }

    async fn everything(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Vec<(AccountId, Arc<Changed>)>, StoreError> {
        let shared = store::shared_with(connection, &self.user).await?;
        let accounts: Vec<_> = shared.into_iter().map(|shared| shared.account.id).collect();
        // Some may be new; before their states are read, so that nothing falls in between.
        self.relay.hub.follow(&self.user, &accounts);
        let mut all = Vec::new();
        for account in std::iter::once(self.user.clone()).chain(accounts) {
            let states = store::states_for(connection, &account, &self.user).await?.all();
            all.push((account, Arc::new(states)));
        }
        self.at.clear();
        Ok(all)
    }

    fn told(&mut self, changed: Vec<(AccountId, Arc<Changed>)>) -> Option<Told> {
        let mut told = BTreeMap::new();
        for (account, changed) in changed {
            let wanted = |kind: &String| self.types.as_ref().is_none_or(|types| types.contains(kind));
            let states = changed.states.iter().filter(|(kind, _)| wanted(kind));
            let states: BTreeMap<String, State> =
                states.map(|(kind, state)| (kind.clone(), state.clone())).collect();
            self.at.insert(account.clone(), changed.at);
            if !states.is_empty() {
                told.insert(account, states);
            }
        }
        if told.is_empty() {
            return None;
        }
        Some(Told { change: StateChange { kind: "StateChange".into(), changed: told }, id: self.id() })
    }

    /// Stands for the last change of every account; says nothing else.
    fn id(&self) -> String {
        let mut hash = Sha256::new();
        for (account, at) in &self.at {
            hash.update(format!("{account} {at}\n"));
        }
        hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
    }
}
