//! The SMTP door: mail from elsewhere for people here (RFC 5321).

mod body;
mod data;
mod line;
mod origin;
mod reply;
mod session;
mod trace;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
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
/// And of those from one source.
const IN_MEMORY_BY_SOURCE: usize = IN_MEMORY / 2;
/// How long one connection may last in all.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// Serves until the relay stops; a message whose end was received is finished.
pub async fn serve(listener: TcpListener, relay: Arc<Relay>) {
    let memory = Arc::new(Semaphore::new(IN_MEMORY / UNIT));
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
        connections.spawn(connection(Arc::clone(&relay), stream, peer, slot, Arc::clone(&memory)));
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(
    relay: Arc<Relay>,
    stream: TcpStream,
    peer: SocketAddr,
    slot: Option<Slot>,
    all: Arc<Semaphore>,
) {
    // Answers are small and each is waited for.
    stream.set_nodelay(true).ok();
    let talk = async {
        match slot {
            Some(slot) => {
                let budget = Budget { all, source: Arc::clone(&slot.memory) };
                Session::new(relay, peer, budget).run(stream).await
            }
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
struct Sources(Mutex<HashMap<IpAddr, Source>>);

#[derive(Debug)]
struct Source {
    connections: usize,
    memory: Arc<Semaphore>,
}

impl Default for Source {
    fn default() -> Self {
        Self { connections: 0, memory: Arc::new(Semaphore::new(IN_MEMORY_BY_SOURCE / UNIT)) }
    }
}

/// The address, or the network where one host has many (RFC 4291 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::from(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

struct Slot {
    sources: Arc<Sources>,
    source: IpAddr,
    memory: Arc<Semaphore>,
}

impl Sources {
    fn take(self: &Arc<Self>, source: IpAddr) -> Option<Slot> {
        let source = network(source);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(source).or_default();
        if count.connections >= BY_SOURCE {
            return None;
        }
        count.connections += 1;
        Some(Slot { sources: Arc::clone(self), source, memory: Arc::clone(&count.memory) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.source) {
            count.connections -= 1;
            if count.connections == 0 {
                counts.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_source() {
        let sources = Arc::new(Sources::default());
        let host = |n: usize| format!("2001:db8::{n:x}").parse::<IpAddr>().unwrap();
        let slots: Vec<Slot> = (0..BY_SOURCE).map(|n| sources.take(host(n)).unwrap()).collect();
        assert!(sources.take(host(BY_SOURCE)).is_none());
        assert!(sources.take("2001:db8:0:1::1".parse().unwrap()).is_some());
        assert!(sources.take("192.0.2.1".parse().unwrap()).is_some());
        drop(slots);
        assert!(sources.0.lock().unwrap().is_empty());
    }
}
