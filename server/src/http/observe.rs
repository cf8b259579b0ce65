//! Each request has an id, a line in the log and a place in the figures.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::Shared;
use crate::random;

/// What a proxy in front, or the client, calls the request; answered with what the log calls it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 64;

/// One line a request: method, route, status and time; never the query, the path's ids or a body.
pub async fn observe(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let room = room(request.uri().path());
    let id = request.headers().get(REQUEST_ID).and_then(|given| given.to_str().ok());
    let id = id.filter(|given| is_id(given)).map_or_else(|| random::id('r'), str::to_owned);
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(%method, room, status, millis, "http"));
    shared.relay.metrics.request(&method, room, status, started.elapsed());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Whether it can stand in the log as it is.
fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain)
}

/// The known beginning of a path; what follows it can be an id, a name or anything a stranger asks for.
fn room(path: &str) -> &'static str {
    const ROOMS: [&str; 15] = [
        "/healthz",
        "/livez",
        "/readyz",
        "/status",
        "/tsa",
        "/crl/",
        "/auth/",
        "/jmap/api",
        "/jmap/upload",
        "/jmap/download",
        "/jmap/eventsource",
        "/jmap/websocket",
        "/jmap/clear",
        "/.well-known/jmap",
        "/assets",
    ];
    ROOMS.into_iter().find(|room| path.starts_with(room)).unwrap_or("page")
}
