//! Keys in time: those that another browser of the owner's made come out of the vault, and new ones are made well before
//! the certificates end. Nobody is asked, and earlier keys stay, so that every letter of theirs opens.

use super::certify::certify;
use super::update::update_keys;
use super::{make_pairs, vaults};
use crate::engine::account::Account;
use crate::engine::identity::MONTH;
use crate::engine::recovery;
use crate::engine::vault::{StoredKey, Vault};
use crate::protocol::Failure;
use crate::web::clock;
use crate::web::crypto::WebCrypto;
use crate::web::database::Store;

/// So many seconds before its certificates end new keys are made: a month before the owner would hear of it.
const AHEAD: u64 = 2 * MONTH;
/// A relay whose certificates always end soon (its clock is wrong) fills the vault no quicker than by this.
const PAUSE: u64 = 7 * 86_400;
/// The vault is looked at once in so many seconds where letters do not open.
const MOMENT: u64 = 60;
/// The record of when keys were last renewed.
const RENEWED: &str = "renewed";

/// Brings the keys here to where the vault's are, and renews them where it is time. What fails is tried again the
/// next time; until then the keys at hand do.
pub async fn keep_up(account: &Account, vault: &Vault) -> Result<(), Failure> {
    follow_vault(account, vault).await?;
    if !is_due(account) {
        return Ok(());
    }
    if !account.certified()?.is_begun() {
        let now = clock::now().0;
        let renewed = account.database.record::<u64>(Store::Records, RENEWED).await?;
        if renewed.is_some_and(|renewed| now.abs_diff(renewed) < PAUSE) {
            return Ok(());
        }
        let pairs = make_pairs(account, &|_, _| {}).await?;
        update_keys(account, async |keys| {
            keys.generations.push(pairs);
            Ok(())
        })
        .await?;
        account.database.set_record(Store::Records, RENEWED, &now).await?;
    }
    certify(account, &|_, _| {}).await
}

/// Whether the keys want renewing, or a renewal was begun.
pub fn is_due(account: &Account) -> bool {
    account.certified().is_ok_and(|keys| keys.is_begun() || keys.ending(clock::now(), AHEAD).is_some())
}

/// Fetches the keys that another browser of the owner's made since, if nobody looked a moment ago.
pub async fn follow(account: &Account) -> Result<(), Failure> {
    let mut looked = account.followed.lock().await;
    let now = clock::now().0;
    if now.abs_diff(*looked) < MOMENT {
        return Ok(());
    }
    *looked = now;
    let (_, vault) = vaults::load(account).await?;
    follow_vault(account, &vault).await
}

async fn follow_vault(account: &Account, vault: &Vault) -> Result<(), Failure> {
    let identity = account.identity().ok_or(Failure::NoKeys)?;
    let current = vault.boxes.first().filter(|sealed| sealed.id == identity.box_id);
    let sealed = current.ok_or(Failure::VaultChanged)?;
    let key = account.vault_key(&identity).await?;
    let keys = sealed.open(&WebCrypto, &key).await.map_err(vaults::unreadable)?;
    let mut joined = (*identity).clone();
    joined.join(&keys.generations);
    let known = account.keys();
    let is_known = |former: &StoredKey| known.iter().any(|key| key.key.as_str() == former.id);
    if joined == *identity && keys.former.iter().all(is_known) {
        return Ok(());
    }
    recovery::insert_all(account, &keys).await?;
    account.add_former(keys.former.iter().map(Into::into).collect()).await?;
    account.set_identity(joined).await
}
