//! App passwords: what mail programs sign in with, by HTTP Basic or Bearer.
//!
//! A password is random, 40 bits that name it and 120 that are secret, so a plain hash protects it and
//! each request can be checked at once.

use std::net::IpAddr;

use jmap::AccountId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::SignInError;
use crate::clock::now;
use crate::random;
use crate::relay::Relay;
use crate::store::{self, Account, Credential, StoreError, Tx};

/// Letters and digits of the public part and of the secret part.
const PUBLIC: usize = 8;
const SECRET: usize = 24;
/// How many stand together, for those who type it.
const GROUP: usize = 8;

/// Makes an app password of an account and returns it; it is shown this once.
pub async fn issue(tx: &mut Tx, account: &AccountId, label: &str) -> Result<String, StoreError> {
    let text = random::letters::<{ PUBLIC + SECRET }>();
    let (id, secret) = text.split_at(PUBLIC);
    store::add_app_password(tx, account, (id, &hash(secret)), label).await?;
    let groups: Vec<&str> =
        (0..text.len()).step_by(GROUP).filter_map(|at| text.get(at..at + GROUP)).collect();
    Ok(groups.join("-"))
}

/// Whose app password it is; with a username it must be that account's.
///
/// Only wrong ones are counted: a right one is never kept waiting by somebody else's guesses, which 120
/// secret bits leave without hope.
pub async fn account_of(
    relay: &Relay,
    username: Option<&str>,
    password: &str,
    source: Option<IpAddr>,
) -> Result<(Account, Credential), SignInError> {
    if let Some(found) = matching(relay, username, password).await? {
        return Ok(found);
    }
    let name = username.unwrap_or_default().trim().to_lowercase();
    match relay.sign_in.app_attempts.begin(&name, source, now()) {
        Ok(attempt) => {
            attempt.wrong();
            Err(SignInError::Wrong)
        }
        Err(retry_after_seconds) => Err(SignInError::TooMany { retry_after_seconds }),
    }
}

async fn matching(
    relay: &Relay,
    username: Option<&str>,
    password: &str,
) -> Result<Option<(Account, Credential)>, StoreError> {
    if password.len() > 2 * (PUBLIC + SECRET) {
        return Ok(None);
    }
    let text: String = password.chars().filter(|letter| *letter != '-').collect();
    let Some((id, secret)) = text.split_at_checked(PUBLIC) else { return Ok(None) };
    let mut connection = relay.store.read().await?;
    let Some((account, kept)) = store::app_password(&mut connection, id).await? else { return Ok(None) };
    let right = bool::from(hash(secret).as_bytes().ct_eq(kept.as_bytes()));
    let named = username.is_none_or(|name| name.trim().to_lowercase() == account.address);
    Ok((right && named).then(|| (account, Credential::named(id))))
}

fn hash(secret: &str) -> String {
    crate::base64_url(&Sha256::digest(secret.as_bytes()))
}
