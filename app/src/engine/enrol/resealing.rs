//! Mail that came before the keys was sealed to a key of the relay's: it is sealed anew, and that key goes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::sealed::{EnrolmentDestroy, EnrolmentGet};
use jmap::{Email, EmailImport, Get, Id, Import, Query, Set};
use smime::{Certificate, DecryptionKey, KeyId};
use zeroize::Zeroizing;

use crate::engine::account::Account;
use crate::engine::reseal::reseal_message;
use crate::engine::submission::set_failure;
use crate::engine::trust::certificate;
use crate::protocol::{Failure, Stage};
use crate::web::crypto::{KeyUse, WebCrypto, rng};
use crate::web::worker::Call;

const PROPERTIES: [&str; 5] = ["id", "blobId", "mailboxIds", "keywords", "receivedAt"];

/// Seals such mail to the owner's own key. Every message is replaced on its own, so that a browser that
/// is closed in between goes on where it was.
pub(super) async fn reseal(account: &Account, call: &Call) -> Result<(), Failure> {
    let account_id = account.relay.account().clone();
    let enrolment = account.relay.call(&EnrolmentGet { account_id: account_id.clone() }).await?;
    let Some(pkcs8) = enrolment.pkcs8 else { return Ok(()) };
    let pkcs8 = Zeroizing::new(STANDARD.decode(pkcs8).map_err(|_| malformed())?);
    let certificate = enrolment.certificate.as_deref().and_then(certificate).ok_or_else(malformed)?;
    let id = KeyId::new("enrolment");
    account.keyring.hold(&id, &pkcs8, KeyUse::Encryption).await.map_err(|_| malformed())?;
    let own = account.certified()?.encryption_chain().into_iter().next().ok_or(Failure::NoKeys)?;
    let enrolment = Enrolment { key: DecryptionKey { key: id.clone(), certificate }, own };
    let emails = all(account).await?;
    let total = u64::try_from(emails.len()).unwrap_or(0);
    for (done, email) in (0..).zip(&emails) {
        call.report(Stage::Resealing, done, total);
        enrolment.replace(account, email).await?;
    }
    account.keyring.let_go(&id);
    call.report(Stage::Resealing, total, total);
    account.relay.call(&EnrolmentDestroy { account_id }).await.map(|_| ())
}

struct Enrolment {
    key: DecryptionKey,
    own: Certificate,
}

impl Enrolment {
    async fn replace(&self, account: &Account, email: &Email) -> Result<(), Failure> {
        let (Some(id), Some(blob)) = (&email.id, &email.blob_id) else { return Err(malformed()) };
        let original = account.relay.download(blob, None).await?;
        let keys = std::slice::from_ref(&self.key);
        let resealed =
            reseal_message(&WebCrypto, &account.keyring, &mut rng(), keys, &original, &self.own).await;
        // What is sealed to another key already, or is broken, stays as it is.
        let Ok(resealed) = resealed else { return Ok(()) };
        let blob_id = account.relay.upload(&resealed, None).await?;
        let import = EmailImport {
            blob_id,
            mailbox_ids: email.mailbox_ids.clone().unwrap_or_default(),
            keywords: email.keywords.clone().unwrap_or_default(),
            received_at: email.received_at.clone(),
            sealed_summary: None,
        };
        let account_id = account.relay.account().clone();
        let emails = BTreeMap::from([("m".to_owned(), import)]);
        let import = Import { account_id: account_id.clone(), if_in_state: None, emails };
        let answer = account.relay.call(&import).await?;
        if let Some(error) = answer.not_created.and_then(|errors| errors.into_values().next()) {
            return Err(set_failure(&error));
        }
        let mut set = Set::<Email>::new(account_id);
        set.destroy = Some(vec![Id::from(id.as_str())]);
        account.relay.call(&set).await.map(|_| ())
    }
}

async fn all(account: &Account) -> Result<Vec<Email>, Failure> {
    let account_id = account.relay.account().clone();
    let ids = account.relay.call(&Query::<Email>::all(account_id.clone())).await?.ids;
    let mut emails = Vec::new();
    for ids in ids.chunks(account.relay.max_objects()) {
        let properties = Some(PROPERTIES.map(str::to_owned).to_vec());
        let get = Get::<Email> { account_id: account_id.clone(), ids: Some(ids.to_vec()), properties };
        emails.extend(account.relay.call(&get).await?.list);
    }
    Ok(emails)
}

fn malformed() -> Failure {
    Failure::RelayFailed { reason: "malformedAnswer".into() }
}
