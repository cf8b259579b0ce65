use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::random;

/// Each check takes 19 MiB and a core for a while, so only some run at once.
const AT_ONCE: usize = 2;
/// Checks that may wait for their turn; beyond that a flood would keep everybody out.
const WAITING: usize = 64;
/// Longer ones are nobody's.
const LONGEST: usize = 1024;

/// Checks passwords, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    turns: Semaphore,
    queue: Semaphore,
}

/// More sign-ins wait than can be checked soon.
#[derive(Debug, thiserror::Error)]
#[error("too many sign-ins wait")]
pub struct Busy;

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_ONCE), queue: Semaphore::new(WAITING) }
    }
}

impl Passwords {
    /// Whether the password is the hashed one.
    ///
    /// Without a hash it takes as long, so that time does not tell which addresses exist.
    pub async fn matches(&self, hash: Option<String>, password: String) -> Result<bool, Busy> {
        let _place = self.queue.try_acquire().map_err(|_| Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| Busy)?;
        let check = move || {
            let known = hash.is_some() && password.len() <= LONGEST;
            let hash = hash.unwrap_or_else(|| DECOY.to_owned());
            let right = PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            known && right
        };
        Ok(tokio::task::spawn_blocking(check).await.unwrap_or(false))
    }
}

/// The Argon2id hash of a password, with the parameters that RFC 9106 and OWASP recommend for servers.
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::encode_b64(&random::bytes::<16>())?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string())
}

/// A hash with the current parameters that no password is known for.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2VhbHBvc3QtZGVjb3ktc2FsdA$\
                     6ePqTGFpCmdAJyzFnm4HkBmA2VUwZW9fmbKUn6dYBgk";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let passwords = Passwords::default();
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.matches(Some(stored.clone()), "correct horse".into()).await.unwrap());
        assert!(!passwords.matches(Some(stored), "wrong horse".into()).await.unwrap());
        assert!(!passwords.matches(None, "correct horse".into()).await.unwrap());
    }

    #[test]
    fn the_decoy_costs_as_much_as_a_real_hash() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let real = hash("x").unwrap();
        assert_eq!(decoy.params.to_string(), PasswordHash::new(&real).unwrap().params.to_string());
    }
}
