//! The servers of one destination, and how a conversation with one of them begins.

use std::net::{IpAddr, SocketAddr};

use super::Sender;
use super::client::{Client, Features, Stream};
use super::dns::{self, Answer};
use super::idle::Open;
use super::parameters::Parameters;
use super::reach;
use super::reason::{Reason, Trouble};
use super::route::Route;
use super::sts::{Means, Mode, Policy};
use super::tls::Requirement;
use crate::config::Level;
use crate::outer;
use crate::relay::Relay;

/// What a message asks for beside what its destination does (RFC 8689).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Nothing,
    /// Servers that prove their names, under TLS all the way.
    Proof,
    /// To go whatever the destination's policies say of TLS.
    Delivery,
}

impl Wanted {
    /// What the envelope says, and otherwise the message (RFC 8689 3).
    pub fn of(parameters: &Parameters, message: &[u8]) -> Self {
        if parameters.require_tls {
            return Self::Proof;
        }
        let mut values = outer::values(message, "TLS-Required");
        let is_no = values.next().is_some_and(|value| value.eq_ignore_ascii_case("no"));
        if is_no && values.next().is_none() { Self::Delivery } else { Self::Nothing }
    }
}

/// Where mail of one route may go, and what the servers there must prove.
pub struct Destination {
    /// The domain as it stands in DNS; none for a smarthost.
    domain: Option<String>,
    /// The servers and their ports, in the order in which they are tried.
    pub hosts: Vec<(String, u16)>,
    /// Whether DNSSEC proves the hosts.
    is_secure: bool,
    /// What an operator asks for.
    level: Option<Level>,
    policy: Option<Policy>,
}

impl Destination {
    /// Asks what is published about it.
    pub async fn find(relay: &Relay, route: &Route) -> Result<Self, Trouble> {
        let config = &relay.config.outbound;
        let domain = match route {
            Route::Smarthost(server) => {
                let hosts = vec![(server.host().to_owned(), server.port())];
                let level = Some(config.smarthost_level());
                return Ok(Self { domain: None, hosts, is_secure: false, level, policy: None });
            }
            Route::Domain(domain) => domain,
        };
        let port = config.exchanger_port;
        if let Some(address) = literal(domain) {
            let level = Some(config.tls.get(domain).copied().unwrap_or(Level::May));
            let hosts = vec![(address?.to_string(), port)];
            return Ok(Self { domain: Some(domain.clone()), hosts, is_secure: false, level, policy: None });
        }
        let domain = dns::ascii(domain)?;
        let Answer { found, is_secure } = relay.sender.dns.exchangers(&domain).await?;
        let hosts = found.into_iter().map(|host| (host, port)).collect();
        let level = config.tls.get(&domain).copied();
        let policy = match level {
            None if config.mta_sts => Sender::policy(relay, &domain).await?,
            _ => None,
        };
        Ok(Self { domain: Some(domain), hosts, is_secure, level, policy })
    }

    /// A conversation with a host that proved what it must.
    pub async fn open(&self, relay: &Relay, host: &str, port: u16, wanted: Wanted) -> Result<Open, Trouble> {
        let (addresses, is_secure) = self.addresses(relay, host, port).await.map_err(of_host)?;
        let mut requirement = match (self.level, wanted) {
            // RFC 8689 4.2.2: policies of the destination are ignored; that of the operator is none of them.
            (None, Wanted::Delivery) => Requirement::Level(Level::May),
            _ => self.requirement(relay, host, port, is_secure).await?,
        };
        if wanted == Wanted::Proof && !requirement.proves_name() {
            if !self.is_known(host) {
                return Err(Trouble::because(Reason::RequireTls, "nothing proves that it serves the domain"));
            }
            requirement = Requirement::Level(Level::Verify);
        }
        let (client, features) =
            connect(relay, host, &addresses, &requirement, self.domain.is_none()).await?;
        let (is_proved, is_lax) = (requirement.proves_name(), wanted == Wanted::Delivery);
        Ok(Open { client, features, host: host.to_owned(), is_proved, is_lax, is_used: false })
    }

    /// Whether the host is proved to be one of the destination's (RFC 8689 4.2.1), and not only named by DNS.
    fn is_known(&self, host: &str) -> bool {
        let is_named = |policy: &Policy| policy.mode != Mode::None && policy.names(host);
        self.is_secure || self.domain.is_none() || self.policy.as_ref().is_some_and(is_named)
    }

    async fn addresses(
        &self,
        relay: &Relay,
        host: &str,
        port: u16,
    ) -> Result<(Vec<SocketAddr>, bool), Trouble> {
        let only_public = self.domain.is_some() && !relay.config.private_exchangers;
        // The smarthost is the operator's own word, and may stand in the machine's list of hosts.
        if self.domain.is_none() || host.parse::<IpAddr>().is_ok() {
            let found = reach::addresses(host, port, only_public).await;
            return found.map(|found| (found, false)).map_err(Trouble::from);
        }
        let Answer { found, is_secure } = relay.sender.dns.addresses(host, self.is_secure).await?;
        let public = found.into_iter().filter(|address| !only_public || reach::is_public(*address));
        let addresses: Vec<SocketAddr> = public.map(|address| SocketAddr::new(address, port)).collect();
        if addresses.is_empty() { Err(Reason::Private.into()) } else { Ok((addresses, is_secure)) }
    }

    /// What the host must prove: an operator's word before DANE, and that before MTA-STS (RFC 8461 2).
    async fn requirement(
        &self,
        relay: &Relay,
        host: &str,
        port: u16,
        is_secure: bool,
    ) -> Result<Requirement, Trouble> {
        if let Some(level) = self.level {
            return Ok(Requirement::Level(level));
        }
        let domain = self.domain.as_deref().unwrap_or(host);
        if self.is_secure && is_secure {
            let records = relay.sender.dns.tlsa(host, port).await?;
            if let Some(requirement) = Requirement::of_tlsa(records, domain) {
                return Ok(requirement);
            }
        }
        match &self.policy {
            Some(policy) if policy.mode == Mode::Enforce && policy.names(host) => {
                Ok(Requirement::Level(Level::Verify))
            }
            Some(policy) if policy.mode == Mode::Enforce => Err(Reason::StsMx.into()),
            _ => Ok(Requirement::Level(Level::May)),
        }
    }
}

/// A host's name that leads nowhere says nothing of the domain, which may have others or mend it.
fn of_host(trouble: Trouble) -> Trouble {
    match trouble.reason {
        Reason::NoDomain | Reason::Address => Reason::NoHost.into(),
        _ => trouble,
    }
}

impl Sender {
    async fn policy(relay: &Relay, domain: &str) -> Result<Option<Policy>, Trouble> {
        let means = Means {
            dns: &relay.sender.dns,
            trust: &relay.sender.trust,
            store: &relay.store,
            port: relay.config.outbound.mta_sts_port,
            only_public: !relay.config.private_exchangers,
        };
        relay.sender.sts.policy(means, domain).await.map_err(|error| {
            tracing::error!(%error, "a policy of MTA-STS could not be looked up");
            Reason::Store.into()
        })
    }
}

/// An address that stands in the place of a domain (RFC 5321 4.1.3).
fn literal(domain: &str) -> Option<Result<IpAddr, Trouble>> {
    let text = domain.strip_prefix('[')?.strip_suffix(']')?;
    let six = text.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("ipv6:"));
    let address = match text.get(5..).filter(|_| six) {
        Some(six) => six.parse().map(IpAddr::V6),
        None => text.parse().map(IpAddr::V4),
    };
    Some(address.map_err(|_| Reason::Address.into()))
}

type Connected = (Client<Box<dyn Stream>>, Features);

/// Connects and greets, under TLS as far as it must be and can be.
async fn connect(
    relay: &Relay,
    host: &str,
    addresses: &[SocketAddr],
    requirement: &Requirement,
    is_smarthost: bool,
) -> Result<Connected, Trouble> {
    let (config, tls) = (&relay.config, relay.sender.trust.connector(requirement));
    let mut client = Client::connect(addresses).await?;
    if is_smarthost && config.outbound.smarthost_implicit_tls {
        let mut client = client.secure(&tls, host).await?;
        client.greeting().await?;
        let features = client.hello(config.host()).await?;
        return relay.sender.sign_in(client.boxed(), features, requirement.proves_name()).await;
    }
    client.greeting().await?;
    let features = client.hello(config.host()).await?;
    let offered = features.has_capability(smtp_proto::EXT_START_TLS);
    if *requirement == Requirement::Level(Level::None) || (!offered && requirement.admits_clear()) {
        return clear(relay, client.boxed(), features, is_smarthost).await;
    }
    if !offered {
        return Err(Reason::NoTls.into());
    }
    let mut client = match client.start_tls(&tls, host).await {
        Ok(client) => client,
        // What is offered and does not work is no worse than what is not offered.
        Err(_) if requirement.admits_clear() => {
            let mut client = Client::connect(addresses).await?;
            client.greeting().await?;
            let features = client.hello(config.host()).await?;
            return clear(relay, client.boxed(), features, is_smarthost).await;
        }
        Err(trouble) => return Err(trouble),
    };
    let features = client.hello(config.host()).await?;
    if is_smarthost {
        return relay.sender.sign_in(client.boxed(), features, requirement.proves_name()).await;
    }
    Ok((client.boxed(), features))
}

async fn clear(
    relay: &Relay,
    client: Client<Box<dyn Stream>>,
    features: Features,
    is_smarthost: bool,
) -> Result<Connected, Trouble> {
    if is_smarthost { relay.sender.sign_in(client, features, false).await } else { Ok((client, features)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_with_the_name_of_a_host_may_pass() {
        for reason in [Reason::NoDomain, Reason::Address] {
            assert!(Trouble::from(reason).is_permanent() && !of_host(reason.into()).is_permanent());
        }
        assert_eq!(of_host(Reason::Dns.into()).reason, Reason::Dns);
    }

    #[test]
    fn a_message_may_go_without_tls_where_its_sender_says_so_and_nothing_else() {
        let (lax, strict) =
            (Parameters::default(), Parameters { require_tls: true, ..Parameters::default() });
        for (header, wanted) in [
            ("TLS-Required: No\r\n", Wanted::Delivery),
            ("From: a@b.example\r\ntls-required:\r\n no \r\n", Wanted::Delivery),
            ("TLS-Required: Yes\r\n", Wanted::Nothing),
            ("TLS-Required: No\r\nTLS-Required: No\r\n", Wanted::Nothing),
            ("X: y\r\n\r\nTLS-Required: No\r\n", Wanted::Nothing),
        ] {
            let message = format!("{header}\r\nhello\r\n");
            assert_eq!(Wanted::of(&lax, message.as_bytes()), wanted, "{header}");
            assert_eq!(Wanted::of(&strict, message.as_bytes()), Wanted::Proof);
        }
    }

    #[test]
    fn an_address_may_stand_for_a_domain() {
        assert_eq!(literal("[192.0.2.1]").unwrap().unwrap().to_string(), "192.0.2.1");
        assert_eq!(literal("[IPv6:2001:db8::1]").unwrap().unwrap().to_string(), "2001:db8::1");
        assert!(literal("[mx.example]").unwrap().is_err() && literal("[]").unwrap().is_err());
        assert!(literal("mx.example").is_none());
    }
}
