//! The doors for mail from elsewhere for people here: SMTP (RFC 5321) and LMTP (RFC 2033).

mod body;
mod data;
mod greylist;
mod judge;
mod line;
mod listener;
mod notice;
mod origin;
mod pace;
mod reply;
mod scanner;
mod session;
mod trace;
mod wire;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::allowance::{self, Allowance};
use crate::config::SenderChecks;
use crate::relay::Relay;
use crate::sources::{Slot, Sources};
use crate::tls::Tls;
use body::{Budget, UNIT};
use judge::Judge;
use pace::Pace;
use session::Session;
use wire::{Secured, Wire};

pub use greylist::Greylist;
pub use listener::Listener;

/// Connections at once, at all doors for strangers together.
const CONNECTIONS: usize = 256;
/// Connections of one source at once.
const OF_A_SOURCE: usize = 64;
/// As many where fewer than half of all places are free, so that a few sources do not take the rest.
const OF_A_SOURCE_AT_LAST: usize = 8;
/// Connections at once of the mail servers of the house, whom strangers must not keep out.
const OF_THE_HOUSE: usize = 64;
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
    judge: Option<Arc<Judge>>,
    strangers: Semaphore,
    house: Semaphore,
    memory: Arc<Semaphore>,
    /// What programs on this host may have of it.
    local: Arc<Semaphore>,
    sources: Arc<Sources<Semaphore>>,
    /// How many messages each source sent of late, where that is bounded.
    pace: Option<Pace>,
    /// How many delivery status notifications were sent for each account of late.
    notices: Allowance,
}

impl Gate {
    /// Doors of a relay, with TLS where there is a certificate.
    pub fn new(relay: Arc<Relay>, tls: Option<Arc<Tls>>) -> Arc<Self> {
        let inbound = &relay.config.inbound;
        let asks = inbound.sender_checks != SenderChecks::Off;
        let judge = asks.then(|| Judge::open(&relay.config)).flatten().map(Arc::new);
        if asks && judge.is_none() {
            tracing::warn!("there is no name service: senders are not judged");
        }
        let pace = inbound.messages_per_hour.map(Pace::new);
        Arc::new(Self {
            relay,
            tls,
            judge,
            strangers: Semaphore::new(CONNECTIONS),
            house: Semaphore::new(OF_THE_HOUSE),
            memory: Arc::new(Semaphore::new(IN_MEMORY / UNIT)),
            local: Arc::new(Semaphore::new(IN_MEMORY / UNIT)),
            sources: Arc::new(Sources::new(OF_A_SOURCE, || Semaphore::new(IN_MEMORY / 2 / UNIT))),
            pace,
            notices: Allowance::new(allowance::NOTICES),
        })
    }

    /// What a connection from `peer` may hold; one from a program on this host counts for nobody.
    fn admit(&self, protocol: Protocol, peer: Option<IpAddr>) -> Option<(Budget, Option<Slot<Semaphore>>)> {
        let slot = match peer {
            Some(peer) => Some(self.sources.take_within(peer, self.most_of_a_source(protocol))?),
            None => None,
        };
        let source = slot.as_ref().map_or(&self.local, |slot| &slot.common);
        Some((Budget { all: Arc::clone(&self.memory), source: Arc::clone(source) }, slot))
    }

    fn most_of_a_source(&self, protocol: Protocol) -> usize {
        let is_scarce = protocol == Protocol::Smtp && self.strangers.available_permits() < CONNECTIONS / 2;
        if is_scarce { OF_A_SOURCE_AT_LAST } else { OF_A_SOURCE }
    }

    fn is_proxy(&self, peer: IpAddr) -> bool {
        self.relay.config.proxy_networks.iter().any(|network| network.contains(&peer))
    }
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
    let places = if door.protocol == Protocol::Lmtp { &gate.house } else { &gate.strangers };
    let Ok(_permit) = places.try_acquire() else { return session::turn_away(wire).await };
    let (wire, peer) = match peer {
        Some(proxy) if gate.is_proxy(proxy) => {
            let (wire, client) = wire::proxied(wire).await?;
            (wire, Some(client.unwrap_or(proxy)))
        }
        _ => (wire, peer),
    };
    let Some((budget, _slot)) = gate.admit(door.protocol, peer) else {
        return session::turn_away(wire).await;
    };
    let (wire, tls) = match &gate.tls {
        Some(tls) if door.implicit_tls => {
            let (wire, secured) = Secured::accept(tls, wire).await?;
            (wire, Some(secured))
        }
        _ => (wire, None),
    };
    Session::new(Arc::clone(&gate), door.protocol, peer, tls, budget).run(wire).await
}
