//! Processes that share one store know of each other, so that none waits for one that is gone.

use std::sync::Arc;
use std::time::Duration;

use crate::relay::Relay;
use crate::store::{self, ALIVE, Engine, StoreError};

/// How often a process says that it is alive; several times within [`ALIVE`].
const BEAT: Duration = Duration::from_secs(10);

/// How often it is looked whether a command wrote.
const LOOK: Duration = Duration::from_secs(1);
/// And how long not, once one did: all who listen read then, and it may go on writing.
const REST: Duration = Duration::from_secs(5);

/// Joins those that serve, and gives back what one that is gone had on lease.
pub async fn arrive(relay: &Relay) -> Result<(), StoreError> {
    beat(relay).await.map(drop)
}

/// Says that this process is alive, until the relay stops.
pub async fn keep_alive(relay: Arc<Relay>) {
    loop {
        tokio::select! {
            () = relay.stopping.cancelled() => return,
            () = tokio::time::sleep(BEAT) => {}
        }
        match beat(&relay).await {
            Ok(0) => {}
            // What they had to tell, nobody may have told.
            Ok(_) => relay.hub.missed(),
            Err(error @ StoreError::Newer { .. }) => {
                tracing::error!(%error, "this process must not write any more");
                return;
            }
            Err(error) => tracing::error!(%error, "the store does not answer"),
        }
    }
}

/// Has all who listen read anew when a command wrote to the embedded database, which tells nobody of it.
pub async fn look_for_commands(relay: Arc<Relay>) {
    let (mut known, mut pause) = (None, Duration::ZERO);
    loop {
        tokio::select! {
            () = relay.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = LOOK,
        }
        let look = relay.store.write(|tx| Box::pin(store::written_by_others(tx)));
        match look.await.map_err(|error: StoreError| error) {
            Ok(found) => {
                if known.replace(found).is_some_and(|known| known != found) {
                    relay.hub.missed();
                    pause = REST;
                }
            }
            Err(error) => tracing::warn!(%error, "what commands write cannot be seen"),
        }
    }
}

/// Leaves those that serve.
pub async fn depart(relay: &Relay) {
    let process = relay.process.clone();
    let depart = relay.store.write(move |tx| {
        Box::pin(async move {
            store::depart(tx, &process).await?;
            let at = tx.now().await?;
            store::release_leases(tx, at).await
        })
    });
    let departed: Result<(), StoreError> = depart.await;
    if let Err(error) = departed {
        tracing::error!(%error, "the store was not told that this process ends");
    }
}

async fn beat(relay: &Relay) -> Result<u64, StoreError> {
    let process = relay.process.clone();
    let beat = relay.store.write(move |tx| {
        Box::pin(async move {
            // Hosts need not agree on the time.
            let at = tx.now().await?;
            // Of the embedded database there is one process: whatever else is noted there is gone.
            let dead = if tx.engine() == Engine::Sqlite { i64::MAX } else { at - ALIVE };
            let gone = store::beat(tx, &process, at, dead).await?;
            store::release_leases(tx, at).await?;
            Ok(gone)
        })
    });
    beat.await
}
