//! How name servers are asked.

use std::net::SocketAddr;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, ResolverBuilder};

/// What asks these name servers, or those of the system where there are none; none where that has none either.
pub fn resolver(servers: &[SocketAddr]) -> Option<ResolverBuilder<TokioRuntimeProvider>> {
    let provider = TokioRuntimeProvider::default();
    if servers.is_empty() {
        return Resolver::builder(provider).ok();
    }
    let servers = servers.iter().map(|server| {
        let at = |mut connection: ConnectionConfig| {
            connection.port = server.port();
            connection
        };
        let ways = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
        NameServerConfig::new(server.ip(), true, ways)
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    Some(Resolver::builder_with_config(config, provider))
}
