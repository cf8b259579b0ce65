use std::net::SocketAddr;

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

use super::Shared;
use super::problem::Fault;
use super::signed_in::token;
use crate::session::{self, SignInError};

/// What a browser sends to sign in.
#[derive(Deserialize)]
pub struct Credentials {
    username: String,
    password: String,
}

/// `POST /auth/sign-in`
pub async fn sign_in(
    State(shared): State<Shared>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    credentials: Result<Json<Credentials>, JsonRejection>,
) -> Result<Response, Fault> {
    let Json(credentials) = credentials
        .map_err(|error| Fault::new(error.status(), "username and password are wanted as JSON"))?;
    let Credentials { username, password } = credentials;
    let source = peer.map(|Extension(ConnectInfo(peer))| peer.ip());
    let token =
        session::sign_in(&shared.relay, &username, password, source).await.map_err(|error| match error {
            SignInError::Wrong => {
                Fault::new(StatusCode::UNAUTHORIZED, "the address or the password is wrong")
            }
            SignInError::TooMany { retry_after_seconds } => {
                Fault::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts")
                    .retry_after(retry_after_seconds)
            }
            SignInError::Store(error) => Fault::failed(error),
        })?;
    let cookie = session::cookie(&token, shared.relay.config.secure_cookies());
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// `POST /auth/sign-out`; without a session it is done already.
pub async fn sign_out(State(shared): State<Shared>, request: Request) -> Result<Response, Fault> {
    let secure = shared.relay.config.secure_cookies();
    let (parts, _) = request.into_parts();
    if let Some(token) = token(&parts, secure) {
        session::sign_out(&shared.relay, &token).await.map_err(Fault::failed)?;
    }
    let cookie = session::clear_cookie(secure);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
