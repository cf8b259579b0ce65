use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use jmap::AccountId;

use super::Shared;
use super::problem::Fault;
use crate::session;
use crate::store::Account;

/// Whoever makes the request, by the session cookie.
#[derive(Debug)]
pub struct SignedIn(pub Account);

impl SignedIn {
    /// Refuses a path that names another account, alike whether that exists or not.
    pub fn own(self, account: &AccountId) -> Result<Account, Fault> {
        if self.0.id == *account {
            Ok(self.0)
        } else {
            Err(Fault::new(StatusCode::NOT_FOUND, "there is no such account"))
        }
    }
}

impl FromRequestParts<Shared> for SignedIn {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Fault> {
        let unknown = || Fault::new(StatusCode::UNAUTHORIZED, "nobody is signed in");
        let token = token(parts, shared.relay.config.secure_cookies()).ok_or_else(unknown)?;
        let account = session::account_of(&shared.relay, &token).await.map_err(Fault::failed)?;
        account.map(Self).ok_or_else(unknown)
    }
}

/// The token of the session cookie.
pub fn token(parts: &Parts, secure: bool) -> Option<String> {
    let mut cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.find_map(|cookie| session::token_in(cookie, secure)).map(str::to_owned)
}
