//! Mail that came before the keys was sealed to a key of the relay's: it is sealed anew, and the relay's
//! copy of that key goes. The key itself stays in the vault, because a letter that was on its way to it
//! may still arrive.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::sealed::{Enrolment, EnrolmentDestroy, EnrolmentGet};
use jmap::{Email, EmailId, EmailImport, Get, Id, Import, Query, Set, keyword};
use smime::{Certificate, DecryptionKey, KeyId};
use zeroize::Zeroizing;

use super::update::update_keys;
use crate::engine::account::Account;
use crate::engine::few;
use crate::engine::identity::KeyRecord;
use crate::engine::reseal::reseal_message;
use crate::engine::submission::set_failure;
use crate::engine::trust::{certificate, hex};
use crate::engine::vault::StoredKey;
use crate::protocol::Failure;
use crate::web::crypto::{KeyUse, WebCrypto, rng};

const PROPERTIES: [&str; 5] = ["id", "blobId", "mailboxIds", "keywords", "receivedAt"];
/// Ids asked for at a time.
const PAGE: u64 = 500;

/// Seals such mail to the owner's own key. Every message is replaced on its own, so that a browser that
/// is closed in between goes on where it was. One that cannot be sealed anew still opens with the old key.
pub(super) async fn reseal(account: &Account, report: &dyn Fn(u64, u64)) -> Result<(), Failure> {
    let account_id = account.relay.account().clone();
    let enrolment = account.relay.call(&EnrolmentGet { account_id: account_id.clone() }).await?;
    let Some(key) = keep(account, enrolment).await? else { return Ok(()) };
    let own = account.certified()?.encryption_chain().into_iter().next().ok_or(Failure::NoKeys)?;
    let ids = every_id(account).await?;
    let total = u64::try_from(ids.len()).unwrap_or(0);
    let mut done = 0;
    for ids in ids.chunks(account.relay.max_objects()) {
        for email in facts(account, ids).await? {
            report(done, total);
            replace(account, &email, &key, &own).await?;
            done += 1;
        }
    }
    report(total, total);
    account.relay.call(&EnrolmentDestroy { account_id }).await.map(|_| ())
}

/// Puts the relay's key into the vault and into the keyring before anything else happens; none where the
/// relay has no such key any more.
async fn keep(account: &Account, enrolment: Enrolment) -> Result<Option<DecryptionKey>, Failure> {
    let Some(pkcs8) = enrolment.pkcs8 else { return Ok(None) };
    let text = enrolment.certificate.ok_or_else(malformed)?;
    let certificate = certificate(&text).ok_or_else(malformed)?;
    // Named by its certificate, so that a second attempt finds it there.
    let id = KeyId::new(hex(&certificate.sha256()));
    let der = Zeroizing::new(STANDARD.decode(&pkcs8).map_err(|_| malformed())?);
    account.keyring.insert(&id, &der, KeyUse::Encryption).await.map_err(|_| malformed())?;
    let stored = StoredKey { id: id.as_str().to_owned(), pkcs8, request: String::new(), chain: vec![text] };
    let record = KeyRecord::from(&stored);
    update_keys(account, async |keys| {
        if !keys.former.iter().any(|known| known.id == stored.id) {
            keys.former.push(stored.clone());
        }
        Ok(())
    })
    .await?;
    account.add_former(vec![record]).await?;
    Ok(Some(DecryptionKey { key: id, certificate }))
}

async fn replace(
    account: &Account,
    email: &Email,
    key: &DecryptionKey,
    own: &Certificate,
) -> Result<(), Failure> {
    let (Some(id), Some(blob)) = (&email.id, &email.blob_id) else { return Err(malformed()) };
    let original = match account.relay.download(blob, None).await {
        // Destroyed in the meantime.
        Err(Failure::NotFound) => return Ok(()),
        other => other?,
    };
    let keys = std::slice::from_ref(key);
    let resealed = reseal_message(&WebCrypto, &account.keyring, &mut rng(), keys, &original, own).await;
    // What is sealed to another key already, or is broken, stays as it is.
    let Ok(resealed) = resealed else { return Ok(()) };
    let blob_id = account.relay.upload(&resealed, None).await?;
    // Only the relay says what it sealed at its door, and it cannot see that this is the same letter.
    let keywords = email.keywords.clone().unwrap_or_default().into_iter();
    let keywords = few(keywords.filter(|(name, _)| name != keyword::SEALED_AT_DOOR));
    let import = EmailImport {
        blob_id,
        mailbox_ids: email.mailbox_ids.clone().unwrap_or_default(),
        keywords,
        received_at: email.received_at.clone(),
        sealed_summary: None,
    };
    let account_id = account.relay.account().clone();
    let emails = few([("m".to_owned(), import)]);
    let import = Import { account_id: account_id.clone(), if_in_state: None, emails };
    let answer = account.relay.call(&import).await?;
    if let Some(error) = answer.not_created.and_then(|errors| errors.into_values().next()) {
        return Err(set_failure(&error));
    }
    let mut set = Set::<Email>::new(account_id);
    set.destroy = Some(vec![Id::from(id.as_str())]);
    account.relay.call(&set).await.map(|_| ())
}

/// The id of every message, page by page: the relay answers with so many at most.
async fn every_id(account: &Account) -> Result<Vec<EmailId>, Failure> {
    let (mut ids, mut known) = (Vec::new(), HashSet::new());
    loop {
        let position = i64::try_from(ids.len()).map_err(|_| malformed())?;
        let account_id = account.relay.account().clone();
        let query = Query::<Email> { position, limit: Some(PAGE), ..Query::all(account_id) };
        let page = account.relay.call(&query).await?.ids;
        let before = ids.len();
        // Mail that comes in meanwhile moves the others: none may be met twice.
        ids.extend(page.into_iter().filter(|id| known.insert(id.clone())));
        if ids.len() == before {
            return Ok(ids);
        }
    }
}

async fn facts(account: &Account, ids: &[EmailId]) -> Result<Vec<Email>, Failure> {
    let properties = Some(PROPERTIES.map(str::to_owned).to_vec());
    let account_id = account.relay.account().clone();
    let get = Get::<Email> { account_id, ids: Some(ids.to_vec()), properties };
    Ok(account.relay.call(&get).await?.list)
}

fn malformed() -> Failure {
    Failure::RelayFailed { reason: "malformedAnswer".into() }
}
