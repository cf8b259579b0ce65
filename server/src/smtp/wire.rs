use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::rustls::{CipherSuite, ProtocolVersion};

use crate::tls::Tls;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// A connection, whatever it goes over.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection over TCP, a Unix socket or TLS.
pub type Wire = Box<dyn Duplex>;

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
