//! The first sign-in: two key pairs, into the vault, certified. No step is lost when the browser is
//! closed in between, and no certificate is asked for before its key lies safely in the vault.

mod certify;
mod renew;
mod resealing;
mod update;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smime::KeyId;
use smime::issue::Usage;
use smime::request;
use zeroize::Zeroizing;

use super::account::Account;
use super::identity::Identity;
use super::trust::hex;
use super::vault::{Generation, KeyBox, Keys, StoredKey, Vault, VaultKey};
use super::{recovery, vaults};
use crate::protocol::{Failure, Stage};
use crate::web::crypto::{KeyUse, WebCrypto, WebKeyring, random};
use crate::web::worker::Call;

pub use renew::{follow, is_due, keep_up};

/// Makes keys, or goes on where an earlier attempt stopped.
pub async fn enrol(account: &Account, call: &Call) -> Result<(), Failure> {
    let (state, vault) = vaults::load(account).await?;
    let begun = match (account.identity(), vault.boxes.first()) {
        (Some(identity), Some(current)) if identity.box_id == current.id => true,
        // Another browser was first: its keys are the account's.
        (_, Some(_)) => return Err(Failure::VaultChanged),
        _ => false,
    };
    if !begun {
        make(account, call, state, vault).await?;
    }
    certify::certify(account, &|done, total| call.report(Stage::Certificates, done, total)).await?;
    resealing::reseal(account, &|done, total| call.report(Stage::Resealing, done, total)).await
}

/// Makes new keys where the account has others that cannot be had here. The vault keeps those.
pub async fn afresh(account: &Account, call: &Call) -> Result<(), Failure> {
    let (state, vault) = vaults::load(account).await?;
    if vault.is_full() {
        return Err(Failure::VaultFull);
    }
    make(account, call, state, vault).await?;
    certify::certify(account, &|done, total| call.report(Stage::Certificates, done, total)).await?;
    resealing::reseal(account, &|done, total| call.report(Stage::Resealing, done, total)).await
}

/// Goes on with mail from before the keys, where an earlier attempt stopped.
pub async fn go_on(account: &Account) -> Result<(), Failure> {
    resealing::reseal(account, &|_, _| {}).await
}

async fn make(account: &Account, call: &Call, state: jmap::State, mut vault: Vault) -> Result<(), Failure> {
    let pairs = make_pairs(account, &|done, total| call.report(Stage::Keys, done, total)).await?;
    let keys = Keys { generations: vec![pairs], former: Vec::new() };
    let key: VaultKey = Zeroizing::new(random().ok_or(Failure::StorageUnavailable)?);
    let box_id = hex(&random::<16>().ok_or(Failure::StorageUnavailable)?);
    let nonce = random().ok_or(Failure::StorageUnavailable)?;
    call.report(Stage::Vault, 0, 1);
    let sealed = KeyBox::seal(&WebCrypto, &box_id, &key, &keys, &vault, nonce).await;
    vault.put(sealed.map_err(vaults::unreadable)?);
    let blob = vaults::encode(&vault)?;
    recovery::insert_all(account, &keys).await?;
    let vault_key = account.keyring.device().seal(key.as_slice()).await.ok_or(Failure::StorageUnavailable)?;
    let generations = keys.generations.iter().map(Into::into).collect();
    let identity = Identity { box_id, vault_key, generations };
    // Nothing was given up before it was plain that there is room.
    account.retire_identity().await?;
    // Here first: keys that only the vault has are lost with this page.
    account.set_identity(identity).await?;
    vaults::store(account, state, blob).await?;
    call.report(Stage::Vault, 1, 1);
    Ok(())
}

/// Makes both pairs, which nothing here keeps; they are the account's once they lie in the vault.
async fn make_pairs(account: &Account, report: &dyn Fn(u64, u64)) -> Result<Generation, Failure> {
    report(0, 2);
    let signing = make_key(account, KeyUse::Signing).await?;
    report(1, 2);
    let encryption = make_key(account, KeyUse::Encryption).await?;
    report(2, 2);
    Ok(Generation { signing, encryption })
}

/// Makes a pair and its certificate request; its PKCS#8 goes into the vault, and from there into the keyring.
async fn make_key(account: &Account, usage: KeyUse) -> Result<StoredKey, Failure> {
    let id = KeyId::new(hex(&random::<16>().ok_or(Failure::StorageUnavailable)?));
    let unavailable = |_| Failure::StorageUnavailable;
    let made = WebKeyring::generate_p256().await.map_err(unavailable)?;
    // A key for ECDH cannot sign its own request, so each signs it before it is bound to one use.
    account.keyring.hold(&id, &made.pkcs8, KeyUse::Signing).await.map_err(unavailable)?;
    let certified_for = match usage {
        KeyUse::Signing => Usage::Signing,
        KeyUse::Encryption => Usage::Encryption,
    };
    let (who, keyring) = (&account.who, &account.keyring);
    let request = request::create(keyring, &id, &made.spki, &who.address, &who.name, certified_for).await;
    account.keyring.let_go(&id);
    Ok(StoredKey {
        id: id.as_str().to_owned(),
        pkcs8: STANDARD.encode(&*made.pkcs8),
        request: STANDARD.encode(request.map_err(|_| Failure::CertificateRefused)?),
        chain: Vec::new(),
    })
}
