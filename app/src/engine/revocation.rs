//! Which certificates their authorities took back: the revocation lists (RFC 5280) of the relay's
//! authorities.
//!
//! Lists are signed, so the relay cannot write one; it can withhold them, or hand out old ones. The last ones that
//! were seen stay until newer ones come, and count as long as they are in force; after that nobody knows, which the
//! page says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use smime::Certificate;
use smime::path::{Purpose, Query, is_revocation_list, newest_revocation_lists, validate};

use super::account::Account;
use crate::web::clock;
use crate::web::crypto::WebCrypto;
use crate::web::database::Store;

const RECORD: &str = "revocations";
/// Lists are asked for anew after so many seconds.
const FRESH: u64 = 60 * 60;
/// After a failure they are asked for again no sooner.
const PAUSE: u64 = 60;
/// More lists than this are not read, nor kept beside them.
const MAX_LISTS: usize = 8;

/// The lists that were fetched last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    /// When, in seconds since 1970.
    fetched: u64,
    /// Base64 of DER.
    lists: Vec<String>,
    /// When that was tried last.
    #[serde(skip)]
    tried: u64,
}

impl Lists {
    fn is_due(&self, now: u64) -> bool {
        // A clock that was set back must not put it off for ever.
        let passed = |since: u64, pause: u64| now < since || now - since >= pause;
        passed(self.fetched, FRESH) && passed(self.tried, PAUSE)
    }

    /// The lists in DER.
    pub fn der(&self) -> Vec<Vec<u8>> {
        self.lists.iter().filter_map(|list| STANDARD.decode(list).ok()).collect()
    }
}

/// Sees to it that the account judges certificates by lists as fresh as can be had.
pub async fn refresh(account: &Account) {
    let mut lists = account.lists();
    if lists.fetched == 0
        && let Ok(Some(kept)) = account.database.record::<Lists>(Store::Records, RECORD).await
    {
        lists = kept;
        account.set_lists(lists.clone());
    }
    let now = clock::now().0;
    if !lists.is_due(now) {
        return;
    }
    let mut fetched = Vec::new();
    for url in account.relay.sealed().revocation_urls.iter().take(MAX_LISTS) {
        match account.relay.revocation_list(url).await {
            Ok(list) if is_revocation_list(&list) => fetched.push(list),
            _ => return account.set_lists(Lists { tried: now, ..lists }),
        }
    }
    let (authorities, known) = (authorities(account).await, lists.der());
    let newest = newest_revocation_lists(&WebCrypto, &authorities, &known, &fetched, clock::now()).await;
    let newest = newest.into_iter().take(2 * MAX_LISTS).map(|list| STANDARD.encode(list)).collect();
    let lists = Lists { fetched: now, lists: newest, tried: now };
    // Where it cannot be kept, it is fetched again.
    let _ = account.database.set_record(Store::Records, RECORD, &lists).await;
    account.set_lists(lists);
}

/// The pinned authorities, and those between them and the keys of this browser.
async fn authorities(account: &Account) -> Vec<Certificate> {
    let mut authorities = account.trust().anchors.clone();
    let chain = account.identity().and_then(|identity| identity.signer()).map(|signer| signer.chain);
    if let Some((leaf, above)) = chain.as_deref().and_then(<[_]>::split_first) {
        // Whatever became of the keys, they vouch for nothing here.
        let query = Query::new(Purpose::Signing, leaf.not_after().min(clock::now()));
        if let Ok(path) = validate(&WebCrypto, leaf, &authorities, above, &[], &query).await {
            authorities.extend(path.certificates().iter().skip(1).cloned());
        }
    }
    authorities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_asked_for_when_old_and_not_again_at_once_after_a_failure() {
        let lists = |fetched, tried| Lists { fetched, tried, lists: Vec::new() };
        assert!(Lists::default().is_due(10_000));
        assert!(!lists(10_000, 10_000).is_due(10_000 + FRESH - 1));
        assert!(lists(10_000, 10_000).is_due(10_000 + FRESH));
        assert!(!lists(0, 10_000).is_due(10_000 + PAUSE - 1));
        assert!(lists(10_000, 10_000).is_due(9_000));
    }
}
