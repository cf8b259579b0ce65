use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jmap::{BlobId, Delivered, DeliveryStatus, Displayed};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::bounce;
use super::route::{Route, by_route};
use super::schedule::next_attempt;
use super::transport::{Envelope, Outcome, send};
use crate::blobs::BlobError;
use crate::clock::{Millis, now};
use crate::delivery::{self, DeliverError, Sealed};
use crate::relay::Relay;
use crate::store::{self, Ledger, Queued, StoreError, Tx};

/// How many conversations run at once.
const CONVERSATIONS: usize = 16;
/// How many entries are taken at once.
const BATCH: i64 = 200;
/// How long a taken entry is hidden; longer than a conversation may last.
const LEASE: Millis = 30 * 60 * 1000;
/// The queue is looked at this often even when nothing rings.
const LOOK: Duration = Duration::from_secs(60);

/// Sends what is due until the relay stops; conversations under way are finished.
pub async fn run(relay: Arc<Relay>) {
    let at = now();
    let release = relay.store.write(move |tx| Box::pin(store::release_leases(tx, at, LEASE)));
    let released: Result<(), StoreError> = release.await;
    if let Err(error) = released {
        tracing::error!(%error, "the queue could not be opened");
    }
    let slots = Arc::new(Semaphore::new(CONVERSATIONS));
    let mut running = JoinSet::new();
    while !relay.stopping.is_cancelled() {
        while running.try_join_next().is_some() {}
        match take(&relay).await {
            Ok(due) if !due.is_empty() => {
                for (route, message) in grouped(&relay, due) {
                    let (relay, slots) = (Arc::clone(&relay), Arc::clone(&slots));
                    running.spawn(async move {
                        let Ok(_slot) = slots.acquire().await else { return };
                        if let Err(error) = attempt(&relay, &route, message).await {
                            tracing::error!(%error, "an attempt to send could not be recorded");
                        }
                    });
                }
            }
            Ok(_) => wait(&relay).await,
            Err(error) => {
                tracing::error!(%error, "the queue could not be read");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
    while running.join_next().await.is_some() {}
}

async fn take(relay: &Relay) -> Result<Vec<Queued>, StoreError> {
    let mut connection = relay.store.read().await?;
    let due = store::next_due(&mut connection).await?.is_some_and(|at| at <= now());
    drop(connection);
    if !due {
        return Ok(Vec::new());
    }
    let at = now();
    relay.store.write(move |tx| Box::pin(store::lease(tx, at, at + LEASE, BATCH))).await
}

async fn wait(relay: &Relay) {
    let next = async {
        let mut connection = relay.store.read().await.ok()?;
        store::next_due(&mut connection).await.ok()?
    };
    let until = next
        .await
        .map_or(LOOK, |at| Duration::from_millis(u64::try_from(at - now()).unwrap_or_default()).min(LOOK));
    tokio::select! {
        () = relay.queue_bell.notified() => {}
        () = relay.stopping.cancelled() => {}
        () = tokio::time::sleep(until) => {}
    }
}

/// Entries of one message that go the same way, to be sent in one conversation.
fn grouped(relay: &Relay, due: Vec<Queued>) -> Vec<(Route, Vec<Queued>)> {
    let mut messages: BTreeMap<(BlobId, String), Vec<(String, Queued)>> = BTreeMap::new();
    for queued in due {
        let key = (queued.outgoing.blob.clone(), queued.outgoing.mail_from.clone());
        messages.entry(key).or_default().push((queued.outgoing.recipient.clone(), queued));
    }
    let routes = messages.into_values().flat_map(|recipients| by_route(&relay.config, recipients));
    routes.map(|(route, entries)| (route, entries.into_iter().map(|(_, queued)| queued).collect())).collect()
}

async fn attempt(relay: &Relay, route: &Route, entries: Vec<Queued>) -> Result<(), DeliverError> {
    let Some(first) = entries.first() else { return Ok(()) };
    let message = match relay.blobs.read_any(&relay.store, &first.outgoing.blob).await {
        Ok(message) => message,
        Err(BlobError::NotFound) => return Err(StoreError::Corrupt("queue").into()),
        Err(error) => return Err(error.into()),
    };
    let recipients: Vec<String> = entries.iter().map(|queued| queued.outgoing.recipient.clone()).collect();
    let envelope = Envelope { mail_from: &first.outgoing.mail_from, recipients: &recipients };
    let outcomes = send(&relay.config, route, envelope, &message).await;
    for (queued, outcome) in entries.into_iter().zip(outcomes) {
        record(relay, queued, outcome, &message).await?;
    }
    Ok(())
}

/// Takes the entry out, puts it back, or returns the message to its sender.
async fn record(relay: &Relay, queued: Queued, outcome: Outcome, message: &[u8]) -> Result<(), DeliverError> {
    let retry = next_attempt(queued.attempts + 1, queued.queued_at, now());
    let (reply, delivered, bounce) = match outcome {
        // What happens behind the next server is not known (RFC 8621 7).
        Outcome::Delivered(reply) => (reply, Delivered::Unknown, Vec::new()),
        Outcome::Deferred(_) if retry.is_some() => {
            tracing::info!(entry = queued.id, attempts = queued.attempts + 1, "sending is put off");
            let at = retry.unwrap_or_default();
            let postpone = relay
                .store
                .write(move |tx| Box::pin(async move { store::postpone(tx, &queued.id, at).await }));
            return Ok(postpone.await.map_err(|error: StoreError| error)?);
        }
        Outcome::Refused(reason) | Outcome::Deferred(reason) => {
            tracing::info!(entry = queued.id, "a message is returned to its sender");
            let bounce = returned(relay, &queued, &reason, message).await?;
            (reason, Delivered::No, bounce)
        }
    };
    let status = DeliveryStatus { smtp_reply: reply, delivered, displayed: Displayed::Unknown };
    let done = relay.store.write(move |tx| {
        Box::pin(async move {
            store::discard(tx, &queued).await?;
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
async fn tell(tx: &mut Tx, queued: &Queued, status: DeliveryStatus) -> Result<(), StoreError> {
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
