use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use jmap::AccountId;

use super::Shared;
use super::problem::Fault;
use crate::from_base64;
use crate::session::{self, SignInError, app_password};
use crate::store::{self, Account, Credential};

/// Whoever makes the request, by the session cookie or by an app password (RFC 7617, RFC 6750).
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Whose request it is.
    pub account: Account,
    /// By what they are signed in.
    pub credential: Credential,
}

impl SignedIn {
    /// The account that a path names, to read from it.
    ///
    /// One that is not open to this user is refused alike whether it exists or not.
    pub async fn opens(self, shared: &Shared, account: &AccountId) -> Result<Account, Fault> {
        Ok(self.find(shared, account).await?.0)
    }

    /// The account that a path names, to write to it.
    pub async fn changes(self, shared: &Shared, account: &AccountId) -> Result<Account, Fault> {
        match self.find(shared, account).await? {
            (account, true) => Ok(account),
            (_, false) => Err(Fault::new(StatusCode::FORBIDDEN, "the account may only be read")),
        }
    }

    async fn find(self, shared: &Shared, account: &AccountId) -> Result<(Account, bool), Fault> {
        if self.account.id == *account {
            return Ok((self.account, true));
        }
        let mut connection = shared.relay.store.read().await.map_err(Fault::failed)?;
        let others = store::shared_with(&mut connection, &self.account.id).await.map_err(Fault::failed)?;
        let found = others.into_iter().find(|other| other.account.id == *account);
        let found = found.ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "there is no such account"))?;
        Ok((found.account, found.may_write))
    }
}

impl FromRequestParts<Shared> for SignedIn {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Fault> {
        let unknown = || Fault::new(StatusCode::UNAUTHORIZED, "nobody is signed in").challenge(parts);
        if let Some(field) = parts.headers.get(header::AUTHORIZATION) {
            let given = field.to_str().ok().and_then(Credentials::read).ok_or_else(unknown)?;
            return given.check(shared, parts).await;
        }
        let token = token(parts, shared.relay.config.secure_cookies()).ok_or_else(unknown)?;
        let found = session::account_of(&shared.relay, &token).await.map_err(Fault::failed)?;
        let (account, credential) = found.ok_or_else(unknown)?;
        Ok(Self { account, credential })
    }
}

/// What an Authorization field holds.
struct Credentials {
    username: Option<String>,
    password: String,
}

impl Credentials {
    fn read(field: &str) -> Option<Self> {
        let (scheme, value) = field.trim().split_once(' ')?;
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self { username: None, password: value.to_owned() });
        }
        let text = scheme.eq_ignore_ascii_case("basic").then(|| from_base64(value))??;
        let (username, password) = std::str::from_utf8(&text).ok()?.split_once(':')?;
        Some(Self { username: Some(username.to_owned()), password: password.to_owned() })
    }

    async fn check(self, shared: &Shared, parts: &Parts) -> Result<SignedIn, Fault> {
        let source = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let username = self.username.as_deref();
        let found = app_password::account_of(&shared.relay, username, &self.password, source).await;
        found.map(|(account, credential)| SignedIn { account, credential }).map_err(|error| match error {
            SignInError::TooMany { retry_after_seconds } => {
                let why = "too many wrong app passwords";
                Fault::new(StatusCode::TOO_MANY_REQUESTS, why).retry_after(retry_after_seconds)
            }
            SignInError::Store(error) => Fault::failed(error),
            _ => Fault::new(StatusCode::UNAUTHORIZED, "this is no app password").challenge(parts),
        })
    }
}

/// The token of the session cookie.
pub fn token(parts: &Parts, secure: bool) -> Option<String> {
    let mut cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.find_map(|cookie| session::token_in(cookie, secure)).map(str::to_owned)
}
