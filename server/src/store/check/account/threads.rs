use std::collections::BTreeMap;

use jmap::{AccountId, MailboxId, ThreadId};

use super::{Emails, rows, text};
use crate::store::StoreError;
use crate::store::check::finding::Finding;
use crate::store::sql::Connection;

pub async fn threads(
    connection: &mut Connection,
    account: &AccountId,
    emails: &Emails,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let mut expected = thread_counts(emails);
    let statement = "SELECT id, emails, unread FROM threads WHERE account_id = $1";
    let mut differ = |thread: ThreadId, found, expected| {
        if found != expected {
            findings.push(Finding::Thread { account: account.clone(), thread, found, expected });
        }
    };
    for row in rows(connection, account, statement).await? {
        let thread: ThreadId = text(&row, 0)?;
        let expected = expected.remove(&thread).unwrap_or_default();
        differ(thread, (row.try_get(1)?, row.try_get(2)?), expected);
    }
    for (thread, expected) in expected {
        differ(thread, (0, 0), expected);
    }
    Ok(())
}

pub async fn thread_mailboxes(
    connection: &mut Connection,
    account: &AccountId,
    emails: &Emails,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let mut expected: BTreeMap<(ThreadId, MailboxId), i64> = BTreeMap::new();
    for fact in emails.values() {
        for mailbox in &fact.mailboxes {
            *expected.entry((fact.thread.clone(), mailbox.clone())).or_default() += 1;
        }
    }
    let mut differ = |(thread, mailbox), found, expected| {
        if found != expected {
            let account = account.clone();
            findings.push(Finding::ThreadMailbox { account, thread, mailbox, found, expected });
        }
    };
    let statement = "SELECT thread_id, mailbox_id, emails FROM thread_mailboxes WHERE account_id = $1";
    for row in rows(connection, account, statement).await? {
        let key = (text(&row, 0)?, text(&row, 1)?);
        let expected = expected.remove(&key).unwrap_or_default();
        differ(key, row.try_get(2)?, expected);
    }
    for (key, expected) in expected {
        differ(key, 0, expected);
    }
    Ok(())
}

pub fn thread_counts(emails: &Emails) -> BTreeMap<ThreadId, (i64, i64)> {
    let mut counts: BTreeMap<ThreadId, (i64, i64)> = BTreeMap::new();
    for fact in emails.values() {
        let (all, unread) = counts.entry(fact.thread.clone()).or_default();
        *all += 1;
        *unread += i64::from(fact.unread);
    }
    counts
}
