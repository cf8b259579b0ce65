//! Giving a receipt, or deciding against it.

use jmap::{Email, Id, Set};
use serde_json::{Map, Value};
use smime::ess::{RequestedReceipt, sign_receipt};
use smime::message::{self, SealOptions, seal_receipt};
use smime::recipients::agree;

use super::{ANSWERED, DECLINED, GIVEN, answered, wanted};
use crate::engine::account::Account;
use crate::engine::directory;
use crate::engine::few;
use crate::engine::letter::message_id;
use crate::engine::open;
use crate::engine::send::{Stamp, chosen, destroy, seal_failure};
use crate::engine::submission::{Outgoing, Plan, after_asking};
use crate::protocol::{EmailId, Failure, Role, Stage};
use crate::web::clock;
use crate::web::crypto::{WebCrypto, rng};
use crate::web::worker::Call;

/// Answers the request for a receipt once: with a signed one, sealed to those who asked, or with none. Tells whether one
/// was given, which the owner may have decided in another browser.
pub async fn answer(account: &Account, email: &EmailId, give: bool, call: &Call) -> Result<bool, Failure> {
    if let Some(given) = answered(&open::facts(account, email).await?) {
        return Ok(given);
    }
    let found = open::opened(account, email, call).await?;
    let to = wanted(account, &found.opened).ok_or(Failure::NotFound)?;
    if give {
        let requested = found.opened.requested_receipt().ok_or(Failure::NotFound)?;
        send(account, requested, &to, call).await?;
    }
    let keyword = |name: &str| (format!("keywords/{name}"), Value::Bool(true));
    let patch = few::<Map<_, _>, _>([keyword(ANSWERED), keyword(if give { GIVEN } else { DECLINED })]);
    let mut set = Set::<Email>::new(account.relay.account().clone());
    set.update = Some(few([(Id::from(email.0.as_str()), patch)]));
    let noted = account.relay.call(&set).await;
    // A receipt that went out must not look as if it had not.
    if give {
        return Ok(true);
    }
    noted?;
    // One may have gone out meanwhile.
    Ok(answered(&open::facts(account, email).await?).unwrap_or(false))
}

async fn send(
    account: &Account,
    requested: &RequestedReceipt,
    to: &[String],
    call: &Call,
) -> Result<(), Failure> {
    let resolved = directory::resolve(account, to).await?;
    let readers = chosen(to, &resolved)?;
    let (signer, stamp, now) = (account.signer()?, Stamp::new(account, call), clock::now());
    let signed = sign_receipt(&WebCrypto, &account.keyring, &signer, requested, now).await;
    let mut signed = signed.map_err(|_| Failure::NoKeys)?;
    if let Some(token) = stamp.get(signed.signature()).await {
        signed.attach_timestamp(&token).map_err(|_| Failure::TimestampRefused)?;
    }
    stamp.check()?;
    // The relay sends a message to a recipient once, whichever browser asks: so there is one name for it, which nobody
    // can make who has not opened the letter.
    let mut name = requested.expected().to_der();
    name.extend_from_slice(account.who.address.as_bytes());
    let name = open::digest(&name).await?;
    let draft = message::Draft {
        from: message::Address::new(&account.who.address),
        to: to.iter().map(message::Address::new).collect(),
        date: now,
        message_id: message_id(Some(&name), &account.who.address, [0; 16]),
        ..message::Draft::default()
    };
    let certificates: Vec<_> = readers.iter().map(|one| one.certificate().clone()).collect();
    let agreement = agree(readers.iter().copied());
    let (cipher, transport) = (agreement.cipher, agreement.transport);
    let options = SealOptions { cipher, transport, ..SealOptions::default() };
    let receipt = signed.to_der();
    let sealed = seal_receipt(&WebCrypto, &mut rng(), &receipt, &draft, &certificates, &options).await;
    let sealed = sealed.map_err(|error| seal_failure(error, to))?;
    submit(account, &sealed, to, call).await
}

async fn submit(account: &Account, sealed: &[u8], to: &[String], call: &Call) -> Result<(), Failure> {
    let drafts = account.mailbox(Role::Drafts).await?;
    let blob = account.relay.upload(sealed, call.reporter(Stage::Uploading)).await?;
    let plan = Plan {
        account: account.relay.account(),
        identity: &account.sender,
        sender: &account.who.address,
        drafts: &drafts,
        copies: &[Outgoing { blob, recipients: to.to_vec() }],
        own: None,
    };
    let answer = account.relay.request(plan.batch()?).await;
    let outcome = answer.and_then(|answer| plan.outcome(&answer)).map_err(after_asking)?;
    destroy(account, &outcome.leftovers).await;
    match outcome.refused.into_iter().next() {
        Some((_, reason)) => Err(Failure::RelayRefused { reason }),
        None => Ok(()),
    }
}
