use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;

use super::reason::{Reason, Trouble};

/// Why a server is not spoken to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreachable {
    /// Its name has no address, or could not be looked up now.
    #[error("the server has no address")]
    NoAddress,
    /// It has none of the public net.
    #[error("the server is not on the public net")]
    Inside,
}

impl From<Unreachable> for Trouble {
    fn from(why: Unreachable) -> Self {
        match why {
            Unreachable::NoAddress => Self::because(Reason::Unreachable, why),
            Unreachable::Inside => Reason::Private.into(),
        }
    }
}

/// The addresses of a server; those of the public net where `only_public` says so.
///
/// Anybody's domain can name a host inside as its exchanger: the relay must not be led to speak to it.
pub async fn addresses(host: &str, port: u16, only_public: bool) -> Result<Vec<SocketAddr>, Unreachable> {
    let found = lookup_host((host, port)).await.map_err(|_| Unreachable::NoAddress)?;
    let reachable: Vec<SocketAddr> = found.filter(|found| !only_public || is_public(found.ip())).collect();
    match reachable.is_empty() {
        true => Err(Unreachable::Inside),
        false => Ok(reachable),
    }
}

/// Whether an address is of the public net.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// RFC 6890, of which std has only some.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let special = matches!(
        (first, second, third),
        (0 | 240..=255, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _)
    );
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // RFC 4291 2.4: 2000::/3 is all that is global; 2002::/16 and 64:ff9b::/96 carry an IPv4 address.
    match address.segments() {
        [0x2002, high, low, ..] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
        }
        [0x2001, 0x0db8 | 0, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_net_is_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "ff02::1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["8.8.8.8", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[tokio::test]
    async fn a_name_for_this_host_is_refused() {
        let refused = addresses("localhost", 25, true).await.unwrap_err();
        assert!(matches!(refused, Unreachable::Inside));
        assert!(!addresses("localhost", 25, false).await.unwrap().is_empty());
    }
}
