use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::Fault;

/// Refuses state-changing requests that another site's page makes.
///
/// Browsers always tell; a client that tells nothing is not a browser and has no ambient cookie.
pub async fn check(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !same_origin(request.headers(), &shared.relay.config.url()) {
        return Fault::new(StatusCode::FORBIDDEN, "the request comes from another site").into_response();
    }
    next.run(request).await
}

/// Whether a request comes from the relay's own page, or from no page.
pub fn same_origin(headers: &HeaderMap, own: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().map(ToString::to_string));
    origin == own || (authority.is_some() && authority.as_deref() == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(fields: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, value.parse().unwrap());
        }
        same_origin(&headers, "https://mail.example")
    }

    #[test]
    fn only_the_own_origin_may_change_things() {
        assert!(allowed(&[]));
        assert!(allowed(&[("sec-fetch-site", "same-origin")]));
        assert!(allowed(&[("origin", "https://mail.example")]));
        assert!(allowed(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")]));
        assert!(!allowed(&[("sec-fetch-site", "cross-site"), ("origin", "https://mail.example")]));
        assert!(!allowed(&[("sec-fetch-site", "same-site")]));
        assert!(!allowed(&[("origin", "https://evil.example"), ("host", "mail.example")]));
        assert!(!allowed(&[("origin", "null"), ("host", "mail.example")]));
    }
}
