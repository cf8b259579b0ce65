//! Where connections come from: a host, or a network where one host has many addresses.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections by source; those of one source have something in common.
#[derive(Debug)]
pub struct Sources<T> {
    most: usize,
    common: fn() -> T,
    counts: Mutex<Counts<T>>,
}

#[derive(Debug)]
struct Counts<T> {
    sources: HashMap<IpAddr, Source<T>>,
    sites: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Source<T> {
    connections: usize,
    common: Arc<T>,
}

/// The address, or the network where one host has many (RFC 4291 2.5.4).
pub fn network(address: IpAddr) -> IpAddr {
    first_bits(address, 64)
}

/// The network that a site was given.
pub fn site(address: IpAddr) -> IpAddr {
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
pub struct Slot<T> {
    sources: Arc<Sources<T>>,
    source: IpAddr,
    /// What all connections of this source have in common.
    pub common: Arc<T>,
}

impl<T> Sources<T> {
    /// So many connections of one source at once, and twice as many of all networks that one IPv6 site was given
    /// (RFC 6177), which may be 65,536.
    pub fn new(most: usize, common: fn() -> T) -> Self {
        let counts = Counts { sources: HashMap::new(), sites: HashMap::new() };
        Self { most, common, counts: Mutex::new(counts) }
    }

    /// Room for one more connection; none when the source, or its site, has as many as it may.
    pub fn take(self: &Arc<Self>, source: IpAddr) -> Option<Slot<T>> {
        self.take_within(source, self.most)
    }

    /// The same with a bound of its own, where room is scarce.
    pub fn take_within(self: &Arc<Self>, source: IpAddr, most: usize) -> Option<Slot<T>> {
        let source = network(source);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { sources, sites } = &mut *counts;
        let of_source = sources.get(&source).map_or(0, |count| count.connections);
        let of_site = sites.get(&site(source)).copied().unwrap_or_default();
        if of_source >= most || of_site >= 2 * most {
            return None;
        }
        *sites.entry(site(source)).or_default() += 1;
        let fresh = || Source { connections: 0, common: Arc::new((self.common)()) };
        let count = sources.entry(source).or_insert_with(fresh);
        count.connections += 1;
        Some(Slot { sources: Arc::clone(self), source, common: Arc::clone(&count.common) })
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let mut counts = self.sources.counts.lock().unwrap_or_else(PoisonError::into_inner);
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

    const MOST: usize = 64;

    #[test]
    fn a_network_is_one_source() {
        let sources = Arc::new(Sources::new(MOST, || ()));
        let host = |n: usize| format!("2001:db8::{n:x}").parse::<IpAddr>().unwrap();
        let slots: Vec<Slot<()>> = (0..MOST).map(|n| sources.take(host(n)).unwrap()).collect();
        assert!(sources.take(host(MOST)).is_none());
        assert!(sources.take("2001:db8:0:1::1".parse().unwrap()).is_some());
        assert!(sources.take("192.0.2.1".parse().unwrap()).is_some());
        drop(slots);
        let counts = sources.counts.lock().unwrap();
        assert!(counts.sources.is_empty() && counts.sites.is_empty());
    }

    #[test]
    fn a_site_with_many_networks_does_not_have_all_places() {
        let sources = Arc::new(Sources::new(MOST, || ()));
        let host = |site: usize, network: usize| format!("2001:db8:{site:x}:{network:x}::1").parse().unwrap();
        let slots: Vec<Slot<()>> = (0..2 * MOST).map(|n| sources.take(host(1, n)).unwrap()).collect();
        assert!(sources.take(host(1, 2 * MOST)).is_none());
        assert!(sources.take(host(2, 0)).is_some());
        drop(slots);
        assert!(sources.take(host(1, 2 * MOST)).is_some());
    }
}
