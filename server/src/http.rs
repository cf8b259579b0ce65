//! The HTTP door: the page, signing in, JMAP and its neighbours.

mod api;
mod assets;
mod auth;
mod clear;
mod connections;
mod eventsource;
mod headers;
mod listening;
mod origin;
mod problem;
mod signed_in;
mod timestamp;
mod transfer;
mod turns;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::relay::Relay;
use crate::store;
use problem::Fault;

/// How long the store may take to show that it can be read.
const HEALTH: Duration = Duration::from_secs(3);

/// What handlers share.
#[derive(Clone)]
struct Shared {
    relay: Arc<Relay>,
    turns: Arc<turns::Turns>,
    stamps: Arc<Semaphore>,
}

/// The whole router, as it is served and as tests drive it.
pub fn router(relay: Arc<Relay>) -> Router {
    let limits = relay.limits;
    let assets = assets::routes(&relay.config);
    let page_headers = headers::Headers::new(&relay.config);
    let turns = Arc::new(turns::Turns::new(&limits));
    let stamps = Arc::new(Semaphore::new(timestamp::AT_ONCE));
    let shared = Shared { relay, turns, stamps };
    let jmap = Router::new()
        .route("/.well-known/jmap", get(api::session))
        .route("/jmap/api", post(api::api).layer(DefaultBodyLimit::max(limits.max_size_request)))
        .route("/jmap/upload/{account}", post(transfer::upload).layer(DefaultBodyLimit::disable()))
        .route("/jmap/download/{account}/{blob}/{name}", get(transfer::download))
        .route("/jmap/eventsource", get(eventsource::stream))
        .route("/jmap/websocket", get(websocket::upgrade))
        .route("/jmap/clear/{account}", post(clear::send).layer(DefaultBodyLimit::disable()))
        .route("/jmap/{*rest}", axum::routing::any(nothing));
    let auth = Router::new()
        .route("/auth/sign-in", post(auth::sign_in).layer(DefaultBodyLimit::max(auth::MAX_CREDENTIALS)))
        .route("/auth/sign-out", post(auth::sign_out))
        .route("/auth/{*rest}", axum::routing::any(nothing));
    Router::new()
        .route("/healthz", get(health))
        .route("/tsa", post(timestamp::stamp).layer(DefaultBodyLimit::max(timestamp::MAX_REQUEST)))
        .merge(jmap)
        .merge(auth)
        .merge(assets)
        .layer(from_fn_with_state(shared.clone(), origin::check))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(page_headers, headers::add))
        .layer(from_fn(log))
        .with_state(shared)
}

/// Serves until the relay stops; requests under way are finished.
pub async fn serve(listener: tokio::net::TcpListener, relay: Arc<Relay>) -> std::io::Result<()> {
    let stopping = relay.stopping.clone();
    connections::serve(listener, router(relay), stopping, connections::PATIENCE).await
}

/// Tells whether mail can be kept and had: without its store the relay is of no use.
async fn health(State(shared): State<Shared>) -> Result<&'static str, Fault> {
    let look = async {
        let mut connection = shared.relay.store.read().await?;
        store::probe(&mut connection).await
    };
    match tokio::time::timeout(HEALTH, look).await {
        Ok(Ok(())) => Ok("ok\n"),
        Ok(Err(error)) => Err(unwell(&error)),
        Err(late) => Err(unwell(&late)),
    }
}

fn unwell(error: &dyn std::fmt::Display) -> Fault {
    tracing::error!(%error, "the store cannot be read");
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the relay cannot read its store")
}

async fn nothing() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "there is nothing here")
}

/// One line a request: method, route, status and time; never the query, the path's ids or a body.
async fn log(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    let started = std::time::Instant::now();
    let method = request.method().clone();
    let room = room(request.uri().path());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, room, status, millis, "http");
    response
}

/// The known beginning of a path; what follows it can be an id, a name or anything a stranger asks for.
fn room(path: &str) -> &'static str {
    const ROOMS: [&str; 11] = [
        "/healthz",
        "/tsa",
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
