//! MTA-STS (RFC 8461): what a domain says about its mail servers over HTTPS.

mod fetch;
mod policy;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::dns::Dns;
use super::tls::Trust;
use crate::clock::{Millis, now};
use crate::store::{self, KeptPolicy, Store, StoreError};

pub use policy::{Mode, Policy, PolicyError, parse_policy};

/// How long a policy that could not be got is not asked for again.
const PAUSE: Millis = 5 * 60 * 1000;
/// How many failures are remembered.
const MOST_FAILURES: usize = 4096;
const SECOND: Millis = 1000;

/// What is known of policies beside what the store has.
#[derive(Debug, Default)]
pub struct Sts {
    failed: Mutex<HashMap<String, Millis>>,
}

/// How a policy is got.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The name service.
    pub dns: &'a Dns,
    /// Who vouches for policy servers.
    pub trust: &'a Trust,
    /// Where policies are kept for as long as they hold.
    pub store: &'a Store,
    /// The port of policy servers.
    pub port: u16,
    /// Whether policy servers must be on the public net.
    pub only_public: bool,
}

impl Sts {
    /// The policy of a domain; none when it has none, or none that can be got.
    ///
    /// Fails where what is kept cannot be read: it may be a policy that is to be held to.
    pub async fn policy(&self, means: Means<'_>, domain: &str) -> Result<Option<Policy>, StoreError> {
        let mut connection = means.store.read().await?;
        let kept = store::kept_policy(&mut connection, domain, now()).await?;
        drop(connection);
        let kept = kept.and_then(|kept| Some((parse_policy(&kept.policy).ok()?, kept)));
        let id = match means.dns.texts(&format!("_mta-sts.{domain}")).await {
            Ok(texts) => policy::record_id(&texts),
            // Who keeps the record back does not keep the policy from being renewed.
            Err(_) => kept.as_ref().map(|(_, kept)| kept.id.clone()),
        };
        let is_fresh = |(policy, kept): &(Policy, KeptPolicy)| {
            Some(&kept.id) == id.as_ref() && !is_old(policy.max_age, kept.expires_at, now())
        };
        let known = kept.as_ref().is_some_and(is_fresh) || self.failed_of_late(domain);
        let kept = kept.map(|(policy, _)| policy);
        let Some(id) = id.filter(|_| !known) else { return Ok(kept) };
        match fetch::fetch(means, domain).await {
            Ok((text, policy)) => {
                let expires_at = now() + policy.max_age.saturating_mul(SECOND);
                let fresh = KeptPolicy { domain: domain.to_owned(), id, policy: text, expires_at };
                let keep = means
                    .store
                    .write(move |tx| Box::pin(async move { store::keep_policy(tx, &fresh).await }));
                let kept: Result<(), StoreError> = keep.await;
                if let Err(error) = kept {
                    tracing::error!(%error, "a policy of MTA-STS could not be kept");
                }
                Ok(Some(policy))
            }
            Err(error) => {
                // RFC 8461 3.3: what is known goes on until it expires.
                tracing::warn!(%error, "a policy of MTA-STS could not be got");
                self.note_failure(domain);
                Ok(kept)
            }
        }
    }

    fn failed_of_late(&self, domain: &str) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(domain).is_some_and(|until| *until > now())
    }

    fn note_failure(&self, domain: &str) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() >= MOST_FAILURES {
            failed.clear();
        }
        failed.insert(domain.to_owned(), now() + PAUSE);
    }
}

/// Whether a policy is in the last half of its time: it is got again long before it ends, so that nobody who
/// is on the way in one moment has it forgotten (RFC 8461 10.2).
fn is_old(max_age: Millis, expires_at: Millis, now: Millis) -> bool {
    expires_at - now < max_age.saturating_mul(SECOND) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_renewed_in_the_last_half_of_its_time() {
        assert!(!is_old(100, 100 * SECOND, 49 * SECOND));
        assert!(is_old(100, 100 * SECOND, 51 * SECOND));
    }
}
