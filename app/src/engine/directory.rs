//! Whom a letter can be sealed to: the relay's directory, and certificates that came with signed mail.

mod contact;

use std::collections::HashMap;

use jmap::sealed::{DirectoryQuery, Kind, Lookup};
use smime::message::Opened;
use smime::recipients::{Candidate, Chosen, NoneChosen, Reads, Unfit, choose, offers};
use smime::{Certificate, PathError};

use super::account::Account;
use super::addresses::is_address;
use super::revocation;
use super::trust::certificate;
use crate::protocol::{self, Completion, Failure, Recipient, RecipientKind};
use crate::web::clock;
use crate::web::crypto::WebCrypto;
use crate::web::database::Store;

use contact::Contact;

/// Completions shown at once.
const COMPLETIONS: u64 = 8;

/// People whose name or address fits what was typed.
pub async fn complete(account: &Account, text: &str) -> Result<Vec<Completion>, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let account_id = account.relay.account().clone();
    let query = DirectoryQuery { account_id, text: text.to_owned(), limit: Some(COMPLETIONS) };
    let people = account.relay.call(&query).await?.list;
    let mut found: Vec<Completion> = people
        .into_iter()
        .map(|person| Completion {
            name: person.name,
            address: person.address,
            organisation: person.organisation,
            office: person.kind == Kind::Office,
            sealable: person.has_certificate,
        })
        .collect();
    if let Some(contact) = contact(account, text).await?
        && !found.iter().any(|known| known.address.eq_ignore_ascii_case(text))
    {
        let name = contact.name.unwrap_or_else(|| text.to_owned());
        found.push(Completion {
            name,
            address: text.to_owned(),
            organisation: None,
            office: false,
            sealable: true,
        });
    }
    Ok(found)
}

/// Whether mail to these addresses can be sealed.
pub async fn recipients(account: &Account, addresses: &[String]) -> Result<Vec<Recipient>, Failure> {
    let good: Vec<String> = addresses.iter().filter(|address| is_address(address)).cloned().collect();
    let mut chosen = resolve(account, &good).await?;
    let answer = |address: &String| {
        let kind = match chosen.remove(&key(address)) {
            Some(Ok(chosen)) => RecipientKind::Sealed {
                name: chosen.certificate().common_name(),
                vouched_by: chosen.path().anchor().map(authority).unwrap_or_default(),
            },
            Some(Err(none)) => match none.reason() {
                Some(reason) => RecipientKind::Unfit(unfit(reason)),
                None => RecipientKind::NoCertificate,
            },
            None if is_address(address) => RecipientKind::NoCertificate,
            None => RecipientKind::NotAnAddress,
        };
        Recipient { address: address.clone(), kind }
    };
    Ok(addresses.iter().map(answer).collect())
}

fn authority(anchor: &Certificate) -> String {
    anchor.common_name().unwrap_or_else(|| anchor.subject())
}

fn unfit(reason: &Unfit) -> protocol::Unfit {
    match reason {
        Unfit::WrongUsage => protocol::Unfit::WrongUsage,
        Unfit::Unsupported => protocol::Unfit::UnsupportedKey,
        Unfit::NotChecked | Unfit::Path(PathError::BudgetExceeded) => protocol::Unfit::TooCostly,
        Unfit::Path(PathError::Expired { .. }) => protocol::Unfit::Expired,
        Unfit::Path(PathError::NotYetValid { .. }) => protocol::Unfit::NotYetValid,
        Unfit::Path(PathError::Revoked { .. }) => protocol::Unfit::Revoked,
        Unfit::Path(PathError::UnknownIssuer | PathError::BadSignature { .. }) => {
            protocol::Unfit::UnknownAuthority
        }
        Unfit::Path(PathError::UnsupportedAlgorithm { .. }) => protocol::Unfit::UnsupportedSignature,
        _ => protocol::Unfit::Broken,
    }
}

/// A certificate for each address, or why there is none; by the address in lower case.
pub async fn resolve(
    account: &Account,
    addresses: &[String],
) -> Result<HashMap<String, Result<Chosen, NoneChosen>>, Failure> {
    revocation::refresh(account).await;
    let mut candidates = lookup(account, addresses).await?;
    let (trust, now) = (account.trust(), clock::now());
    let mut chosen = HashMap::new();
    for address in addresses {
        let mut known = candidates.remove(&key(address)).unwrap_or_default();
        known.extend(learnt(account, address).await?);
        chosen.insert(key(address), choose(&WebCrypto, address, &known, &trust, now).await);
    }
    Ok(chosen)
}

async fn lookup(account: &Account, addresses: &[String]) -> Result<HashMap<String, Vec<Candidate>>, Failure> {
    let mut found: HashMap<String, Vec<Candidate>> = HashMap::new();
    for addresses in addresses.chunks(account.relay.max_objects()) {
        let account_id = account.relay.account().clone();
        let answer = account.relay.call(&Lookup { account_id, addresses: addresses.to_vec() }).await?;
        for entry in answer.list {
            // The relay's people read with this program.
            let candidates = entry.encryption.iter().filter_map(|chain| candidate(chain, Reads::Everything));
            found.entry(key(&entry.address)).or_default().extend(candidates);
        }
    }
    Ok(found)
}

async fn learnt(account: &Account, address: &str) -> Result<Vec<Candidate>, Failure> {
    Ok(contact(account, address).await?.unwrap_or_default().candidates())
}

/// A chain as the relay and the contacts carry it: leaf first.
fn candidate(chain: &[String], reads: Reads) -> Option<Candidate> {
    let mut chain = chain.iter().filter_map(|text| certificate(text));
    Some(Candidate { certificate: chain.next()?, issuers: chain.collect(), reads })
}

async fn contact(account: &Account, address: &str) -> Result<Option<Contact>, Failure> {
    account.database.record(Store::Contacts, &key(address)).await
}

/// Keeps how those whose signature holds, or whose certificates are all that a message carries, are
/// written to.
///
/// Whether such a certificate stands up is judged anew each time something is sealed to it.
pub async fn learn(account: &Account, opened: &Opened) -> Result<(), Failure> {
    let (trust, now) = (account.trust(), clock::now());
    for offer in offers(opened) {
        for address in offer.addresses.iter().filter(|address| is_address(address)) {
            let mut contact = contact(account, address).await?.unwrap_or_default();
            if contact.learn(&WebCrypto, address, &offer, &trust, now).await {
                account.database.set_record(Store::Contacts, &key(address), &contact).await?;
            }
        }
    }
    Ok(())
}

fn key(address: &str) -> String {
    address.to_ascii_lowercase()
}
