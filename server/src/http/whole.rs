use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::problem::Fault;

/// The longest body that comes from somebody who is not signed in: two short texts, or a digest and some numbers.
const LONGEST: usize = 4096;
/// How long it may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for the whole of a short body, and not for long: who asks is not known yet, and has a place among all connections
/// meanwhile.
pub async fn whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let fault = match timeout(PATIENCE, to_bytes(body, LONGEST)).await {
        Ok(Ok(body)) => return next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Err(_)) => Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long, or broke off"),
        Err(_) => Fault::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    let mut response = fault.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
