use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jmap::{LimitKind, RequestErrorType, Session};

use super::Shared;
use super::body::Incoming;
use super::forwarded::Scheme;
use super::problem::Fault;
use super::signed_in::SignedIn;
use super::transfer::{PIECE, in_pieces};
use crate::admission::Class;
use crate::jmap::{Permit, User};
use crate::store::{self, Account};

/// `GET /.well-known/jmap` (RFC 8620 2.2)
pub async fn session(
    State(shared): State<Shared>,
    SignedIn { account, .. }: SignedIn,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
) -> Result<Json<Session>, Fault> {
    let config = &shared.relay.config;
    let base = base(&headers, scheme.map(|Extension(scheme)| scheme), &config.url(), config.listen.port());
    let others = others(&shared, &account).await?;
    Ok(Json(crate::jmap::session(&shared.relay, &account, &others, &base)))
}

async fn others(shared: &Shared, account: &Account) -> Result<Vec<store::Shared>, Fault> {
    let mut connection = shared.relay.store.read().await.map_err(Fault::failed)?;
    store::shared_with(&mut connection, &account.id).await.map_err(Fault::failed)
}

/// Who makes a request, with all that they may open.
pub async fn user(shared: &Shared, SignedIn { account, credential }: SignedIn) -> Result<User, Fault> {
    let others = others(shared, &account).await?;
    Ok(User { account, credential, shared: others })
}

/// `POST /jmap/api` (RFC 8620 3.1); the turn comes before the body, which is what fills the memory, and ends with the
/// answer, which does so too.
pub async fn api(
    State(shared): State<Shared>,
    signed_in: SignedIn,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let turn = shared.turns.request(&signed_in.account.id);
    let turn = turn.map_err(|limit| RequestErrorType::Limit(limit).problem("too many requests at once"))?;
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(RequestErrorType::NotJson.problem("the request is not application/json").into());
    }
    let mut held = shared.bodies.hold(&signed_in.account.id);
    let body = Incoming::new(body, shared.relay.limits.max_size_request, LimitKind::SizeRequest);
    let body = body.collect(&mut held).await?;
    let class = Class::of_request(body.len());
    let place = shared.admission.enter(&signed_in.account, class, &shared.relay.metrics).await?;
    let turn = Arc::new(turn);
    let permit: Permit = Arc::new((Arc::clone(&turn), place));
    let request = crate::jmap::parse(&body, &shared.relay.limits)?;
    let user = user(&shared, signed_in).await?;
    let answer = crate::jmap::respond(&shared.relay, user, request, Arc::clone(&permit), &mut held).await;
    let answer = serde_json::to_vec(&answer).map_err(Fault::failed)?;
    // It was counted as it was made, but for names and escapes.
    held.grow(answer.len()).ok();
    let (length, answer) = (answer.len(), Bytes::from(answer));
    let body = if length > PIECE { in_pieces(answer, (turn, held)) } else { Body::from(answer) };
    let fields = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_LENGTH, &length.to_string())];
    Ok((fields, body).into_response())
}

/// How the client reaches the relay: by the name it used, so that the page's own origin is kept.
///
/// By that of `plain`, the port without TLS, it was reached past the proxy that `own` is the address of.
fn base(headers: &HeaderMap, scheme: Option<Scheme>, own: &str, plain: u16) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some((host, asked)) = host.and_then(|host| Some((host, host.parse::<Authority>().ok()?))) else {
        return own.to_owned();
    };
    let (own_scheme, name) = own.split_once("://").unwrap_or(("http", own));
    let is_past = asked.port_u16() == Some(plain) && host != name;
    let scheme = scheme.map_or(if is_past { "http" } else { own_scheme }, |Scheme(scheme)| scheme);
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_where_it_came_in() {
        let own = "https://post.example";
        for (host, scheme, base_url) in [
            (None, None, own),
            (Some("post.example"), None, own),
            (Some("other.example"), None, "https://other.example"),
            (Some("localhost:8080"), None, "http://localhost:8080"),
            (Some("localhost:8080"), Some("https"), "https://localhost:8080"),
            (Some("post.example"), Some("http"), "http://post.example"),
            (Some("no host"), None, own),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(host.map(|host| (header::HOST, host.parse().unwrap())));
            assert_eq!(base(&headers, scheme.map(Scheme), own, 8080), base_url, "{host:?}");
        }
        let headers = HeaderMap::from_iter([(header::HOST, "post.example:8080".parse().unwrap())]);
        assert_eq!(base(&headers, None, "https://post.example:8080", 8080), "https://post.example:8080");
    }
}
