//! Signing in: one room, which other ways than a password can join.

pub mod app_password;
mod cookie;
mod password;
mod rate;

use std::net::IpAddr;

use jmap::AccountId;
use sha2::{Digest, Sha256};

pub use cookie::{clear_cookie, cookie, token_in};
pub use password::hash;

use crate::admission::Overload;
use crate::clock::{Millis, now};
use crate::random;
use crate::relay::Relay;
use crate::store::{self, Account, Credential, StoreError};
use password::Passwords;
use rate::Attempts;

/// How long a session lasts.
pub const LIFE: Millis = 7 * 24 * 60 * 60 * 1000;

/// RFC 5321 4.5.3.1.3: the longest path, without its brackets.
const LONGEST_ADDRESS: usize = 254;
/// Longer passwords are nobody's, in octets.
pub const LONGEST_PASSWORD: usize = 1024;

/// When to come again while many sign in at once, in seconds.
const BUSY: u64 = 5;

/// What signing in needs to remember between attempts.
#[derive(Debug, Default)]
pub struct SignIn {
    passwords: Passwords,
    attempts: Attempts,
    /// Of their own: nothing slow stands before app passwords, and who guesses them must fill no counter of the page's.
    app_attempts: Attempts,
}

/// Why somebody was not signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// No such address with that password; which of the two is not told.
    #[error("the address or the password is wrong")]
    Wrong,
    /// Too many wrong passwords for this address, or too many sign-ins at once.
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
pub async fn sign_in(
    relay: &Relay,
    username: &str,
    password: String,
    source: Option<IpAddr>,
) -> Result<Token, SignInError> {
    // Nobody's: neither is worth a hash or a place in memory.
    if username.len() > LONGEST_ADDRESS || password.len() > LONGEST_PASSWORD {
        return Err(SignInError::Wrong);
    }
    let address = username.trim().to_lowercase();
    // Counted before it is checked: attempts that are made at once must not pass together.
    let attempt = relay.sign_in.attempts.begin(&address, source, now());
    let attempt = attempt.map_err(|retry_after_seconds| SignInError::TooMany { retry_after_seconds })?;
    let mut connection = relay.store.read().await?;
    let account = store::account_by_address(&mut connection, &address).await?;
    drop(connection);
    let hash = account.as_ref().map(|account| account.password.clone());
    let checked = relay.sign_in.passwords.matches(hash, password, source).await;
    let right = checked.map_err(|_: Overload| SignInError::TooMany { retry_after_seconds: BUSY })?;
    match account {
        Some(account) if right => {
            attempt.right();
            start(relay, account).await
        }
        _ => {
            attempt.wrong();
            Err(SignInError::Wrong)
        }
    }
}

/// Whose session a token names.
pub async fn account_of(relay: &Relay, token: &str) -> Result<Option<(Account, Credential)>, StoreError> {
    let credential = Credential::named(token_hash(token));
    let mut connection = relay.store.read().await?;
    let account = store::credential_account(&mut connection, &credential, now()).await?;
    Ok(account.map(|account| (account, credential)))
}

/// Ends a session, and with it the account's push streams: those of other sessions come back at once.
pub async fn sign_out(relay: &Relay, token: &str) -> Result<(), StoreError> {
    let account = account_of(relay, token).await?;
    let hash = token_hash(token);
    let end = relay.store.write(move |tx| Box::pin(async move { store::drop_session(tx, &hash).await }));
    end.await.map_err(|error: StoreError| error)?;
    if let Some((account, _)) = account {
        relay.hub.end(&account.id);
    }
    Ok(())
}

/// Ends all sessions of an account, and with them its push streams; gives how many there were.
pub async fn sign_out_everywhere(relay: &Relay, account: AccountId) -> Result<u64, StoreError> {
    let user = account.clone();
    let end = relay.store.write(move |tx| Box::pin(async move { store::drop_sessions(tx, &account).await }));
    let ended = end.await.map_err(|error: StoreError| error)?;
    relay.hub.end(&user);
    Ok(ended)
}

/// Gives an account another password, of that hash, and ends the sessions that the one before began.
pub async fn change_password(relay: &Relay, account: AccountId, hash: String) -> Result<(), StoreError> {
    let user = account.clone();
    let change = relay.store.write(move |tx| {
        Box::pin(async move {
            store::set_password(tx, &account, &hash).await?;
            store::drop_sessions(tx, &account).await
        })
    });
    change.await.map_err(|error: StoreError| error)?;
    relay.hub.end(&user);
    Ok(())
}

/// Revokes an app password, and ends the push streams of whoever has it; tells whether there was one.
pub async fn revoke(relay: &Relay, account: AccountId, app_password: String) -> Result<bool, StoreError> {
    let user = account.clone();
    let revoke = relay.store.write(move |tx| {
        Box::pin(async move { store::drop_app_password(tx, &account, &app_password).await })
    });
    let revoked = revoke.await.map_err(|error: StoreError| error)?;
    relay.hub.end(&user);
    Ok(revoked)
}

async fn start(relay: &Relay, account: Account) -> Result<Token, SignInError> {
    let token = crate::base64_url(&random::bytes::<32>());
    let hash = token_hash(&token);
    let at = now();
    let add = relay
        .store
        .write(move |tx| Box::pin(async move { store::add_session(tx, &hash, &account, at + LIFE).await }));
    match add.await.map_err(|error: StoreError| error)? {
        true => Ok(Token(token)),
        false => Err(SignInError::Wrong),
    }
}

fn token_hash(token: &str) -> String {
    crate::base64_url(&Sha256::digest(token.as_bytes()))
}
