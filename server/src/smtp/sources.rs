use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::body::UNIT;

/// Connections of one source at once.
const CONNECTIONS: usize = 64;
/// Octets of all messages of one source that are being received at once.
const IN_MEMORY: usize = super::IN_MEMORY / 2;

/// Counts connections by source.
#[derive(Debug, Default)]
pub struct Sources(Mutex<HashMap<IpAddr, Source>>);

#[derive(Debug)]
struct Source {
    connections: usize,
    memory: Arc<Semaphore>,
}

impl Default for Source {
    fn default() -> Self {
        Self { connections: 0, memory: Arc::new(Semaphore::new(IN_MEMORY / UNIT)) }
    }
}

/// The address, or the network where one host has many (RFC 4291 2.5.4).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::from(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// One connection of a source, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    sources: Arc<Sources>,
    source: IpAddr,
    /// The memory that the messages of this source share.
    pub memory: Arc<Semaphore>,
}

impl Sources {
    /// Room for one more connection; none when the source has as many as it may.
    pub fn take(self: &Arc<Self>, source: IpAddr) -> Option<Slot> {
        let source = network(source);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(source).or_default();
        if count.connections >= CONNECTIONS {
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
        let slots: Vec<Slot> = (0..CONNECTIONS).map(|n| sources.take(host(n)).unwrap()).collect();
        assert!(sources.take(host(CONNECTIONS)).is_none());
        assert!(sources.take("2001:db8:0:1::1".parse().unwrap()).is_some());
        assert!(sources.take("192.0.2.1".parse().unwrap()).is_some());
        drop(slots);
        assert!(sources.0.lock().unwrap().is_empty());
    }
}
