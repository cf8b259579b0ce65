//! Signing in: one room, which other ways than a password can join.

mod cookie;
mod password;
mod rate;

use jmap::AccountId;
use sha2::{Digest, Sha256};

pub use cookie::{clear_cookie, cookie, token_in};
pub use password::hash;

use crate::clock::{Millis, now};
use crate::random;
use crate::relay::Relay;
use crate::store::{self, Account, StoreError};
use password::Passwords;
use rate::Failures;

/// How long a session lasts.
pub const LIFE: Millis = 7 * 24 * 60 * 60 * 1000;

/// What signing in needs to remember between attempts.
#[derive(Debug, Default)]
pub struct SignIn {
    passwords: Passwords,
    failures: Failures,
}

/// Why somebody was not signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// No such address with that password; which of the two is not told.
    #[error("the address or the password is wrong")]
    Wrong,
    /// Too many wrong passwords for this address.
    #[error("too many attempts")]
    TooMany {
        /// When to come again.
        retry_after_seconds: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new session's secret; only its hash is kept.
#[derive(Debug)]
pub struct Token(pub String);

/// Signs somebody in with a password.
pub async fn sign_in(relay: &Relay, username: &str, password: String) -> Result<Token, SignInError> {
    let address = username.trim().to_lowercase();
    if let Some(retry_after_seconds) = relay.sign_in.failures.wait(&address, now()) {
        return Err(SignInError::TooMany { retry_after_seconds });
    }
    let mut connection = relay.store.read().await?;
    let account = store::account_by_address(&mut connection, &address).await?;
    drop(connection);
    let hash = account.as_ref().map(|account| account.password.clone());
    let right = relay.sign_in.passwords.matches(hash, password).await;
    match account {
        Some(account) if right => {
            relay.sign_in.failures.forget(&address);
            start(relay, account.id).await
        }
        _ => {
            relay.sign_in.failures.add(&address, now());
            Err(SignInError::Wrong)
        }
    }
}

/// Whose session a token names.
pub async fn account_of(relay: &Relay, token: &str) -> Result<Option<Account>, StoreError> {
    let mut connection = relay.store.read().await?;
    store::session_account(&mut connection, &token_hash(token), now()).await
}

/// Ends a session.
pub async fn sign_out(relay: &Relay, token: &str) -> Result<(), StoreError> {
    let hash = token_hash(token);
    relay.store.write(move |tx| Box::pin(async move { store::drop_session(tx, &hash).await })).await
}

async fn start(relay: &Relay, account: AccountId) -> Result<Token, SignInError> {
    let token = crate::base64_url(&random::bytes::<32>());
    let hash = token_hash(&token);
    let at = now();
    let add = relay.store.write(move |tx| {
        Box::pin(async move {
            store::sweep_sessions(tx, at).await?;
            store::add_session(tx, &hash, &account, at + LIFE).await
        })
    });
    add.await.map_err(|error: StoreError| error)?;
    Ok(Token(token))
}

fn token_hash(token: &str) -> String {
    crate::base64_url(&Sha256::digest(token.as_bytes()))
}
