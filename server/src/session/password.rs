use std::net::IpAddr;
use std::sync::Arc;

use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

use crate::admission::{Admission, Class, Overload};
use crate::random;
use crate::sources::{network, site};

/// Each check takes 19 MiB and a core for a while, so only some run at once.
const AT_ONCE: usize = 2;
/// Longer ones are nobody's.
const LONGEST: usize = 1024;

/// Checks passwords, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    places: Arc<Admission>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { places: Arc::new(Admission::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// Whether the password is the hashed one.
    ///
    /// Without a hash it takes as long, so that time does not tell which addresses exist. Hosts take turns: who has few
    /// attempts waits behind one of each of the others, however many these have.
    pub async fn matches(
        &self,
        hash: Option<String>,
        password: String,
        source: Option<IpAddr>,
    ) -> Result<bool, Overload> {
        let [site, host] = source.map_or_else(Default::default, |source| {
            [site(source), network(source)].map(|address| address.to_string())
        });
        let place = self.places.place(&site, &host, Class::Interactive).await?;
        let check = move || {
            // Until it is checked, also when nobody waits for that any more.
            let _place = place;
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
    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let passwords = Passwords::default();
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.matches(Some(stored.clone()), "correct horse".into(), None).await.unwrap());
        assert!(!passwords.matches(Some(stored), "wrong horse".into(), None).await.unwrap());
        assert!(!passwords.matches(None, "correct horse".into(), None).await.unwrap());
    }

    fn attempt(passwords: &Passwords, host: [u8; 4]) -> BoxFuture<'_, Result<bool, Overload>> {
        Box::pin(passwords.matches(None, "x".into(), Some(IpAddr::from(host))))
    }

    #[tokio::test]
    async fn hosts_with_countless_attempts_keep_nobody_else_out() {
        let passwords = Passwords { places: Arc::new(Admission::new(0)) };
        let mut flood: Vec<_> =
            (0..200).flat_map(|_| 1..=50).map(|host| attempt(&passwords, [192, 0, 2, host])).collect();
        let refused = flood.iter_mut().filter_map(FutureExt::now_or_never).count();
        assert!(refused > 0, "they have all places that there are");
        assert!(attempt(&passwords, [198, 51, 100, 1]).now_or_never().is_none(), "somebody else waits");
    }

    #[tokio::test]
    async fn a_check_has_its_place_until_it_is_done_also_when_nobody_waits_for_it() {
        let passwords = Passwords { places: Arc::new(Admission::new(1)) };
        // Long enough that it is not done before the next comes.
        let slow = DECOY.replace("t=2", "t=60");
        let mut gone = Box::pin(passwords.matches(Some(slow), "x".into(), None));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        let mut next = attempt(&passwords, [192, 0, 2, 1]);
        assert!((&mut next).now_or_never().is_none());
        assert!(passwords.places.is_busy(), "it waits for the other");
    }

    #[test]
    fn the_decoy_costs_as_much_as_a_real_hash() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let real = hash("x").unwrap();
        assert_eq!(decoy.params.to_string(), PasswordHash::new(&real).unwrap().params.to_string());
    }
}
