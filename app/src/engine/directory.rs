//! Whom a letter can be sealed to: the relay's directory, and certificates that came with signed mail.

use std::collections::HashMap;

use jmap::sealed::{DirectoryQuery, Kind, Lookup};
use serde::{Deserialize, Serialize};
use smime::Certificate;
use smime::message::{Opened, SignerReport};

use super::account::Account;
use super::addresses::is_address;
use super::recipients::{Candidate, Chosen, NoneChosen, Source, choose};
use super::trust::{certificate, encoded};
use crate::protocol::{Completion, Failure, Recipient, RecipientKind};
use crate::web::clock;
use crate::web::crypto::WebCrypto;
use crate::web::database::Store;

/// Completions shown at once.
const COMPLETIONS: u64 = 8;
/// Certificates that are kept of one person.
const MAX_LEARNT: usize = 4;

/// What was learnt of a person from signed mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Contact {
    name: Option<String>,
    /// Chains, newest first (base64 of DER).
    chains: Vec<Vec<String>>,
}

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
                vouched_by: chosen.vouched_by().to_owned(),
            },
            Some(Err(NoneChosen::Unfit)) => RecipientKind::Untrusted,
            Some(Err(NoneChosen::Unknown)) => RecipientKind::NoCertificate,
            None if is_address(address) => RecipientKind::NoCertificate,
            None => RecipientKind::NotAnAddress,
        };
        Recipient { address: address.clone(), kind }
    };
    Ok(addresses.iter().map(answer).collect())
}

/// A certificate for each address, or why there is none; by the address in lower case.
pub async fn resolve(
    account: &Account,
    addresses: &[String],
) -> Result<HashMap<String, Result<Chosen, NoneChosen>>, Failure> {
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
            let candidates = entry.encryption.iter().map(|chain| candidate(chain, Source::Directory));
            found.entry(key(&entry.address)).or_default().extend(candidates);
        }
    }
    Ok(found)
}

async fn learnt(account: &Account, address: &str) -> Result<Vec<Candidate>, Failure> {
    let chains = contact(account, address).await?.unwrap_or_default().chains;
    Ok(chains.iter().map(|chain| candidate(chain, Source::Message)).collect())
}

fn candidate(chain: &[String], source: Source) -> Candidate {
    Candidate { chain: chain.iter().filter_map(|text| certificate(text)).collect(), source }
}

async fn contact(account: &Account, address: &str) -> Result<Option<Contact>, Failure> {
    account.database.record(Store::Contacts, &key(address)).await
}

/// Keeps the encryption certificates of those whose signature holds.
///
/// Whether such a certificate stands up is judged anew each time something is sealed to it.
pub async fn learn(account: &Account, opened: &Opened) -> Result<(), Failure> {
    for signer in opened.signers.iter().filter(|signer| signer.valid) {
        let Some(encryption) = to_write_to(signer, &opened.certificates) else { continue };
        let above = opened.certificates.iter().filter(|one| *one != encryption && !is_leaf(one));
        let chain: Vec<String> = std::iter::once(encryption).chain(above).take(8).map(encoded).collect();
        for address in encryption.emails().iter().filter(|address| is_address(address)).take(4) {
            let mut contact = contact(account, address).await?.unwrap_or_default();
            if contact.chains.iter().any(|known| known.first() == chain.first()) {
                continue;
            }
            contact.name = signer.name.clone();
            contact.chains.insert(0, chain.clone());
            contact.chains.truncate(MAX_LEARNT);
            account.database.set_record(Store::Contacts, &key(address), &contact).await?;
        }
    }
    Ok(())
}

/// The certificate to write to a signer under (RFC 8551 2.5.3.1): the one they ask for, otherwise one in
/// the message that names the same subject and is for encryption.
fn to_write_to<'a>(signer: &'a SignerReport, certificates: &'a [Certificate]) -> Option<&'a Certificate> {
    let own = signer.certificate.as_ref()?;
    let for_encryption = |one: &&Certificate| one.can_encrypt() && one.subject() == own.subject();
    signer.encryption.as_ref().or_else(|| std::iter::once(own).chain(certificates).find(for_encryption))
}

/// Certificates of people name an address; those of authorities do not.
fn is_leaf(certificate: &Certificate) -> bool {
    !certificate.emails().is_empty()
}

fn key(address: &str) -> String {
    address.to_ascii_lowercase()
}
