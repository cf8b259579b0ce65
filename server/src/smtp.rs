//! The doors for mail from elsewhere for people here: SMTP (RFC 5321) and LMTP (RFC 2033).

mod body;
mod data;
mod line;
mod listener;
mod origin;
mod reply;
mod session;
mod sources;
mod trace;
mod wire;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::relay::Relay;
use crate::tls::Tls;
use body::{Budget, UNIT};
use session::Session;
use sources::{Slot, Sources};
use wire::{Secured, Wire};

pub use listener::Listener;

/// Connections at once, at all doors together.
const CONNECTIONS: usize = 256;
/// Octets of all messages that are being received at once; sealing needs some times that.
const IN_MEMORY: usize = 256 * 1024 * 1024;
/// How long one connection may last in all.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// What is spoken at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP, which answers a message once.
    Smtp,
    /// LMTP, which answers it for each recipient.
    Lmtp,
}

/// How a door is.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// What is spoken.
    pub protocol: Protocol,
    /// Whether TLS comes first, without STARTTLS.
    pub implicit_tls: bool,
}

/// What all doors share: the certificate, and the bounds of what strangers may hold.
#[derive(Debug)]
pub struct Gate {
    relay: Arc<Relay>,
    tls: Option<Arc<Tls>>,
    connections: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    /// What programs on this host may have of it.
    local: Arc<Semaphore>,
    sources: Arc<Sources>,
}

impl Gate {
    /// Doors of a relay, with TLS where there is a certificate.
    pub fn new(relay: Arc<Relay>, tls: Option<Arc<Tls>>) -> Arc<Self> {
        Arc::new(Self {
            relay,
            tls,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            memory: Arc::new(Semaphore::new(IN_MEMORY / UNIT)),
            local: Arc::new(Semaphore::new(IN_MEMORY / UNIT)),
            sources: Arc::default(),
        })
    }

    /// Room for a connection; one from a socket of this host counts for nobody.
    fn admit(&self, peer: Option<IpAddr>) -> Option<Admitted> {
        let slot = match peer {
            Some(peer) => Some(self.sources.take(peer)?),
            None => None,
        };
        let permit = Arc::clone(&self.connections).try_acquire_owned().ok()?;
        let source = slot.as_ref().map_or(&self.local, |slot: &Slot| &slot.memory);
        let budget = Budget { all: Arc::clone(&self.memory), source: Arc::clone(source) };
        Some(Admitted { budget, _slot: slot, _permit: permit })
    }
}

/// A connection that has room.
struct Admitted {
    budget: Budget,
    _slot: Option<Slot>,
    _permit: OwnedSemaphorePermit,
}

/// Serves a door until the relay stops; a message whose end was received is finished.
pub async fn serve(listener: Listener, door: Door, gate: Arc<Gate>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gate.relay.stopping.cancelled() => break,
        };
        let (wire, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        connections.spawn(connection(Arc::clone(&gate), door, wire, peer));
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(gate: Arc<Gate>, door: Door, wire: Wire, peer: Option<IpAddr>) {
    match tokio::time::timeout(LIFE, talk(gate, door, wire, peer)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an SMTP connection broke off"),
        Err(_) => tracing::debug!("an SMTP connection lasted too long"),
    }
}

async fn talk(gate: Arc<Gate>, door: Door, wire: Wire, peer: Option<IpAddr>) -> io::Result<()> {
    let Some(admitted) = gate.admit(peer) else { return session::turn_away(wire).await };
    let (wire, tls) = match &gate.tls {
        Some(tls) if door.implicit_tls => {
            let (wire, secured) = Secured::accept(tls, wire).await?;
            (wire, Some(secured))
        }
        _ => (wire, None),
    };
    Session::new(Arc::clone(&gate), door.protocol, peer, tls, admitted.budget.clone()).run(wire).await
}
