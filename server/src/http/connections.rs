use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt;

use super::gauge::{Gauge, Gauged};

/// Connections at once; nearly all of them are push streams that wait.
const CONNECTIONS: usize = 16 * 1024;
/// How long a header may take, and how long a connection may be open without a request.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A connection's place among all; a WebSocket keeps it beyond its handshake.
#[derive(Debug, Clone)]
pub struct Slot {
    /// What the connection holds for a message that is not whole yet.
    pub gauge: Gauge,
    _held: Arc<(OwnedSemaphorePermit, TaskTrackerToken)>,
}

/// Serves until `stopping`, under TLS where that is given; requests under way are finished.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopping: CancellationToken,
    patience: Duration,
) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&slots).try_acquire_owned() else { continue };
        let slot = Slot { gauge: Gauge::default(), _held: Arc::new((permit, open.token())) };
        stream.set_nodelay(true).ok();
        let visit = Visit { peer, slot, router: router.clone(), stopping: stopping.clone(), patience };
        match tls.clone() {
            None => tokio::spawn(visit.serve(stream)),
            Some(tls) => tokio::spawn(async move {
                // One that says nothing, or no TLS, has its place no longer than one that sends no header.
                if let Ok(Ok(stream)) = timeout(patience, tls.accept(stream)).await {
                    visit.serve(stream).await;
                }
            }),
        };
    }
    drop(listener);
    open.close();
    open.wait().await;
    Ok(())
}

/// One connection.
struct Visit {
    peer: SocketAddr,
    slot: Slot,
    router: Router,
    stopping: CancellationToken,
    patience: Duration,
}

impl Visit {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let Self { peer, slot, router, stopping, patience } = self;
        let mut builder = Builder::new();
        // Or a few hosts that never end their header would keep everybody out.
        builder.timer(TokioTimer::new()).header_read_timeout(patience);
        let stream = Gauged::new(stream, slot.gauge.clone());
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(slot.clone());
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer).with_upgrades();
        let mut connection = pin!(connection);
        // That a browser goes away in the middle is its own affair.
        tokio::select! {
            ended = connection.as_mut() => return ended.unwrap_or_default(),
            () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        connection.await.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_header_without_end_is_given_up_and_a_whole_one_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "hello"));
        let stopping = CancellationToken::new();
        let served =
            tokio::spawn(serve(listener, None, router, stopping.clone(), Duration::from_millis(500)));
        for (request, answer) in [
            ("GET / HTTP/1.1\r\nHost: x\r\nX: ", ""),
            ("", ""),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "hello"),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut got = String::new();
            let ended = timeout(Duration::from_secs(20), stream.read_to_string(&mut got)).await;
            ended.expect("the connection ends").unwrap();
            assert!(got.ends_with(answer), "{got}");
        }
        stopping.cancel();
        timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
    }
}
