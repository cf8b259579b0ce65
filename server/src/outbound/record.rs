//! What an attempt to send comes to: in the queue, in the submission, and for its sender.

use std::collections::BTreeMap;
use std::time::Duration;

use jmap::{BlobId, Delivered, DeliveryStatus, Displayed};

use super::notification::{self, Fate};
use super::parameters::Parameters;
use super::reason::Trouble;
use super::schedule;
use super::transport::Outcome;
use crate::clock::{Millis, now};
use crate::delivery::{self, DeliverError, Sealed};
use crate::relay::Relay;
use crate::store::{self, Failure, Ledger, Queued, StoreError, Tx};

/// How often the outcome of a conversation is written down if that fails.
const RECORDINGS: usize = 3;
/// And how long it waits in between.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes the entry out, puts it back, or returns the message to its sender.
pub async fn record(
    relay: &Relay,
    queued: Queued,
    outcome: Outcome,
    message: &[u8],
) -> Result<(), DeliverError> {
    let outbound = &relay.config.outbound;
    let retry = schedule::next_attempt(outbound, queued.attempts + 1, queued.queued_at, now());
    match (outcome, retry) {
        (Outcome::Delivered(accepted), _) => {
            // What happens behind the next server is not known (RFC 8621 7).
            let status = status(accepted.reply.clone(), Delivered::Unknown);
            let told = match wants(&queued, "SUCCESS") && !accepted.reports {
                true => report(relay, &queued, Fate::Relayed(&accepted), message).await,
                false => Vec::new(),
            };
            settle(relay, queued, status, told).await
        }
        (Outcome::Deferred(trouble), Some(at)) => {
            tracing::info!(entry = queued.id, attempts = queued.attempts + 1, reason = %trouble.reason, "sending is put off");
            put_off(relay, queued, trouble, at, message).await
        }
        (Outcome::Refused(trouble) | Outcome::Deferred(trouble), _) => {
            tracing::info!(entry = queued.id, reason = %trouble.reason, "a message is returned to its sender");
            let told = report(relay, &queued, Fate::Failed(&trouble), message).await;
            settle(relay, queued, status(trouble.reply, Delivered::No), told).await
        }
    }
}

/// The message waits for another attempt; its sender hears so once.
async fn put_off(
    relay: &Relay,
    queued: Queued,
    trouble: Trouble,
    next_at: Millis,
    message: &[u8],
) -> Result<(), DeliverError> {
    let outbound = &relay.config.outbound;
    let is_late = now() - queued.queued_at >= schedule::hours(outbound.tell_delay_hours);
    let until = queued.queued_at + schedule::hours(outbound.give_up_hours);
    let told = match is_late && !queued.delay_told {
        true => report(relay, &queued, Fate::Delayed(&trouble, until), message).await,
        false => Vec::new(),
    };
    let failure = Failure {
        next_at,
        reason: trouble.reason.name(),
        reply: trouble.reply,
        host: trouble.host,
        delay_told: queued.delay_told || is_late,
    };
    let owner = relay.process.clone();
    let postpone = relay.store.write(move |tx| {
        Box::pin(async move {
            store::lock_accounts(tx, [&queued.outgoing.account]).await?;
            if store::postpone(tx, &queued, &owner, &failure).await? && !told.is_empty() {
                file(tx, &queued, &told).await?;
                delivery::keep(tx, told).await?;
            }
            Ok::<_, DeliverError>(())
        })
    });
    postpone.await
}

fn status(smtp_reply: String, delivered: Delivered) -> DeliveryStatus {
    DeliveryStatus { smtp_reply, delivered, displayed: Displayed::Unknown }
}

/// Takes the entry out and tells; what was done is not done again because it could not be told.
async fn settle(
    relay: &Relay,
    queued: Queued,
    status: DeliveryStatus,
    told: Vec<Sealed>,
) -> Result<(), DeliverError> {
    match finish(relay, queued.clone(), status.clone(), told).await {
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
    told: Vec<Sealed>,
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
            file(tx, &queued, &told).await?;
            delivery::keep(tx, told).await
        })
    });
    done.await
}

/// The report of a fate to the sender, sealed; none where it is not wanted, or cannot be made: an entry
/// is never kept because its sender cannot be told.
pub async fn report(relay: &Relay, queued: &Queued, fate: Fate<'_>, message: &[u8]) -> Vec<Sealed> {
    // RFC 5321 6.1: nobody is told of what has no return path.
    let wanted = wants(queued, fate.notify());
    if queued.outgoing.mail_from.is_empty() || !wanted {
        return Vec::new();
    }
    sealed(relay, queued, fate, message).await.unwrap_or_else(|error| {
        tracing::error!(%error, entry = queued.id, "a report could not be sealed");
        Vec::new()
    })
}

/// Whether its sender wants to hear of this; where that cannot be read, as if he had not said.
fn wants(queued: &Queued, what: &str) -> bool {
    Parameters::of(&queued.outgoing).unwrap_or_default().wants(what)
}

async fn sealed(
    relay: &Relay,
    queued: &Queued,
    fate: Fate<'_>,
    message: &[u8],
) -> Result<Vec<Sealed>, DeliverError> {
    let mut connection = relay.store.read().await?;
    let sender = store::account(&mut connection, &queued.outgoing.account).await?;
    drop(connection);
    let notification = notification::write(&relay.config, queued, fate, message);
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
    let known = states.entry(queued.outgoing.recipient.clone()).or_insert_with(|| status.clone());
    // The report of the next server may have been quicker than this, and knows more.
    if matches!(known.delivered, Delivered::Yes | Delivered::No) {
        return Ok(());
    }
    *known = DeliveryStatus { displayed: known.displayed, ..status };
    let text = serde_json::to_string(&states).map_err(corrupt)?;
    let mut ledger = Ledger::open(tx, account).await?;
    store::set_delivery(tx, &mut ledger, id, text).await?;
    ledger.close(tx).await?;
    Ok(())
}

/// Names the reports in the submission (RFC 8621 7).
pub async fn file(tx: &mut Tx, queued: &Queued, told: &[Sealed]) -> Result<(), StoreError> {
    let Some(id) = &queued.outgoing.submission else { return Ok(()) };
    let account = &queued.outgoing.account;
    let blobs: Vec<BlobId> = told.iter().map(|sealed| sealed.blob().clone()).collect();
    if blobs.is_empty() {
        return Ok(());
    }
    let mut ledger = Ledger::open(tx, account).await?;
    store::add_dsn(tx, &mut ledger, id, &blobs).await?;
    ledger.close(tx).await?;
    Ok(())
}
