//! What an attempt to send comes to: in the queue, in the submission, and for its sender.

use std::collections::BTreeMap;
use std::time::Duration;

use jmap::{BlobId, Delivered, DeliveryStatus, Displayed};
use tokio::time::{Instant, sleep};

use super::notification::{self, Fate};
use super::parameters::Parameters;
use super::reason::Trouble;
use super::schedule;
use super::transport::{Accepted, Outcome};
use crate::clock::{Millis, now};
use crate::delivery::{self, DeliverError, Sealed};
use crate::relay::Relay;
use crate::store::{self, Failure, Ledger, Queued, StoreError, Tx};

/// How often it is tried to write down what became of an entry, where it seems to be in vain.
const RECORDINGS: usize = 3;
/// And for how long where the store may work later: an entry is longer on lease, and is sent again after that.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How long after the first failure it is tried again; twice as long after each further one.
const PAUSE: Duration = Duration::from_millis(250);
/// But no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Records what became of the entries of one conversation, which are of one submission.
///
/// Those that were simply taken are taken out at once, for each time all that is known of the submission is written anew.
/// The others go each by itself, and so do all where that fails: what happens to one must not send the others again.
/// Gives the entries of which it is recorded.
pub async fn record_all(relay: &Relay, mut entries: Vec<(Queued, Outcome)>, message: &[u8]) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    let taken: Vec<(Queued, DeliveryStatus)> = entries
        .iter()
        .filter_map(|(queued, outcome)| Some((queued.clone(), simply_taken(queued, outcome)?)))
        .collect();
    let mut recorded = Vec::new();
    match persist(relay, until, || finish(relay, taken.clone(), Vec::new())).await {
        Ok(()) => {
            recorded.extend(taken.into_iter().map(|(queued, _)| queued.id));
            entries.retain(|(queued, outcome)| simply_taken(queued, outcome).is_none());
        }
        Err(error) => tracing::error!(%error, "a conversation could not be recorded at once"),
    }
    for (queued, outcome) in entries {
        let entry = queued.id.clone();
        match record(relay, queued, outcome, message, until).await {
            Ok(()) => recorded.push(entry),
            Err(error) => tracing::error!(%error, entry, "an attempt to send could not be recorded"),
        }
    }
    recorded
}

/// Does again what fails, as long as the store may work later: what was sent would be sent once more otherwise.
///
/// It has to be such that nothing comes of it where it was done already, unheard.
async fn persist<T, F>(
    relay: &Relay,
    until: Instant,
    mut attempt: impl FnMut() -> F,
) -> Result<T, DeliverError>
where
    F: Future<Output = Result<T, DeliverError>>,
{
    let (mut tries, mut pause) = (1, PAUSE);
    loop {
        match attempt().await {
            Err(error) if tries < RECORDINGS || !is_lasting(&error) && Instant::now() < until => {
                tracing::warn!(%error, "what became of a message is not recorded yet");
            }
            done => return done,
        }
        if relay.stopping.is_cancelled() {
            // There is little time left.
            sleep(PAUSE).await;
        } else {
            tokio::select! {
                () = sleep(pause) => {}
                () = relay.stopping.cancelled() => {}
            }
        }
        tries += 1;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Whether mail cannot be kept later any more than now.
pub(super) fn is_lasting(error: &DeliverError) -> bool {
    match error {
        DeliverError::Full | DeliverError::NoInbox | DeliverError::Key(_) | DeliverError::Seal(_) => true,
        DeliverError::Store(error) => matches!(error, StoreError::Corrupt(_)),
        DeliverError::Blob(_) => false,
    }
}

/// Takes the entry out, puts it back, or returns the message to its sender.
async fn record(
    relay: &Relay,
    queued: Queued,
    outcome: Outcome,
    message: &[u8],
    until: Instant,
) -> Result<(), DeliverError> {
    let outbound = &relay.config.outbound;
    let retry = schedule::next_attempt(outbound, queued.attempts + 1, queued.queued_at, now());
    match (outcome, retry) {
        (Outcome::Delivered(accepted), _) => {
            let told = match is_to_be_told(&queued, &accepted) {
                // It is sent: that has to be recorded, told or not.
                true => persist(relay, Instant::now(), || report(relay, &queued, Fate::Relayed(&accepted), message))
                    .await
                    .unwrap_or_else(|error| {
                        tracing::error!(%error, entry = queued.id, "it could not be told that a message is relayed");
                        Vec::new()
                    }),
                false => Vec::new(),
            };
            settle(relay, queued, relayed(&accepted), told, until).await
        }
        (Outcome::Deferred(trouble), Some(at)) => {
            tracing::info!(entry = queued.id, attempts = queued.attempts + 1, reason = %trouble.reason, "sending is put off");
            put_off(relay, queued, (trouble, at), message, until).await
        }
        (Outcome::Refused(trouble) | Outcome::Deferred(trouble), _) => {
            tracing::info!(entry = queued.id, reason = %trouble.reason, "a message is returned to its sender");
            let told =
                persist(relay, until, || report(relay, &queued, Fate::Failed(&trouble), message)).await?;
            settle(relay, queued, status(trouble.reply, Delivered::No), told, until).await
        }
    }
}

/// What is noted of an entry that the next server took, where nobody is to hear of that.
fn simply_taken(queued: &Queued, outcome: &Outcome) -> Option<DeliveryStatus> {
    match outcome {
        Outcome::Delivered(accepted) if !is_to_be_told(queued, accepted) => Some(relayed(accepted)),
        _ => None,
    }
}

/// Whether the sender wants to hear that the next server took it, which does not report itself.
fn is_to_be_told(queued: &Queued, accepted: &Accepted) -> bool {
    wants(queued, "SUCCESS") && !accepted.reports
}

/// What happens behind the next server is not known (RFC 8621 7).
fn relayed(accepted: &Accepted) -> DeliveryStatus {
    status(accepted.reply.clone(), Delivered::Unknown)
}

/// The message waits for another attempt; its sender hears so once.
async fn put_off(
    relay: &Relay,
    queued: Queued,
    (trouble, next_at): (Trouble, Millis),
    message: &[u8],
    until: Instant,
) -> Result<(), DeliverError> {
    let outbound = &relay.config.outbound;
    let is_late = now() - queued.queued_at >= schedule::hours(outbound.tell_delay_hours);
    let end = queued.queued_at + schedule::hours(outbound.give_up_hours);
    let told = match is_late && !queued.delay_told {
        true => {
            persist(relay, until, || report(relay, &queued, Fate::Delayed(&trouble, end), message)).await?
        }
        false => Vec::new(),
    };
    let failure = Failure {
        next_at,
        reason: trouble.reason.name(),
        reply: trouble.reply,
        host: trouble.host,
        delay_told: queued.delay_told || is_late,
    };
    persist(relay, until, || postpone(relay, queued.clone(), failure.clone(), told.clone())).await
}

async fn postpone(
    relay: &Relay,
    queued: Queued,
    failure: Failure,
    told: Vec<Sealed>,
) -> Result<(), DeliverError> {
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
    until: Instant,
) -> Result<(), DeliverError> {
    let entry = || vec![(queued.clone(), status.clone())];
    match persist(relay, until, || finish(relay, entry(), told.clone())).await {
        Err(error) if !told.is_empty() && !store::is_passing(&error) => {
            tracing::error!(%error, entry = queued.id, "a message could not be returned");
        }
        done => return done,
    }
    persist(relay, until, || finish(relay, entry(), Vec::new())).await
}

/// Takes entries of one submission out, and tells of those that no other process has by now.
async fn finish(
    relay: &Relay,
    mut entries: Vec<(Queued, DeliveryStatus)>,
    told: Vec<Sealed>,
) -> Result<(), DeliverError> {
    if entries.is_empty() {
        return Ok(());
    }
    let owner = relay.process.clone();
    let done = relay.store.write(move |tx| {
        Box::pin(async move {
            // The account before its blobs, as everybody does.
            store::lock_accounts(tx, entries.iter().map(|(queued, _)| &queued.outgoing.account)).await?;
            let mut own = Vec::new();
            for entry in entries.drain(..) {
                if store::discard(tx, &entry.0, &owner).await? {
                    own.push(entry);
                }
            }
            tell(tx, &own).await?;
            if let Some((queued, _)) = own.first() {
                file(tx, queued, &told).await?;
                delivery::keep(tx, told).await?;
            }
            Ok(())
        })
    });
    done.await
}

/// The report of a fate to the sender, sealed; none where it is not wanted, or cannot be made: an entry
/// is never kept because its sender cannot be told. It fails only where the store may work later.
pub async fn report(
    relay: &Relay,
    queued: &Queued,
    fate: Fate<'_>,
    message: &[u8],
) -> Result<Vec<Sealed>, DeliverError> {
    // RFC 5321 6.1: nobody is told of what has no return path.
    let wanted = wants(queued, fate.notify());
    if queued.outgoing.mail_from.is_empty() || !wanted {
        return Ok(Vec::new());
    }
    match sealed(relay, queued, fate, message).await {
        Err(error) if !store::is_passing(&error) => {
            tracing::error!(%error, entry = queued.id, "a report could not be sealed");
            Ok(Vec::new())
        }
        done => done,
    }
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

/// Notes in the submission what became of entries, which are all of it.
pub async fn tell(tx: &mut Tx, entries: &[(Queued, DeliveryStatus)]) -> Result<(), StoreError> {
    let Some((Queued { outgoing, .. }, _)) = entries.first() else { return Ok(()) };
    let (Some(id), account) = (&outgoing.submission, &outgoing.account) else { return Ok(()) };
    let Some(row) = store::submission(tx.connection(), account, id).await? else { return Ok(()) };
    let corrupt = |_| StoreError::Corrupt("submission");
    let mut states: BTreeMap<String, DeliveryStatus> =
        serde_json::from_str(&row.delivery).map_err(corrupt)?;
    for (queued, status) in entries {
        let known = states.entry(queued.outgoing.recipient.clone()).or_insert_with(|| status.clone());
        // The report of the next server may have been quicker than this, and knows more.
        if !matches!(known.delivered, Delivered::Yes | Delivered::No) {
            *known = DeliveryStatus { displayed: known.displayed, ..status.clone() };
        }
    }
    let text = serde_json::to_string(&states).map_err(corrupt)?;
    if text == row.delivery {
        return Ok(());
    }
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
