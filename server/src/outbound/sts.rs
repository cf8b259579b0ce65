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
    pub async fn policy(&self, means: Means<'_>, domain: &str) -> Option<Policy> {
        match self.find(means, domain).await {
            Ok(policy) => policy,
            Err(error) => {
                tracing::error!(%error, "a policy of MTA-STS could not be looked up");
                None
            }
        }
    }

    async fn find(&self, means: Means<'_>, domain: &str) -> Result<Option<Policy>, StoreError> {
        let mut connection = means.store.read().await?;
        let kept = store::kept_policy(&mut connection, domain, now()).await?;
        drop(connection);
        let texts = means.dns.texts(&format!("_mta-sts.{domain}")).await.unwrap_or_default();
        let parsed = |kept: &KeptPolicy| parse_policy(&kept.policy).ok();
        let Some(id) = policy::record_id(&texts) else { return Ok(kept.as_ref().and_then(parsed)) };
        if let Some(kept) = kept.as_ref().filter(|kept| kept.id == id) {
            return Ok(parsed(kept));
        }
        if self.failed_of_late(domain) {
            return Ok(kept.as_ref().and_then(parsed));
        }
        match fetch::fetch(means, domain).await {
            Ok((text, policy)) => {
                let expires_at = now() + policy.max_age.saturating_mul(SECOND);
                let fresh = KeptPolicy { domain: domain.to_owned(), id, policy: text, expires_at };
                means
                    .store
                    .write(move |tx| Box::pin(async move { store::keep_policy(tx, &fresh).await }))
                    .await?;
                Ok(Some(policy))
            }
            Err(error) => {
                // RFC 8461 3.3: what is known goes on until it expires.
                tracing::warn!(%error, "a policy of MTA-STS could not be got");
                self.note_failure(domain);
                Ok(kept.as_ref().and_then(parsed))
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
