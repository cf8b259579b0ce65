use jmap::{AccountId, BlobId};

use super::finding::{BytesFault, Finding};
use crate::clock::now;
use crate::store::blobs::add_ref;
use crate::store::sql::{self, Query};
use crate::store::{Kind, Ledger, NewMailbox, StoreError, Tx, add_mailbox};

/// A statement about the object `$2` of the account `$1`.
async fn run(
    tx: &mut Tx,
    text: &'static str,
    (account, object): (&AccountId, &str),
    numbers: &[i64],
) -> Result<bool, StoreError> {
    let mut query = sql::query(text).bind(account.as_str()).bind(object.to_owned());
    for number in numbers {
        query = query.bind(*number);
    }
    query.execute(tx.connection()).await?;
    Ok(true)
}

/// Mends what was found within an account; false where that cannot be.
pub async fn account(tx: &mut Tx, ledger: &mut Ledger, finding: &Finding) -> Result<bool, StoreError> {
    match finding {
        Finding::MailboxCounts { account, mailbox, expected, .. } => {
            let text = "UPDATE mailboxes SET total_emails = $3, unread_emails = $4, total_threads = $5,
                        unread_threads = $6, updated_state = $7 WHERE account_id = $1 AND id = $2";
            let state = ledger.next(Kind::Mailbox);
            let (emails, unread) = (expected.total_emails, expected.unread_emails);
            let numbers = [emails, unread, expected.total_threads, expected.unread_threads, state];
            run(tx, text, (account, mailbox.as_str()), &numbers).await
        }
        Finding::Thread { account, thread, expected: (0, _), .. } => {
            let text = "DELETE FROM threads WHERE account_id = $1 AND id = $2";
            run(tx, text, (account, thread.as_str()), &[]).await
        }
        Finding::Thread { account, thread, expected, .. } => {
            let text = "INSERT INTO threads (account_id, id, emails, unread, created_state, updated_state)
                        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (account_id, id) DO UPDATE SET
                        emails = EXCLUDED.emails, unread = EXCLUDED.unread,
                        updated_state = EXCLUDED.updated_state";
            let state = ledger.next(Kind::Thread);
            run(tx, text, (account, thread.as_str()), &[expected.0, expected.1, state]).await
        }
        Finding::NoParent { account, mailbox } => {
            let text = "UPDATE mailboxes SET parent_id = NULL, updated_state = $3, properties_state = $3
                        WHERE account_id = $1 AND id = $2";
            let state = ledger.next(Kind::Mailbox);
            run(tx, text, (account, mailbox.as_str()), &[state]).await
        }
        Finding::State { kind, .. } => {
            // A number beyond all that were given out.
            ledger.next(*kind);
            Ok(true)
        }
        Finding::NoInbox { account } => no_inbox(tx, ledger, account).await,
        Finding::Size { account, email, expected, found } => {
            ledger.grow(expected - found);
            let text = "UPDATE emails SET size = $3 WHERE account_id = $1 AND id = $2";
            run(tx, text, (account, email.as_str()), &[*expected]).await
        }
        Finding::Used { found, expected, .. } => {
            ledger.grow(expected - found);
            Ok(true)
        }
        other => index(tx, other).await,
    }
}

async fn no_inbox(tx: &mut Tx, ledger: &mut Ledger, account: &AccountId) -> Result<bool, StoreError> {
    let (role, sort_order) = ("inbox".to_owned(), 1);
    // All of several are made plain mailboxes: which of them was meant, nobody knows.
    let text = "UPDATE mailboxes SET role = NULL WHERE account_id = $1 AND role = $2";
    run(tx, text, (account, &role), &[]).await?;
    let name = format!("Inbox {}", now());
    let new = NewMailbox { name, parent_id: None, role: Some(role), sort_order };
    add_mailbox(tx, ledger, &new).await?;
    Ok(true)
}

/// Mends what only the relay's own tables show.
async fn index(tx: &mut Tx, finding: &Finding) -> Result<bool, StoreError> {
    match finding {
        Finding::ThreadMailbox { account, thread, mailbox, expected, .. } => {
            let text =
                "DELETE FROM thread_mailboxes WHERE account_id = $1 AND thread_id = $2 AND mailbox_id = $3";
            let key = [account.as_str(), thread.as_str(), mailbox.as_str()];
            bound(text, &key).execute(tx.connection()).await?;
            let text = "INSERT INTO thread_mailboxes (account_id, thread_id, mailbox_id, emails)
                        SELECT $1, $2, $3, $4 WHERE $4 > 0";
            bound(text, &key).bind(*expected).execute(tx.connection()).await?;
            Ok(true)
        }
        Finding::Placement { account, mailbox, email, received_at, lacks } => {
            let key = [account.as_str(), mailbox.as_str(), email.as_str()];
            let text = "DELETE FROM email_mailboxes
                        WHERE account_id = $1 AND mailbox_id = $2 AND email_id = $3 AND received_at = $4";
            bound(text, &key).bind(*received_at).execute(tx.connection()).await?;
            let Some(thread) = lacks else { return Ok(true) };
            let text =
                "INSERT INTO email_mailboxes (account_id, mailbox_id, email_id, received_at, thread_id)
                        VALUES ($1, $2, $3, $4, $5)";
            bound(text, &key).bind(*received_at).bind(thread.to_string()).execute(tx.connection()).await?;
            Ok(true)
        }
        Finding::MessageId { account, email } => {
            let text = "UPDATE message_ids SET thread_id = (SELECT e.thread_id FROM emails e
                        WHERE e.account_id = $1 AND e.id = $2) WHERE account_id = $1 AND email_id = $2
                        AND EXISTS (SELECT 1 FROM emails e WHERE e.account_id = $1 AND e.id = $2)";
            run(tx, text, (account, email.as_str()), &[]).await?;
            let text = "DELETE FROM message_ids WHERE account_id = $1 AND email_id = $2
                        AND NOT EXISTS (SELECT 1 FROM emails e WHERE e.account_id = $1 AND e.id = $2)";
            run(tx, text, (account, email.as_str()), &[]).await
        }
        Finding::NoSubscribed { account, mailbox } => {
            let text = "DELETE FROM mailbox_subscriptions WHERE account_id = $1 AND mailbox_id = $2";
            run(tx, text, (account, mailbox.as_str()), &[]).await
        }
        Finding::NotHeld { account, blob } => hold(tx, account, blob).await,
        Finding::HeldInVain { account, blob } => {
            let text =
                "UPDATE account_blobs SET in_use = 0, added_at = $3 WHERE account_id = $1 AND blob_id = $2";
            run(tx, text, (account, blob.as_str()), &[now()]).await
        }
        _ => Ok(false),
    }
}

fn bound(text: &'static str, key: &[&str]) -> Query {
    key.iter().fold(sql::query(text), |query, value| query.bind((*value).to_owned()))
}

async fn hold(tx: &mut Tx, account: &AccountId, blob: &BlobId) -> Result<bool, StoreError> {
    let text = "UPDATE account_blobs SET in_use = 1 WHERE account_id = $1 AND blob_id = $2";
    let key = [account.as_str(), blob.as_str()];
    if bound(text, &key).execute(tx.connection()).await? > 0 {
        return Ok(true);
    }
    let text = "INSERT INTO account_blobs (account_id, blob_id, added_at, in_use) VALUES ($1, $2, $3, 1)";
    run(tx, text, (account, blob.as_str()), &[now()]).await?;
    match add_ref(tx, blob).await {
        Ok(()) => Ok(true),
        // The bytes themselves are lost; that is a finding of its own.
        Err(StoreError::BlobGone) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Mends what was found between accounts, blobs and the queue; false where that cannot be.
pub async fn shared(tx: &mut Tx, finding: &Finding) -> Result<bool, StoreError> {
    let of_blob = |text: &'static str, blob: &BlobId| sql::query(text).bind(blob.to_string());
    match finding {
        Finding::Refs { blob, .. } => {
            // The row first, alone: whoever is about to count himself waits, or has done so.
            of_blob("UPDATE blobs SET refs = refs WHERE id = $1", blob).execute(tx.connection()).await?;
            let count = "UPDATE blobs SET refs = (SELECT COUNT(*) FROM account_blobs WHERE blob_id = $1)
                         + (SELECT COUNT(*) FROM queue WHERE blob_id = $1)
                         + (SELECT COUNT(*) FROM held WHERE blob_id = $1), idle_since = $2 WHERE id = $1";
            of_blob(count, blob).bind(now()).execute(tx.connection()).await?;
            Ok(true)
        }
        Finding::StrayData { blob } => {
            let text = "DELETE FROM blob_data WHERE blob_id = $1
                        AND NOT EXISTS (SELECT 1 FROM blobs WHERE id = $1)";
            of_blob(text, blob).execute(tx.connection()).await?;
            Ok(true)
        }
        Finding::Lease { account, entry } => {
            let text = "UPDATE queue SET leased_by = NULL, leased_until = 0 WHERE account_id = $1 AND id = $2
                        AND leased_by NOT IN (SELECT id FROM processes)";
            run(tx, text, (account, entry), &[]).await
        }
        Finding::Bytes { fault: BytesFault::Missing | BytesFault::Damaged, .. } => Ok(false),
        _ => Ok(false),
    }
}
