use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jmap::{LimitKind, RequestErrorType, Session};

use super::Shared;
use super::body::Incoming;
use super::problem::Fault;
use super::signed_in::SignedIn;
use super::transfer::{PIECE, in_pieces};
use crate::admission::Class;
use crate::jmap::User;
use crate::store::{self, Account};

/// `GET /.well-known/jmap` (RFC 8620 2.2)
pub async fn session(
    State(shared): State<Shared>,
    SignedIn { account, .. }: SignedIn,
    headers: HeaderMap,
) -> Result<Json<Session>, Fault> {
    let base = base(&headers, &shared.relay.config.url());
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
    let _place = shared.admission.enter(&signed_in.account, class, &shared.relay.metrics).await?;
    let request = crate::jmap::parse(&body, &shared.relay.limits)?;
    let user = user(&shared, signed_in).await?;
    let answer = crate::jmap::respond(&shared.relay, user, request).await;
    let answer = serde_json::to_vec(&answer).map_err(Fault::failed)?;
    // What was done is answered, also where its memory cannot be counted any more.
    held.grow(answer.len()).ok();
    let (length, answer) = (answer.len(), Bytes::from(answer));
    let body = if length > PIECE { in_pieces(answer, (turn, held)) } else { Body::from(answer) };
    let fields = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_LENGTH, &length.to_string())];
    Ok((fields, body).into_response())
}

/// How the client reaches the relay: by the name it used, so that the page's own origin is kept.
fn base(headers: &HeaderMap, own: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.filter(|host| host.parse::<Authority>().is_ok());
    let scheme = if own.starts_with("https://") { "https" } else { "http" };
    host.map_or_else(|| own.to_owned(), |host| format!("{scheme}://{host}"))
}
