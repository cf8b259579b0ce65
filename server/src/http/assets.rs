//! The page: files of a folder that the build made.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use super::Shared;
use super::headers::FRAME;
use super::problem::Fault;
use crate::config::Config;

/// Routes of the page; everything that is nothing else is the page, which has routes of its own.
pub fn routes(config: &Config) -> Router<Shared> {
    // Names hold a hash of the content, so what has a name never changes.
    let immutable = |response: &axum::http::Response<_>| {
        let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
        found.then_some(HeaderValue::from_static("public, immutable, max-age=31536000"))
    };
    let files = ServeDir::new(config.web_root.join("assets")).precompressed_br().precompressed_gzip();
    let files = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, immutable))
        .service(files);
    Router::new().nest_service("/assets", files).route(FRAME, get(frame)).fallback(page)
}

async fn frame(State(shared): State<Shared>) -> Result<Response, Fault> {
    document(&shared, "frame.html").await
}

async fn page(State(shared): State<Shared>, method: Method) -> Result<Response, Fault> {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(Fault::new(StatusCode::METHOD_NOT_ALLOWED, "only GET"));
    }
    document(&shared, "index.html").await
}

async fn document(shared: &Shared, name: &str) -> Result<Response, Fault> {
    let content = tokio::fs::read(shared.relay.config.web_root.join(name)).await;
    let content = content.map_err(|_| Fault::new(StatusCode::NOT_FOUND, "the page is not built"))?;
    let fields = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((fields, content).into_response())
}
