//! Questions to the name service, with what DNSSEC proves of the answers (RFC 4033 to 4035).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::{Proof, TrustAnchors};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::reason::{Reason, Trouble};
use crate::config::Outbound;
use crate::name_service;

/// How many exchangers of a domain are tried.
const MOST_HOSTS: usize = 5;
/// How many TLSA records of a host are looked at.
const MOST_TLSA: usize = 32;
/// How many addresses of each family of a host are tried: many of one do not hide the other.
const MOST_ADDRESSES: usize = 4;

/// The name service.
#[derive(Debug)]
pub struct Dns {
    resolver: Option<TokioResolver>,
}

/// An answer, and whether DNSSEC proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was found.
    pub found: T,
    /// Whether every record of it is signed up to the trust anchor.
    pub is_secure: bool,
}

/// Why the name service cannot be asked at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DnsSetupError {
    /// The trust anchor cannot be read.
    #[error("outbound.dnssec_anchor holds no DNSKEY records: {0}")]
    Anchor(String),
}

impl Dns {
    /// Prepares for the configured name servers, or those of the system.
    pub fn open(servers: &[SocketAddr], config: &Outbound) -> Result<Self, DnsSetupError> {
        // A machine without a name service still sends through a smarthost.
        let Some(mut builder) = name_service::resolver(servers) else { return Ok(Self { resolver: None }) };
        let options = builder.options_mut();
        options.validate = config.dnssec;
        options.edns0 = true;
        options.use_hosts_file = ResolveHosts::Never;
        if let (true, Some(path)) = (config.dnssec, &config.dnssec_anchor) {
            let anchors =
                TrustAnchors::from_file(path).map_err(|error| DnsSetupError::Anchor(error.to_string()))?;
            if anchors.is_empty() {
                return Err(DnsSetupError::Anchor("it is empty".into()));
            }
            builder = builder.with_trust_anchor(Arc::new(anchors));
        }
        Ok(Self { resolver: builder.build().ok() })
    }

    /// The hosts to try for a domain, best first (RFC 5321 5.1); equal ones in an order by chance.
    pub async fn exchangers(&self, domain: &str) -> Result<Answer<Vec<String>>, Trouble> {
        let domain = ascii(domain)?;
        let answer = self.records(&domain, RecordType::MX).await?;
        let mut found: Vec<(u16, [u8; 4], String)> = Vec::new();
        for record in &answer.found {
            if let RData::MX(mx) = &record.data {
                let host = mx.exchange.to_ascii().trim_end_matches('.').to_lowercase();
                found.push((mx.preference, crate::random::bytes(), host));
            }
        }
        if found.is_empty() {
            // Without MX records the domain itself is the host.
            return Ok(Answer { found: vec![domain], is_secure: answer.is_secure });
        }
        if found.iter().all(|(_, _, host)| host.is_empty()) {
            return Err(Reason::NullMx.into());
        }
        found.retain(|(_, _, host)| !host.is_empty());
        found.sort();
        let hosts = found.into_iter().take(MOST_HOSTS).map(|(_, _, host)| host).collect();
        Ok(Answer { found: hosts, is_secure: answer.is_secure })
    }

    /// The addresses of a host, those of IPv6 first.
    ///
    /// Where `needs_both`, neither family may fail: an answer that is held back must not hide that the
    /// host is signed, and so has TLSA records to meet (RFC 7672 2.1.2).
    pub async fn addresses(&self, host: &str, needs_both: bool) -> Result<Answer<Vec<IpAddr>>, Trouble> {
        let host = ascii(host)?;
        let (v6, v4) =
            tokio::join!(self.records(&host, RecordType::AAAA), self.records(&host, RecordType::A));
        let (mut found, mut is_secure, mut trouble) = (Vec::new(), true, None);
        for answer in [v6, v4] {
            match answer {
                Ok(answer) => {
                    is_secure &= answer.is_secure;
                    let addresses = answer.found.iter().filter_map(|record| record.data.ip_addr());
                    found.extend(addresses.take(MOST_ADDRESSES));
                }
                Err(other) if other.reason == Reason::NoDomain => trouble = Some(other),
                // One family may be broken, but what is bogus is not to be passed over.
                Err(other) if needs_both || other.reason == Reason::Bogus => return Err(other),
                Err(other) => {
                    is_secure = false;
                    trouble = Some(other);
                }
            }
        }
        match (found.is_empty(), trouble) {
            (true, Some(trouble)) => Err(trouble),
            (true, None) => Err(Trouble::because(Reason::Unreachable, format_args!("{host} has no address"))),
            (false, _) => Ok(Answer { found, is_secure }),
        }
    }

    /// The TLSA records of a host's port that DNSSEC proves; none where there are none (RFC 7672 2.2).
    pub async fn tlsa(&self, host: &str, port: u16) -> Result<Vec<TLSA>, Trouble> {
        let answer = match self.records(&format!("_{port}._tcp.{}", ascii(host)?), RecordType::TLSA).await {
            Err(trouble) if trouble.reason == Reason::NoDomain => return Ok(Vec::new()),
            answer => answer?,
        };
        if !answer.is_secure {
            return Ok(Vec::new());
        }
        let records = answer.found.into_iter().filter_map(|record| match record.data {
            RData::TLSA(tlsa) => Some(tlsa),
            _ => None,
        });
        Ok(records.take(MOST_TLSA).collect())
    }

    /// The texts of a name; none where there are none.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, Trouble> {
        let answer = match self.records(&ascii(name)?, RecordType::TXT).await {
            Err(trouble) if trouble.reason == Reason::NoDomain => return Ok(Vec::new()),
            answer => answer?,
        };
        let texts = answer.found.into_iter().filter_map(|record| match record.data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Answer<Vec<Record>>, Trouble> {
        let Some(resolver) = &self.resolver else {
            return Err(Trouble::because(Reason::Dns, "this machine has none"));
        };
        let name =
            Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).map_err(|_| Reason::Address)?;
        match resolver.lookup(name, kind).await {
            Ok(lookup) => {
                let found: Vec<Record> = lookup.answers().to_vec();
                // An alias and what it leads to: every link counts.
                let is_secure = is_secure(&found);
                Ok(Answer { found, is_secure })
            }
            Err(NetError::Dns(error)) => nothing(error),
            Err(error) => Err(Trouble::because(Reason::Dns, error)),
        }
    }
}

/// What it means that there is no record.
fn nothing(error: DnsError) -> Result<Answer<Vec<Record>>, Trouble> {
    let (code, is_secure) = match &error {
        DnsError::NoRecordsFound(none) => {
            (none.response_code, none.authorities.as_deref().is_some_and(is_secure))
        }
        DnsError::Nsec { proof: Proof::Insecure, response, .. } => (response.response_code, false),
        DnsError::Nsec { .. } | DnsError::DnssecBogus => return Err(Reason::Bogus.into()),
        _ => return Err(Trouble::because(Reason::Dns, error)),
    };
    match code {
        ResponseCode::NXDomain => Err(Reason::NoDomain.into()),
        ResponseCode::NoError => Ok(Answer { found: Vec::new(), is_secure }),
        _ => Err(Trouble::because(Reason::Dns, error)),
    }
}

/// Whether each record is proved; the signatures themselves carry no proof of their own.
fn is_secure(records: &[Record]) -> bool {
    let mut proved = records.iter().filter(|record| record.record_type() != RecordType::RRSIG).peekable();
    proved.peek().is_some() && proved.all(|record| record.proof == Proof::Secure)
}

/// A domain as it stands in DNS (RFC 5891): letters beyond ASCII become A-labels.
pub fn ascii(domain: &str) -> Result<String, Trouble> {
    let name = Name::from_utf8(domain).map_err(|_| Reason::Address)?;
    let name = name.to_ascii();
    match name.trim_end_matches('.') {
        "" => Err(Reason::Address.into()),
        name => Ok(name.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_in_another_script_is_asked_for_by_its_a_labels() {
        assert_eq!(ascii("Bücher.example").unwrap(), "xn--bcher-kva.example");
        assert_eq!(ascii("MX.example.").unwrap(), "mx.example");
        assert!(ascii("").is_err() && ascii(".").is_err());
    }
}
