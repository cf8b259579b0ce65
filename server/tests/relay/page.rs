use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use tower::ServiceExt;

use crate::support::Fixture;

async fn get(fixture: &Fixture, path: &str, encodings: &str) -> Response<Body> {
    let request = Request::get(path).header(header::ACCEPT_ENCODING, encodings);
    fixture.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn with_page() -> Fixture {
    let fixture = Fixture::start().await;
    let dist = fixture.folder.path().join("dist");
    std::fs::create_dir_all(dist.join("assets")).unwrap();
    for (name, content) in [
        ("index.html", "<!doctype html>page"),
        ("frame.html", "<!doctype html>frame"),
        ("assets/app-1.wasm", "raw"),
        ("assets/app-1.wasm.br", "brotli"),
        ("assets/app-1.wasm.gz", "gzip"),
    ] {
        std::fs::write(dist.join(name), content).unwrap();
    }
    fixture
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn every_route_of_the_page_is_the_page() {
    let fixture = with_page().await;
    for path in ["/", "/mail/inbox", "/settings"] {
        let response = get(&fixture, path, "").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(text(response).await, "<!doctype html>page");
    }
}

#[tokio::test]
async fn assets_are_compressed_and_kept_for_ever() {
    let fixture = with_page().await;
    for (encodings, encoding, content) in
        [("br, gzip", Some("br"), "brotli"), ("gzip", Some("gzip"), "gzip"), ("", None, "raw")]
    {
        let response = get(&fixture, "/assets/app-1.wasm", encodings).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/wasm");
        assert!(response.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let found = response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
        assert_eq!(found, encoding);
        assert_eq!(text(response).await, content);
    }
    let missing = get(&fixture, "/assets/nothing.wasm", "br").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(missing.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn no_answer_lacks_the_security_headers() {
    let fixture = with_page().await;
    for path in ["/", "/healthz", "/assets/app-1.wasm", "/jmap/nothing", "/.well-known/jmap"] {
        let response = get(&fixture, path, "").await;
        let headers = response.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin", "{path}");
        assert!(headers.contains_key("permissions-policy"), "{path}");
    }
}

#[tokio::test]
async fn the_frame_for_html_mail_has_rules_of_its_own() {
    let fixture = with_page().await;
    let response = get(&fixture, "/frame.html", "").await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("sandbox allow-same-origin"), "{policy}");
    assert!(!policy.contains("script-src"), "{policy}");
    assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let fixture = Fixture::start().await;
    assert_eq!(text(get(&fixture, "/healthz", "").await).await, "ok\n");
}

#[tokio::test]
async fn a_relay_that_cannot_read_its_store_is_not_well() {
    let fixture = Fixture::start().await;
    fixture.relay.store.close().await;
    let response = get(&fixture, "/healthz", "").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
}
