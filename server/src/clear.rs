//! The clear door: mail that a user knowingly sends unsealed.
//!
//! It is relayed from memory while the user waits, and nothing readable of it is ever stored:
//! recipients here get it sealed, recipients elsewhere get it now or not at all.

mod claims;

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use jmap::sealed::{ClearAnswer, Refused};

use crate::address;
use crate::clock::now;
use crate::delivery::{self, DeliverError};
use crate::directory;
use crate::outbound::{self, Envelope, Message, Outcome, Parameters, Recipient};
use crate::outer::{self, OuterHeader};
use crate::relay::Relay;
use crate::store::{self, Account, StoreError};
use crate::vacation::{self, Question};
use claims::{Claims, Recipients};

pub use claims::UnderWay;

/// The greatest number of recipients: the user waits for all of them.
const MOST: usize = 100;
/// How many servers are spoken to at once.
const AT_ONCE: usize = 8;

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClearError {
    /// The sender or the From field is not the user's own address.
    #[error("the sender is not the account's own address")]
    NotYours,
    /// No recipients, too many, or a malformed one.
    #[error("the recipients are missing, malformed or too many")]
    Recipients,
    /// All of them were sent it before.
    #[error("the message was sent to these recipients within a day")]
    SentBefore,
    /// An earlier attempt goes on, and nobody knows yet what becomes of it.
    #[error("the message is being sent already")]
    UnderWay,
    /// Too many recipients of late.
    #[error("too many recipients within an hour")]
    TooMany,
    /// Recipients here could not get it.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a message in clear, with CRLF at each line end, and tells who got it.
pub async fn send(
    relay: &Relay,
    account: &Account,
    mail_from: &str,
    recipients: Vec<String>,
    message: Vec<u8>,
) -> Result<ClearAnswer, ClearError> {
    let own = |address: &str| address.eq_ignore_ascii_case(&account.address);
    if !own(mail_from) || !outer::sole_author(&message).is_some_and(|author| own(&author)) {
        return Err(ClearError::NotYours);
    }
    let all_plausible = recipients.iter().all(|recipient| address::domain(recipient).is_some());
    if recipients.is_empty() || recipients.len() > MOST || !all_plausible {
        return Err(ClearError::Recipients);
    }
    let counted = relay.sending.count(&account.id, recipients.len(), now()).ok_or(ClearError::TooMany)?;
    let message = Message::new(outer::without_bcc(&message).unwrap_or(message)).await?;
    let id = OuterHeader::parse(message.text()).message_id.into_iter().next();
    let claims = Claims::begin(relay, &account.id, id)?;
    let recipients = recipients.iter().map(|one| relay.canonical(one)).collect();
    let Recipients { fresh, before } = claims.claim(recipients).await?;
    if fresh.is_empty() {
        return Err(ClearError::SentBefore);
    }
    counted.spend();
    let mut answer = ClearAnswer::default();
    let (local, elsewhere): (Vec<_>, Vec<_>) =
        fresh.clone().into_iter().partition(|recipient| relay.is_local(recipient));
    let local = here(relay, mail_from, local, message.text(), &mut answer).await;
    match &local {
        Ok(()) => {
            // At once: what follows may take long, and come to no end.
            claims.settle(answer.accepted.clone(), true).await;
            away(relay, mail_from, elsewhere, &message, &claims, &mut answer).await;
        }
        Err(_) => answer = ClearAnswer::default(),
    }
    let missed = fresh.into_iter().filter(|address| !answer.accepted.contains(address)).collect();
    claims.settle(missed, false).await;
    local?;
    answer.accepted.extend(before);
    Ok(answer)
}

async fn here(
    relay: &Relay,
    mail_from: &str,
    recipients: Vec<String>,
    message: &Arc<Vec<u8>>,
    answer: &mut ClearAnswer,
) -> Result<(), ClearError> {
    let mut accounts = Vec::new();
    for address in recipients {
        let mut connection = relay.store.read().await?;
        let found = store::account_by_address(&mut connection, &address).await?;
        let lacks_key = match &found {
            Some(account) => directory::lacks_key(&mut connection, account).await?,
            None => false,
        };
        drop(connection);
        match found {
            Some(_) if lacks_key => {
                answer
                    .refused
                    .push(Refused { address, reason: "the mailbox has no key at the moment".into() });
            }
            Some(account) if !delivery::has_room(relay, &account, message.len()).await? => {
                answer.refused.push(Refused { address, reason: "the mailbox is full".into() });
            }
            Some(account) => {
                accounts.push(account);
                answer.accepted.push(address);
            }
            None => answer.refused.push(Refused { address, reason: "there is no such address here".into() }),
        }
    }
    if !accounts.is_empty() {
        delivery::deliver(relay, &accounts, Arc::clone(message)).await?;
        vacation::answer(relay, Question::of(mail_from, &accounts, message)).await;
    }
    Ok(())
}

async fn away(
    relay: &Relay,
    mail_from: &str,
    recipients: Vec<String>,
    message: &Message,
    claims: &Claims<'_>,
    answer: &mut ClearAnswer,
) {
    let routes = outbound::by_route(&relay.config, recipients.into_iter().map(|address| (address, ())));
    let sendings = routes.into_iter().map(|(route, recipients)| async move {
        let to = |(address, ())| Recipient { address, ..Recipient::default() };
        let recipients: Vec<Recipient> = recipients.into_iter().map(to).collect();
        let envelope = Envelope { mail_from, recipients: &recipients, parameters: &Parameters::default() };
        let outcomes = outbound::send(relay, &route, envelope, message).await;
        recipients.into_iter().map(|to| to.address).zip(outcomes).collect::<Vec<_>>()
    });
    let mut sendings = stream::iter(sendings).buffer_unordered(AT_ONCE);
    while let Some(outcomes) = sendings.next().await {
        let delivered = |(address, outcome): &(String, Outcome)| {
            matches!(outcome, Outcome::Delivered(_)).then(|| address.clone())
        };
        claims.settle(outcomes.iter().filter_map(delivered).collect(), true).await;
        for (address, outcome) in outcomes {
            match outcome {
                Outcome::Delivered(_) => answer.accepted.push(address),
                Outcome::Refused(trouble) | Outcome::Deferred(trouble) => {
                    answer.refused.push(Refused { address, reason: trouble.reply });
                }
            }
        }
    }
}
