//! Opening a message: fetch, decrypt, verify, summarise, learn.

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::{Email, Id, Set};
use serde_json::{Map, Value};
use smime::message::{self, OpenError, Opened};
use smime::{DecryptError, Hash, Provider};

use super::account::{Account, Glance};
use super::directory;
use super::enrol;
use super::few;
use super::lists;
use super::reading::{self, Envelope};
use super::receipts;
use super::relay::Listener;
use super::revocation;
use super::summary::{self, Place, Sight};
use super::trust::hex;
use crate::protocol::{EmailId, Failure, Message, PartId, Proof, Stage};
use crate::web::clock;
use crate::web::crypto::{WebCrypto, random};
use crate::web::worker::Call;

/// A message that was opened.
pub struct Found {
    /// It.
    pub opened: Opened,
    /// The owner wrote it as a draft.
    pub draft: bool,
    /// What it proves, if it is a receipt and that was looked up.
    pub proof: RefCell<Option<Proof>>,
}

/// A list opens no larger letter to hold a receipt against it.
const MAX_GLANCED_LETTER: u64 = 2 * 1024 * 1024;

/// Opens a message for the page; see [`crate::protocol::Request::Open`].
pub async fn open(account: &Account, email: &EmailId, whole: bool, call: &Call) -> Result<Message, Failure> {
    let facts = facts(account, email).await?;
    let found = match account.opened(email) {
        Some(found) => found,
        None => {
            let fetched = fetch(account, &facts, call.reporter(Stage::Downloading), || {
                call.report(Stage::Opening, 0, 1);
            });
            let (found, summary) = settle(account, &facts, fetched.await, u64::MAX).await;
            store_summaries(account, summary.into_iter().collect()).await;
            let found = Rc::new(found?);
            account.keep_opened(email.clone(), Rc::clone(&found));
            found
        }
    };
    let receipt = receipts::of(account, &facts, &found).await;
    let answers = match read_summary(account, &facts).await {
        Some(Sight::Known(content)) if found.draft => content.answers,
        _ => None,
    };
    let envelope = Envelope { id: email.clone(), email: facts, whole, draft: found.draft, answers, receipt };
    Ok(reading::message(&envelope, &found.opened))
}

/// The name, media type and bytes of a part; the message is opened again if it no longer is.
pub async fn attachment(
    account: &Account,
    email: &EmailId,
    part: &PartId,
    call: &Call,
) -> Result<(String, String, Vec<u8>), Failure> {
    let message = opened(account, email, call).await?;
    let mut attachments = message.opened.attachments().enumerate();
    let (index, found) = attachments.find(|(_, found)| found.id == part.0).ok_or(Failure::NotFound)?;
    Ok((reading::file_name(index, found), found.media_type.clone(), found.data.clone()))
}

/// A message, open.
pub async fn opened(account: &Account, email: &EmailId, call: &Call) -> Result<Rc<Found>, Failure> {
    if let Some(found) = account.opened(email) {
        return Ok(found);
    }
    let facts = facts(account, email).await?;
    let (opened, draft) = fetch(account, &facts, call.reporter(Stage::Downloading), || {}).await?;
    let found = Rc::new(Found { opened, draft: draft.is_some(), proof: RefCell::default() });
    account.keep_opened(email.clone(), Rc::clone(&found));
    Ok(found)
}

/// Opens a message for a list, and gives its sealed summary where the relay has none yet.
pub async fn glance(account: &Account, facts: &Email) -> Result<Option<(Id, String)>, Failure> {
    let fetched = fetch(account, facts, None, || {}).await;
    let (found, summary) = settle(account, facts, fetched, MAX_GLANCED_LETTER).await;
    match found {
        Ok(_) | Err(Failure::NotARecipient | Failure::Damaged | Failure::Unsupported) => Ok(summary),
        Err(failure) => Err(failure),
    }
}

/// What the owner's own summary says of a message. One that is not good counts as none.
pub async fn read_summary(account: &Account, facts: &Email) -> Option<Sight> {
    let sealed = STANDARD.decode(facts.sealed_summary.as_deref()?).ok()?;
    let key = account.summary_key().await.ok()?;
    summary::open(&WebCrypto, &key, &place(facts)?, &sealed).await
}

/// Puts sealed summaries beside their messages. What fails is made up for when they are next opened.
pub async fn store_summaries(account: &Account, summaries: Vec<(Id, String)>) {
    if summaries.is_empty() {
        return;
    }
    let patch = |summary| few::<Map<_, _>, _>([("sealedSummary".to_owned(), Value::String(summary))]);
    let patches = summaries.into_iter().map(|(id, summary)| (id, patch(summary)));
    let mut set = Set::<Email>::new(account.relay.account().clone());
    set.update = Some(few(patches));
    let _ = account.relay.call(&set).await;
}

/// What the relay knows of a message now.
pub async fn facts(account: &Account, email: &EmailId) -> Result<Email, Failure> {
    let emails = lists::emails(account, &[email.0.as_str().into()]).await?;
    emails.into_iter().next().ok_or(Failure::NotFound)
}

/// A message as it is at the relay, opened, and its digest if its owner wrote it as a draft. One that is for keys which
/// another browser of the owner's made since is opened with those.
pub async fn fetch(
    account: &Account,
    facts: &Email,
    downloaded: Listener,
    fetched: impl FnOnce(),
) -> Result<(Opened, Option<String>), Failure> {
    let known = account.keys().len();
    let found = fetch_once(account, facts, downloaded, fetched).await;
    if matches!(found, Err(Failure::NotARecipient)) {
        let _ = enrol::follow(account).await;
        if account.keys().len() > known {
            return fetch_once(account, facts, None, || {}).await;
        }
    }
    found
}

async fn fetch_once(
    account: &Account,
    facts: &Email,
    downloaded: Listener,
    fetched: impl FnOnce(),
) -> Result<(Opened, Option<String>), Failure> {
    let blob = facts.blob_id.as_ref().ok_or(Failure::NotFound)?;
    let (message, draft) = match read_summary(account, facts).await {
        // The draft is known by its bytes.
        Some(Sight::Known(known)) if known.draft.is_some() => {
            let bytes = account.relay.download(blob, downloaded).await?;
            let digest = digest(&bytes).await?;
            (bytes.into(), known.is_draft(&digest).then_some(digest))
        }
        _ => (account.relay.receive(blob, downloaded).await?, None),
    };
    fetched();
    revocation::refresh(account).await;
    let (keys, trust) = (account.keys(), account.trust());
    let opened = message::open(&WebCrypto, &account.keyring, &keys, &trust, message, clock::now()).await;
    opened.map(|opened| (opened, draft)).map_err(|error| match error {
        OpenError::Decrypt(DecryptError::NotARecipient) => Failure::NotARecipient,
        OpenError::Decrypt(DecryptError::Unsupported(_)) => Failure::Unsupported,
        _ => Failure::Damaged,
    })
}

/// What follows from a message that was fetched; none of it keeps the message from being shown. Gives its
/// sealed summary where the relay has none yet.
async fn settle(
    account: &Account,
    facts: &Email,
    fetched: Result<(Opened, Option<String>), Failure>,
    letter_limit: u64,
) -> (Result<Found, Failure>, Option<(Id, String)>) {
    let known = read_summary(account, facts).await;
    let id = facts.id.as_ref().map(|id| EmailId(id.as_str().to_owned()));
    let note = |glance| id.iter().for_each(|id| account.set_glance(id.clone(), Glance::clone(&glance)));
    let (found, sight) = match fetched {
        Ok((opened, digest)) => {
            let _ = directory::learn(account, &opened).await;
            let draft = digest.is_some();
            let mut content = reading::summary(&opened);
            content.draft = digest;
            let proof = Box::pin(receipts::proof(account, &opened, letter_limit)).await;
            if let Some(Proof::Opened { subject, .. }) = &proof {
                content.subject.clone_from(subject);
            }
            if let Some(Sight::Known(known)) = &known {
                content.asked.clone_from(&known.asked);
                content.answers.clone_from(&known.answers);
            }
            note(Glance::Known(Rc::new(content.clone())));
            (Ok(Found { opened, draft, proof: RefCell::new(proof) }), Sight::Known(content))
        }
        Err(failure @ (Failure::Damaged | Failure::Unsupported)) => {
            note(Glance::Damaged);
            (Err(failure), Sight::Damaged)
        }
        Err(failure) => {
            if failure == Failure::NotARecipient {
                note(Glance::Closed);
            }
            return (Err(failure), None);
        }
    };
    // Whether one is written depends on what the relay has, never on how the message opened: it watches.
    if matches!(known, Some(Sight::Known(_))) {
        return (found, None);
    }
    let sealed = seal_beside(account, facts, &sight).await;
    (found, id.zip(sealed).map(|(id, sealed)| (Id::from(id.0.as_str()), sealed)))
}

/// A summary sealed for the place beside a message.
pub async fn seal_beside(account: &Account, facts: &Email, sight: &Sight) -> Option<String> {
    seal_summary(account, &place(facts)?, sight).await.ok()
}

fn place(facts: &Email) -> Option<Place<'_>> {
    Some(Place { blob: facts.blob_id.as_ref()?.as_str(), size: facts.size? })
}

/// The SHA-256 of a message in hex, by which its owner knows it again.
pub async fn digest(message: &[u8]) -> Result<String, Failure> {
    let digest = WebCrypto.digest(Hash::Sha256, message).await;
    digest.map(|digest| hex(&digest)).map_err(|_| Failure::StorageUnavailable)
}

/// A summary that only the owner's browsers read and write.
pub async fn seal_summary(account: &Account, place: &Place<'_>, sight: &Sight) -> Result<String, Failure> {
    let key = account.summary_key().await?;
    let nonce = random().ok_or(Failure::StorageUnavailable)?;
    let sealed = summary::seal(&WebCrypto, &key, nonce, place, sight).await;
    sealed.map(|sealed| STANDARD.encode(sealed)).ok_or(Failure::StorageUnavailable)
}
