use std::collections::BTreeSet;

use jmap::{AccountId, BlobId, EmailId, MailboxId, ThreadId};

use super::changes::bury;
use super::clear_texts::{add_clear_text, drop_clear_text};
use super::counts::{self, Placement};
use super::sql::{self, Connection, Row};
use super::{Kind, Ledger, StoreError, Tx, padding, placeholders, release_blob, thread_for, words};
use crate::clear_text::ClearText;
use crate::clock::Millis;
use crate::outer::{OuterHeader, short_hash};
use crate::random;

/// How many emails of one Message-ID, and submissions of one email, are looked at.
pub(super) const MOST_RELATED: i64 = 100;

/// An email as it is kept: the outer header and where it lies, never its content.
#[derive(Debug, Clone)]
pub struct EmailRow {
    /// Its id.
    pub id: EmailId,
    /// The message's bytes.
    pub blob_id: BlobId,
    /// Its conversation.
    pub thread_id: ThreadId,
    /// Its length.
    pub size: i64,
    /// When it came.
    pub received_at: Millis,
    /// The structural fields of its outer header.
    pub outer: OuterHeader,
    /// Its keywords.
    pub keywords: BTreeSet<String>,
    /// Where it lies.
    pub mailboxes: BTreeSet<MailboxId>,
    /// What a list shows of it, sealed to its owner.
    pub summary: Option<Vec<u8>>,
    created_state: i64,
}

/// An email to keep; its blob is there already.
#[derive(Debug, Clone)]
pub struct NewEmail {
    /// The message's bytes.
    pub blob_id: BlobId,
    /// Its length.
    pub size: i64,
    /// When it came.
    pub received_at: Millis,
    /// The structural fields of its outer header.
    pub outer: OuterHeader,
    /// Its keywords.
    pub keywords: BTreeSet<String>,
    /// Where it goes.
    pub mailboxes: BTreeSet<MailboxId>,
    /// What a list shows of it, sealed to its owner.
    pub summary: Option<Vec<u8>>,
    /// What it can be found by; in public accounts alone.
    pub clear: Option<ClearText>,
}

/// What of an email changes.
#[derive(Debug, Clone)]
pub struct EmailPatch {
    /// Its keywords from now on.
    pub keywords: BTreeSet<String>,
    /// Where it lies from now on.
    pub mailboxes: BTreeSet<MailboxId>,
    /// Its summary from now on.
    pub summary: Option<Vec<u8>>,
}

/// The emails of these ids, as far as they are there.
pub async fn emails(
    connection: &mut Connection,
    account: &AccountId,
    ids: &[EmailId],
) -> Result<Vec<EmailRow>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT id, blob_id, thread_id, size, received_at, outer_header, keywords, mailboxes, summary,
         created_state, subject FROM emails WHERE account_id = $1 AND id IN ({})",
        placeholders(2, ids.len())
    );
    let mut query = sql::query(sql::Text::of_constants(text)).bind(account.as_str());
    for id in padding(ids) {
        query = query.bind(id.as_str());
    }
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// The emails that have this Message-ID.
pub async fn emails_of_message(
    connection: &mut Connection,
    account: &AccountId,
    message_id: &str,
) -> Result<Vec<EmailRow>, StoreError> {
    let text = "SELECT email_id FROM message_ids WHERE account_id = $1 AND message_id = $2 ORDER BY email_id LIMIT $3";
    let rows = sql::query(text).bind(account.as_str()).bind(short_hash(message_id)).bind(MOST_RELATED);
    let rows = rows.fetch_all(&mut *connection).await?;
    let related = rows.iter().map(|row| Ok(EmailId::from(row.try_get::<String>(0)?)));
    let related = related.collect::<Result<Vec<_>, StoreError>>()?;
    let mut found = emails(connection, account, &related).await?;
    // Answers have the id in their References.
    found.retain(|email| email.outer.message_id.first().is_some_and(|own| own == message_id));
    Ok(found)
}

/// The emails of an account that are this message.
pub async fn emails_of_blob(
    connection: &mut Connection,
    account: &AccountId,
    blob: &BlobId,
) -> Result<Vec<EmailRow>, StoreError> {
    let rows = sql::query(
        "SELECT id, blob_id, thread_id, size, received_at, outer_header, keywords, mailboxes, summary,
         created_state, subject FROM emails WHERE account_id = $1 AND blob_id = $2",
    );
    let rows = rows.bind(account.as_str()).bind(blob.as_str()).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// Keeps an email and puts it into its thread.
pub async fn insert_email(
    tx: &mut Tx,
    ledger: &mut Ledger,
    new: &NewEmail,
) -> Result<(EmailId, ThreadId), StoreError> {
    let related = new.outer.related_ids();
    let thread = match thread_for(tx.connection(), ledger.account(), &related).await? {
        Some(thread) => thread,
        None => ThreadId::from(random::id('t')),
    };
    let id = EmailId::from(random::id('e'));
    let state = ledger.next(Kind::Email);
    let outer = serde_json::to_string(&new.outer).map_err(|_| StoreError::Corrupt("outer header"))?;
    sql::query(
        "INSERT INTO emails (account_id, id, blob_id, thread_id, size, received_at, outer_header, keywords,
         mailboxes, summary, created_state, updated_state, subject)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)",
    )
    .bind(ledger.account().as_str())
    .bind(id.as_str())
    .bind(new.blob_id.as_str())
    .bind(thread.as_str())
    .bind(new.size)
    .bind(new.received_at)
    .bind(outer)
    .bind(join(new.keywords.iter().map(String::as_str)))
    .bind(join(new.mailboxes.iter().map(MailboxId::as_str)))
    .bind(new.summary.clone())
    .bind(state)
    .bind(new.outer.subject.clone())
    .execute(tx.connection())
    .await?;
    ledger.add(new.size);
    remember_ids(tx, ledger.account(), &related, &id, &thread).await?;
    if let Some(clear) = &new.clear {
        add_clear_text(tx, ledger.account(), &id, clear).await?;
    }
    let place = (&id, new.received_at, &thread);
    move_between(tx, ledger.account(), place, &BTreeSet::new(), &new.mailboxes).await?;
    let after = Placement { mailboxes: &new.mailboxes, unread: unread(&new.keywords) };
    counts::apply(tx, ledger, &thread, None, Some(after)).await?;
    Ok((id, thread))
}

/// Changes an email.
pub async fn update_email(
    tx: &mut Tx,
    ledger: &mut Ledger,
    old: &EmailRow,
    new: &EmailPatch,
) -> Result<(), StoreError> {
    let state = ledger.next(Kind::Email);
    sql::query(
        "UPDATE emails SET keywords = $3, mailboxes = $4, summary = $5, updated_state = $6
         WHERE account_id = $1 AND id = $2",
    )
    .bind(ledger.account().as_str())
    .bind(old.id.as_str())
    .bind(join(new.keywords.iter().map(String::as_str)))
    .bind(join(new.mailboxes.iter().map(MailboxId::as_str)))
    .bind(new.summary.clone())
    .bind(state)
    .execute(tx.connection())
    .await?;
    let place = (&old.id, old.received_at, &old.thread_id);
    move_between(tx, ledger.account(), place, &old.mailboxes, &new.mailboxes).await?;
    let before = Placement { mailboxes: &old.mailboxes, unread: unread(&old.keywords) };
    let after = Placement { mailboxes: &new.mailboxes, unread: unread(&new.keywords) };
    counts::apply(tx, ledger, &old.thread_id, Some(before), Some(after)).await
}

/// Destroys an email; its bytes go when nothing else holds them.
pub async fn destroy_email(tx: &mut Tx, ledger: &mut Ledger, old: &EmailRow) -> Result<(), StoreError> {
    let account = ledger.account().clone();
    sql::query("DELETE FROM emails WHERE account_id = $1 AND id = $2")
        .bind(account.as_str())
        .bind(old.id.as_str())
        .execute(tx.connection())
        .await?;
    for message_id in old.outer.related_ids() {
        sql::query("DELETE FROM message_ids WHERE account_id = $1 AND message_id = $2 AND email_id = $3")
            .bind(account.as_str())
            .bind(message_id)
            .bind(old.id.as_str())
            .execute(tx.connection())
            .await?;
    }
    drop_clear_text(tx, &account, &old.id).await?;
    let place = (&old.id, old.received_at, &old.thread_id);
    move_between(tx, &account, place, &old.mailboxes, &BTreeSet::new()).await?;
    let before = Placement { mailboxes: &old.mailboxes, unread: unread(&old.keywords) };
    counts::apply(tx, ledger, &old.thread_id, Some(before), None).await?;
    ledger.grow(-old.size);
    bury(tx, ledger, Kind::Email, old.id.as_str(), old.created_state).await?;
    release_blob(tx, &account, &old.blob_id).await
}

/// RFC 8621 2: unread is what is neither seen nor a draft.
pub(super) fn unread(keywords: &BTreeSet<String>) -> bool {
    !keywords.contains(jmap::keyword::SEEN) && !keywords.contains(jmap::keyword::DRAFT)
}

async fn remember_ids(
    tx: &mut Tx,
    account: &AccountId,
    message_ids: &[String],
    email: &EmailId,
    thread: &ThreadId,
) -> Result<(), StoreError> {
    if message_ids.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> =
        (4..4 + message_ids.len()).map(|place| format!("($1, ${place}, $2, $3)")).collect();
    let text = format!(
        "INSERT INTO message_ids (account_id, message_id, email_id, thread_id) VALUES {}",
        rows.join(", ")
    );
    let mut query = sql::query(sql::Text::of_constants(text)).bind(account.as_str());
    query = query.bind(email.as_str()).bind(thread.as_str());
    for message_id in message_ids {
        query = query.bind(message_id);
    }
    query.execute(tx.connection()).await?;
    Ok(())
}

async fn move_between(
    tx: &mut Tx,
    account: &AccountId,
    (email, received_at, thread): (&EmailId, Millis, &ThreadId),
    before: &BTreeSet<MailboxId>,
    after: &BTreeSet<MailboxId>,
) -> Result<(), StoreError> {
    for mailbox in before.difference(after) {
        sql::query(
            "DELETE FROM email_mailboxes
             WHERE account_id = $1 AND mailbox_id = $2 AND received_at = $3 AND email_id = $4",
        )
        .bind(account.as_str())
        .bind(mailbox.as_str())
        .bind(received_at)
        .bind(email.as_str())
        .execute(tx.connection())
        .await?;
    }
    for mailbox in after.difference(before) {
        sql::query(
            "INSERT INTO email_mailboxes (account_id, mailbox_id, received_at, email_id, thread_id)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(account.as_str())
        .bind(mailbox.as_str())
        .bind(received_at)
        .bind(email.as_str())
        .bind(thread.as_str())
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

fn join<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<Vec<_>>().join(" ")
}

fn read(row: &Row) -> Result<EmailRow, StoreError> {
    let outer: &str = row.try_get(5)?;
    let outer = serde_json::from_str(outer).map_err(|_| StoreError::Corrupt("outer header"))?;
    Ok(EmailRow {
        id: EmailId::from(row.try_get::<String>(0)?),
        blob_id: BlobId::from(row.try_get::<String>(1)?),
        thread_id: ThreadId::from(row.try_get::<String>(2)?),
        size: row.try_get(3)?,
        received_at: row.try_get(4)?,
        outer: OuterHeader { subject: row.try_get(10)?, ..outer },
        keywords: words(row.try_get(6)?),
        mailboxes: words(row.try_get(7)?),
        summary: row.try_get(8)?,
        created_state: row.try_get(9)?,
    })
}
