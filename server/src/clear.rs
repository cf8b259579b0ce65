//! The clear door: mail that a user knowingly sends unsealed.
//!
//! It is relayed from memory while the user waits, and nothing readable of it is ever stored:
//! recipients here get it sealed, recipients elsewhere get it now or not at all.

use futures::stream::{self, StreamExt};
use jmap::sealed::{ClearAnswer, Refused};

use crate::address;
use crate::delivery::{self, DeliverError};
use crate::outbound::{self, Envelope, Outcome};
use crate::outer::{self, OuterHeader};
use crate::relay::Relay;
use crate::store::{self, Account, StoreError};

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
    /// Recipients here could not get it.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a message in clear and tells who got it.
pub async fn send(
    relay: &Relay,
    account: &Account,
    mail_from: &str,
    recipients: Vec<String>,
    message: Vec<u8>,
) -> Result<ClearAnswer, ClearError> {
    let own = |address: &str| address.eq_ignore_ascii_case(&account.address);
    let header = OuterHeader::parse(&message);
    if !own(mail_from) || header.from.is_empty() || !header.from.iter().all(|from| own(&from.email)) {
        return Err(ClearError::NotYours);
    }
    let all_plausible = recipients.iter().all(|recipient| address::domain(recipient).is_some());
    if recipients.is_empty() || recipients.len() > MOST || !all_plausible {
        return Err(ClearError::Recipients);
    }
    let message = outer::without_bcc(&message).unwrap_or(message);
    let mut answer = ClearAnswer::default();
    let (local, elsewhere): (Vec<_>, Vec<_>) =
        recipients.into_iter().partition(|recipient| relay.is_local(recipient));
    here(relay, local, &message, &mut answer).await?;
    away(relay, mail_from, elsewhere, &message, &mut answer).await;
    Ok(answer)
}

async fn here(
    relay: &Relay,
    recipients: Vec<String>,
    message: &[u8],
    answer: &mut ClearAnswer,
) -> Result<(), ClearError> {
    let mut accounts = Vec::new();
    for address in recipients {
        let mut connection = relay.store.read().await?;
        match store::account_by_address(&mut connection, &address).await? {
            Some(account) => {
                accounts.push(account);
                answer.accepted.push(address);
            }
            None => answer.refused.push(Refused { address, reason: "there is no such address here".into() }),
        }
    }
    if !accounts.is_empty() {
        delivery::deliver(relay, &accounts, message.to_vec()).await?;
    }
    Ok(())
}

async fn away(
    relay: &Relay,
    mail_from: &str,
    recipients: Vec<String>,
    message: &[u8],
    answer: &mut ClearAnswer,
) {
    let routes = outbound::by_route(&relay.config, recipients.into_iter().map(|address| (address, ())));
    let sendings = routes.into_iter().map(|(route, recipients)| async move {
        let recipients: Vec<String> = recipients.into_iter().map(|(address, ())| address).collect();
        let envelope = Envelope { mail_from, recipients: &recipients };
        let outcomes = outbound::send(&relay.config, &route, envelope, message).await;
        recipients.into_iter().zip(outcomes).collect::<Vec<_>>()
    });
    let mut sendings = stream::iter(sendings).buffer_unordered(AT_ONCE);
    while let Some(outcomes) = sendings.next().await {
        for (address, outcome) in outcomes {
            match outcome {
                Outcome::Delivered(_) => answer.accepted.push(address),
                Outcome::Refused(reason) | Outcome::Deferred(reason) => {
                    answer.refused.push(Refused { address, reason });
                }
            }
        }
    }
}
