mod long;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt;

use super::gauge::{Gauge, Gauged};
use crate::relay::Relay;
use crate::sources::{self, Sources};

/// Connections at once; nearly all of them are push streams that wait.
const CONNECTIONS: usize = 16 * 1024;
/// How long a header may take, and how long a connection may be open without a request.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing may come on a connection before the system asks whether somebody is there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// What a connection may hold of a header that is not whole yet; bodies come in pieces of no more.
const HEADER: usize = 32 * 1024;

/// Connections of one source at once where strangers come, while fewer than half of all places are free: a ministry
/// or a town can be behind one address.
const OF_A_SOURCE: usize = CONNECTIONS / 16;

/// A connection's place among all; a WebSocket keeps it beyond its handshake.
#[derive(Debug, Clone)]
pub struct Slot {
    /// What the connection holds for a message that is not whole yet.
    pub gauge: Gauge,
    _held: Arc<(OwnedSemaphorePermit, TaskTrackerToken, Option<sources::Slot<()>>)>,
}

/// A door to the net: TLS, and a bound for what comes from one source.
pub struct Secure {
    acceptor: TlsAcceptor,
    sources: Arc<Sources<()>>,
    relay: Arc<Relay>,
}

impl Secure {
    /// A door at which the configured proxies come for many.
    pub fn new(acceptor: TlsAcceptor, relay: Arc<Relay>) -> Self {
        Self { acceptor, sources: Arc::new(Sources::new(OF_A_SOURCE, || ())), relay }
    }

    /// Counts a connection beside which so many are `free`.
    fn count(&self, peer: IpAddr, free: usize) -> Result<Option<sources::Slot<()>>, TooMany> {
        let proxies = &self.relay.config.forwarded_networks;
        if proxies.iter().any(|network| network.contains(&peer.to_canonical())) {
            return Ok(None);
        }
        count(&self.sources, peer, free).inspect_err(|_| self.relay.metrics.refusal("source"))
    }
}

/// Counts a connection of a source, unless that has too many where so few are `free`.
fn count(
    sources: &Arc<Sources<()>>,
    source: IpAddr,
    free: usize,
) -> Result<Option<sources::Slot<()>>, TooMany> {
    match sources.take(source) {
        None if free < CONNECTIONS / 2 => Err(TooMany),
        counted => Ok(counted),
    }
}

/// A source has as many connections as it may.
#[derive(Debug)]
struct TooMany;

/// Serves until `stopping`, under TLS where that is given; requests under way are finished.
pub async fn serve(
    listener: TcpListener,
    secure: Option<Secure>,
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
        let source =
            secure.as_ref().map_or(Ok(None), |door| door.count(peer.ip(), slots.available_permits()));
        let Ok(source) = source else { continue };
        let slot = Slot { gauge: Gauge::default(), _held: Arc::new((permit, open.token(), source)) };
        stream.set_nodelay(true).ok();
        keep_alive(&stream).ok();
        let visit = Visit { peer, slot, router: router.clone(), stopping: stopping.clone(), patience };
        match secure.as_ref().map(|door| door.acceptor.clone()) {
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

/// Has the system ask whether the other side is there: a push stream that need not be pinged would keep its place
/// long after a telephone has changed its network.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEP_ALIVE)?;
    sockopt::set_tcp_keepintvl(stream, KEEP_ALIVE / 4)?;
    Ok(sockopt::set_tcp_keepcnt(stream, 3)?)
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
        builder.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(HEADER);
        let stream = Gauged::new(stream, slot.gauge.clone());
        let (leave, left) = oneshot::channel();
        let (own, leave) = (slot.clone(), Arc::new(Mutex::new(Some(leave))));
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(slot.clone());
            let (may_follow, leave) = (long::may_follow(&request), Arc::clone(&leave));
            let answer = router.clone().oneshot(request.map(Body::new));
            async move {
                let response = answer.await?;
                let leave = || leave.lock().unwrap_or_else(PoisonError::into_inner).take();
                match (may_follow && long::is_long(&response)).then(leave).flatten() {
                    Some(leave) => match leave.send(response) {
                        Ok(()) => std::future::pending().await,
                        Err(response) => Ok::<_, Infallible>(response),
                    },
                    None => Ok(response),
                }
            }
        });
        let mut connection = builder.serve_connection(TokioIo::new(stream), answer).with_upgrades();
        // That a browser goes away in the middle is its own affair.
        let response = tokio::select! {
            ended = &mut connection => return ended.unwrap_or_default(),
            Ok(response) = left => response,
            () = stopping.cancelled() => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                return connection.await.unwrap_or_default();
            }
        };
        // A task of its own, which is as small as it can be.
        let stream = connection.into_parts().map(|parts| parts.io.into_inner());
        stream.map(|stream| tokio::spawn(long::carry(stream, response, own)));
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_source_is_bounded_while_fewer_than_half_of_all_places_are_free() {
        let (sources, here) = (Arc::new(Sources::new(OF_A_SOURCE, || ())), IpAddr::from([192, 0, 2, 1]));
        let free = CONNECTIONS / 2;
        let _of_source: Vec<_> = (0..OF_A_SOURCE).map(|_| count(&sources, here, 0).unwrap()).collect();
        assert!(count(&sources, here, free).is_ok());
        assert!(count(&sources, here, free - 1).is_err());
        assert!(count(&sources, IpAddr::from([192, 0, 2, 2]), free - 1).is_ok());
    }

    #[tokio::test]
    async fn a_header_without_end_is_given_up_and_a_whole_one_answered() {
        let router = Router::new().route("/", get(async || "hello"));
        let short = Duration::from_millis(500);
        for (request, patience, answer) in [
            ("GET / HTTP/1.1\r\nHost: x\r\nX: ", short, ""),
            ("", short, ""),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", PATIENCE, "hello"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let stopping = CancellationToken::new();
            let served = tokio::spawn(serve(listener, None, router.clone(), stopping.clone(), patience));
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut got = String::new();
            let ended = timeout(Duration::from_secs(20), stream.read_to_string(&mut got)).await;
            ended.expect("the connection ends").unwrap();
            assert!(got.ends_with(answer), "{got}");
            stopping.cancel();
            timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_holds_no_more_of_a_header_than_browsers_send() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let length = async |headers: axum::http::HeaderMap, body: String| {
            (headers.get("x").map_or(0, |x| x.len()) + body.len()).to_string()
        };
        let router = Router::new().route("/", axum::routing::post(length));
        let stopping = CancellationToken::new();
        tokio::spawn(serve(listener, None, router, stopping.clone(), PATIENCE));
        let (fits, body) = ("x".repeat(16_000), "y".repeat(1_000_000));
        for (x, status, sum) in [(fits.clone(), "200", "1016000"), (fits.repeat(2) + &fits, "431", "")] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {x}");
            stream.write_all(head.as_bytes()).await.unwrap();
            if status == "200" {
                let rest = format!("\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(rest.as_bytes()).await.unwrap();
            }
            let mut got = String::new();
            let ended = timeout(Duration::from_secs(20), stream.read_to_string(&mut got)).await;
            ended.expect("it is answered before the header ends").unwrap();
            assert!(got.starts_with(&format!("HTTP/1.1 {status} ")) && got.ends_with(sum), "{got}");
        }
        stopping.cancel();
    }

    #[tokio::test]
    async fn a_long_response_comes_piece_by_piece_and_ends_with_either_side() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, heard) = tokio::sync::broadcast::channel::<&'static str>(4);
        drop(heard);
        let said = events.clone();
        let stream = async move || {
            let heard = said.subscribe();
            let pieces = futures::stream::unfold(heard, |mut heard| async move {
                let piece = heard.recv().await.ok().filter(|piece| *piece != "end")?;
                Some((Ok::<_, Infallible>(piece), heard))
            });
            ([("content-type", "text/event-stream")], Body::from_stream(pieces))
        };
        let router = Router::new().route("/", get(stream));
        let stopping = CancellationToken::new();
        let served = tokio::spawn(serve(listener, None, router, stopping.clone(), PATIENCE));
        let mut all = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("\r\ndate: "), "{head}");
            assert!(head.contains("connection: close\r\n") && !head.contains("content-length"), "{head}");
            all.push(stream);
        }
        for piece in ["data: 1\n\n", "data: 2\n\n"] {
            events.send(piece).unwrap();
            for stream in &mut all {
                let mut got = vec![0; piece.len()];
                timeout(Duration::from_secs(20), stream.read_exact(&mut got)).await.unwrap().unwrap();
                assert_eq!(got, piece.as_bytes());
            }
        }
        drop(all.pop());
        while events.receiver_count() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        events.send("end").unwrap();
        let mut rest = Vec::new();
        timeout(Duration::from_secs(20), all[0].read_to_end(&mut rest)).await.unwrap().unwrap();
        assert!(rest.is_empty());
        stopping.cancel();
        timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap();
    }
}
