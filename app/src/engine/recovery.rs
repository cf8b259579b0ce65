//! The recovery code: it brings the keys of the vault to a browser that has none.

use smime::KeyId;
use zeroize::Zeroizing;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::account::Account;
use super::identity::Identity;
use super::vault::{Generation, KeyBox, Keys, RECOVERY_INFO, RecoveryCode, StoredKey, VaultKey};
use super::vaults;
use crate::protocol::{Failure, Secret};
use crate::web::crypto::{KeyUse, WebCrypto, hkdf_aes_key, random};

/// Makes a code in place of an earlier one. The vault key stays the same, so that the earlier code still gets it out of an
/// earlier copy of the vault.
pub async fn make(account: &Account) -> Result<Secret, Failure> {
    let identity = account.certified()?;
    let key = account.vault_key(&identity).await?;
    let (state, mut vault) = vaults::load(account).await?;
    let current = vault.boxes.iter().find(|sealed| sealed.id == identity.box_id);
    let mut current = current.cloned().ok_or(Failure::VaultChanged)?;
    let code = RecoveryCode::new(random().ok_or(Failure::StorageUnavailable)?);
    let salt: [u8; 16] = random().ok_or(Failure::StorageUnavailable)?;
    let wrapping = wrapping(&code, &salt).await?;
    let nonce = random().ok_or(Failure::StorageUnavailable)?;
    let set = current.set_recovery(&WebCrypto, &key, &wrapping, &salt, nonce).await;
    set.map_err(vaults::unreadable)?;
    vault.put(current);
    vaults::store(account, state, vaults::encode(&vault)?).await?;
    Ok(code.text())
}

/// Brings every key here that the code unlocks. The current ones become this browser's; earlier ones
/// only open mail.
pub async fn recover(account: &Account, code: &Secret) -> Result<(), Failure> {
    let code = RecoveryCode::parse(code.expose()).ok_or(Failure::WrongCode)?;
    let (_, vault) = vaults::load(account).await?;
    let mut recovered = false;
    for (index, sealed) in vault.boxes.iter().enumerate() {
        let Some((key, keys)) = unlock(sealed, &code).await? else { continue };
        recovered = true;
        insert_all(account, &keys).await?;
        if index == 0 {
            settle(account, sealed, &key, &keys.generations).await?;
        } else {
            let earlier = keys.generations.iter().map(|pairs| (&pairs.encryption).into());
            account.add_former(earlier.collect()).await?;
        }
        account.add_former(keys.former.iter().map(Into::into).collect()).await?;
    }
    if recovered { Ok(()) } else { Err(Failure::WrongCode) }
}

async fn settle(
    account: &Account,
    sealed: &KeyBox,
    key: &VaultKey,
    generations: &[Generation],
) -> Result<(), Failure> {
    account.retire_identity().await?;
    let vault_key = account.keyring.device().seal(key.as_slice()).await.ok_or(Failure::StorageUnavailable)?;
    let generations = generations.iter().map(Into::into).collect();
    account.set_identity(Identity { box_id: sealed.id.clone(), vault_key, generations }).await
}

/// The vault key and the keys of a box, if this is its code.
async fn unlock(sealed: &KeyBox, code: &RecoveryCode) -> Result<Option<(VaultKey, Keys)>, Failure> {
    let Some(salt) = sealed.recovery_salt() else { return Ok(None) };
    let wrapping = wrapping(code, &salt).await?;
    let Ok(key) = sealed.recover(&WebCrypto, &wrapping).await else { return Ok(None) };
    let keys = sealed.open(&WebCrypto, &key).await.map_err(vaults::unreadable)?;
    Ok(Some((key, keys)))
}

/// Takes keys of the vault into this browser's keyring.
pub async fn insert_all(account: &Account, keys: &Keys) -> Result<(), Failure> {
    for former in &keys.former {
        insert(account, former, KeyUse::Encryption).await?;
    }
    for generation in &keys.generations {
        insert(account, &generation.signing, KeyUse::Signing).await?;
        insert(account, &generation.encryption, KeyUse::Encryption).await?;
    }
    Ok(())
}

async fn insert(account: &Account, key: &StoredKey, usage: KeyUse) -> Result<(), Failure> {
    let pkcs8 = Zeroizing::new(STANDARD.decode(&key.pkcs8).map_err(|_| Failure::StorageNewer)?);
    let inserted = account.keyring.insert(&KeyId::new(&key.id), &pkcs8, usage).await;
    inserted.map_err(|_| Failure::StorageUnavailable)
}

async fn wrapping(code: &RecoveryCode, salt: &[u8]) -> Result<VaultKey, Failure> {
    let key = hkdf_aes_key(code.bytes(), salt, RECOVERY_INFO).await;
    key.map(Zeroizing::new).ok_or(Failure::StorageUnavailable)
}
