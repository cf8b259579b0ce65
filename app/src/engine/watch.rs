//! Push: the relay says that something changed, the engine asks what, the page hears it.

mod backoff;

use std::rc::Rc;

use futures::StreamExt;
use jmap::{Changes, Email, Get, Mailbox, State, StateChange};

use super::account::Account;
use super::relay::Relay;
use super::{enrol, standing};
use crate::json;
use crate::protocol::{EmailId, Event, Failure, MailboxId};
use crate::web::clock;
use crate::web::push::{EventStream, Push};
use crate::web::worker::Page;

use backoff::Backoff;

/// Follows the account until the session ends.
pub async fn watch(account: Rc<Account>, page: Page) {
    let mut watch = Watch { account, page, states: None, online: true };
    let mut backoff = Backoff::default();
    loop {
        match watch.follow(&mut backoff).await {
            Err(Failure::SessionExpired) => return watch.page.announce(Event::SignedOut),
            _ => clock::sleep(backoff.next()).await,
        }
        // The stream does not say why it broke; asking does.
        if let Err(Failure::SessionExpired) = Relay::open().await {
            return watch.page.announce(Event::SignedOut);
        }
    }
}

struct Watch {
    account: Rc<Account>,
    page: Page,
    /// Where the page stands: emails and mailboxes.
    states: Option<(State, State)>,
    online: bool,
}

impl Watch {
    /// Follows one stream until it breaks for good.
    async fn follow(&mut self, backoff: &mut Backoff) -> Result<(), Failure> {
        if self.states.is_none() {
            self.states = Some(self.now().await?);
        }
        let mut stream = EventStream::open(&self.account.relay.events_url()).ok_or(Failure::Offline)?;
        while let Some(push) = stream.events.next().await {
            match push {
                Push::Opened => {
                    backoff.reset();
                    self.set_online(true);
                    // What changed while there was no stream.
                    self.catch_up().await?;
                    // A page can stay open for weeks.
                    if enrol::is_due(&self.account) {
                        let _ = standing::state(&self.account).await;
                    }
                }
                Push::State(json) => {
                    if self.concerns(&json) {
                        self.catch_up().await?;
                    }
                }
                Push::Broken { closed } => {
                    self.set_online(false);
                    if closed {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn set_online(&mut self, online: bool) {
        if std::mem::replace(&mut self.online, online) != online {
            self.page.announce(if online { Event::Online } else { Event::Offline });
        }
    }

    /// Whether a push tells of a state that the page does not have.
    fn concerns(&self, text: &str) -> bool {
        let Some(change) = json::read::<StateChange>(text.as_bytes()) else { return false };
        let Some(new) = change.changed.get(self.account.relay.account()) else { return false };
        let Some((emails, mailboxes)) = &self.states else { return true };
        new.get("Email").is_some_and(|state| state != emails)
            || new.get("Mailbox").is_some_and(|state| state != mailboxes)
    }

    async fn now(&self) -> Result<(State, State), Failure> {
        let account_id = self.account.relay.account().clone();
        let emails = Get::<Email> { account_id: account_id.clone(), ids: Some(Vec::new()), properties: None };
        let mailboxes = Get::<Mailbox> { account_id, ids: Some(Vec::new()), properties: None };
        let emails = self.account.relay.call(&emails).await?.state;
        Ok((emails, self.account.relay.call(&mailboxes).await?.state))
    }

    async fn catch_up(&mut self) -> Result<(), Failure> {
        let Some((mut emails, mut mailboxes)) = self.states.clone() else { return Ok(()) };
        let (mut changed, mut gone, mut boxes) = (Vec::new(), Vec::new(), Vec::new());
        let caught = async {
            loop {
                let answer = self.changes::<Email>(&emails).await?;
                changed.extend(answer.created.into_iter().chain(answer.updated));
                gone.extend(answer.destroyed);
                emails = answer.new_state;
                if !answer.has_more_changes {
                    break;
                }
            }
            loop {
                let answer = self.changes::<Mailbox>(&mailboxes).await?;
                boxes.extend(answer.created.into_iter().chain(answer.updated).chain(answer.destroyed));
                mailboxes = answer.new_state;
                if !answer.has_more_changes {
                    break;
                }
            }
            Ok(())
        };
        match caught.await {
            // Too long ago: everything is stale.
            Err(Failure::RelayRefused { .. }) => {
                self.states = Some(self.now().await?);
                let (mailboxes, emails, destroyed) = (Vec::new(), Vec::new(), Vec::new());
                self.page.announce(Event::Changed { mailboxes, emails, destroyed });
                return Ok(());
            }
            other => other?,
        }
        self.states = Some((emails, mailboxes));
        self.tell(&changed, &gone, &boxes);
        Ok(())
    }

    async fn changes<T: jmap::Object>(&self, since: &State) -> Result<jmap::ChangesAnswer<T::Id>, Failure> {
        let account_id = self.account.relay.account().clone();
        self.account.relay.call(&Changes::<T>::since(account_id, since.clone(), None)).await
    }

    fn tell(&self, changed: &[jmap::EmailId], gone: &[jmap::EmailId], boxes: &[jmap::MailboxId]) {
        let ids =
            |ids: &[jmap::EmailId]| ids.iter().map(|id| EmailId(id.as_str().to_owned())).collect::<Vec<_>>();
        let (emails, destroyed) = (ids(changed), ids(gone));
        let mailboxes: Vec<_> = boxes.iter().map(|id| MailboxId(id.as_str().to_owned())).collect();
        self.account.forget(&destroyed);
        if !(emails.is_empty() && destroyed.is_empty() && mailboxes.is_empty()) {
            self.page.announce(Event::Changed { mailboxes, emails, destroyed });
        }
    }
}
