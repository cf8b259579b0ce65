//! Opening a message: fetch, decrypt, verify, summarise, learn.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::{Email, Id, Set};
use serde_json::{Map, Value};
use smime::message::{self, OpenError, Opened};
use smime::{ContentEncryption, DecryptError};

use super::account::{Account, Glance};
use super::directory;
use super::lists;
use super::reading::{self, Envelope};
use super::relay::Listener;
use super::summary::Content;
use crate::protocol::{EmailId, Failure, Message, PartId, Stage};
use crate::web::clock;
use crate::web::crypto::{WebCrypto, rng};
use crate::web::worker::Call;

/// Opens a message for the page.
pub async fn open(account: &Account, email: &EmailId, call: &Call) -> Result<Message, Failure> {
    let facts = facts(account, email).await?;
    let opened = match account.opened(email) {
        Some(opened) => opened,
        None => {
            let opened = fetch(account, &facts, call.reporter(Stage::Downloading), || {
                call.report(Stage::Opening, 0, 1);
            });
            let opened = Rc::new(opened.await?);
            account.keep_opened(email.clone(), Rc::clone(&opened));
            let summary = settle(account, &facts, &opened).await;
            store_summaries(account, summary.into_iter().collect()).await;
            opened
        }
    };
    Ok(reading::message(&Envelope { id: email.clone(), email: facts }, &opened))
}

/// The name, media type and bytes of a part; the message is opened again if it no longer is.
pub async fn attachment(
    account: &Account,
    email: &EmailId,
    part: &PartId,
    call: &Call,
) -> Result<(String, String, Vec<u8>), Failure> {
    let opened = opened(account, email, call).await?;
    let (index, found) =
        opened.attachments().enumerate().find(|(_, found)| found.id == part.0).ok_or(Failure::NotFound)?;
    Ok((reading::file_name(index, found), found.media_type.clone(), found.data.clone()))
}

/// A message, open.
pub async fn opened(account: &Account, email: &EmailId, call: &Call) -> Result<Rc<Opened>, Failure> {
    if let Some(opened) = account.opened(email) {
        return Ok(opened);
    }
    let facts = facts(account, email).await?;
    let opened = Rc::new(fetch(account, &facts, call.reporter(Stage::Downloading), || {}).await?);
    account.keep_opened(email.clone(), Rc::clone(&opened));
    Ok(opened)
}

/// Opens a message for a list, and gives its sealed summary where the relay has none yet.
pub async fn glance(account: &Account, facts: &Email) -> Result<Option<(Id, String)>, Failure> {
    let id = facts.id.as_ref().map(|id| EmailId(id.as_str().to_owned())).ok_or(Failure::NotFound)?;
    match fetch(account, facts, None, || {}).await {
        Ok(opened) => return Ok(settle(account, facts, &opened).await),
        Err(Failure::NotARecipient) => account.set_glance(id, Glance::Closed),
        Err(Failure::Damaged | Failure::Unsupported) => account.set_glance(id, Glance::Damaged),
        Err(failure) => return Err(failure),
    }
    Ok(None)
}

/// Puts sealed summaries beside their messages. What fails is made up for when they are next opened.
pub async fn store_summaries(account: &Account, summaries: Vec<(Id, String)>) {
    if summaries.is_empty() {
        return;
    }
    let patch = |summary| Map::from_iter([("sealedSummary".to_owned(), Value::String(summary))]);
    let patches = summaries.into_iter().map(|(id, summary)| (id, patch(summary)));
    let mut set = Set::<Email>::new(account.relay.account().clone());
    set.update = Some(patches.collect::<BTreeMap<_, _>>());
    let _ = account.relay.call(&set).await;
}

async fn facts(account: &Account, email: &EmailId) -> Result<Email, Failure> {
    let emails = lists::emails(account, &[email.0.as_str().into()]).await?;
    emails.into_iter().next().ok_or(Failure::NotFound)
}

async fn fetch(
    account: &Account,
    facts: &Email,
    downloaded: Listener,
    fetched: impl FnOnce(),
) -> Result<Opened, Failure> {
    let blob = facts.blob_id.as_ref().ok_or(Failure::NotFound)?;
    let bytes = account.relay.download(blob, downloaded).await?;
    fetched();
    let (keys, trust) = (account.keys(), account.trust());
    let opened = message::open(&WebCrypto, &account.keyring, &keys, &trust, &bytes, clock::now()).await;
    opened.map_err(|error| match error {
        OpenError::Decrypt(DecryptError::NotARecipient) => Failure::NotARecipient,
        OpenError::Decrypt(DecryptError::Unsupported) => Failure::Unsupported,
        _ => Failure::Damaged,
    })
}

/// What follows from a message that was opened; none of it keeps the message from being shown. Gives its
/// sealed summary where the relay has none yet.
async fn settle(account: &Account, facts: &Email, opened: &Opened) -> Option<(Id, String)> {
    let _ = directory::learn(account, opened).await;
    let id = facts.id.as_ref()?;
    let content = reading::summary(opened);
    let known = Glance::Known(Rc::new(content.clone()));
    account.set_glance(EmailId(id.as_str().to_owned()), known);
    if facts.sealed_summary.is_some() {
        return None;
    }
    Some((Id::from(id.as_str()), seal_summary(account, &content).await.ok()?))
}

/// A summary that only the owner's keys open.
pub async fn seal_summary(account: &Account, content: &Content) -> Result<String, Failure> {
    let own = account.certified()?.encryption_chain();
    let own = own.get(..1).ok_or(Failure::NoKeys)?;
    let cipher = ContentEncryption::Aes256Gcm;
    let sealed = smime::encrypt(&WebCrypto, &mut rng(), &content.encode(), own, cipher).await;
    sealed.map(|sealed| STANDARD.encode(sealed)).map_err(|_| Failure::NoKeys)
}
