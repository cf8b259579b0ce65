//! Keeps the counts of mailboxes and threads right, one email at a time.
//!
//! The work does not grow with the mailbox or the thread: only the mailboxes of the thread are
//! looked at, and those only when the thread turns read or unread.

use std::collections::{BTreeMap, BTreeSet};

use jmap::{MailboxId, ThreadId};

use super::changes::bury;
use super::sql;
use super::{Kind, Ledger, StoreError, Tx};

/// Where one email lies and whether it counts as unread.
#[derive(Debug, Clone, Copy)]
pub struct Placement<'a> {
    pub mailboxes: &'a BTreeSet<MailboxId>,
    pub unread: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Delta {
    total_emails: i64,
    unread_emails: i64,
    total_threads: i64,
    unread_threads: i64,
}

/// Counts an email that came (`before` is none), went (`after` is none) or changed.
pub async fn apply(
    tx: &mut Tx,
    ledger: &mut Ledger,
    thread: &ThreadId,
    before: Option<Placement<'_>>,
    after: Option<Placement<'_>>,
) -> Result<(), StoreError> {
    let nowhere = BTreeSet::new();
    let old = before.map_or(&nowhere, |placement| placement.mailboxes);
    let new = after.map_or(&nowhere, |placement| placement.mailboxes);
    let turn = count_thread(tx, ledger, thread, before, after).await?;
    let mut deltas: BTreeMap<MailboxId, Delta> = BTreeMap::new();
    for mailbox in old {
        let delta = deltas.entry(mailbox.clone()).or_default();
        delta.total_emails -= 1;
        delta.unread_emails -= i64::from(before.is_some_and(|placement| placement.unread));
    }
    for mailbox in new {
        let delta = deltas.entry(mailbox.clone()).or_default();
        delta.total_emails += 1;
        delta.unread_emails += i64::from(after.is_some_and(|placement| placement.unread));
    }
    if !turn.is_new && turn.was_unread != turn.is_unread {
        for mailbox in thread_mailboxes(tx, ledger, thread).await? {
            deltas.entry(mailbox).or_default().unread_threads +=
                i64::from(turn.is_unread) - i64::from(turn.was_unread);
        }
    }
    for mailbox in new.difference(old) {
        if join_mailbox(tx, ledger, thread, mailbox).await? {
            let delta = deltas.entry(mailbox.clone()).or_default();
            delta.total_threads += 1;
            delta.unread_threads += i64::from(turn.is_unread);
        }
    }
    for mailbox in old.difference(new) {
        if leave_mailbox(tx, ledger, thread, mailbox).await? {
            let delta = deltas.entry(mailbox.clone()).or_default();
            delta.total_threads -= 1;
            delta.unread_threads -= i64::from(turn.is_unread);
        }
    }
    write(tx, ledger, deltas).await
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Whether it was not there before, and so lies in no mailbox yet.
    is_new: bool,
    was_unread: bool,
    is_unread: bool,
}

async fn count_thread(
    tx: &mut Tx,
    ledger: &mut Ledger,
    thread: &ThreadId,
    before: Option<Placement<'_>>,
    after: Option<Placement<'_>>,
) -> Result<Turn, StoreError> {
    let emails = i64::from(after.is_some()) - i64::from(before.is_some());
    let unread =
        |placement: Option<Placement<'_>>| i64::from(placement.is_some_and(|placement| placement.unread));
    let more = unread(after) - unread(before);
    if emails == 0 && more == 0 {
        let unread = is_unread(tx, ledger, thread).await?;
        return Ok(Turn { is_new: false, was_unread: unread, is_unread: unread });
    }
    // A thread changes when its list of emails does, not when one of them is read.
    let state = if emails == 0 { 0 } else { ledger.next(Kind::Thread) };
    let row = sql::query(
        "INSERT INTO threads (account_id, id, emails, unread, created_state, updated_state)
         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (account_id, id) DO UPDATE SET
         emails = threads.emails + EXCLUDED.emails, unread = threads.unread + EXCLUDED.unread,
         updated_state = CASE WHEN $3 = 0 THEN threads.updated_state ELSE EXCLUDED.updated_state END
         RETURNING emails, unread, created_state",
    )
    .bind(ledger.account().as_str())
    .bind(thread.as_str())
    .bind(emails)
    .bind(more)
    .bind(state)
    .fetch_one(tx.connection())
    .await?;
    let (left, now): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if left == 0 {
        sql::query("DELETE FROM threads WHERE account_id = $1 AND id = $2")
            .bind(ledger.account().as_str())
            .bind(thread.as_str())
            .execute(tx.connection())
            .await?;
        bury(tx, ledger, Kind::Thread, thread.as_str(), row.try_get(2)?).await?;
    }
    Ok(Turn { is_new: left == emails, was_unread: now - more > 0, is_unread: now > 0 })
}

async fn is_unread(tx: &mut Tx, ledger: &Ledger, thread: &ThreadId) -> Result<bool, StoreError> {
    let row = sql::query("SELECT unread FROM threads WHERE account_id = $1 AND id = $2")
        .bind(ledger.account().as_str())
        .bind(thread.as_str())
        .fetch_one(tx.connection())
        .await?;
    Ok(row.try_get::<i64>(0)? > 0)
}

async fn thread_mailboxes(
    tx: &mut Tx,
    ledger: &Ledger,
    thread: &ThreadId,
) -> Result<Vec<MailboxId>, StoreError> {
    let rows = sql::query("SELECT mailbox_id FROM thread_mailboxes WHERE account_id = $1 AND thread_id = $2")
        .bind(ledger.account().as_str())
        .bind(thread.as_str())
        .fetch_all(tx.connection())
        .await?;
    rows.iter().map(|row| Ok(MailboxId::from(row.try_get::<String>(0)?))).collect()
}

/// Counts one more email of the thread in the mailbox; tells whether it is the first.
async fn join_mailbox(
    tx: &mut Tx,
    ledger: &Ledger,
    thread: &ThreadId,
    mailbox: &MailboxId,
) -> Result<bool, StoreError> {
    let row = sql::query(
        "INSERT INTO thread_mailboxes (account_id, thread_id, mailbox_id, emails) VALUES ($1, $2, $3, 1)
         ON CONFLICT (account_id, thread_id, mailbox_id) DO UPDATE SET emails = thread_mailboxes.emails + 1
         RETURNING emails",
    )
    .bind(ledger.account().as_str())
    .bind(thread.as_str())
    .bind(mailbox.as_str())
    .fetch_one(tx.connection())
    .await?;
    Ok(row.try_get::<i64>(0)? == 1)
}

/// Counts one email of the thread less in the mailbox; tells whether it was the last.
async fn leave_mailbox(
    tx: &mut Tx,
    ledger: &Ledger,
    thread: &ThreadId,
    mailbox: &MailboxId,
) -> Result<bool, StoreError> {
    let last = sql::query(
        "DELETE FROM thread_mailboxes
         WHERE account_id = $1 AND thread_id = $2 AND mailbox_id = $3 AND emails = 1",
    )
    .bind(ledger.account().as_str())
    .bind(thread.as_str())
    .bind(mailbox.as_str())
    .execute(tx.connection())
    .await?;
    if last == 1 {
        return Ok(true);
    }
    sql::query(
        "UPDATE thread_mailboxes SET emails = emails - 1
         WHERE account_id = $1 AND thread_id = $2 AND mailbox_id = $3",
    )
    .bind(ledger.account().as_str())
    .bind(thread.as_str())
    .bind(mailbox.as_str())
    .execute(tx.connection())
    .await?;
    Ok(false)
}

async fn write(
    tx: &mut Tx,
    ledger: &mut Ledger,
    deltas: BTreeMap<MailboxId, Delta>,
) -> Result<(), StoreError> {
    for (mailbox, delta) in deltas {
        if delta == Delta::default() {
            continue;
        }
        let state = ledger.next(Kind::Mailbox);
        sql::query(
            "UPDATE mailboxes SET total_emails = total_emails + $3, unread_emails = unread_emails + $4,
             total_threads = total_threads + $5, unread_threads = unread_threads + $6, updated_state = $7
             WHERE account_id = $1 AND id = $2",
        )
        .bind(ledger.account().as_str())
        .bind(mailbox.as_str())
        .bind(delta.total_emails)
        .bind(delta.unread_emails)
        .bind(delta.total_threads)
        .bind(delta.unread_threads)
        .bind(state)
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}
