use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::Fault;
use crate::clock::unix_time;

/// Timestamps made at once, and revocation lists looked up: anybody may ask, so a flood must not take all threads.
pub const AT_ONCE: usize = 4;

/// `GET /crl/{people|authorities}`: whom the relay's authorities took their certificates back from.
pub async fn revocation_list(
    State(shared): State<Shared>,
    axum::extract::Path(whose): axum::extract::Path<String>,
) -> Result<Response, Fault> {
    let place = match whose.as_str() {
        "people" => 0,
        "authorities" => 1,
        _ => return Err(Fault::new(StatusCode::NOT_FOUND, "there is no such list")),
    };
    let busy = |_| Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the relay stops");
    let _turn = shared.lists.acquire().await.map_err(busy)?;
    let relay = std::sync::Arc::clone(&shared.relay);
    let work = tokio::task::spawn_blocking(move || relay.authority.revocation_lists(unix_time()));
    let lists = work.await.map_err(Fault::failed)?.map_err(Fault::failed)?;
    let list = lists.get(place).cloned().unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "application/pkix-crl")], list).into_response())
}

/// `POST /tsa` (RFC 3161 3.4). Without a session: a timestamp tells nothing about who asks.
pub async fn stamp(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<Response, Fault> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if media_type != Some("application/timestamp-query") {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "an application/timestamp-query is wanted",
        ));
    }
    let busy = |_| Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the relay stops");
    let _turn = shared.stamps.acquire().await.map_err(busy)?;
    let relay = std::sync::Arc::clone(&shared.relay);
    let work = tokio::task::spawn_blocking(move || relay.authority.stamp(&body, unix_time()));
    let reply = work.await.map_err(Fault::failed)?.map_err(Fault::failed)?;
    Ok(([(header::CONTENT_TYPE, "application/timestamp-reply")], reply).into_response())
}
