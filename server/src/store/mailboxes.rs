use std::collections::BTreeSet;

use jmap::{AccountId, BlobId, EmailId, MailboxId};

use super::changes::bury;
use super::emails;
use super::mailbox_subscriptions::unsubscribe_all;
use super::sql::{self, Connection, Row};
use super::{Engine, Kind, Ledger, StoreError, Tx, padding, placeholders};
use crate::random;

/// A mailbox with its counts.
#[derive(Debug, Clone)]
pub struct MailboxRow {
    /// Its id.
    pub id: MailboxId,
    /// Its name.
    pub name: String,
    /// The mailbox it lies in.
    pub parent_id: Option<MailboxId>,
    /// Its role's name.
    pub role: Option<String>,
    /// Its place among its siblings.
    pub sort_order: i64,
    /// Emails in it.
    pub total_emails: i64,
    /// Unread emails in it.
    pub unread_emails: i64,
    /// Threads with an email in it.
    pub total_threads: i64,
    /// Those of them with an unread email.
    pub unread_threads: i64,
    created_state: i64,
}

/// A mailbox to make, or the properties of one to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMailbox {
    /// Its name.
    pub name: String,
    /// The mailbox it lies in.
    pub parent_id: Option<MailboxId>,
    /// Its role's name.
    pub role: Option<String>,
    /// Its place among its siblings.
    pub sort_order: i64,
}

/// All mailboxes of an account.
pub async fn mailboxes(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<Vec<MailboxRow>, StoreError> {
    let rows = sql::query(
        "SELECT id, name, parent_id, role, sort_order, total_emails, unread_emails, total_threads,
         unread_threads, created_state FROM mailboxes WHERE account_id = $1
         ORDER BY sort_order, name",
    )
    .bind(account.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// The mailbox of that role.
pub async fn mailbox_by_role(
    connection: &mut Connection,
    account: &AccountId,
    role: &str,
) -> Result<Option<MailboxId>, StoreError> {
    let row = sql::query("SELECT id FROM mailboxes WHERE account_id = $1 AND role = $2")
        .bind(account.as_str())
        .bind(role)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(MailboxId::from(row.try_get::<String>(0)?))).transpose()
}

/// Makes a mailbox.
pub async fn add_mailbox(
    tx: &mut Tx,
    ledger: &mut Ledger,
    new: &NewMailbox,
) -> Result<MailboxId, StoreError> {
    let id = random::id('m');
    let state = ledger.next(Kind::Mailbox);
    sql::query(
        "INSERT INTO mailboxes (account_id, id, name, parent_id, role, sort_order, total_emails,
         unread_emails, total_threads, unread_threads, created_state, updated_state, properties_state)
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, $7, $7, $7)",
    )
    .bind(ledger.account().as_str())
    .bind(&id)
    .bind(&new.name)
    .bind(new.parent_id.as_ref().map(MailboxId::as_str))
    .bind(new.role.as_deref())
    .bind(new.sort_order)
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(MailboxId::from(id))
}

/// Replaces the properties of a mailbox.
pub async fn update_mailbox(
    tx: &mut Tx,
    ledger: &mut Ledger,
    id: &MailboxId,
    new: &NewMailbox,
) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Mailbox);
    sql::query(
        "UPDATE mailboxes SET name = $3, parent_id = $4, role = $5, sort_order = $6,
         updated_state = $7, properties_state = $7 WHERE account_id = $1 AND id = $2",
    )
    .bind(ledger.account().as_str())
    .bind(id.as_str())
    .bind(&new.name)
    .bind(new.parent_id.as_ref().map(MailboxId::as_str))
    .bind(new.role.as_deref())
    .bind(new.sort_order)
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Destroys a mailbox that holds nothing.
pub async fn destroy_mailbox(
    tx: &mut Tx,
    ledger: &mut Ledger,
    mailbox: &MailboxRow,
) -> Result<(), StoreError> {
    sql::query("DELETE FROM mailboxes WHERE account_id = $1 AND id = $2")
        .bind(ledger.account().as_str())
        .bind(mailbox.id.as_str())
        .execute(tx.connection())
        .await?;
    unsubscribe_all(tx, ledger.account(), &mailbox.id).await?;
    bury(tx, ledger, Kind::Mailbox, mailbox.id.as_str(), mailbox.created_state).await
}

/// At most so many of the emails in a mailbox.
pub async fn mailbox_emails(
    connection: &mut Connection,
    account: &AccountId,
    mailbox: &MailboxId,
    most: i64,
) -> Result<Vec<EmailId>, StoreError> {
    let text = "SELECT email_id FROM email_mailboxes WHERE account_id = $1 AND mailbox_id = $2
                ORDER BY received_at, email_id LIMIT $3";
    let rows = sql::query(text)
        .bind(account.as_str())
        .bind(mailbox.as_str())
        .bind(most)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok(EmailId::from(row.try_get::<String>(0)?))).collect()
}

/// Keeps others off the bytes of at most so many emails in these mailboxes, in an order that all keep to.
///
/// The account is to be locked. Whoever empties several mailboxes has to do this first: two people with the same
/// letters in other mailboxes would otherwise wait for each other.
pub async fn lock_blobs_in(
    tx: &mut Tx,
    account: &AccountId,
    mailboxes: &[MailboxId],
    most: i64,
) -> Result<(), StoreError> {
    if tx.engine() == Engine::Sqlite || mailboxes.len() < 2 {
        return Ok(());
    }
    let mut blobs = BTreeSet::new();
    let mut left = most;
    for mailbox in mailboxes {
        let emails = mailbox_emails(tx.connection(), account, mailbox, left).await?;
        left -= i64::try_from(emails.len()).unwrap_or(left);
        blobs.extend(
            emails::emails(tx.connection(), account, &emails).await?.into_iter().map(|row| row.blob_id),
        );
    }
    let blobs: Vec<BlobId> = blobs.into_iter().collect();
    let text =
        format!("SELECT id FROM blobs WHERE id IN ({}) ORDER BY id FOR UPDATE", placeholders(1, blobs.len()));
    let mut lock = sql::query(sql::Text::of_constants(text));
    for blob in padding(&blobs) {
        lock = lock.bind(blob.as_str());
    }
    if !blobs.is_empty() {
        lock.fetch_all(tx.connection()).await?;
    }
    Ok(())
}

/// Whether more than the counts of a mailbox changed after `since` (RFC 8621 2.2), as `member` sees it.
pub async fn properties_changed_since(
    connection: &mut Connection,
    account: &AccountId,
    member: &AccountId,
    since: i64,
) -> Result<bool, StoreError> {
    let row = sql::query(
        "SELECT (SELECT COUNT(*) FROM mailboxes
           WHERE account_id = $1 AND updated_state > $2 AND properties_state > $2)
         + (SELECT COUNT(*) FROM mailbox_subscriptions
           WHERE account_id = $1 AND member_id = $3 AND updated_state > $2)",
    )
    .bind(account.as_str())
    .bind(since)
    .bind(member.as_str())
    .fetch_one(connection)
    .await?;
    Ok(row.try_get::<i64>(0)? > 0)
}

fn read(row: &Row) -> Result<MailboxRow, StoreError> {
    Ok(MailboxRow {
        id: MailboxId::from(row.try_get::<String>(0)?),
        name: row.try_get(1)?,
        parent_id: row.try_get::<Option<String>>(2)?.map(MailboxId::from),
        role: row.try_get(3)?,
        sort_order: row.try_get(4)?,
        total_emails: row.try_get(5)?,
        unread_emails: row.try_get(6)?,
        total_threads: row.try_get(7)?,
        unread_threads: row.try_get(8)?,
        created_state: row.try_get(9)?,
    })
}
