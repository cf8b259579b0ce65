//! Looking at messages for a list: summaries are decrypted, small messages without one are opened.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use futures::future::join_all;
use futures::stream::{StreamExt, iter};
use jmap::Email;

use crate::engine::account::{Account, Glance};
use crate::engine::open;
use crate::engine::summary::Sight;
use crate::protocol::{EmailId, Event, MailboxId};
use crate::web::task;
use crate::web::worker::Page;

/// Larger messages are not opened for a list.
const MAX_SIZE: u64 = 192 * 1024;
/// Messages opened before a list is shown.
const AT_ONCE: usize = 6;
/// Messages opened between two notices to the page.
const BATCH: usize = 24;
/// Messages fetched at the same time.
const PARALLEL: usize = 4;

/// What looks at messages, and which it is looking at.
#[derive(Clone)]
pub struct Glances {
    page: Page,
    busy: Rc<RefCell<HashSet<EmailId>>>,
}

impl Glances {
    /// Tells `page` of messages that were opened after their list was shown.
    pub fn new(page: Page) -> Self {
        Self { page, busy: Rc::default() }
    }

    /// Looks at each of the messages that was not looked at before.
    pub async fn look(&self, account: &Rc<Account>, mailbox: &MailboxId, emails: &[Email]) {
        let new: Vec<&Email> = emails.iter().filter(|email| unseen(account, email)).collect();
        join_all(new.iter().map(|email| read_summary(account, email))).await;
        let small = |email: &&&Email| email.size.is_some_and(|size| size <= MAX_SIZE);
        let unread = new.iter().filter(|email| unseen(account, email)).filter(small);
        let unread: Vec<Email> =
            unread.map(|email| (*email).clone()).filter(|email| self.claim(email)).collect();
        let (first, rest) = unread.split_at(unread.len().min(AT_ONCE));
        self.open(account, first).await;
        if !rest.is_empty() {
            let (glances, account, mailbox) = (self.clone(), Rc::clone(account), mailbox.clone());
            let rest = rest.to_vec();
            task::spawn(async move { glances.go_on(&account, &mailbox, &rest).await });
        }
    }

    async fn go_on(&self, account: &Rc<Account>, mailbox: &MailboxId, emails: &[Email]) {
        for batch in emails.chunks(BATCH) {
            self.open(account, batch).await;
            self.page.announce(Event::Changed {
                mailboxes: vec![mailbox.clone()],
                emails: batch.iter().filter_map(id).collect(),
                destroyed: Vec::new(),
            });
        }
    }

    async fn open(&self, account: &Account, emails: &[Email]) {
        let work = emails.iter().map(|email| async move {
            // What fails now (offline, gone) is tried again with the next list.
            let summary = open::glance(account, email).await.ok().flatten();
            if let Some(id) = id(email) {
                self.busy.borrow_mut().remove(&id);
            }
            summary
        });
        let summaries = iter(work).buffer_unordered(PARALLEL).filter_map(async |summary| summary);
        // One change at the relay for all of them: each is pushed to every browser of the owner.
        open::store_summaries(account, summaries.collect().await).await;
    }

    fn claim(&self, email: &Email) -> bool {
        id(email).is_some_and(|id| self.busy.borrow_mut().insert(id))
    }
}

fn unseen(account: &Account, email: &Email) -> bool {
    id(email).is_some_and(|id| account.glance(&id).is_none())
}

fn id(email: &Email) -> Option<EmailId> {
    email.id.as_ref().map(|id| EmailId(id.as_str().to_owned()))
}

/// Decrypts the summary beside a message.
async fn read_summary(account: &Account, email: &Email) -> Option<()> {
    let glance = match open::read_summary(account, email).await? {
        Sight::Known(content) => Glance::Known(Rc::new(content)),
        Sight::Damaged => Glance::Damaged,
    };
    account.set_glance(id(email)?, glance);
    Some(())
}
