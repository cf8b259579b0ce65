use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::sealed::{Issue, KeyUse};
use smime::message::same_mailbox;
use smime::path::{self, Purpose, Query};
use smime::request;

use crate::engine::account::Account;
use crate::engine::recovery;
use crate::engine::trust::certificate;
use crate::engine::vault::StoredKey;
use crate::protocol::Failure;
use crate::web::clock;
use crate::web::crypto::WebCrypto;

use super::update::update_keys;

/// Has the keys in the vault certified that are not yet, and keeps the certificates there and here.
pub(super) async fn certify(account: &Account, report: &dyn Fn(u64, u64)) -> Result<(), Failure> {
    let (mut identity, keys) = update_keys(account, async |keys| {
        let newest = keys.generations.last_mut().ok_or(Failure::NoKeys)?;
        report(0, 2);
        issue(account, &mut newest.signing, KeyUse::Signing).await?;
        report(1, 2);
        issue(account, &mut newest.encryption, KeyUse::Encryption).await?;
        report(2, 2);
        Ok(())
    })
    .await?;
    // Another browser may have renewed them meanwhile: its keys come here before anything counts on them.
    recovery::insert_all(account, &keys).await?;
    identity.join(&keys.generations);
    account.set_identity(identity).await
}

async fn issue(account: &Account, key: &mut StoredKey, usage: KeyUse) -> Result<(), Failure> {
    if !key.chain.is_empty() {
        return Ok(());
    }
    let account_id = account.relay.account().clone();
    let issued = account.relay.call(&Issue { account_id, request: key.request.clone(), usage }).await?;
    check(account, key, &issued.chain, usage).await?;
    key.chain = issued.chain;
    Ok(())
}

/// A certificate is taken only if it is this key's, for this address and use, under a pinned authority.
async fn check(account: &Account, key: &StoredKey, chain: &[String], usage: KeyUse) -> Result<(), Failure> {
    let refused = || Failure::CertificateRefused;
    let chain: Option<Vec<_>> = chain.iter().map(|text| certificate(text)).collect();
    let chain = chain.ok_or_else(refused)?;
    let (leaf, above) = chain.split_first().ok_or_else(refused)?;
    let der = STANDARD.decode(&key.request).map_err(|_| refused())?;
    let request = request::verify(&WebCrypto, &der).await.map_err(|_| refused())?;
    let ours = leaf.spki() == request.spki();
    let address = leaf.emails().iter().any(|email| same_mailbox(email, &account.who.address));
    let purpose = match usage {
        KeyUse::Signing => Purpose::Signing,
        KeyUse::Encryption => Purpose::Encryption,
    };
    let trust = account.trust();
    let query = Query::new(purpose, clock::now());
    let path = path::validate(&WebCrypto, leaf, &trust.anchors, above, &trust.crls, &query).await;
    if ours && address && path.is_ok() { Ok(()) } else { Err(refused()) }
}
