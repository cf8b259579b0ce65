//! Submissions that wait for their time (RFC 4865), and then go the way of all others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jmap::{BlobId, Delivered, DeliveryStatus, Displayed, SubmissionId};

use super::notification::Fate;
use super::parameters::Parameters;
use super::reason::{Reason, Trouble};
use super::{record, schedule};
use crate::blobs::BlobError;
use crate::clock::now;
use crate::delivery::{self, DeliverError, Sealed};
use crate::directory;
use crate::outer;
use crate::relay::Relay;
use crate::store::{self, Account, Due, Held, Hold, Ledger, Outgoing, Queued, StoreError, Tx};
use crate::vacation::{self, Question};

/// The longest pause between two looks.
const LOOK: Duration = Duration::from_secs(60);

/// Sends what is due until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    while !relay.stopping.is_cancelled() {
        if let Err(error) = release_due(&relay).await {
            tracing::error!(%error, "held messages could not be sent");
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let next = async {
            let mut connection = relay.store.read().await.ok()?;
            store::next_held(&mut connection).await.ok()?
        };
        let pause = next.await.map_or(LOOK, |at| {
            Duration::from_millis(u64::try_from(at - now()).unwrap_or_default()).min(LOOK)
        });
        tokio::select! {
            () = relay.held_bell.notified() => {}
            () = relay.stopping.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn release_due(relay: &Relay) -> Result<(), StoreError> {
    let mut connection = relay.store.read().await?;
    let due = store::due(&mut connection, now()).await?;
    drop(connection);
    for due in due {
        let Err(error) = release(relay, &due.submission).await else { continue };
        tracing::error!(%error, submission = due.submission.as_str(), "a held message could not be sent");
        put_off(relay, due).await?;
    }
    relay.queue_bell.notify_one();
    Ok(())
}

/// Has it wait as long as what is in the queue does, so that it does not hold up those behind it, or gives it up.
async fn put_off(relay: &Relay, due: Due) -> Result<(), StoreError> {
    let (outbound, failed) = (&relay.config.outbound, due.attempts + 1);
    // What failed may pass, and while the relay was down nothing was tried: late alone says little.
    let is_tried =
        usize::try_from(due.attempts).is_ok_and(|tried| tried >= outbound.retry_minutes.len().max(1));
    if is_tried && schedule::next_attempt(outbound, failed, due.since, now()).is_none() {
        let mut connection = relay.store.read().await?;
        let Some(held) = store::held(&mut connection, &due.submission).await? else { return Ok(()) };
        drop(connection);
        match lose(relay, held, Reason::Relay).await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::error!(%error, "a held message could not be returned"),
        }
    }
    let until = now() + schedule::wait(&outbound.retry_minutes, failed);
    let wait = relay.store.write(move |tx| Box::pin(async move { store::hold_on(tx, &due, until).await }));
    wait.await
}

/// Delivers here and enqueues for elsewhere, in the transaction that ends the holding.
async fn release(relay: &Relay, submission: &SubmissionId) -> Result<(), DeliverError> {
    let mut connection = relay.store.read().await?;
    let held = store::held(&mut connection, submission).await?;
    drop(connection);
    let Some(held) = held else { return Ok(()) };
    let message = match relay.blobs.read_any(&relay.store, &held.blob).await {
        Ok(message) => message,
        Err(BlobError::NotFound) => return lose(relay, held, Reason::Lost).await,
        Err(error) => return Err(error.into()),
    };
    // They become readable no more than bytes come back.
    let Ok(parameters) = serde_json::from_str::<BTreeMap<String, Parameters>>(&held.parameters) else {
        return lose(relay, held, Reason::Lost).await;
    };
    let recipients = held.recipients()?;
    let message = Arc::new(outer::without_bcc(&message).unwrap_or(message));
    let is_sealed = delivery::is_sealed(Arc::clone(&message)).await?;
    let Split { here, closed, elsewhere } = split(relay, &recipients, is_sealed).await?;
    let question = Question::of(&held.mail_from, &here, &message);
    let away = relay.blobs.prepare(&relay.store, message.to_vec()).await?;
    let mail = delivery::prepare(relay, &here, Arc::unwrap_or_clone(message)).await?;
    let send = relay.store.write(move |tx| {
        Box::pin(async move {
            // The accounts before their blobs, as everybody does.
            store::lock_accounts(tx, mail.iter().map(Sealed::account).chain([&held.account])).await?;
            if !store::release_held(tx, &held.submission).await? {
                // It was taken back, or another process was quicker.
                return Ok(false);
            }
            if !elsewhere.is_empty() {
                store::put_blob(tx, &held.account, away.blob(), Hold::Sending).await?;
            }
            for recipient in &elsewhere {
                store::enqueue(tx, &outgoing(&held, &parameters, recipient, &away.blob().id), now()).await?;
            }
            settle(tx, &held, &recipients, |address| {
                if elsewhere.iter().any(|one| one == address) {
                    status("250 2.0.0 Queued", Delivered::Queued)
                } else if here.iter().any(|account| account.address == address) {
                    status("250 2.0.0 Delivered", Delivered::Yes)
                } else if closed.iter().any(|one| one == address) {
                    status("550 5.2.1 the mailbox has no key at the moment", Delivered::No)
                } else {
                    status("550 5.1.1 there is no such address here", Delivered::No)
                }
            })
            .await?;
            delivery::keep(tx, mail).await?;
            Ok::<_, DeliverError>(true)
        })
    });
    if send.await? {
        vacation::answer(relay, question).await;
    }
    Ok(())
}

/// Whom the submission waits for, where it is there.
async fn named(relay: &Relay, held: &Held) -> Result<Vec<String>, StoreError> {
    let mut connection = relay.store.read().await?;
    let row = store::submission(&mut connection, &held.account, &held.submission).await?;
    Ok(row.map(|row| row.unsettled()).unwrap_or_default())
}

/// Ends the holding of a message that is gone, with what was asked for it, or cannot be sent, and tells its sender.
async fn lose(relay: &Relay, held: Held, reason: Reason) -> Result<(), DeliverError> {
    tracing::error!(submission = held.submission.as_str(), %reason, "a held message is returned to its sender");
    let lost = Trouble::from(reason);
    let recipients = match held.recipients() {
        Ok(recipients) => recipients,
        Err(_) => named(relay, &held).await?,
    };
    let asked: BTreeMap<String, Parameters> = serde_json::from_str(&held.parameters).unwrap_or_default();
    let mut told = Vec::new();
    for recipient in &recipients {
        let outgoing = outgoing(&held, &asked, recipient, &held.blob);
        let queued =
            Queued { id: String::new(), outgoing, attempts: 0, queued_at: held.send_at, delay_told: false };
        let report = record::report(relay, &queued, Fate::Failed(&lost), &[]).await?;
        told.push((queued, report));
    }
    let status = status(&lost.reply, Delivered::No);
    match end(relay, held.clone(), recipients.clone(), status.clone(), told).await {
        // It is not kept for ever because its sender cannot be told.
        Err(error) if record::is_lasting(&error) => {
            tracing::error!(%error, "the sender of a held message could not be told");
            end(relay, held, recipients, status, Vec::new()).await
        }
        ended => ended,
    }
}

async fn end(
    relay: &Relay,
    held: Held,
    recipients: Vec<String>,
    status: DeliveryStatus,
    told: Vec<(Queued, Vec<Sealed>)>,
) -> Result<(), DeliverError> {
    let end = relay.store.write(move |tx| {
        Box::pin(async move {
            store::lock_accounts(tx, [&held.account]).await?;
            if !store::release_held(tx, &held.submission).await? {
                return Ok(());
            }
            settle(tx, &held, &recipients, |_| status.clone()).await?;
            for (queued, report) in told {
                record::file(tx, &queued, &report).await?;
                delivery::keep(tx, report).await?;
            }
            Ok::<_, DeliverError>(())
        })
    });
    end.await
}

fn outgoing(
    held: &Held,
    parameters: &BTreeMap<String, Parameters>,
    recipient: &str,
    blob: &BlobId,
) -> Outgoing {
    let asked = parameters.get(recipient).cloned().unwrap_or_default();
    Outgoing {
        submission: Some(held.submission.clone()),
        priority: asked.priority.map_or(0, i64::from),
        parameters: asked.to_json(),
        ..Outgoing::new(held.account.clone(), held.mail_from.clone(), recipient.to_owned(), blob.clone())
    }
}

fn status(smtp_reply: &str, delivered: Delivered) -> DeliveryStatus {
    DeliveryStatus { smtp_reply: smtp_reply.to_owned(), delivered, displayed: Displayed::Unknown }
}

/// Notes in the submission that it cannot be taken back any more, and how far it got.
async fn settle(
    tx: &mut Tx,
    held: &Held,
    recipients: &[String],
    status: impl Fn(&str) -> DeliveryStatus,
) -> Result<(), StoreError> {
    let id = &held.submission;
    // It may have been forgotten.
    let Some(row) = store::submission(tx.connection(), &held.account, id).await? else { return Ok(()) };
    let corrupt = |_| StoreError::Corrupt("submission");
    let mut states: BTreeMap<String, DeliveryStatus> =
        serde_json::from_str(&row.delivery).map_err(corrupt)?;
    states.extend(recipients.iter().map(|address| (address.clone(), status(address))));
    let states = serde_json::to_string(&states).map_err(corrupt)?;
    let mut ledger = Ledger::open(tx, &held.account).await?;
    store::set_undo(tx, &mut ledger, id, "final").await?;
    store::set_delivery(tx, &mut ledger, id, states).await?;
    ledger.close(tx).await?;
    Ok(())
}

/// Recipients of a message.
#[derive(Default)]
struct Split {
    here: Vec<Account>,
    /// Those here for whom mail in clear has to wait, so that it goes to the others alone.
    closed: Vec<String>,
    elsewhere: Vec<String>,
}

/// The recipients here and those elsewhere; who has gone since is a recipient elsewhere no more than here.
async fn split(relay: &Relay, recipients: &[String], is_sealed: bool) -> Result<Split, StoreError> {
    let mut split = Split::default();
    let mut connection = relay.store.read().await?;
    for address in recipients {
        if !relay.is_local(address) {
            split.elsewhere.push(address.clone());
            continue;
        }
        match store::account_by_address(&mut connection, address).await? {
            Some(account) if !is_sealed && directory::lacks_key(&mut connection, &account).await? => {
                split.closed.push(account.address);
            }
            account => split.here.extend(account),
        }
    }
    Ok(split)
}
