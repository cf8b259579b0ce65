//! Submissions that wait for their time (RFC 4865), and then go the way of all others.

use std::sync::Arc;
use std::time::Duration;

use jmap::AccountId;

use crate::blobs::BlobError;
use crate::clock::{Millis, now};
use crate::delivery::{self, DeliverError};
use crate::outer;
use crate::relay::Relay;
use crate::store::{self, Account, Held, Ledger, Outgoing, StoreError, Tx};

/// The longest pause between two looks.
const LOOK: Duration = Duration::from_secs(60);

/// When a message that could not be sent is tried again.
const AGAIN: Millis = 5 * 60 * 1000;

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

async fn release_due(relay: &Arc<Relay>) -> Result<(), DeliverError> {
    let mut connection = relay.store.read().await?;
    let due = store::due(&mut connection, now()).await?;
    drop(connection);
    for held in due {
        let submission = held.submission.clone();
        // By itself: one that cannot be sealed or read must not keep the others here.
        if let Err(error) = release(relay, held).await {
            tracing::error!(%error, submission = submission.as_str(), "a held message could not be sent");
            let later = now() + AGAIN;
            let put_off = relay
                .store
                .write(move |tx| Box::pin(async move { store::put_off_held(tx, &submission, later).await }));
            put_off.await.map_err(|error: StoreError| error)?;
        }
    }
    relay.queue_bell.notify_one();
    Ok(())
}

/// Delivers here and enqueues for elsewhere, in the transaction that ends the holding.
async fn release(relay: &Arc<Relay>, held: Held) -> Result<(), DeliverError> {
    let message = match relay.blobs.read_any(&relay.store, &held.blob).await {
        Ok(message) => message,
        Err(BlobError::NotFound) => {
            tracing::error!(submission = held.submission.as_str(), "a held message is gone");
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let (here, elsewhere) = match message.is_empty() {
        // Nobody is to get an empty letter instead.
        true => (Vec::new(), Vec::new()),
        false => split(relay, &held.recipients).await?,
    };
    let message = outer::without_bcc(&message).unwrap_or(message);
    let away = relay.blobs.prepare(&relay.store, message.clone()).await?;
    let mail = if message.is_empty() { Vec::new() } else { delivery::prepare(relay, &here, message).await? };
    let send = relay.store.write(move |tx| {
        Box::pin(async move {
            let account = held.account.clone();
            if !elsewhere.is_empty() {
                store::put_blob(tx, &account, away.blob(), false).await?;
            }
            for recipient in elsewhere {
                let outgoing = Outgoing {
                    account: account.clone(),
                    submission: Some(held.submission.clone()),
                    mail_from: held.mail_from.clone(),
                    domain: crate::address::domain(&recipient).unwrap_or_default().to_owned(),
                    recipient,
                    blob: away.blob().id.clone(),
                };
                store::enqueue(tx, &outgoing, now()).await?;
            }
            if !store::release_held(tx, &held.submission).await? {
                return Err(DeliverError::Store(StoreError::Abandoned));
            }
            settle(tx, &account, &held).await?;
            delivery::keep(tx, mail).await
        })
    });
    send.await
}

async fn settle(tx: &mut Tx, account: &AccountId, held: &Held) -> Result<(), StoreError> {
    let mut ledger = Ledger::open(tx, account).await?;
    store::set_undo(tx, &mut ledger, &held.submission, "final").await?;
    ledger.close(tx).await?;
    Ok(())
}

/// The recipients here and those elsewhere; who has gone since is a recipient elsewhere no more than here.
async fn split(relay: &Relay, recipients: &[String]) -> Result<(Vec<Account>, Vec<String>), StoreError> {
    let (mut here, mut elsewhere) = (Vec::new(), Vec::new());
    let mut connection = relay.store.read().await?;
    for address in recipients {
        if !relay.is_local(address) {
            elsewhere.push(address.clone());
            continue;
        }
        here.extend(store::account_by_address(&mut connection, address).await?);
    }
    Ok((here, elsewhere))
}
