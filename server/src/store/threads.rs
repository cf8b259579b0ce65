use jmap::{AccountId, EmailId, ThreadId};

use super::sql::{self, Connection};
use super::{StoreError, padding, placeholders};

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRow {
    /// Its id.
    pub id: ThreadId,
    /// Its emails, oldest first.
    pub emails: Vec<EmailId>,
}

/// The thread that holds an email with one of these message ids.
pub async fn thread_for(
    connection: &mut Connection,
    account: &AccountId,
    message_ids: &[String],
) -> Result<Option<ThreadId>, StoreError> {
    if message_ids.is_empty() {
        return Ok(None);
    }
    let marks = placeholders(2, message_ids.len());
    let text = format!(
        "SELECT thread_id FROM message_ids WHERE account_id = $1 AND message_id IN ({marks})
         ORDER BY email_id LIMIT 1"
    );
    let mut query = sql::query(sql::Text::of_constants(text)).bind(account.as_str());
    for id in padding(message_ids) {
        query = query.bind(id.as_str());
    }
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(ThreadId::from(row.try_get::<String>(0)?))).transpose()
}

/// The threads of these ids, as far as they are there.
pub async fn threads(
    connection: &mut Connection,
    account: &AccountId,
    ids: &[ThreadId],
) -> Result<Vec<ThreadRow>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "SELECT thread_id, id FROM emails WHERE account_id = $1 AND thread_id IN ({})
         ORDER BY thread_id, received_at, id",
        placeholders(2, ids.len())
    );
    let mut query = sql::query(sql::Text::of_constants(text)).bind(account.as_str());
    for id in padding(ids) {
        query = query.bind(id.as_str());
    }
    let mut found: Vec<ThreadRow> = Vec::new();
    for row in query.fetch_all(connection).await? {
        let (thread, email): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        match found.last_mut() {
            Some(last) if last.id.as_str() == thread => last.emails.push(email.into()),
            _ => found.push(ThreadRow { id: thread.into(), emails: vec![email.into()] }),
        }
    }
    Ok(found)
}
