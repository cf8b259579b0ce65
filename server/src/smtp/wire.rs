use std::io;
use std::net::IpAddr;
use std::time::Duration;

use proxy_header::ParseConfig;
use proxy_header::io::ProxiedStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::rustls::{CipherSuite, ProtocolVersion};

use crate::tls::Tls;

/// How long a TLS handshake, or the header of a proxy, may take.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// A connection, whatever it goes over.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection over TCP, a Unix socket or TLS.
pub type Wire = Box<dyn Duplex>;

/// Reads the header of a proxy; gives the client's address, or none where the proxy speaks for itself.
pub async fn proxied(wire: Wire) -> io::Result<(Wire, Option<IpAddr>)> {
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    let read = timeout(HANDSHAKE, ProxiedStream::create_from_tokio(wire, config)).await;
    let stream = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let client = stream.proxy_header().proxied_address().map(|address| address.source.ip().to_canonical());
    Ok((Box::new(stream), client))
}

/// What TLS was agreed on.
#[derive(Debug, Clone, Copy)]
pub struct Secured {
    version: ProtocolVersion,
    suite: CipherSuite,
}

impl Secured {
    /// Makes a connection TLS.
    pub async fn accept(tls: &Tls, wire: Wire) -> io::Result<(Wire, Self)> {
        let accepted = timeout(HANDSHAKE, tls.acceptor().accept(wire)).await;
        let stream = accepted.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let (_, state) = stream.get_ref();
        let agreed = state.protocol_version().zip(state.negotiated_cipher_suite());
        let (version, suite) = agreed.ok_or(io::ErrorKind::InvalidData)?;
        Ok((Box::new(stream), Self { version, suite: suite.suite() }))
    }

    /// The version, as in "TLSv1.3".
    pub fn version(&self) -> &'static str {
        match self.version {
            ProtocolVersion::TLSv1_3 => "TLSv1.3",
            _ => "TLSv1.2",
        }
    }

    /// The name of the cipher suite in IANA's registry.
    pub fn suite(&self) -> String {
        let name = self.suite.as_str().unwrap_or("unknown");
        name.replace("TLS13_", "TLS_")
    }
}
