use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The way to a server, on which nothing gets through while it is silent; no connection ends by that.
pub struct Forwarder {
    port: u16,
    /// Whether it is open, for the connections of each time; those of the last are made now.
    ways: Arc<Mutex<Vec<watch::Sender<bool>>>>,
    task: JoinHandle<()>,
}

impl Forwarder {
    /// Opens a way to a port of this host.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ways = Arc::new(Mutex::new(vec![watch::Sender::new(true)]));
        let all = Arc::clone(&ways);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let open = all.lock().unwrap_or_else(PoisonError::into_inner).last().unwrap().subscribe();
                connections.spawn(forward(client, SocketAddr::from(([127, 0, 0, 1], server)), open));
            }
        });
        Self { port, ways, task }
    }

    /// Where it begins.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Nothing gets through any more.
    pub fn fall_silent(&self) {
        self.set(false);
    }

    /// What waits gets through, and all that follows.
    pub fn go_on(&self) {
        self.set(true);
    }

    /// New connections get through; those that there are stay as they are, as where a firewall has forgotten them.
    pub fn begin_anew(&self) {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).push(watch::Sender::new(true));
    }

    fn set(&self, open: bool) {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).last().unwrap().send_replace(open);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(client: TcpStream, server: SocketAddr, mut open: watch::Receiver<bool>) {
    let Ok(_) = open.wait_for(|open| *open).await else { return };
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, open.clone()), pass(from_server, to_client, open));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut open: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        // Also an end does not get through.
        let Ok(_) = open.wait_for(|open| *open).await else { return };
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
