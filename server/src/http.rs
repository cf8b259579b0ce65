//! The HTTP door: the page, signing in, JMAP and its neighbours.

mod api;
mod assets;
mod auth;
mod body;
mod clear;
mod connections;
mod eventsource;
mod forwarded;
mod gauge;
mod headers;
mod health;
mod listening;
mod observe;
mod origin;
mod problem;
mod signed_in;
mod timestamp;
mod transfer;
mod turns;
mod websocket;
mod whole;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::admission::Admission;
use crate::memory::Memory;
use crate::relay::Relay;
pub use connections::Secure;
use problem::Fault;

/// What handlers share.
#[derive(Clone)]
struct Shared {
    relay: Arc<Relay>,
    turns: Arc<turns::Turns>,
    admission: Arc<Admission>,
    stamps: Arc<Semaphore>,
    lists: Arc<Semaphore>,
    /// What bodies of requests hold.
    bodies: Arc<Memory>,
    /// What letters in clear hold, until the servers that they go to have them.
    letters: Arc<Memory>,
}

/// The whole router, as it is served and as tests drive it.
pub fn router(relay: Arc<Relay>) -> Router {
    let limits = relay.limits;
    let assets = assets::routes(&relay.config);
    let page_headers = headers::Headers::new(&relay.config);
    let turns = Arc::new(turns::Turns::new(&limits));
    let [stamps, lists] = [(); 2].map(|()| Arc::new(Semaphore::new(timestamp::AT_ONCE)));
    let admission = Arc::new(Admission::new(at_once()));
    let [bodies, letters] = [limits.largest(); 2].map(|largest| Arc::new(Memory::new(largest)));
    let shared = Shared { relay, turns, admission, stamps, lists, bodies, letters };
    let jmap = Router::new()
        .route("/.well-known/jmap", get(api::session))
        .route("/jmap/api", post(api::api).layer(DefaultBodyLimit::disable()))
        .route("/jmap/upload/{account}", post(transfer::upload).layer(DefaultBodyLimit::disable()))
        .route("/jmap/download/{account}/{blob}/{name}", get(transfer::download))
        .route("/jmap/eventsource", get(eventsource::stream))
        .route("/jmap/websocket", get(websocket::upgrade))
        .route("/jmap/clear/{account}", post(clear::send).layer(DefaultBodyLimit::disable()))
        .route("/jmap/{*rest}", axum::routing::any(nothing));
    let auth = Router::new()
        .route("/auth/sign-in", post(auth::sign_in).layer(from_fn(whole::whole)))
        .route("/auth/sign-out", post(auth::sign_out))
        .route("/auth/{*rest}", axum::routing::any(nothing));
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/healthz", get(health::ready))
        .route("/status", get(health::status))
        .route("/tsa", post(timestamp::stamp).layer(from_fn(whole::whole)))
        .route("/crl/{whose}", get(timestamp::revocation_list))
        .merge(jmap)
        .merge(auth)
        .merge(assets)
        .layer(from_fn_with_state(shared.clone(), origin::check))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(page_headers, headers::add))
        .layer(from_fn_with_state(shared.clone(), observe::observe))
        .layer(from_fn_with_state(shared.clone(), forwarded::believe))
        .with_state(shared)
}

/// Serves a router until the relay stops, under TLS where that is given; requests under way are finished.
pub async fn serve(
    listener: tokio::net::TcpListener,
    secure: Option<Secure>,
    router: Router,
    stopping: CancellationToken,
) -> std::io::Result<()> {
    connections::serve(listener, secure, router, stopping, connections::PATIENCE).await
}

/// Serves the figures until the relay stops, to whoever reaches the address.
pub async fn serve_metrics(listener: tokio::net::TcpListener, relay: Arc<Relay>) -> std::io::Result<()> {
    let figures = async |State(relay): State<Arc<Relay>>| {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let text = relay.metrics.text(&relay).await.map_err(Fault::failed)?;
        Ok::<_, Fault>(([(axum::http::header::CONTENT_TYPE, kind)], text))
    };
    let stopping = relay.stopping.clone();
    let router = Router::new().route("/metrics", get(figures)).with_state(relay);
    connections::serve(listener, None, router, stopping, connections::PATIENCE).await
}

/// How many requests are worked on at once: some compute while others wait for the disk.
fn at_once() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).saturating_mul(8).max(32)
}

async fn nothing() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "there is nothing here")
}
