//! Where this browser stands with an account.

use smime::UnixTime;
use smime::path::{self, Purpose, Query};

use super::account::Account;
use super::identity::{Identity, MONTH};
use super::{enrol, revocation, vaults};
use crate::protocol::{self, Failure, State};
use crate::web::clock;
use crate::web::crypto::WebCrypto;

/// Looks at the vault and at the keys of this browser.
pub async fn state(account: &Account) -> Result<State, Failure> {
    account.settle_trust().await?;
    revocation::refresh(account).await;
    let (_, vault) = vaults::load(account).await?;
    // The keys at hand do until it succeeds; of what never does the owner hears in time.
    let _ = enrol::keep_up(account, &vault).await;
    let here = account.identity();
    let ending = here.as_ref().and_then(|identity| identity.ending(clock::now(), MONTH));
    let ending = ending.map(|end| protocol::UnixTime(end.0));
    let who = protocol::Account { ending, ..account.who.clone() };
    let Some(current) = vault.boxes.first() else {
        // A relay that lost the vault does not make good keys bad.
        return Ok(match here {
            Some(identity) if holds(account, &identity, clock::now()).await => State::Ready(who),
            _ => State::NeedsEnrolment(who),
        });
    };
    Ok(match here {
        Some(identity) if identity.box_id == current.id && identity.is_certified() => State::Ready(who),
        Some(identity) if identity.box_id == current.id => State::NeedsEnrolment(who),
        _ => State::KeysElsewhere(who),
    })
}

/// Whether both certificates stand up under the pinned authorities.
async fn holds(account: &Account, identity: &Identity, now: UnixTime) -> bool {
    let Some(signer) = identity.signer() else { return false };
    let chains = [(signer.chain, Purpose::Signing), (identity.encryption_chain(), Purpose::Encryption)];
    let trust = account.trust();
    for (chain, purpose) in chains {
        let Some((leaf, above)) = chain.split_first() else { return false };
        let query = Query::new(purpose, now);
        if path::validate(&WebCrypto, leaf, &trust.anchors, above, &trust.crls, &query).await.is_err() {
            return false;
        }
    }
    true
}
