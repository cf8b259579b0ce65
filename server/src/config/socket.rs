use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

/// Where a door is: `address:port`, or `unix:` and a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Socket {
    /// An address and port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Why a text names no door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a socket is address:port, or unix: and a path")]
pub struct SocketError;

impl FromStr for Socket {
    type Err = SocketError;

    fn from_str(text: &str) -> Result<Self, SocketError> {
        match text.strip_prefix("unix:") {
            Some("") => Err(SocketError),
            Some(path) => Ok(Self::Unix(PathBuf::from(path))),
            None => text.parse().map(Self::Tcp).map_err(|_| SocketError),
        }
    }
}

impl TryFrom<String> for Socket {
    type Error = SocketError;

    fn try_from(text: String) -> Result<Self, SocketError> {
        text.parse()
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_an_address_or_a_path() {
        for text in ["127.0.0.1:24", "[::1]:24", "unix:/run/sealpost/lmtp"] {
            assert_eq!(text.parse::<Socket>().unwrap().to_string(), text);
        }
        for text in ["", "unix:", "/run/lmtp", "localhost:24", "127.0.0.1"] {
            assert_eq!(text.parse::<Socket>(), Err(SocketError), "{text}");
        }
    }
}
