mod sums;
mod threads;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jmap::{AccountId, BlobId, EmailId, MailboxId, ThreadId};

use super::finding::{Counts, Finding};
use crate::store::emails::unread;
use crate::store::sql::{self, Connection, Row};
use crate::store::{StoreError, words};
use sums::{blobs, numbers, used};
use threads::{thread_counts, thread_mailboxes, threads};

/// What one email says of itself.
struct Fact {
    thread: ThreadId,
    blob: BlobId,
    size: i64,
    received_at: i64,
    unread: bool,
    mailboxes: BTreeSet<MailboxId>,
}

type Emails = HashMap<EmailId, Fact>;

/// Looks at an account: what its emails say is what everything else is held against.
pub async fn examine(
    connection: &mut Connection,
    account: &AccountId,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let emails = emails(connection, account).await?;
    mailboxes(connection, account, &emails, findings).await?;
    threads(connection, account, &emails, findings).await?;
    thread_mailboxes(connection, account, &emails, findings).await?;
    placements(connection, account, &emails, findings).await?;
    message_ids(connection, account, &emails, findings).await?;
    blobs(connection, account, &emails, findings).await?;
    used(connection, account, &emails, findings).await?;
    numbers(connection, account, findings).await
}

async fn rows(
    connection: &mut Connection,
    account: &AccountId,
    text: &'static str,
) -> Result<Vec<Row>, StoreError> {
    Ok(sql::query(text).bind(account.as_str()).fetch_all(connection).await?)
}

fn text<T: From<String>>(row: &Row, place: usize) -> Result<T, StoreError> {
    Ok(T::from(row.try_get::<String>(place)?))
}

async fn emails(connection: &mut Connection, account: &AccountId) -> Result<Emails, StoreError> {
    let statement = "SELECT id, thread_id, blob_id, size, received_at, keywords, mailboxes FROM emails
                     WHERE account_id = $1";
    let mut emails = Emails::new();
    for row in rows(connection, account, statement).await? {
        let fact = Fact {
            thread: text(&row, 1)?,
            blob: text(&row, 2)?,
            size: row.try_get(3)?,
            received_at: row.try_get(4)?,
            unread: unread(&words(row.try_get(5)?)),
            mailboxes: words(row.try_get(6)?),
        };
        emails.insert(text(&row, 0)?, fact);
    }
    Ok(emails)
}

fn mailbox_counts(emails: &Emails) -> BTreeMap<MailboxId, Counts> {
    let threads = thread_counts(emails);
    let (mut counts, mut seen) = (BTreeMap::<MailboxId, Counts>::new(), BTreeSet::new());
    for fact in emails.values() {
        for mailbox in &fact.mailboxes {
            let counts = counts.entry(mailbox.clone()).or_default();
            counts.total_emails += 1;
            counts.unread_emails += i64::from(fact.unread);
            if seen.insert((mailbox, &fact.thread)) {
                counts.total_threads += 1;
                let unread = threads.get(&fact.thread).is_some_and(|(_, unread)| *unread > 0);
                counts.unread_threads += i64::from(unread);
            }
        }
    }
    counts
}

async fn mailboxes(
    connection: &mut Connection,
    account: &AccountId,
    emails: &Emails,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let statement = "SELECT id, parent_id, role, total_emails, unread_emails, total_threads, unread_threads
                     FROM mailboxes WHERE account_id = $1 ORDER BY id";
    let expected = mailbox_counts(emails);
    let rows = rows(connection, account, statement).await?;
    let known: BTreeSet<MailboxId> = rows.iter().map(|row| text(row, 0)).collect::<Result<_, _>>()?;
    let mut inboxes = 0;
    for row in rows {
        let mailbox: MailboxId = text(&row, 0)?;
        let parent = row.try_get::<Option<String>>(1)?.map(MailboxId::from);
        if parent.is_some_and(|parent| !known.contains(&parent)) {
            findings.push(Finding::NoParent { account: account.clone(), mailbox: mailbox.clone() });
        }
        inboxes += i64::from(row.try_get::<Option<String>>(2)?.as_deref() == Some("inbox"));
        let found = Counts {
            total_emails: row.try_get(3)?,
            unread_emails: row.try_get(4)?,
            total_threads: row.try_get(5)?,
            unread_threads: row.try_get(6)?,
        };
        let expected = expected.get(&mailbox).copied().unwrap_or_default();
        if found != expected {
            let account = account.clone();
            findings.push(Finding::MailboxCounts { account, mailbox, found, expected });
        }
    }
    let statement = "SELECT DISTINCT mailbox_id FROM mailbox_subscriptions
                     WHERE account_id = $1 ORDER BY mailbox_id";
    for row in self::rows(connection, account, statement).await? {
        let mailbox: MailboxId = text(&row, 0)?;
        if !known.contains(&mailbox) {
            findings.push(Finding::NoSubscribed { account: account.clone(), mailbox });
        }
    }
    if inboxes != 1 {
        findings.push(Finding::NoInbox { account: account.clone() });
    }
    let lost =
        emails.iter().filter(|(_, fact)| fact.mailboxes.is_empty() || !fact.mailboxes.is_subset(&known));
    findings.extend(lost.map(|(id, _)| Finding::NoMailbox { account: account.clone(), email: id.clone() }));
    Ok(())
}

async fn placements(
    connection: &mut Connection,
    account: &AccountId,
    emails: &Emails,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let places = |(id, fact): (&EmailId, &Fact)| {
        let id = id.clone();
        fact.mailboxes.clone().into_iter().map(move |mailbox| (mailbox, id.clone()))
    };
    let mut lacking: BTreeSet<(MailboxId, EmailId)> = emails.iter().flat_map(places).collect();
    let statement = "SELECT mailbox_id, email_id, received_at, thread_id FROM email_mailboxes
                     WHERE account_id = $1";
    for row in rows(connection, account, statement).await? {
        let (mailbox, email, thread) = (text(&row, 0)?, text(&row, 1)?, text::<ThreadId>(&row, 3)?);
        let received_at: i64 = row.try_get(2)?;
        let right = emails.get(&email).is_some_and(|fact| {
            fact.received_at == received_at && fact.thread == thread && fact.mailboxes.contains(&mailbox)
        });
        if right {
            lacking.remove(&(mailbox, email));
        } else {
            let account = account.clone();
            findings.push(Finding::Placement { account, mailbox, email, received_at, lacks: None });
        }
    }
    for (mailbox, email) in lacking {
        let Some(fact) = emails.get(&email) else { continue };
        findings.push(Finding::Placement {
            account: account.clone(),
            mailbox,
            email,
            received_at: fact.received_at,
            lacks: Some(fact.thread.clone()),
        });
    }
    Ok(())
}

async fn message_ids(
    connection: &mut Connection,
    account: &AccountId,
    emails: &Emails,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let statement = "SELECT DISTINCT email_id, thread_id FROM message_ids WHERE account_id = $1";
    for row in rows(connection, account, statement).await? {
        let (email, thread): (EmailId, ThreadId) = (text(&row, 0)?, text(&row, 1)?);
        if emails.get(&email).is_none_or(|fact| fact.thread != thread) {
            findings.push(Finding::MessageId { account: account.clone(), email });
        }
    }
    Ok(())
}
