//! Which letters in clear are on their way, and which went out: none goes twice to anybody, and none passes for sent
//! that was not.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jmap::AccountId;

use super::ClearError;
use crate::clock::now;
use crate::relay::Relay;
use crate::store::{self, Claim, StoreError};

type Letter = (AccountId, String);

/// The letters that this process sends now, by account and Message-ID.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<BTreeSet<Letter>>);

impl UnderWay {
    fn change<T>(&self, change: impl FnOnce(&mut BTreeSet<Letter>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The recipients of one attempt.
#[derive(Debug, Default)]
pub struct Recipients {
    /// The message did not go to these yet.
    pub fresh: Vec<String>,
    /// It went to these within a day.
    pub before: Vec<String>,
}

/// One letter that is being sent, until this is dropped.
///
/// A client that never saw the answer sends again. Only a digest is noted, and nothing of a letter without a Message-ID.
#[derive(Debug)]
pub struct Claims<'a> {
    relay: &'a Relay,
    letter: Option<Letter>,
}

impl<'a> Claims<'a> {
    /// Begins to send a letter, which this process does not send already.
    pub fn begin(
        relay: &'a Relay,
        account: &AccountId,
        message_id: Option<String>,
    ) -> Result<Self, ClearError> {
        let letter = message_id.map(|message_id| (account.clone(), message_id));
        let is_new = letter.clone().is_none_or(|letter| relay.clearing.change(|all| all.insert(letter)));
        if is_new { Ok(Self { relay, letter }) } else { Err(ClearError::UnderWay) }
    }

    /// Notes whom the letter is being sent to; nothing where another process is sending it to one of them.
    pub async fn claim(&self, recipients: BTreeSet<String>) -> Result<Recipients, ClearError> {
        let Some((account, message_id)) = self.letter.clone() else {
            return Ok(Recipients { fresh: recipients.into_iter().collect(), before: Vec::new() });
        };
        let process = self.relay.process.clone();
        let claim = self.relay.store.write(move |tx| {
            Box::pin(async move {
                // What two processes claim at once, one of them must see.
                store::lock_accounts(tx, [&account]).await?;
                let mut found = Recipients::default();
                for address in recipients {
                    match store::begin_sending(tx, &account, &message_id, &address, (&process, now())).await?
                    {
                        Claim::Fresh => found.fresh.push(address),
                        Claim::Sent => found.before.push(address),
                        Claim::Sending => return Err(ClearError::UnderWay),
                    }
                }
                Ok(found)
            })
        });
        claim.await
    }

    /// Notes to whom it went, or takes the note back for those whom it did not reach.
    ///
    /// Where that fails the answer still has to tell what became of the letter.
    pub async fn settle(&self, addresses: Vec<String>, went: bool) {
        let Some((account, message_id)) = self.letter.clone().filter(|_| !addresses.is_empty()) else {
            return;
        };
        let process = self.relay.process.clone();
        let settle = self.relay.store.write(move |tx| {
            Box::pin(async move {
                for address in addresses {
                    store::settle_sending(tx, &account, &message_id, &address, &process, went.then(now))
                        .await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        if let Err(error) = settle.await {
            tracing::error!(%error, "it could not be noted what became of a letter in clear");
        }
    }
}

impl Drop for Claims<'_> {
    fn drop(&mut self) {
        if let Some(letter) = self.letter.take() {
            self.relay.clearing.change(|all| all.remove(&letter));
        }
    }
}
