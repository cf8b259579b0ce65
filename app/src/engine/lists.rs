//! Mailboxes and lists.

mod glances;

use std::rc::Rc;

use jmap::{Comparator, Email, EmailFilter, Get, Mailbox, Query};

use super::account::{Account, Glance};
use super::rows;
use crate::protocol::{self, EmailId, Failure, Row, Summary};

/// The most rows of one list.
const MAX_ROWS: u32 = 200;

pub use glances::Glances;

/// The mailboxes.
pub async fn mailboxes(account: &Account) -> Result<Vec<protocol::Mailbox>, Failure> {
    let get = Get::<Mailbox> { account_id: account.relay.account().clone(), ids: None, properties: None };
    let mailboxes = rows::mailbox_list(&account.relay.call(&get).await?.list);
    account.set_roles(&mailboxes);
    Ok(mailboxes)
}

/// A slice of a mailbox, newest first, and how many messages it holds.
///
/// A few unsummarised messages are opened at once; the others by and by, and the page hears of them.
pub async fn list(
    account: &Rc<Account>,
    glances: &Glances,
    mailbox: &protocol::MailboxId,
    position: u32,
    limit: u32,
) -> Result<(Vec<Row>, u32), Failure> {
    let account_id = account.relay.account().clone();
    let query = Query::<Email> {
        filter: Some(EmailFilter { in_mailbox: Some(mailbox.0.as_str().into()), ..EmailFilter::default() }),
        sort: Some(vec![Comparator {
            property: "receivedAt".into(),
            is_ascending: false,
            keyword: None,
            collation: None,
        }]),
        position: i64::from(position),
        limit: Some(u64::from(limit.min(MAX_ROWS))),
        calculate_total: true,
        ..Query::all(account_id)
    };
    let found = account.relay.call(&query).await?;
    let emails = emails(account, &found.ids).await?;
    glances.look(account, mailbox, &emails).await;
    let total = found.total.and_then(|total| u32::try_from(total).ok()).unwrap_or(0);
    Ok((emails.iter().filter_map(|email| row(account, email)).collect(), total))
}

/// The facts of some emails, in the order of their ids; those that are gone are left out.
pub async fn emails(account: &Account, ids: &[jmap::EmailId]) -> Result<Vec<Email>, Failure> {
    let mut emails = Vec::with_capacity(ids.len());
    for ids in ids.chunks(account.relay.max_objects()) {
        let get = Get::<Email> {
            account_id: account.relay.account().clone(),
            ids: Some(ids.to_vec()),
            properties: Some(rows::PROPERTIES.map(str::to_owned).to_vec()),
        };
        let mut list = account.relay.call(&get).await?.list;
        // `/get` answers in no order.
        for id in ids {
            if let Some(at) = list.iter().position(|email| email.id.as_ref() == Some(id)) {
                emails.push(list.swap_remove(at));
            }
        }
    }
    Ok(emails)
}

fn row(account: &Account, email: &Email) -> Option<Row> {
    let id = EmailId(email.id.as_ref()?.as_str().to_owned());
    match account.glance(&id) {
        Some(Glance::Known(content)) => rows::row(email, rows::known(&content), Some(&content)),
        Some(Glance::Closed) => rows::row(email, Summary::Closed, None),
        Some(Glance::Damaged) => rows::row(email, Summary::Damaged, None),
        None => rows::row(email, Summary::Sealed, None),
    }
}
