use std::net::Ipv6Addr;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::Deserialize;

/// The port of SMTP between servers (RFC 5321 4.5.4.2).
const SMTP: u16 = 25;
/// The greatest length of a name (RFC 1035 2.3.4).
const LONGEST: usize = 253;

/// The server that all outgoing mail goes to: `host`, `host:port` or `[IPv6]:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Smarthost {
    host: String,
    port: u16,
}

impl Smarthost {
    /// Its name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Why a text names no smarthost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmarthostError {
    /// What follows the colon is no port.
    #[error("the port of the smarthost is no number from 1 to 65535")]
    Port,
    /// What stands before it is no host.
    #[error("the smarthost is neither a host name nor an address; an IPv6 address stands in brackets")]
    Host,
}

impl FromStr for Smarthost {
    type Err = SmarthostError;

    fn from_str(text: &str) -> Result<Self, SmarthostError> {
        let (host, after) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or(SmarthostError::Host)?;
                host.parse::<Ipv6Addr>().map_err(|_| SmarthostError::Host)?;
                (host, after)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                let (host, after) = text.split_at_checked(end).ok_or(SmarthostError::Host)?;
                if !is_name(host) || after.matches(':').count() > 1 {
                    return Err(SmarthostError::Host);
                }
                (host, after)
            }
        };
        Ok(Self { host: host.to_owned(), port: port(after)? })
    }
}

impl TryFrom<String> for Smarthost {
    type Error = SmarthostError;

    fn try_from(text: String) -> Result<Self, SmarthostError> {
        text.parse()
    }
}

/// Letters, digits, hyphens and dots, and the underscores of some private nets.
fn is_name(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    !host.is_empty() && host.len() <= LONGEST && host.chars().all(plain)
}

fn port(after: &str) -> Result<u16, SmarthostError> {
    if after.is_empty() {
        return Ok(SMTP);
    }
    let digits = after.strip_prefix(':').filter(|digits| !digits.starts_with('+'));
    let port = digits.and_then(|digits| digits.parse::<NonZeroU16>().ok());
    port.map(NonZeroU16::get).ok_or(SmarthostError::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smarthost_has_a_host_and_a_port() {
        for (text, host, port) in [
            ("mx.example:2525", "mx.example", 2525),
            ("mx", "mx", 25),
            ("192.0.2.1:26", "192.0.2.1", 26),
            ("[2001:db8::1]:26", "2001:db8::1", 26),
            ("[::1]", "::1", 25),
        ] {
            let read: Smarthost = text.parse().unwrap();
            assert_eq!((read.host(), read.port()), (host, port), "{text}");
        }
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for text in ["mx:abc", "mx:", "mx:0", "mx:65536", "mx:+25", "mx:25 ", "[::1]25", "[::1]:"] {
            assert_eq!(text.parse::<Smarthost>(), Err(SmarthostError::Port), "{text}");
        }
        for text in ["", ":25", "2001:db8::1", "::1", "[mx]:25", "[::1", "a mx:25", "mx/x:25", "smtp://mx:25"]
        {
            assert_eq!(text.parse::<Smarthost>(), Err(SmarthostError::Host), "{text}");
        }
    }
}
