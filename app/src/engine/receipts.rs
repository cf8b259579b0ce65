//! Signed receipts (RFC 2634 2): whether one is asked for, and what one that came proves.
//!
//! The letter that a receipt is for is found by the identifier in the owner's own summary of it, among the
//! letters that bear [`ASKED`]. The copy in Sent bears the signature that went out, so the receipt is held
//! against that; where hidden recipients made it another one, against what the summary keeps of the first.

mod give;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::{Comparator, Email, EmailFilter, Query};
use smime::ess::{self, ExpectedReceipt, ReceiptError};
use smime::message::{Kind, Opened, same_mailbox};
use smime::{SignerVerdict, VerifiedCms, verify};

use super::account::{Account, Glance};
use super::lists;
use super::open::{self, Found};
use super::reading::signature_problem;
use super::summary::{Asked, Content, Sight};
use crate::protocol::{EmailId, Given, Proof, Receipt, SignerProblem, UnixTime};
use crate::web::clock;
use crate::web::crypto::WebCrypto;

pub use give::answer;

/// Marks the sender's copy of a letter that asks for receipts.
pub const ASKED: &str = "receipt-asked";
/// What IMAP calls a receipt that was sent or decided against (RFC 3503): nobody is asked again.
const ANSWERED: &str = "$mdnsent";
/// The reader decided against it.
const DECLINED: &str = "receipt-declined";
/// One was sent. Whoever decides both ways at the same moment in two browsers has sent it.
const GIVEN: &str = "receipt-given";

/// A receipt is looked for among as many letters, the newest first.
const MAX_LETTERS: u64 = 200;

/// What an open message has to do with receipts.
pub async fn of(account: &Account, facts: &Email, found: &Found) -> Receipt {
    if matches!(found.opened.kind, Kind::Receipt(_)) {
        let known = found.proof.borrow().clone();
        let proof = match known {
            Some(proof) => Some(proof),
            None => proof(account, &found.opened, u64::MAX).await,
        };
        found.proof.replace(proof.clone());
        return proof.map_or(Receipt::None, Receipt::For);
    }
    if let Some(Sight::Known(Content { asked: Some(asked), .. })) = open::read_summary(account, facts).await {
        let more = asked.more();
        return Receipt::Asked { given: asked.given, more };
    }
    match wanted(account, &found.opened) {
        Some(to) => Receipt::Wanted { to, given: answered(facts) },
        None => Receipt::None,
    }
}

/// Whether a receipt was given for a message; none while that is open.
fn answered(facts: &Email) -> Option<bool> {
    let keywords = facts.keywords.as_ref()?;
    let given = keywords.contains_key(GIVEN) || !keywords.contains_key(DECLINED);
    keywords.contains_key(ANSWERED).then_some(given)
}

/// Whom a receipt would go to, if the user is asked for one.
fn wanted(account: &Account, opened: &Opened) -> Option<Vec<String>> {
    let own = std::slice::from_ref(&account.who.address);
    let mut valid = opened.signers.iter().filter(|signer| signer.valid);
    if valid.any(|signer| signer.emails.iter().any(|email| same_mailbox(email, &account.who.address))) {
        return None;
    }
    let lists = opened.lists()?;
    let requested = opened.requested_receipt().filter(|requested| requested.is_asked_of(own, lists))?;
    Some(requested.recipients(lists)).filter(|to| !to.is_empty())
}

/// What a receipt proves; none for what is no receipt, or where the letter is larger than `limit`.
///
/// The letter's summary then tells of it.
pub async fn proof(account: &Account, opened: &Opened, limit: u64) -> Option<Proof> {
    let Kind::Receipt(said) = &opened.kind else { return None };
    let object = opened.parts.first()?;
    let (trust, now) = (account.trust(), clock::now());
    // Before anything is looked for: anybody can send what calls itself a receipt.
    let receipt = verify(&WebCrypto, &object.data, None, &trust, now).await.ok();
    let signer = receipt.as_ref().and_then(|receipt| receipt.signers.first());
    let problem = signer.map_or(Some(SignerProblem::Malformed), |signer| {
        signer.verdict.as_ref().err().map(signature_problem)
    });
    let (Some(receipt), None) = (&receipt, &problem) else { return problem.map(Proof::NotSigned) };
    let Some((facts, content)) = letter(account, said).await else { return Some(Proof::UnknownLetter) };
    if facts.size.is_none_or(|size| size > limit) {
        return None;
    }
    let sent = open::fetch(account, &facts, None, || {}).await.ok()?.0;
    let given = match check(&sent, content.asked.as_ref(), receipt) {
        Ok(given) => given,
        Err(proof) => return Some(proof),
    };
    note(account, &facts, &given).await;
    let email = EmailId(facts.id.as_ref()?.as_str().to_owned());
    Some(Proof::Opened { email, subject: content.subject, given })
}

/// What a receipt proves that is for a letter and from somebody whom the letter was sent to.
fn check(sent: &Opened, asked: Option<&Asked>, receipt: &VerifiedCms<'_>) -> Result<Given, Proof> {
    let kept = asked.and_then(|asked| asked.expected.as_deref());
    let kept = kept.and_then(|kept| ExpectedReceipt::from_der(&STANDARD.decode(kept).ok()?));
    let expected = kept.as_ref().or_else(|| Some(sent.requested_receipt()?.expected()));
    let signer = expected.ok_or(Proof::NotWhatWasSent)?.check(receipt).map_err(|error| match error {
        ReceiptError::Signer(error) => Proof::NotSigned(signature_problem(&error)),
        ReceiptError::OtherMessage | ReceiptError::DigestMismatch => Proof::NotWhatWasSent,
        _ => Proof::NotSigned(SignerProblem::Malformed),
    })?;
    let mut readers = sent.headers.to.iter().chain(&sent.headers.cc).chain(&sent.headers.bcc);
    let reader = readers.find(|one| signer.emails.iter().any(|email| same_mailbox(email, &one.email)));
    reader.map(|reader| given(signer, &reader.email)).ok_or(Proof::NotWhatWasSent)
}

fn given(signer: &SignerVerdict, email: &str) -> Given {
    let name = signer.certificate.as_ref().and_then(smime::Certificate::common_name);
    let stamp = signer.timestamp.as_ref().and_then(|stamp| stamp.token.as_ref().ok());
    let at = stamp.map(|token| token.time()).or(signer.signing_time);
    let who = name.unwrap_or_else(|| email.to_owned());
    let at = at.map(|time| UnixTime(time.0));
    Given { who, email: email.to_owned(), at, stamped: stamp.is_some() }
}

/// The letter that a receipt speaks of, and what its owner's summary says.
async fn letter(account: &Account, said: &ess::Receipt) -> Option<(Email, Content)> {
    let filter = EmailFilter { has_keyword: Some(ASKED.into()), ..EmailFilter::default() };
    let newest =
        Comparator { property: "receivedAt".into(), is_ascending: false, keyword: None, collation: None };
    let query = Query::<Email> {
        filter: Some(filter),
        sort: Some(vec![newest]),
        limit: Some(MAX_LETTERS),
        ..Query::all(account.relay.account().clone())
    };
    let found = account.relay.call(&query).await.ok()?;
    for facts in lists::emails(account, &found.ids).await.ok()? {
        if let Some(Sight::Known(content)) = open::read_summary(account, &facts).await
            && let Some(asked) = &content.asked
            && asked.identifier.as_bytes() == said.content_identifier
        {
            return Some((facts, content));
        }
    }
    None
}

/// Adds a receipt to the summary of its letter.
async fn note(account: &Account, facts: &Email, given: &Given) {
    // Two that come at once must not overwrite each other.
    let _turn = account.noting.lock().await;
    let Some(id) = facts.id.clone() else { return };
    let Ok(facts) = lists::emails(account, std::slice::from_ref(&id)).await else { return };
    let Some(facts) = facts.into_iter().next() else { return };
    let Some(Sight::Known(mut content)) = open::read_summary(account, &facts).await else { return };
    if !content.note(given.clone()) {
        return;
    }
    let sealed = open::seal_beside(account, &facts, &Sight::Known(content.clone())).await;
    let Some(sealed) = sealed else { return };
    account.set_glance(EmailId(id.as_str().to_owned()), Glance::Known(content.into()));
    open::store_summaries(account, vec![(id.as_str().into(), sealed)]).await;
}
