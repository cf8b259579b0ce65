//! What browsers are told about every answer.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::config::{Ancestor, Config};

/// The document for HTML of mails: no script, nothing from elsewhere, an origin of its own rules.
const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; \
    frame-ancestors 'self'; form-action 'none'; base-uri 'none'; \
    sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// Where the document for HTML of mails lies.
pub const FRAME: &str = "/frame.html";

/// Headers made once from the configuration.
#[derive(Debug, Clone)]
pub struct Headers {
    page_policy: HeaderValue,
    secure: bool,
}

impl Headers {
    /// The headers of this relay.
    pub fn new(config: &Config) -> Self {
        let ancestors = match config.frame_ancestors.as_slice() {
            [] => "'none'".to_owned(),
            portals => portals.iter().map(Ancestor::as_str).collect::<Vec<_>>().join(" "),
        };
        let policy = format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
             img-src 'self' blob: data:; font-src 'self'; manifest-src 'self'; frame-src 'self'; worker-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}; \
             require-trusted-types-for 'script'; trusted-types leptos-static mail-html engine-worker"
        );
        // Should the policy ever be no header value, browsers get the strictest, not none.
        let closed = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        Self {
            page_policy: HeaderValue::from_str(&policy).unwrap_or(closed),
            secure: config.url().starts_with("https://"),
        }
    }
}

/// Adds the headers to every answer; an answer's own policy stays.
pub async fn add(State(own): State<Headers>, request: Request, next: Next) -> Response {
    let in_frame = request.uri().path() == FRAME;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = if in_frame { HeaderValue::from_static(FRAME_POLICY) } else { own.page_policy };
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if own.secure {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    default_cache(headers);
    response
}

/// Answers are nobody else's: they are not kept unless they say so.
fn default_cache(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
