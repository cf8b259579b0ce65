use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use tokio::net::{TcpListener, UnixListener};

use super::wire::Wire;
use crate::config::Socket;

/// Where connections come in.
#[derive(Debug)]
pub enum Listener {
    /// At an address and port.
    Tcp(TcpListener),
    /// At a socket in the file system.
    Unix(UnixListener),
}

impl Listener {
    /// Listens at a socket; one that an earlier relay left in the file system is taken away.
    ///
    /// Only the owner and the group of such a socket may write to it.
    pub async fn bind(socket: &Socket) -> io::Result<Self> {
        match socket {
            Socket::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            Socket::Unix(path) => {
                remove_abandoned(path)?;
                let listener = UnixListener::bind(path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
                Ok(Self::Unix(listener))
            }
        }
    }

    /// Where it really listens, when any port was asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// The next connection, and from where; none from a program on this host.
    pub async fn accept(&self) -> io::Result<(Wire, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and each is waited for.
                stream.set_nodelay(true).ok();
                Ok((Box::new(stream), Some(peer.ip().to_canonical())))
            }
            Self::Unix(listener) => Ok((Box::new(listener.accept().await?.0), None)),
        }
    }
}

fn remove_abandoned(path: &Path) -> io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
