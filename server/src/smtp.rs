//! The SMTP door: mail from elsewhere for people here (RFC 5321).

mod body;
mod data;
mod line;
mod origin;
mod reply;
mod session;
mod trace;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::relay::Relay;
use body::{Budget, UNIT};
use session::Session;

/// Connections at once.
const CONNECTIONS: usize = 256;
/// Connections of one source at once.
const BY_SOURCE: usize = 64;
/// Octets of all messages that are being received at once; sealing needs some times that.
const IN_MEMORY: usize = 256 * 1024 * 1024;
/// How long one connection may last in all.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// Serves until the relay stops; a message whose end was received is finished.
pub async fn serve(listener: TcpListener, relay: Arc<Relay>) {
    let budget = Budget(Arc::new(Semaphore::new(IN_MEMORY / UNIT)));
    let sources = Arc::new(Sources::default());
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = relay.stopping.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let slot = sources.take(peer.ip()).filter(|_| connections.len() < CONNECTIONS);
        let (relay, budget) = (Arc::clone(&relay), budget.clone());
        connections.spawn(connection(relay, stream, peer, slot, budget));
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(
    relay: Arc<Relay>,
    stream: TcpStream,
    peer: SocketAddr,
    slot: Option<Slot>,
    budget: Budget,
) {
    // Answers are small and each is waited for.
    stream.set_nodelay(true).ok();
    let session = Session::new(relay, peer, budget);
    let talk = async {
        match slot {
            Some(_slot) => session.run(stream).await,
            None => session::turn_away(stream).await,
        }
    };
    match tokio::time::timeout(LIFE, talk).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an SMTP connection broke off"),
        Err(_) => tracing::debug!("an SMTP connection lasted too long"),
    }
}

/// Counts connections by source.
#[derive(Debug, Default)]
struct Sources(Mutex<HashMap<IpAddr, usize>>);

struct Slot {
    sources: Arc<Sources>,
    source: IpAddr,
}

impl Sources {
    fn take(self: &Arc<Self>, source: IpAddr) -> Option<Slot> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(source).or_default();
        if *count >= BY_SOURCE {
            return None;
        }
        *count += 1;
        Some(Slot { sources: Arc::clone(self), source })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.source);
            }
        }
    }
}
