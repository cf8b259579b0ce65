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
    /// For the connections of each time; those of the last are made now.
    ways: Arc<Mutex<Vec<Way>>>,
    task: JoinHandle<()>,
}

/// Whether it is open there and back.
struct Way {
    there: watch::Sender<bool>,
    back: watch::Sender<bool>,
}

impl Way {
    fn open() -> Self {
        Self { there: watch::Sender::new(true), back: watch::Sender::new(true) }
    }
}

impl Forwarder {
    /// Opens a way to a port of this host.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ways = Arc::new(Mutex::new(vec![Way::open()]));
        let all = Arc::clone(&ways);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let open = {
                    let ways = all.lock().unwrap_or_else(PoisonError::into_inner);
                    let way = ways.last().unwrap();
                    [way.there.subscribe(), way.back.subscribe()]
                };
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
        self.set(false, false);
    }

    /// What is asked gets through, and no answer.
    pub fn lose_answers(&self) {
        self.set(true, false);
    }

    /// What waits gets through, and all that follows.
    pub fn go_on(&self) {
        self.set(true, true);
    }

    /// New connections get through; those that there are stay as they are, as where a firewall has forgotten them.
    pub fn begin_anew(&self) {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).push(Way::open());
    }

    fn set(&self, there: bool, back: bool) {
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways.last().unwrap();
        way.there.send_replace(there);
        way.back.send_replace(back);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(client: TcpStream, server: SocketAddr, [mut there, back]: [watch::Receiver<bool>; 2]) {
    let Ok(_) = there.wait_for(|open| *open).await else { return };
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, there), pass(from_server, to_client, back));
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
