use std::sync::Arc;
use std::time::Duration;

use jmap::BlobId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::message::Message;
use super::parameters::Parameters;
use super::reason::{Reason, Trouble};
use super::record::record_all;
use super::route::{Route, by_route};
use super::schedule;
use super::talks::Talks;
use super::transport::{Envelope, Outcome, Recipient, send};
use crate::blobs::BlobError;
use crate::clock::{Millis, now};
use crate::relay::Relay;
use crate::store::{self, Engine, Lease, Queued, StoreError, Tx};

/// How many recipients one conversation has (RFC 5321 4.5.3.1.8).
const RECIPIENTS: i64 = 100;
/// How long an entry is on lease at most; longer than a conversation with all hosts of a domain may last.
const LEASE: Millis = 2 * 60 * 60 * 1000;
/// The queue is looked at this often even when nothing rings: another process may have put something in.
const LOOK: Duration = Duration::from_secs(5);
/// And no more often than this while what is due has to wait.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long after a failure of the store something may still be done that it was asked for, unheard: longer than it
/// waits for the end of a transaction.
const LATE: Duration = Duration::from_secs(90);
/// How often entries are looked for before the queue is taken to be empty.
const TRIES: usize = 4;

/// Sends what is due until the relay stops; conversations under way are finished.
pub async fn run(relay: Arc<Relay>) {
    let parting = tokio::spawn(part(Arc::clone(&relay)));
    let mut running = JoinSet::new();
    let talks = Arc::new(Talks::default());
    let by_domain = relay.config.smarthost.is_none();
    let mut unsure_until = None;
    while !relay.stopping.is_cancelled() {
        while running.try_join_next().is_some() {}
        if talks.are_full(by_domain) {
            // Nothing is taken before there is room for it, or its lease would run out in the queue.
            running.join_next().await;
            continue;
        }
        if let Some(until) = unsure_until {
            unsure_until = Some(until).filter(|until| Instant::now() < *until);
            if let Err(error) = give_back(&relay, &talks).await {
                tracing::warn!(%error, "what was taken unheard could not be given back");
            }
        }
        match take(&relay, &talks).await {
            Ok(due) if !due.is_empty() => {
                let (relay, talks, talk) = (Arc::clone(&relay), Arc::clone(&talks), talks.begin(&due));
                running.spawn(async move {
                    attempts(&relay, &talks, due).await;
                    drop(talk);
                });
            }
            Ok(_) => wait(&relay, &mut running).await,
            Err(error) => {
                tracing::error!(%error, "the queue could not be read");
                if store::is_passing(&error) {
                    unsure_until = Some(Instant::now() + LATE);
                }
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
    while running.join_next().await.is_some() {}
    parting.abort();
}

/// Parts from servers for which there was no more mail; not in the queue's own time, for they may be slow.
async fn part(relay: Arc<Relay>) {
    loop {
        tokio::time::sleep(LOOK).await;
        relay.sender.idle.close_old().await;
    }
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
        let owner = relay.process.clone();
        let take = relay.store.write(move |tx| {
            Box::pin(async move {
                // Whoever ends the lease may be on a host with another time.
                let lease = Lease { owner, from: at, until: tx.now().await? + LEASE };
                store::put_off(tx, by_domain, lease.from).await?;
                store::lease(tx, &lease, RECIPIENTS, by_domain, &busy).await
            })
        });
        let taken: Vec<Queued> = take.await.map_err(|error: StoreError| error)?;
        if !taken.is_empty() || relay.store.engine() == Engine::Sqlite {
            return Ok(taken);
        }
    }
    Ok(Vec::new())
}

/// Gives back what nobody sends or sent: it was taken by a transaction whose end was not heard of.
async fn give_back(relay: &Relay, talks: &Talks) -> Result<(), StoreError> {
    let (owner, sent) = (relay.process.clone(), talks.unrecorded());
    let give_back =
        relay.store.write(move |tx| Box::pin(async move { store::release_others(tx, &owner, &sent).await }));
    give_back.await
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
async fn attempts(relay: &Relay, talks: &Talks, due: Vec<Queued>) {
    let recipients = due.into_iter().map(|queued| (queued.outgoing.recipient.clone(), queued));
    for (route, entries) in by_route(&relay.config, recipients) {
        attempt(relay, talks, &route, entries.into_iter().map(|(_, queued)| queued).collect()).await;
    }
}

async fn attempt(relay: &Relay, talks: &Talks, route: &Route, entries: Vec<Queued>) {
    let Some(first) = entries.first() else { return };
    let all = |reason: Reason| vec![Outcome::of(reason.into()); entries.len()];
    let asked = Parameters::of(&first.outgoing)
        .and_then(|asked| Ok((asked, entries.iter().map(recipient).collect::<Result<Vec<_>, _>>()?)));
    let asks_more = asked.as_ref().is_ok_and(|(parameters, _)| parameters.require_tls);
    let (message, _place) = read(relay, talks, &first.outgoing.blob).await;
    let (message, outcomes) = match (message, asked) {
        (Ok(message), Ok((parameters, recipients))) => {
            let mail_from = &first.outgoing.mail_from;
            let envelope = Envelope { mail_from, recipients: &recipients, parameters: &parameters };
            let outcomes = send(relay, route, envelope, &message).await;
            (message, outcomes)
        }
        // It will not come back: the sender must know.
        (Err(BlobError::NotFound), _) => (Message::default(), all(Reason::Lost)),
        (Err(error), _) => {
            tracing::error!(%error, "a queued message could not be read");
            (Message::default(), all(Reason::Unreadable))
        }
        // It may have asked for TLS all the way.
        (_, Err(error)) => {
            tracing::error!(%error, "what a queued message asks for could not be read");
            (Message::default(), all(Reason::Unreadable))
        }
    };
    if let Err(error) = note(relay, route, asks_more, &outcomes).await {
        tracing::error!(%error, "the state of a destination could not be noted");
    }
    for entry in record_all(relay, entries.into_iter().zip(outcomes).collect(), message.text()).await {
        talks.recorded(&entry);
    }
}

/// A message, with its place in memory where it is long.
async fn read(
    relay: &Relay,
    talks: &Talks,
    blob: &BlobId,
) -> (Result<Message, BlobError>, Option<OwnedSemaphorePermit>) {
    let mut place = None;
    let message = async {
        let bytes = match relay.blobs.read_packed(&relay.store, blob).await? {
            Some(bytes) => bytes,
            None => {
                place = talks.long().await;
                relay.blobs.read_any(&relay.store, blob).await?
            }
        };
        Ok(Message::new(bytes).await?)
    };
    (message.await, place)
}

fn recipient(queued: &Queued) -> Result<Recipient, StoreError> {
    let Parameters { notify, orcpt, .. } = Parameters::of(&queued.outgoing)?;
    Ok(Recipient { address: queued.outgoing.recipient.clone(), notify, orcpt })
}

/// Notes whether the servers of the destination work: while they do not, all mail for it waits.
///
/// What they did not prove to a message that asks for more than others (RFC 8689) holds up no other.
async fn note(relay: &Relay, route: &Route, asks_more: bool, outcomes: &[Outcome]) -> Result<(), StoreError> {
    let domain = match route {
        Route::Domain(domain) => domain.clone(),
        Route::Smarthost(_) => String::new(),
    };
    let trouble = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Deferred(Trouble { reason, .. }) => {
            (reason.is_of_host() && !(asks_more && reason.is_of_proof())).then(|| reason.name())
        }
        _ => None,
    });
    let worked = outcomes.iter().any(|outcome| match outcome {
        Outcome::Delivered(_) => true,
        Outcome::Refused(trouble) | Outcome::Deferred(trouble) => trouble.reason == Reason::Reply,
    });
    if trouble.is_none() {
        // Nearly always nothing is known against a destination, and nothing is to be written.
        let mut connection = relay.store.read().await?;
        if !(worked && store::has_failures(&mut connection, &domain).await?) {
            return Ok(());
        }
    }
    let waits = relay.config.outbound.retry_minutes.clone();
    let noted = relay.store.write(move |tx: &mut Tx| {
        Box::pin(async move {
            match trouble {
                Some(reason) => {
                    let pause = |failures| schedule::wait(&waits, failures).min(schedule::LONGEST_PAUSE);
                    store::note_failure(tx, &domain, reason, now(), pause).await
                }
                None => store::forget_failures(tx, &domain).await,
            }
        })
    });
    noted.await
}
