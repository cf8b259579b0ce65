mod plan;
mod search;

use std::collections::{BTreeSet, HashSet};

use futures::TryStreamExt;
use jmap::{AccountId, EmailId};

use plan::Plan;
pub use search::{ClearField, EmailCondition, EmailOrder, EmailSearch, SortKey};

use super::StoreError;
use super::sql::{self, Connection, Row};

/// From where an answer starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// From this place.
    Position(i64),
    /// From the place of this email plus an offset.
    Anchor(EmailId, i64),
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEmails {
    /// The ids, in order.
    pub ids: Vec<EmailId>,
    /// The place of the first one.
    pub position: i64,
}

/// A page of a search; none when the anchor is not among the results.
pub async fn search_emails(
    connection: &mut Connection,
    account: &AccountId,
    search: &EmailSearch,
    start: &Start,
    limit: i64,
) -> Result<Option<FoundEmails>, StoreError> {
    let plan = Plan::of(search);
    if let (Start::Position(position), false) = (start, search.collapse) {
        // The id alone, which the index of the order has.
        let text = format!("{} LIMIT {limit} OFFSET {position}", plan.text(plan.id.to_owned()));
        let rows = plan.bound(account, text).fetch_all(connection).await?;
        let id = |row: &Row| Ok(EmailId::from(row.try_get::<String>(0)?));
        let ids = rows.iter().map(id).collect::<Result<_, StoreError>>()?;
        return Ok(Some(FoundEmails { ids, position: *position }));
    }
    walk(connection, account, &plan, search.collapse, start, limit).await
}

/// Where each of these emails stands in the results of a search, as far as it is among them.
pub async fn places(
    connection: &mut Connection,
    account: &AccountId,
    search: &EmailSearch,
    wanted: &BTreeSet<EmailId>,
) -> Result<Vec<(usize, EmailId)>, StoreError> {
    let plan = Plan::of(search);
    let (mut seen, mut found, mut place) = (HashSet::new(), Vec::new(), 0);
    let mut rows = plan.bound(account, plan.text(plan.columns())).fetch(connection);
    while found.len() < wanted.len()
        && let Some(row) = rows.try_next().await?
    {
        let (id, thread) = read(&row)?;
        if search.collapse && !seen.insert(thread) {
            continue;
        }
        if wanted.contains(&id) {
            found.push((place, id));
        }
        place += 1;
    }
    Ok(found)
}

/// All emails of the threads of which one came, went or changed after `since`.
pub async fn emails_of_changed_threads(
    connection: &mut Connection,
    account: &AccountId,
    since: i64,
) -> Result<Vec<EmailId>, StoreError> {
    let rows = sql::query(
        "SELECT id FROM emails WHERE account_id = $1 AND thread_id IN (
           SELECT id FROM threads WHERE account_id = $1 AND updated_state > $2
           UNION SELECT thread_id FROM emails WHERE account_id = $1 AND updated_state > $2)",
    )
    .bind(account.as_str())
    .bind(since)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(EmailId::from(row.try_get::<String>(0)?))).collect()
}

/// How many emails, or threads where they are collapsed, a search finds.
pub async fn count_emails(
    connection: &mut Connection,
    account: &AccountId,
    search: &EmailSearch,
) -> Result<i64, StoreError> {
    // The values of an order have no marks where there is none.
    let plan = Plan::of(&EmailSearch { order: Vec::new(), ..search.clone() });
    let text = plan.unordered(plan.count(search.collapse));
    Ok(plan.bound(account, text).fetch_one(connection).await?.try_get(0)?)
}

/// Reads the results in order up to the end of the page.
///
/// The work grows with the place of the page, not with the mailbox.
async fn walk(
    connection: &mut Connection,
    account: &AccountId,
    plan: &Plan,
    collapse: bool,
    start: &Start,
    limit: i64,
) -> Result<Option<FoundEmails>, StoreError> {
    let mut seen = HashSet::new();
    let mut found: Vec<EmailId> = Vec::new();
    let mut from = match start {
        Start::Position(position) => Some(*position),
        Start::Anchor(..) => None,
    };
    let mut rows = plan.bound(account, plan.text(plan.columns())).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (id, thread) = read(&row)?;
        if collapse && !seen.insert(thread) {
            continue;
        }
        let place = i64::try_from(found.len()).unwrap_or(i64::MAX);
        if let Start::Anchor(anchor, offset) = start
            && *anchor == id
        {
            from = Some(place.saturating_add(*offset).max(0));
        }
        if from.is_some_and(|from| place >= from.saturating_add(limit)) {
            break;
        }
        found.push(id);
    }
    let Some(position) = from else { return Ok(None) };
    let skip = usize::try_from(position).unwrap_or(usize::MAX);
    let most = usize::try_from(limit).unwrap_or_default();
    let ids = found.into_iter().skip(skip).take(most).collect();
    Ok(Some(FoundEmails { ids, position }))
}

fn read(row: &Row) -> Result<(EmailId, String), StoreError> {
    Ok((EmailId::from(row.try_get::<String>(0)?), row.try_get(1)?))
}

#[cfg(test)]
mod tests {
    use jmap::MailboxId;

    use super::super::engine::Engine;
    use super::super::schema;
    use super::super::sql::Local;
    use super::*;

    /// How SQLite comes to the emails that a statement asks for.
    async fn way(connection: &mut Connection, plan: &Plan, text: String) -> String {
        let text = format!("EXPLAIN QUERY PLAN {text}");
        let rows = plan.bound(&AccountId::from("a"), text).fetch_all(connection).await.unwrap();
        let steps = rows.iter().map(|row| row.try_get::<String>(3).unwrap());
        steps.filter(|step| step.contains(" e ")).collect()
    }

    #[tokio::test]
    async fn a_search_reads_an_index_through_and_no_row_of_an_email() {
        let mut connection = Connection::Local(Box::new(Local::in_memory().unwrap()));
        schema::migrate(&mut connection, Engine::Sqlite).await.unwrap();
        let unread = || EmailCondition::None(vec![EmailCondition::HasKeyword("$seen".into())]);
        let inbox = || EmailCondition::InMailbox(MailboxId::from("m"));
        let by_size = vec![EmailOrder { key: SortKey::Size, ascending: false }];
        for (condition, order) in [
            (Some(EmailCondition::HasKeyword("nobody-has-it".into())), Vec::new()),
            (Some(EmailCondition::MinSize(1)), Vec::new()),
            (None, by_size.clone()),
            (Some(EmailCondition::All(vec![inbox(), unread()])), Vec::new()),
            (Some(inbox()), by_size),
        ] {
            let search = EmailSearch { condition, order, collapse: false };
            let plan = Plan::of(&search);
            let whats = [plan.columns(), plan.count(true), plan.count(false)];
            for text in whats.map(|what| plan.unordered(what)).into_iter().chain([plan.text(plan.columns())])
            {
                let way = way(&mut connection, &plan, text).await;
                assert!(way.contains("COVERING INDEX"), "{search:?}: {way}");
                // A mailbox may have few of the account's emails.
                let from_mailbox = way.contains("account_id=? AND received_at=? AND id=?");
                assert_eq!(from_mailbox, search.driving_mailbox().is_some(), "{search:?}: {way}");
            }
        }
    }
}
