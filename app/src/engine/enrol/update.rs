use crate::engine::account::Account;
use crate::engine::identity::Identity;
use crate::engine::vault::{KeyBox, Keys};
use crate::engine::vaults;
use crate::protocol::Failure;
use crate::web::crypto::{WebCrypto, random};

/// Changes the keys in the vault's box of this browser; nothing is stored when the change fails.
pub(super) async fn update_keys(
    account: &Account,
    change: impl AsyncFnOnce(&mut Keys) -> Result<(), Failure>,
) -> Result<(Identity, Keys), Failure> {
    let identity = account.identity().ok_or(Failure::NoKeys)?;
    let key = account.vault_key(&identity).await?;
    let (state, mut vault) = vaults::load(account).await?;
    let current = vault.boxes.iter().find(|sealed| sealed.id == identity.box_id).ok_or(Failure::NoKeys)?;
    let mut keys = current.open(&WebCrypto, &key).await.map_err(vaults::unreadable)?;
    change(&mut keys).await?;
    let nonce = random().ok_or(Failure::StorageUnavailable)?;
    let sealed = KeyBox::seal(&WebCrypto, &identity.box_id, &key, &keys, &vault, nonce).await;
    vault.put(sealed.map_err(vaults::unreadable)?);
    vaults::store(account, state, vaults::encode(&vault)?).await?;
    Ok(((*identity).clone(), keys))
}
