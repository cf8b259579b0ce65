//! Sealing and sending. A letter that is meant to be sealed is sealed or is not sent.

mod keep;
mod readers;
mod stamp;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::EmailImport;
use smime::ess::{ReceiptRequest, ReceiptsFrom};
use smime::evidence::{Evidence, is_der};
use smime::message::{self, Reference, SealError, SealOptions, SignedDraft};
use smime::recipients::{Chosen, NoneChosen, Reads};
use smime::{EncryptError, SignError, SignOptions};

use super::account::Account;
use super::addresses::Copies;
use super::directory;
use super::letter::letter;
use super::open::{self, Found};
use super::submission::{Outgoing, Plan, after_asking};
use super::summary::Asked;
use crate::protocol::{Draft, EmailId, Failure, Role, Stage, Status};
use crate::web::crypto::{WebCrypto, rng};
use crate::web::worker::Call;

use readers::Readers;

pub use keep::{destroy, save_draft};
pub use readers::chosen;
pub use stamp::Stamp;

/// Revocation lists that are longer in all are not sent along.
const MAX_EVIDENCE: usize = 64 * 1024;

/// Addresses that a letter did not reach, with the reason.
pub type Refused = Vec<(String, String)>;

/// A certificate for each address, or why there is none.
pub type Resolved = HashMap<String, Result<Chosen, NoneChosen>>;

/// Sends a letter: sealed to everybody, or in clear to everybody if that was confirmed and is needed.
pub async fn send(
    account: &Account,
    draft: &Draft,
    replaces: Option<&EmailId>,
    confirmed: &[String],
    call: &Call,
) -> Result<Refused, Failure> {
    let copies = Copies::of(draft)?;
    let everybody = copies.all();
    let resolved = directory::resolve(account, &everybody).await?;
    let without = |address: &&String| !matches!(resolved.get(&address.to_ascii_lowercase()), Some(Ok(_)));
    let without: Vec<String> = everybody.iter().filter(without).cloned().collect();
    // A confirmation covers the addresses that were shown, never one that was added or lost its
    // certificate since.
    if !covers(confirmed, &without) {
        return Err(Failure::RecipientWithoutCertificate { addresses: without });
    }
    let refused = match without.is_empty() {
        true => {
            match send_sealed(account, draft, &copies, &resolved, replaces, call).await {
                // A key of no use shows only when it is used, after which the page asked about its address.
                Err(Failure::RecipientWithoutCertificate { addresses }) if covers(confirmed, &addresses) => {
                    send_clear(account, draft, &everybody, replaces, call).await?
                }
                sent => sent?,
            }
        }
        false => send_clear(account, draft, &everybody, replaces, call).await?,
    };
    // The letter is out: what follows must not make it look unsent.
    keep::tidy(account, replaces, draft.answers.as_ref()).await;
    Ok(refused)
}

fn covers(confirmed: &[String], addresses: &[String]) -> bool {
    addresses.iter().all(|address| confirmed.iter().any(|known| known.eq_ignore_ascii_case(address)))
}

/// What the message that is answered kept hidden: the answer must not show it (RFC 9788 6.1).
///
/// The relay names the message by its id alone, and could give another in its place. So it counts only if it is
/// the one that the answer refers to, and what the draft hid that was kept, which is one's own, stays hidden too.
async fn reference(
    account: &Account,
    draft: &Draft,
    kept: Option<&EmailId>,
    letter: &message::Draft,
    call: &Call,
) -> Result<Option<Reference>, Failure> {
    let Some(answered) = &draft.answers else { return Ok(None) };
    let answered = readable(account, answered, call).await?;
    let answered = answered.filter(|found| found.opened.headers.message_id.iter().eq(&letter.in_reply_to));
    let kept = match kept {
        Some(kept) => readable(account, kept, call).await?.filter(|found| found.draft),
        None => None,
    };
    let hidden = [answered, kept].into_iter().flatten().map(|found| found.opened.headers.reference());
    Ok(Some(hidden.reduce(Reference::and).unwrap_or_else(|| Reference::unknown(letter))))
}

/// A message; none if it is gone, never will open, or is refused.
async fn readable(account: &Account, email: &EmailId, call: &Call) -> Result<Option<Rc<Found>>, Failure> {
    match open::opened(account, email, call).await {
        Ok(found) => Ok(Some(found)),
        Err(
            Failure::NotFound
            | Failure::NotARecipient
            | Failure::Damaged
            | Failure::Unsupported
            | Failure::TooLarge { .. }
            | Failure::RelayRefused { .. },
        ) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn send_sealed(
    account: &Account,
    draft: &Draft,
    copies: &Copies,
    resolved: &Resolved,
    replaces: Option<&EmailId>,
    call: &Call,
) -> Result<Refused, Failure> {
    let drafts = account.mailbox(Role::Drafts).await?;
    let letter = letter(account, draft, call).await?;
    // What receipts repeat: another one for every attempt, since what is sent may have changed.
    let identifier = draft.receipt.then(|| format!("{} {}", letter.message_id, letter.date.0));
    let readers = readers::messages(copies, resolved)?;
    let reference = reference(account, draft, replaces, &letter, call).await?;
    let options = signing(account, &chosen(&copies.open, resolved)?, identifier.as_deref(), reference);
    let asked = identifier.map(|identifier| Asked { identifier, ..Asked::default() });
    let (outgoing, own) = match readers.as_slice() {
        [all] if copies.hidden.is_empty() && all.sender_reads(account)? => {
            once(account, letter, &options, all, asked, call).await?
        }
        messages => apart(account, letter, &options, messages, asked, call).await?,
    };
    let plan = Plan {
        account: account.relay.account(),
        identity: &account.sender,
        sender: &account.who.address,
        drafts: &drafts,
        copies: &outgoing,
        own: Some(&own),
    };
    call.report(Stage::Submitting, 0, 1);
    // From here on the relay may have sent it, whatever becomes of this page.
    call.commit().await;
    let answer = account.relay.request(plan.batch()?).await;
    let outcome = answer.and_then(|answer| plan.outcome(&answer)).map_err(after_asking)?;
    destroy(account, &outcome.leftovers).await;
    if outcome.taken == 0 {
        let reason = outcome.refused.into_iter().next().map(|(_, reason)| reason).unwrap_or_default();
        return Err(Failure::RelayRefused { reason });
    }
    if let Some((email, patch)) = outcome.unmoved {
        keep::change(account, email, patch).await;
    }
    call.report(Stage::Submitting, 1, 1);
    Ok(outcome.refused)
}

/// One message for everybody, its sender too (RFC 8551 3.3): held in memory once, uploaded once.
async fn once(
    account: &Account,
    letter: message::Draft,
    options: &SealOptions,
    readers: &Readers<'_>,
    asked: Option<Asked>,
    call: &Call,
) -> Result<(Vec<Outgoing>, EmailImport), Failure> {
    let content = keep::content(&letter, Status::Confidential);
    let signed = sign(account, Cow::Owned(letter), options, call).await?;
    let (certificates, options) = readers.sealing(account)?;
    let sealed = signed.into_encrypted(&WebCrypto, &mut rng(), &certificates, &options).await;
    let sealed = sealed.map_err(|error| seal_failure(error, &readers.addresses))?;
    let own = keep::own_copy(account, &sealed, content, asked, call).await?;
    let outgoing = Outgoing { blob: own.blob_id.clone(), recipients: readers.addresses.clone() };
    Ok((vec![outgoing], own))
}

/// A message for each of these, none of which shows in another, and the sender's own, which names them all.
async fn apart(
    account: &Account,
    letter: message::Draft,
    options: &SealOptions,
    messages: &[Readers<'_>],
    asked: Option<Asked>,
    call: &Call,
) -> Result<(Vec<Outgoing>, EmailImport), Failure> {
    let signed = sign(account, Cow::Borrowed(&letter), options, call).await?;
    let mut outgoing = Vec::new();
    for readers in messages {
        let (certificates, options) = readers.sealing(account)?;
        let sealed = signed.encrypt(&WebCrypto, &mut rng(), &certificates, &options).await;
        let sealed = sealed.map_err(|error| seal_failure(error, &readers.addresses))?;
        let blob = account.relay.upload(&sealed, call.reporter(Stage::Uploading)).await?;
        outgoing.push(Outgoing { blob, recipients: readers.addresses.clone() });
    }
    let expected = signed.requested_receipt().map(|receipt| STANDARD.encode(receipt.expected().to_der()));
    drop(signed);
    let asked = asked.map(|asked| Asked { expected, ..asked });
    Ok((outgoing, keep::own_letter(account, letter, options.reference.clone(), asked, call).await?))
}

/// What is signed for all, so that those who see each other can read it: the others change nothing of it.
fn signing(
    account: &Account,
    readers: &[&Chosen],
    identifier: Option<&str>,
    reference: Option<Reference>,
) -> SealOptions {
    let receipt_request = identifier.map(|identifier| ReceiptRequest {
        content_identifier: identifier.into(),
        from: ReceiptsFrom::All,
        to: vec![account.who.address.clone()],
    });
    SealOptions {
        signing: SignOptions { receipt_request, evidence: evidence(account), ..SignOptions::default() },
        reference,
        // Programs that know no header protection show the subject in the text.
        legacy_display: readers.is_empty() || readers.iter().any(|one| *one.reads() != Reads::Everything),
        ..SealOptions::default()
    }
}

async fn sign(
    account: &Account,
    letter: Cow<'_, message::Draft>,
    options: &SealOptions,
    call: &Call,
) -> Result<SignedDraft, Failure> {
    call.report(Stage::Sealing, 0, 1);
    let (signer, stamp) = (account.signer()?, Stamp::new(account, call));
    let stamped = async |signature: &[u8]| stamp.get(signature).await;
    let signing = message::sign_draft(&WebCrypto, &account.keyring, letter, &signer, options, stamped);
    let signed = signing.await.map_err(|error| seal_failure(error, &[]))?;
    stamp.check()?;
    Ok(signed)
}

/// Goes along with the signature, so that it can be told for ever that its certificates were good.
fn evidence(account: &Account) -> Evidence {
    evidence_of(&account.trust().crls)
}

fn evidence_of(crls: &[Vec<u8>]) -> Evidence {
    // Each reader carries it.
    let small = crls.iter().map(Vec::len).sum::<usize>() <= MAX_EVIDENCE;
    let crls = crls.iter().filter(|crl| small && is_der(crl)).cloned().collect();
    Evidence { crls, ..Evidence::default() }
}

async fn send_clear(
    account: &Account,
    draft: &Draft,
    recipients: &[String],
    replaces: Option<&EmailId>,
    call: &Call,
) -> Result<Refused, Failure> {
    let letter = letter(account, draft, call).await?;
    let reference = reference(account, draft, replaces, &letter, call).await?;
    call.report(Stage::Sealing, 0, 1);
    let (signer, stamp) = (account.signer()?, Stamp::new(account, call));
    let signed = message::sign_clear(&WebCrypto, &account.keyring, &letter, &signer, async |signature| {
        stamp.get(signature).await
    });
    let signed = signed.await.map_err(|error| seal_failure(error, &[]))?;
    stamp.check()?;
    let own = keep::own_letter(account, letter, reference, None, call).await?;
    call.report(Stage::Submitting, 0, 1);
    call.commit().await;
    let sender = &account.who.address;
    let answer = account.relay.send_clear(sender, recipients, &signed, call.reporter(Stage::Uploading)).await;
    let answer = answer.map_err(after_asking)?;
    let refused: Refused = answer.refused.into_iter().map(|one| (one.address, one.reason)).collect();
    if answer.accepted.is_empty() {
        let reason = refused.into_iter().next().map(|(_, reason)| reason).unwrap_or_default();
        return Err(Failure::RelayRefused { reason });
    }
    // It went out: failing to keep the copy must not make it look unsent.
    let _ = keep::keep(account, own).await;
    Ok(refused)
}

/// What it means that a letter was not sealed to `addresses`, in the order of their certificates; none where
/// it is for the sender alone.
pub fn seal_failure(error: SealError, addresses: &[String]) -> Failure {
    match error {
        SealError::Compose(message::ComposeError::Address(address)) => {
            Failure::NotAnAddress { addresses: vec![address] }
        }
        SealError::Sign(SignError::NoCertificate | SignError::UnsupportedKey | SignError::Key(_)) => {
            Failure::NoKeys
        }
        // A certificate that passed its checks, and whose key still is of no use.
        SealError::Encrypt(EncryptError::UnusableRecipient(index)) => match addresses.get(index) {
            Some(address) => Failure::RecipientWithoutCertificate { addresses: vec![address.clone()] },
            None => Failure::SealingFailed,
        },
        _ => Failure::SealingFailed,
    }
}

#[cfg(test)]
mod tests {
    use smime::message::{ComposeError, SealError};
    use smime::{EncryptError, SignError};

    use super::{covers, evidence_of, seal_failure};
    use crate::protocol::Failure;

    #[test]
    fn a_key_of_no_use_is_told_by_its_address_and_never_by_none() {
        let addresses = ["a@x.example".to_owned(), "b@x.example".to_owned()];
        let unusable = || SealError::Encrypt(EncryptError::UnusableRecipient(1));
        let told = Failure::RecipientWithoutCertificate { addresses: vec!["b@x.example".into()] };
        assert_eq!(seal_failure(unusable(), &addresses), told);
        assert_eq!(seal_failure(unusable(), &[]), Failure::SealingFailed);
        assert_eq!(
            seal_failure(SealError::Compose(ComposeError::Date(0)), &addresses),
            Failure::SealingFailed
        );
    }

    #[test]
    fn a_list_that_cannot_go_along_stays_behind_and_is_not_told_as_a_missing_key() {
        let (cut_off, long_form) = (vec![0x30, 1, 5], vec![0x30, 0x81, 2, 5, 0]);
        let whole = vec![0x30, 2, 5, 0];
        assert_eq!(evidence_of(&[cut_off, long_form, whole.clone()]).crls, [whole]);
        assert!(evidence_of(&[vec![0; super::MAX_EVIDENCE + 1]]).crls.is_empty());
        let failure = |error| seal_failure(SealError::Sign(error), &[]);
        assert_eq!(failure(SignError::Evidence), Failure::SealingFailed);
        assert_eq!(failure(SignError::NoCertificate), Failure::NoKeys);
    }

    #[test]
    fn a_confirmation_covers_the_addresses_that_were_shown_and_no_other() {
        let shown = ["A@x.example".to_owned()];
        assert!(covers(&shown, &["a@x.example".to_owned()]));
        assert!(!covers(&shown, &["a@x.example".to_owned(), "b@x.example".to_owned()]));
        assert!(!covers(&[], &shown));
    }
}
