mod plan;

use std::collections::HashSet;

use futures::TryStreamExt;
use jmap::{AccountId, EmailId, MailboxId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use plan::Plan;

use super::StoreError;
use crate::clock::Millis;

/// Which emails; what the relay can answer without reading any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmailCondition {
    /// In this mailbox.
    InMailbox(MailboxId),
    /// In some other mailbox than these.
    InMailboxOtherThan(Vec<MailboxId>),
    /// Came before.
    Before(Millis),
    /// Came at or after.
    After(Millis),
    /// At least this long.
    MinSize(i64),
    /// Shorter than this.
    MaxSize(i64),
    /// With this keyword.
    HasKeyword(String),
    /// All of these.
    All(Vec<EmailCondition>),
    /// Any of these.
    Any(Vec<EmailCondition>),
    /// None of these.
    None(Vec<EmailCondition>),
}

/// What to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKey {
    /// When it came.
    ReceivedAt,
    /// Its length.
    Size,
    /// Whether it has this keyword.
    HasKeyword(String),
}

/// One key of a sort order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailOrder {
    /// What to sort by.
    pub key: SortKey,
    /// Smallest first.
    pub ascending: bool,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailSearch {
    /// Which emails; none means all.
    pub condition: Option<EmailCondition>,
    /// In which order; empty means newest first.
    pub order: Vec<EmailOrder>,
    /// Only the first email of each thread.
    pub collapse: bool,
}

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
    connection: &mut AnyConnection,
    account: &AccountId,
    search: &EmailSearch,
    start: &Start,
    limit: i64,
) -> Result<Option<FoundEmails>, StoreError> {
    let plan = Plan::of(search);
    if let (Start::Position(position), false) = (start, search.collapse) {
        let text = format!("{} LIMIT {limit} OFFSET {position}", plan.text(plan.columns()));
        let rows = plan.bound(account, text).fetch_all(connection).await?;
        let ids = rows.iter().map(|row| Ok(read(row)?.0)).collect::<Result<_, StoreError>>()?;
        return Ok(Some(FoundEmails { ids, position: *position }));
    }
    walk(connection, account, &plan, search.collapse, start, limit).await
}

/// How many emails, or threads where they are collapsed, a search finds.
pub async fn count_emails(
    connection: &mut AnyConnection,
    account: &AccountId,
    search: &EmailSearch,
) -> Result<i64, StoreError> {
    let plan = Plan::of(search);
    let what = if search.collapse { format!("COUNT(DISTINCT {})", plan.thread) } else { "COUNT(*)".into() };
    let text = plan.unordered(what);
    Ok(plan.bound(account, text).fetch_one(connection).await?.try_get(0)?)
}

/// Reads the results in order up to the end of the page.
///
/// The work grows with the place of the page, not with the mailbox.
async fn walk(
    connection: &mut AnyConnection,
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

impl EmailSearch {
    /// The one mailbox whose whole content is asked for, if that is what is asked.
    pub fn whole_mailbox(&self) -> Option<&MailboxId> {
        match &self.condition {
            Some(EmailCondition::InMailbox(mailbox)) => Some(mailbox),
            _ => None,
        }
    }

    /// Whether the order is that of arrival, and if so whether oldest first.
    fn by_arrival(&self) -> Option<bool> {
        match self.order.as_slice() {
            [] => Some(false),
            [EmailOrder { key: SortKey::ReceivedAt, ascending }, ..] => Some(*ascending),
            _ => None,
        }
    }

    /// A mailbox that all results lie in.
    fn driving_mailbox(&self) -> Option<&MailboxId> {
        let in_mailbox = |condition: &'_ EmailCondition| matches!(condition, EmailCondition::InMailbox(_));
        match self.condition.as_ref()? {
            EmailCondition::InMailbox(mailbox) => Some(mailbox),
            EmailCondition::All(all) => match all.iter().find(|condition| in_mailbox(condition))? {
                EmailCondition::InMailbox(mailbox) => Some(mailbox),
                _ => None,
            },
            _ => None,
        }
    }
}

fn read(row: &AnyRow) -> Result<(EmailId, String), StoreError> {
    Ok((EmailId::from(row.try_get::<String, _>(0)?), row.try_get(1)?))
}
