//! What the sender keeps: drafts and the copy in Sent, both sealed to oneself.

use jmap::{BlobId, Email, EmailImport, Id, Import, Patch, Set, keyword};
use serde_json::{Map, Value};
use smime::message::{self, Reference, SealOptions};
use smime::{Certificate, SignOptions};

use super::stamp::Stamp;
use super::{evidence, reference, seal_failure};
use crate::engine::account::Account;
use crate::engine::few;
use crate::engine::letter::letter;
use crate::engine::open::{digest, seal_summary};
use crate::engine::receipts::ASKED;
use crate::engine::submission::{import, set_failure};
use crate::engine::summary::{Asked, Content, Place, Sight};
use crate::protocol::{Address, Draft, EmailId, Failure, Role, Stage, Status};
use crate::web::crypto::{WebCrypto, rng};
use crate::web::worker::Call;

/// Keeps a draft, sealed to oneself and never signed: a signature would make it a letter. Its summary says
/// that it is one's own.
pub async fn save_draft(
    account: &Account,
    draft: &Draft,
    replaces: Option<&EmailId>,
    call: &Call,
) -> Result<EmailId, Failure> {
    let letter = letter(account, draft, call).await?;
    let mut content = content(&letter, Status::EncryptedUnverified);
    let reference = reference(account, draft, replaces, &letter, call).await?;
    let sealed = seal_to_oneself(account, letter, reference, None).await?;
    let blob = account.relay.upload(&sealed, call.reporter(Stage::Uploading)).await?;
    content.asked = draft.receipt.then(Asked::default);
    content.draft = Some(digest(&sealed).await?);
    content.answers.clone_from(&draft.answers);
    let summary = summary(account, &blob, &sealed, content).await?;
    let drafts = account.mailbox(Role::Drafts).await?;
    call.commit().await;
    let kept = keep(account, import(blob, &drafts, &[keyword::DRAFT, keyword::SEEN], Some(summary))).await?;
    if let Some(earlier) = replaces {
        destroy(account, std::slice::from_ref(&earlier.0)).await;
        account.forget(std::slice::from_ref(earlier));
    }
    Ok(kept)
}

/// Makes and uploads the copy of a letter that was sent to others otherwise: this one has its Bcc field.
pub(super) async fn own_letter(
    account: &Account,
    letter: message::Draft,
    reference: Option<Reference>,
    asked: Option<Asked>,
    call: &Call,
) -> Result<EmailImport, Failure> {
    let content = content(&letter, Status::Confidential);
    let sealed = seal_to_oneself(account, letter, reference, Some(&Stamp::new(account, call))).await?;
    own_copy(account, &sealed, content, asked, call).await
}

/// Uploads the copy for Sent before anything goes out. `asked` are the receipts asked for.
pub(super) async fn own_copy(
    account: &Account,
    sealed: &[u8],
    mut content: Content,
    asked: Option<Asked>,
    call: &Call,
) -> Result<EmailImport, Failure> {
    let blob = account.relay.upload(sealed, call.reporter(Stage::Uploading)).await?;
    let sent = account.mailbox(Role::Sent).await?;
    let keywords = [keyword::SEEN, ASKED];
    let keywords = keywords.get(..if asked.is_some() { 2 } else { 1 }).unwrap_or_default();
    content.asked = asked;
    let summary = summary(account, &blob, sealed, content).await.ok();
    Ok(import(blob, &sent, keywords, summary))
}

/// Of the key that one's own copies are sealed to.
pub(super) fn own_certificate(account: &Account) -> Result<Certificate, Failure> {
    account.certified()?.encryption_chain().into_iter().next().ok_or(Failure::NoKeys)
}

async fn seal_to_oneself(
    account: &Account,
    letter: message::Draft,
    reference: Option<Reference>,
    stamp: Option<&Stamp<'_>>,
) -> Result<Vec<u8>, Failure> {
    let own = [own_certificate(account)?];
    let signer = stamp.map(|_| account.signer()).transpose()?;
    let signing = SignOptions { evidence: evidence(account), ..SignOptions::default() };
    let options = SealOptions { keep_bcc: true, signing, reference, ..SealOptions::default() };
    let mut rng = rng();
    let sealed = message::seal(
        &WebCrypto,
        &account.keyring,
        &mut rng,
        letter,
        signer.as_ref(),
        &own,
        &options,
        async |signature| match stamp {
            Some(stamp) => stamp.get(signature).await,
            None => None,
        },
    );
    let sealed = sealed.await.map_err(|error| seal_failure(error, &[]))?;
    stamp.map_or(Ok(()), Stamp::check)?;
    Ok(sealed)
}

/// What the summary of a letter of one's own says.
pub(super) fn content(letter: &message::Draft, status: Status) -> Content {
    let names: Vec<String> = letter.attachments.iter().map(|one| one.name.clone()).collect();
    let address = |one: &message::Address| Address { name: one.name.clone(), email: one.email.clone() };
    let to: Vec<Address> = letter.to.iter().chain(&letter.cc).chain(&letter.bcc).map(address).collect();
    Content::new(&letter.subject, &letter.text, &names, status, [&[address(&letter.from)], &to])
}

async fn summary(
    account: &Account,
    blob: &BlobId,
    message: &[u8],
    content: Content,
) -> Result<String, Failure> {
    let size = u64::try_from(message.len()).map_err(|_| Failure::TooLarge { limit: None })?;
    let place = Place { blob: blob.as_str(), size };
    seal_summary(account, &place, &Sight::Known(content)).await
}

/// Puts an uploaded message into its mailbox.
pub(super) async fn keep(account: &Account, email: EmailImport) -> Result<EmailId, Failure> {
    let emails = few([("m".to_owned(), email)]);
    let import = Import { account_id: account.relay.account().clone(), if_in_state: None, emails };
    let answer = account.relay.call(&import).await?;
    if let Some(made) = answer.created.and_then(|mut created| created.remove("m")) {
        return Ok(EmailId(made.id.as_str().to_owned()));
    }
    let error = answer.not_created.and_then(|mut errors| errors.remove("m"));
    Err(error.map_or_else(
        || Failure::RelayFailed { reason: "malformedAnswer".into() },
        |error| set_failure(&error),
    ))
}

/// Removes messages that are of no use any more; what fails is seen in the list and can be removed there.
pub async fn destroy(account: &Account, emails: &[String]) {
    if emails.is_empty() {
        return;
    }
    let mut set = Set::<Email>::new(account.relay.account().clone());
    set.destroy = Some(emails.iter().map(|id| Id::from(id.as_str())).collect());
    let _ = account.relay.call(&set).await;
}

/// Removes the draft that was sent and marks what it answers.
pub(super) async fn tidy(account: &Account, replaces: Option<&EmailId>, answers: Option<&EmailId>) {
    if let Some(draft) = replaces {
        destroy(account, std::slice::from_ref(&draft.0)).await;
        account.forget(std::slice::from_ref(draft));
    }
    if let Some(answered) = answers {
        let patch = few::<Map<_, _>, _>([(format!("keywords/{}", keyword::ANSWERED), Value::Bool(true))]);
        change(account, Id::from(answered.0.as_str()), patch).await;
    }
}

/// Changes a message where nothing hangs on it.
pub(super) async fn change(account: &Account, email: Id, patch: Patch) {
    let mut set = Set::<Email>::new(account.relay.account().clone());
    set.update = Some(few([(email, patch)]));
    let _ = account.relay.call(&set).await;
}
