use std::collections::HashSet;

use futures::TryStreamExt;
use jmap::{AccountId, EmailId, MailboxId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

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

enum Value {
    Text(String),
    Number(i64),
}

/// The parts of a statement; `$1` is the account.
struct Plan {
    id: &'static str,
    thread: &'static str,
    from: &'static str,
    filter: String,
    order: String,
    values: Vec<Value>,
}

impl Plan {
    /// Reads a mailbox in order of arrival straight off its index, and all else off the emails.
    fn of(search: &EmailSearch) -> Self {
        let mut plan = Self {
            id: "e.id",
            thread: "e.thread_id",
            from: "emails e",
            filter: "e.account_id = $1".into(),
            order: String::new(),
            values: Vec::new(),
        };
        let mut arrival = ("e.received_at", "e.id");
        if let Some(mailbox) = search.driving_mailbox() {
            let mark = plan.bind(Value::Text(mailbox.to_string()));
            plan.filter = format!("m.account_id = $1 AND m.mailbox_id = {mark}");
            plan.from =
                "email_mailboxes m JOIN emails e ON e.account_id = m.account_id AND e.id = m.email_id";
            (plan.id, plan.thread, arrival) = ("m.email_id", "m.thread_id", ("m.received_at", "m.email_id"));
        }
        match (search.whole_mailbox(), search.by_arrival(), &search.condition) {
            (Some(_), Some(_), _) => plan.from = "email_mailboxes m",
            (_, _, Some(condition)) => {
                let text = plan.condition(condition);
                plan.filter = format!("{} AND {text}", plan.filter);
            }
            (_, _, None) => {}
        }
        plan.order = match search.by_arrival() {
            Some(true) => format!("{} ASC, {} ASC", arrival.0, arrival.1),
            Some(false) => format!("{} DESC, {} DESC", arrival.0, arrival.1),
            None => plan.order_of(&search.order),
        };
        plan
    }

    fn columns(&self) -> String {
        format!("{}, {}", self.id, self.thread)
    }

    fn unordered(&self, what: String) -> String {
        format!("SELECT {what} FROM {} WHERE {}", self.from, self.filter)
    }

    fn text(&self, what: String) -> String {
        format!("{} ORDER BY {}", self.unordered(what), self.order)
    }

    fn bound<'q>(
        &self,
        account: &AccountId,
        text: String,
    ) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
        let mut query = sqlx::query(AssertSqlSafe(text)).bind(account.to_string());
        for value in &self.values {
            query = match value {
                Value::Text(text) => query.bind(text.clone()),
                Value::Number(number) => query.bind(*number),
            };
        }
        query
    }

    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len() + 1)
    }

    fn condition(&mut self, condition: &EmailCondition) -> String {
        match condition {
            EmailCondition::InMailbox(mailbox) => {
                let mark = self.bind(Value::Text(mailbox.to_string()));
                in_mailbox(&format!("= {mark}"))
            }
            EmailCondition::InMailboxOtherThan(mailboxes) => {
                let bind = |mailbox: &MailboxId| self.bind(Value::Text(mailbox.to_string()));
                let marks: Vec<String> = mailboxes.iter().map(bind).collect();
                in_mailbox(&format!("NOT IN ({})", marks.join(", ")))
            }
            EmailCondition::Before(at) => format!("e.received_at < {}", self.bind(Value::Number(*at))),
            EmailCondition::After(at) => format!("e.received_at >= {}", self.bind(Value::Number(*at))),
            EmailCondition::MinSize(size) => format!("e.size >= {}", self.bind(Value::Number(*size))),
            EmailCondition::MaxSize(size) => format!("e.size < {}", self.bind(Value::Number(*size))),
            EmailCondition::HasKeyword(keyword) => self.has_keyword(keyword),
            EmailCondition::All(all) => self.joined(all, " AND ", "1 = 1"),
            EmailCondition::Any(any) => self.joined(any, " OR ", "1 = 0"),
            EmailCondition::None(none) => format!("NOT {}", self.joined(none, " OR ", "1 = 0")),
        }
    }

    fn joined(&mut self, conditions: &[EmailCondition], with: &str, empty: &str) -> String {
        let parts: Vec<String> = conditions.iter().map(|condition| self.condition(condition)).collect();
        if parts.is_empty() { format!("({empty})") } else { format!("({})", parts.join(with)) }
    }

    fn has_keyword(&mut self, keyword: &str) -> String {
        // Keywords are kept between spaces; `!` escapes what LIKE would take for a pattern.
        let escaped = keyword.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let mark = self.bind(Value::Text(format!("% {escaped} %")));
        format!("' ' || e.keywords || ' ' LIKE {mark} ESCAPE '!'")
    }

    fn order_of(&mut self, order: &[EmailOrder]) -> String {
        let mut keys = Vec::new();
        for EmailOrder { key, ascending } in order {
            let way = if *ascending { "ASC" } else { "DESC" };
            keys.push(match key {
                SortKey::ReceivedAt => format!("e.received_at {way}"),
                SortKey::Size => format!("e.size {way}"),
                SortKey::HasKeyword(keyword) => {
                    format!("CASE WHEN {} THEN 1 ELSE 0 END {way}", self.has_keyword(keyword))
                }
            });
        }
        keys.push("e.received_at DESC, e.id DESC".into());
        keys.join(", ")
    }
}

fn in_mailbox(which: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM email_mailboxes x WHERE x.account_id = e.account_id AND x.mailbox_id {which}
         AND x.received_at = e.received_at AND x.email_id = e.id)"
    )
}

fn read(row: &AnyRow) -> Result<(EmailId, String), StoreError> {
    Ok((EmailId::from(row.try_get::<String, _>(0)?), row.try_get(1)?))
}
