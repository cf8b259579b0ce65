//! Web Push (RFC 8620 7.2): state changes to the push services that clients named.
//!
//! What is pushed are states, which say nothing of content; it is encrypted to the client's keys (RFC 8291)
//! when it gave some. Pushing is an effort, not a promise: a client that missed one finds the changes
//! at its next `/changes`.

mod encrypt;
mod lines;
mod post;
mod vapid;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jmap::{AccountId, State, StateChange};
use p256::ecdsa::SigningKey;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use lines::{Lines, Untold};

use encrypt::MOST;
pub use encrypt::{Keys, is_key};
pub use post::PostError;
pub use vapid::public_key;

use crate::clock::now;
use crate::push::Changed;
use crate::relay::Relay;
use crate::store::{self, PushSubscription, StoreError};

/// Changes of one account within this time are told at once.
const GATHER: Duration = Duration::from_millis(250);
/// Push services that are spoken to at once.
const AT_ONCE: usize = 64;
/// A subscription rests so many times as long as its service took for the last push. A service that is slow on
/// purpose then holds little of what all share; one that is quick is not kept waiting noticeably.
const REST: u32 = 10;

/// What sends need beyond the relay.
pub struct Pusher {
    tls: post::Tls,
    key: SigningKey,
    turns: Semaphore,
    lines: Lines,
}

impl std::fmt::Debug for Pusher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pusher")
    }
}

impl Pusher {
    /// A pusher that signs with `key` and trusts the public roots and `anchors` (DER).
    pub fn new(key: SigningKey, anchors: Vec<Vec<u8>>) -> Self {
        Self { tls: post::Tls::new(anchors), key, turns: Semaphore::new(AT_ONCE), lines: Lines::default() }
    }

    /// The key that push services may bind a subscription to (RFC 8292 3.2), as RFC 9749 announces it.
    pub fn public_key(&self) -> String {
        public_key(&self.key)
    }
}

/// Whether a URL is one that is pushed to.
pub fn is_endpoint(url: &str) -> bool {
    post::Endpoint::read(url).is_some()
}

/// Pushes the changes that this process wrote, until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    let mut changes = relay.hub.own_changes();
    loop {
        let gathered = tokio::select! {
            () = relay.stopping.cancelled() => return,
            gathered = gather(&mut changes) => gathered,
        };
        let Some(gathered) = gathered else { return };
        for ((account, only), states) in gathered {
            if let Err(error) = push(&relay, account, only, states).await {
                tracing::error!(%error, "a change could not be pushed");
            }
        }
    }
}

/// The new states by type, of each account and for whom alone, where they are one user's.
type Gathered = BTreeMap<(AccountId, Option<AccountId>), BTreeMap<String, State>>;

/// The changes within [`GATHER`] of the first; none when there will be no more.
///
/// The time runs from the first and not from the last: on a busy relay there is always another.
async fn gather(changes: &mut Receiver<(AccountId, Arc<Changed>)>) -> Option<Gathered> {
    let mut gathered = Gathered::new();
    let mut until: Option<Instant> = None;
    loop {
        let next = match until {
            None => changes.recv().await,
            Some(at) if at <= Instant::now() => return Some(gathered),
            Some(at) => match tokio::time::timeout_at(at, changes.recv()).await {
                Ok(next) => next,
                Err(_) => return Some(gathered),
            },
        };
        match next {
            Ok((account, changed)) => {
                until.get_or_insert_with(|| Instant::now() + GATHER);
                gathered.entry((account, changed.only.clone())).or_default().extend(changed.states.clone());
            }
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "changes were not pushed"),
            Err(RecvError::Closed) => return None,
        }
    }
}

async fn push(
    relay: &Arc<Relay>,
    account: AccountId,
    only: Option<AccountId>,
    changed: BTreeMap<String, State>,
) -> Result<(), StoreError> {
    let mut connection = relay.store.read().await?;
    let subscriptions = store::subscriptions_to(&mut connection, &account, now()).await?;
    drop(connection);
    let told = |to: &PushSubscription| only.as_ref().is_none_or(|only| to.account == *only);
    for subscription in subscriptions.into_iter().filter(told) {
        let wanted = |kind: &String| subscription.types.as_ref().is_none_or(|types| types.contains(kind));
        let states = changed.iter().filter(|(kind, _)| wanted(kind));
        let states: BTreeMap<_, _> = states.map(|(kind, state)| (kind.clone(), state.clone())).collect();
        if !states.is_empty() {
            let changed = BTreeMap::from([(account.clone(), states)]);
            tell(relay, subscription, Untold { code: false, changed });
        }
    }
    Ok(())
}

/// Sends the code by which a client proves that the URL is its own (RFC 8620 7.2.2).
pub fn verify(relay: &Arc<Relay>, subscription: PushSubscription) {
    tell(relay, subscription, Untold { code: true, ..Untold::default() });
}

fn tell(relay: &Arc<Relay>, subscription: PushSubscription, untold: Untold) {
    if relay.pusher.lines.add(&subscription, untold) {
        tokio::spawn(speak(Arc::clone(relay), subscription));
    }
}

/// Tells a subscription one thing after the other, until nothing is left.
async fn speak(relay: Arc<Relay>, subscription: PushSubscription) {
    loop {
        let Ok(turn) = relay.pusher.turns.acquire().await else { return };
        // What changed while it waited for its turn goes along.
        let Some(told) = relay.pusher.lines.next(&subscription) else { return };
        let began = Instant::now();
        match send(&relay, &subscription, told).await {
            Ok(()) => {}
            Err(PostError::Gone) => {
                relay.pusher.lines.end(&subscription);
                return forget(&relay, subscription).await;
            }
            Err(error) => tracing::info!(%error, "a push was not taken"),
        }
        drop(turn);
        tokio::time::sleep(began.elapsed() * REST).await;
    }
}

async fn send(relay: &Relay, subscription: &PushSubscription, told: Untold) -> Result<(), PostError> {
    let mut outcome = Ok(());
    for message in messages(subscription, told)? {
        match post(relay, subscription, message).await {
            // Each tells of something else.
            refused @ Err(PostError::Keys | PostError::Refused(_)) => outcome = outcome.and(refused),
            posted => posted?,
        }
    }
    outcome
}

/// What goes over: the code, and the changes in as many messages as they need (RFC 8620 7.1: each tells of some).
fn messages(subscription: &PushSubscription, told: Untold) -> Result<Vec<Vec<u8>>, PostError> {
    let mut messages = Vec::new();
    if told.code {
        let code = json!({
            "@type": "PushVerification",
            "pushSubscriptionId": subscription.id,
            "verificationCode": subscription.code,
        });
        messages.push(json_of(&code)?);
    }
    let mut waiting = vec![told.changed];
    while let Some(mut changed) = waiting.pop().filter(|changed| !changed.is_empty()) {
        let message = json_of(&StateChange { kind: "StateChange".into(), changed: changed.clone() })?;
        match if message.len() > MOST { halve(&mut changed) } else { None } {
            Some(rest) => waiting.extend([rest, changed]),
            None => messages.push(message),
        }
    }
    Ok(messages)
}

type States = BTreeMap<AccountId, BTreeMap<String, State>>;

/// Takes the second half of the accounts out, or of the types where there is one account; none of a single type.
fn halve(changed: &mut States) -> Option<States> {
    if let Some(account) = changed.keys().nth(changed.len() / 2).filter(|_| changed.len() > 1).cloned() {
        return Some(changed.split_off(&account));
    }
    let (account, states) = changed.iter_mut().next()?;
    let kind = states.keys().nth(states.len() / 2).filter(|_| states.len() > 1).cloned()?;
    Some(BTreeMap::from([(account.clone(), states.split_off(&kind))]))
}

fn json_of(told: &impl Serialize) -> Result<Vec<u8>, PostError> {
    serde_json::to_vec(told).map_err(|_| PostError::Keys)
}

async fn post(relay: &Relay, subscription: &PushSubscription, told: Vec<u8>) -> Result<(), PostError> {
    let pusher = &relay.pusher;
    let to = post::Endpoint::read(&subscription.url).ok_or(PostError::Url)?;
    let body = match &subscription.keys {
        Some(keys) => encrypt::encrypt(keys, &told).ok_or(PostError::Keys)?,
        None => told,
    };
    let authorization = vapid::authorization(&pusher.key, &to.origin(), &relay.config.url(), now());
    let push = post::Push { authorization, is_encrypted: subscription.keys.is_some(), body };
    post::post(&pusher.tls, &to, push, !relay.config.private_push).await
}

async fn forget(relay: &Relay, subscription: PushSubscription) {
    let gone = relay.store.write(move |tx| {
        Box::pin(async move { store::drop_subscription(tx, &subscription.account, &subscription.id).await })
    });
    let gone: Result<bool, StoreError> = gone.await;
    if let Err(error) = gone {
        tracing::error!(%error, "a push subscription that is gone could not be forgotten");
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;
    use crate::store::Credential;

    #[test]
    fn however_much_changed_it_is_pushed_in_messages_that_can_be_encrypted() {
        let keys = Keys {
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .into(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".into(),
        };
        let subscription = PushSubscription {
            account: "a".into(),
            credential: Credential::named("x"),
            id: "p".into(),
            device: String::new(),
            url: String::new(),
            keys: Some(keys.clone()),
            types: None,
            code: "secret".into(),
            verified: true,
            expires_at: 0,
        };
        let states = |kinds: usize| -> BTreeMap<String, State> {
            (0..kinds).map(|kind| (format!("Type{kind}"), State::from(format!("{kind}")))).collect()
        };
        for (accounts, kinds) in [(0, 0), (1, 1), (1, 400), (300, 8), (3, 200)] {
            let account = |number: usize| (AccountId::from(format!("a{number:026}")), states(kinds));
            let changed: States = (0..accounts).map(account).collect();
            let sent = messages(&subscription, Untold { code: true, changed: changed.clone() }).unwrap();
            assert!(
                sent.iter().all(|message| encrypt::encrypt(&keys, message).is_some()),
                "{accounts} {kinds}"
            );
            let mut told = States::new();
            for message in sent.iter().skip(1) {
                for (account, states) in serde_json::from_slice::<StateChange>(message).unwrap().changed {
                    told.entry(account).or_default().extend(states);
                }
            }
            assert_eq!(told, changed);
            assert_eq!(sent.len() > 2, accounts * kinds > 1, "few are one message");
        }
    }

    #[tokio::test]
    async fn a_steady_stream_of_changes_does_not_put_pushes_off() {
        let (teller, mut changes) = broadcast::channel(64);
        let telling = tokio::spawn(async move {
            for number in 0.. {
                let states = BTreeMap::from([("Email".to_owned(), number.to_string().into())]);
                let changed = Arc::new(Changed { states, at: number, only: None });
                teller.send((AccountId::from("a"), changed)).unwrap();
                tokio::time::sleep(GATHER / 5).await;
            }
        });
        let gathered = tokio::time::timeout(Duration::from_secs(20), gather(&mut changes)).await;
        assert_eq!(gathered.expect("it waits for silence").unwrap().len(), 1);
        telling.abort();
    }
}
