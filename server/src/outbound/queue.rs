use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jmap::{Delivered, DeliveryStatus, Displayed};
use tokio::task::JoinSet;

use super::bounce;
use super::route::{Route, by_route};
use super::schedule::next_attempt;
use super::talks::Talks;
use super::transport::{Envelope, Outcome, send};
use crate::blobs::BlobError;
use crate::clock::{Millis, now};
use crate::delivery::{self, DeliverError, Sealed};
use crate::relay::Relay;
use crate::store::{self, Engine, Lease, Ledger, Queued, StoreError, Tx};

/// How many conversations run at once.
const CONVERSATIONS: usize = 16;
/// How many recipients one conversation has (RFC 5321 4.5.3.1.8).
const RECIPIENTS: i64 = 100;
/// How long an entry is on lease at most; longer than a conversation with all hosts of a domain may last.
const LEASE: Millis = 60 * 60 * 1000;
/// The queue is looked at this often even when nothing rings: another process may have put something in.
const LOOK: Duration = Duration::from_secs(5);
/// And no more often than this while what is due has to wait.
const PAUSE: Duration = Duration::from_secs(1);
/// How often entries are looked for before the queue is taken to be empty.
const TRIES: usize = 4;
/// How often the outcome of a conversation is written down if that fails.
const RECORDINGS: usize = 3;

/// Sends what is due until the relay stops; conversations under way are finished.
pub async fn run(relay: Arc<Relay>) {
    let mut running = JoinSet::new();
    let talks = Arc::new(Talks::default());
    while !relay.stopping.is_cancelled() {
        while running.try_join_next().is_some() {}
        if running.len() >= CONVERSATIONS {
            // Nothing is taken before there is room for it, or its lease would run out in the queue.
            running.join_next().await;
            continue;
        }
        match take(&relay, &talks).await {
            Ok(due) if !due.is_empty() => {
                let (relay, talk) = (Arc::clone(&relay), talks.begin(&due));
                running.spawn(async move {
                    attempts(&relay, due).await;
                    drop(talk);
                });
            }
            Ok(_) => wait(&relay, &mut running).await,
            Err(error) => {
                tracing::error!(%error, "the queue could not be read");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
    while running.join_next().await.is_some() {}
}

async fn take(relay: &Relay, talks: &Talks) -> Result<Vec<Queued>, StoreError> {
    let mut connection = relay.store.read().await?;
    let due = store::next_due(&mut connection).await?.is_some_and(|at| at <= now());
    drop(connection);
    if !due {
        return Ok(Vec::new());
    }
    let by_domain = relay.config.smarthost.is_none();
    // Nothing may also mean that another process was quicker.
    for _ in 0..TRIES {
        let (at, busy) = (now(), talks.busy(by_domain));
        let lease = Lease { owner: relay.process.clone(), from: at, until: at + LEASE };
        let take = relay.store.write(move |tx| {
            Box::pin(async move { store::lease(tx, &lease, RECIPIENTS, by_domain, &busy).await })
        });
        let taken: Vec<Queued> = take.await.map_err(|error: StoreError| error)?;
        if !taken.is_empty() || relay.store.engine() == Engine::Sqlite {
            return Ok(taken);
        }
    }
    Ok(Vec::new())
}

async fn wait(relay: &Relay, running: &mut JoinSet<()>) {
    let next = async {
        let mut connection = relay.store.read().await.ok()?;
        store::next_due(&mut connection).await.ok()?
    };
    let until =
        next.await.map_or(LOOK, |at| Duration::from_millis(u64::try_from(at - now()).unwrap_or_default()));
    tokio::select! {
        () = relay.queue_bell.notified() => {}
        () = relay.stopping.cancelled() => {}
        () = tokio::time::sleep(until.clamp(PAUSE, LOOK)) => {}
        Some(_) = running.join_next() => {}
    }
}

/// One message, and those of its recipients that go the same way.
async fn attempts(relay: &Relay, due: Vec<Queued>) {
    let recipients = due.into_iter().map(|queued| (queued.outgoing.recipient.clone(), queued));
    for (route, entries) in by_route(&relay.config, recipients) {
        attempt(relay, &route, entries.into_iter().map(|(_, queued)| queued).collect()).await;
    }
}

async fn attempt(relay: &Relay, route: &Route, entries: Vec<Queued>) {
    let Some(first) = entries.first() else { return };
    let (message, outcomes) = match relay.blobs.read_any(&relay.store, &first.outgoing.blob).await {
        Ok(message) => {
            let recipients: Vec<String> =
                entries.iter().map(|queued| queued.outgoing.recipient.clone()).collect();
            let envelope = Envelope { mail_from: &first.outgoing.mail_from, recipients: &recipients };
            let outcomes = send(&relay.config, route, envelope, &message).await;
            (message, outcomes)
        }
        // It will not come back: the sender must know.
        Err(BlobError::NotFound) => {
            let lost = Outcome::Refused("554 5.3.0 the message was lost".to_owned());
            (Vec::new(), vec![lost; entries.len()])
        }
        Err(error) => {
            tracing::error!(%error, "a queued message could not be read");
            (
                Vec::new(),
                vec![Outcome::Deferred("451 4.3.0 the message cannot be read".to_owned()); entries.len()],
            )
        }
    };
    // Each by itself: what happens to one entry must not send the others again.
    for (queued, outcome) in entries.into_iter().zip(outcomes) {
        let entry = queued.id.clone();
        if let Err(error) = record(relay, queued, outcome, &message).await {
            tracing::error!(%error, entry, "an attempt to send could not be recorded");
        }
    }
}

/// Takes the entry out, puts it back, or returns the message to its sender.
async fn record(relay: &Relay, queued: Queued, outcome: Outcome, message: &[u8]) -> Result<(), DeliverError> {
    let retry = next_attempt(queued.attempts + 1, queued.queued_at, now());
    let (reply, delivered, bounce) = match outcome {
        // What happens behind the next server is not known (RFC 8621 7).
        Outcome::Delivered(reply) => (reply, Delivered::Unknown, Vec::new()),
        Outcome::Deferred(reply) if retry.is_some() => {
            tracing::info!(entry = queued.id, attempts = queued.attempts + 1, "sending is put off");
            let at = retry.unwrap_or_default();
            let owner = relay.process.clone();
            let postpone = relay.store.write(move |tx| {
                Box::pin(async move { store::postpone(tx, &queued, &owner, at, &reply).await })
            });
            postpone.await.map_err(|error: StoreError| error)?;
            return Ok(());
        }
        Outcome::Refused(reason) | Outcome::Deferred(reason) => {
            tracing::info!(entry = queued.id, "a message is returned to its sender");
            // RFC 5321 6.1: nobody is told of what has no return path.
            // And an entry is never kept because its sender cannot be told.
            let bounce = if queued.outgoing.mail_from.is_empty() {
                Vec::new()
            } else {
                returned(relay, &queued, &reason, message).await.unwrap_or_else(|error| {
                    tracing::error!(%error, entry = queued.id, "a returned message could not be sealed");
                    Vec::new()
                })
            };
            (reason, Delivered::No, bounce)
        }
    };
    let status = DeliveryStatus { smtp_reply: reply, delivered, displayed: Displayed::Unknown };
    match finish(relay, queued.clone(), status.clone(), bounce).await {
        Ok(()) => return Ok(()),
        Err(error) => tracing::error!(%error, entry = queued.id, "a message could not be returned"),
    }
    for _ in 1..RECORDINGS {
        if finish(relay, queued.clone(), status.clone(), Vec::new()).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    finish(relay, queued, status, Vec::new()).await
}

async fn finish(
    relay: &Relay,
    queued: Queued,
    status: DeliveryStatus,
    bounce: Vec<Sealed>,
) -> Result<(), DeliverError> {
    let owner = relay.process.clone();
    let done = relay.store.write(move |tx| {
        Box::pin(async move {
            // The account before its blobs, as everybody does.
            store::lock_accounts(tx, [&queued.outgoing.account]).await?;
            if !store::discard(tx, &queued, &owner).await? {
                // Another process has it by now, and will tell.
                return Ok(());
            }
            tell(tx, &queued, status).await?;
            delivery::keep(tx, bounce).await
        })
    });
    done.await
}

async fn returned(
    relay: &Relay,
    queued: &Queued,
    reason: &str,
    message: &[u8],
) -> Result<Vec<Sealed>, DeliverError> {
    let mut connection = relay.store.read().await?;
    let sender = store::account(&mut connection, &queued.outgoing.account).await?;
    drop(connection);
    let notification = bounce::notification(&relay.config, queued, reason, message);
    delivery::prepare(relay, sender.as_slice(), notification).await
}

/// Notes in the submission what became of it.
pub async fn tell(tx: &mut Tx, queued: &Queued, status: DeliveryStatus) -> Result<(), StoreError> {
    let Some(id) = &queued.outgoing.submission else { return Ok(()) };
    let account = &queued.outgoing.account;
    let Some(row) = store::submission(tx.connection(), account, id).await? else { return Ok(()) };
    let corrupt = |_| StoreError::Corrupt("submission");
    let mut states: BTreeMap<String, DeliveryStatus> =
        serde_json::from_str(&row.delivery).map_err(corrupt)?;
    states.insert(queued.outgoing.recipient.clone(), status);
    let text = serde_json::to_string(&states).map_err(corrupt)?;
    let mut ledger = Ledger::open(tx, account).await?;
    store::set_delivery(tx, &mut ledger, id, text).await?;
    ledger.close(tx).await?;
    Ok(())
}
