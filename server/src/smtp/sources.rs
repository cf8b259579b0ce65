use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::body::UNIT;

/// Connections of one source at once.
const CONNECTIONS: usize = 64;
/// Connections at once of all networks that one IPv6 site was given (RFC 6177), which may be 65,536.
const OF_A_SITE: usize = 2 * CONNECTIONS;
/// Octets of all messages of one source that are being received at once.
const IN_MEMORY: usize = super::IN_MEMORY / 2;

/// Counts connections by source.
#[derive(Debug, Default)]
pub struct Sources(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sources: HashMap<IpAddr, Source>,
    sites: HashMap<IpAddr, usize>,
}

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
    first_bits(address, 64)
}

/// The network that a site was given.
fn site(address: IpAddr) -> IpAddr {
    first_bits(address, 48)
}

/// An IPv6 address without what follows its first bits; one of IPv4 whole.
fn first_bits(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let rest = Ipv6Addr::BITS - bits;
            IpAddr::from(Ipv6Addr::from_bits(address.to_bits() >> rest << rest))
        }
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
    /// Room for one more connection; none when the source, or its site, has as many as it may.
    pub fn take(self: &Arc<Self>, source: IpAddr) -> Option<Slot> {
        let source = network(source);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { sources, sites } = &mut *counts;
        let of_source = sources.get(&source).map_or(0, |count| count.connections);
        let of_site = sites.get(&site(source)).copied().unwrap_or_default();
        if of_source >= CONNECTIONS || of_site >= OF_A_SITE {
            return None;
        }
        *sites.entry(site(source)).or_default() += 1;
        let count = sources.entry(source).or_default();
        count.connections += 1;
        Some(Slot { sources: Arc::clone(self), source, memory: Arc::clone(&count.memory) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.sources.entry(self.source) {
            count.get_mut().connections -= 1;
            if count.get().connections == 0 {
                count.remove();
            }
        }
        if let Entry::Occupied(mut count) = counts.sites.entry(site(self.source)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
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
        let counts = sources.0.lock().unwrap();
        assert!(counts.sources.is_empty() && counts.sites.is_empty());
    }

    #[test]
    fn a_site_with_many_networks_does_not_have_all_places() {
        let sources = Arc::new(Sources::default());
        let host = |site: usize, network: usize| format!("2001:db8:{site:x}:{network:x}::1").parse().unwrap();
        let slots: Vec<Slot> = (0..OF_A_SITE).map(|n| sources.take(host(1, n)).unwrap()).collect();
        assert!(sources.take(host(1, OF_A_SITE)).is_none());
        assert!(sources.take(host(2, 0)).is_some());
        drop(slots);
        assert!(sources.take(host(1, OF_A_SITE)).is_some());
    }
}
