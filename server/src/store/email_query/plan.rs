use jmap::{AccountId, MailboxId};

use super::{EmailCondition, EmailOrder, EmailSearch, SortKey};
use crate::store::sql::{self, Query};

enum Value {
    Text(String),
    Number(i64),
}

/// The parts of a statement; `$1` is the account.
pub struct Plan {
    pub id: &'static str,
    pub thread: &'static str,
    from: &'static str,
    filter: String,
    order: String,
    values: Vec<Value>,
}

impl Plan {
    /// Reads a mailbox in order of arrival straight off its index, and all else off the emails.
    pub fn of(search: &EmailSearch) -> Self {
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
            // The time of arrival is the same, and leads to an index that has all that is asked.
            let same = "e.account_id = m.account_id AND e.received_at = m.received_at AND e.id = m.email_id";
            plan.filter = format!("m.account_id = $1 AND m.mailbox_id = {mark} AND {same}");
            // CROSS JOIN has SQLite go from the mailbox to its emails, of which the account may have many more.
            plan.from = "email_mailboxes m CROSS JOIN emails e";
            (plan.id, plan.thread, arrival) = ("m.email_id", "m.thread_id", ("m.received_at", "m.email_id"));
        }
        match (search.whole_mailbox(), search.by_arrival(), &search.condition) {
            (Some(_), Some(_), _) => {
                plan.from = "email_mailboxes m";
                plan.filter = "m.account_id = $1 AND m.mailbox_id = $2".into();
            }
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

    pub fn columns(&self) -> String {
        format!("{}, {}", self.id, self.thread)
    }

    /// What counts emails, or threads.
    pub fn count(&self, threads: bool) -> String {
        // By its name alone SQLite would go by the index of threads, and read the row of each email.
        if threads { format!("COUNT(DISTINCT {} || '')", self.thread) } else { "COUNT(*)".into() }
    }

    pub fn unordered(&self, what: String) -> String {
        format!("SELECT {what} FROM {} WHERE {}", self.from, self.filter)
    }

    pub fn text(&self, what: String) -> String {
        format!("{} ORDER BY {}", self.unordered(what), self.order)
    }

    pub fn bound(&self, account: &AccountId, text: String) -> Query {
        let mut query = sql::query(sql::Text::of_constants(text)).bind(account.to_string());
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
            EmailCondition::HasKeyword(keyword) => self.has_keyword("e", keyword),
            EmailCondition::AllInThread(keyword) => self.all_in_thread(keyword),
            EmailCondition::SomeInThread(keyword) => self.some_in_thread(keyword),
            EmailCondition::Holds(field, text) => {
                let mark = self.bind(Value::Text(format!("%{}%", escape(text))));
                in_clear(&format!("c.{} LIKE {mark} ESCAPE '!'", field.column()))
            }
            EmailCondition::HasAttachment(has) => {
                in_clear(&format!("c.has_attachment = {}", i64::from(*has)))
            }
            EmailCondition::Header(name, text) => self.has_header(name, text.as_deref()),
            EmailCondition::All(all) => self.joined(all, " AND ", "1 = 1"),
            EmailCondition::Any(any) => self.joined(any, " OR ", "1 = 0"),
            EmailCondition::None(none) => format!("NOT {}", self.joined(none, " OR ", "1 = 0")),
        }
    }

    fn joined(&mut self, conditions: &[EmailCondition], with: &str, empty: &str) -> String {
        let parts: Vec<String> = conditions.iter().map(|condition| self.condition(condition)).collect();
        if parts.is_empty() { format!("({empty})") } else { format!("({})", parts.join(with)) }
    }

    fn has_keyword(&mut self, table: &str, keyword: &str) -> String {
        // Keywords are kept between spaces.
        let mark = self.bind(Value::Text(format!("% {} %", escape(keyword))));
        format!("' ' || {table}.keywords || ' ' LIKE {mark} ESCAPE '!'")
    }

    fn some_in_thread(&mut self, keyword: &str) -> String {
        let has = self.has_keyword("t", keyword);
        // Looked for once, and not again for each email of a thread.
        format!("e.thread_id IN (SELECT t.thread_id FROM emails t WHERE t.account_id = $1 AND {has})")
    }

    fn all_in_thread(&mut self, keyword: &str) -> String {
        let has = self.has_keyword("t", keyword);
        format!(
            "e.thread_id NOT IN (SELECT t.thread_id FROM emails t WHERE t.account_id = $1 AND NOT ({has}))"
        )
    }

    fn has_header(&mut self, name: &str, text: Option<&str>) -> String {
        let name = self.bind(Value::Text(name.to_owned()));
        let holds = text.map(|text| {
            let mark = self.bind(Value::Text(format!("%{}%", escape(text))));
            format!(" AND h.value LIKE {mark} ESCAPE '!'")
        });
        format!(
            "EXISTS (SELECT 1 FROM clear_headers h WHERE h.account_id = e.account_id AND h.email_id = e.id
             AND h.name = {name}{})",
            holds.unwrap_or_default()
        )
    }

    fn order_of(&mut self, order: &[EmailOrder]) -> String {
        let mut keys = Vec::new();
        for EmailOrder { key, ascending } in order {
            let way = if *ascending { "ASC" } else { "DESC" };
            keys.push(match key {
                SortKey::ReceivedAt => format!("e.received_at {way}"),
                SortKey::Size => format!("e.size {way}"),
                SortKey::HasKeyword(keyword) => case(&self.has_keyword("e", keyword), way),
                SortKey::AllInThread(keyword) => case(&self.all_in_thread(keyword), way),
                SortKey::SomeInThread(keyword) => case(&self.some_in_thread(keyword), way),
                SortKey::From => clear_value("sort_from", way),
                SortKey::To => clear_value("sort_to", way),
                SortKey::Subject => clear_value("sort_subject", way),
                SortKey::SentAt => clear_value("sent_at", way),
            });
        }
        keys.push("e.received_at DESC, e.id DESC".into());
        keys.join(", ")
    }
}

/// `!` escapes what LIKE would take for a pattern.
fn escape(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

fn case(condition: &str, way: &str) -> String {
    format!("CASE WHEN {condition} THEN 1 ELSE 0 END {way}")
}

fn clear_value(column: &str, way: &str) -> String {
    format!(
        "(SELECT c.{column} FROM clear_texts c WHERE c.account_id = e.account_id AND c.email_id = e.id) {way}"
    )
}

fn in_clear(condition: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM clear_texts c WHERE c.account_id = e.account_id AND c.email_id = e.id
         AND {condition})"
    )
}

fn in_mailbox(which: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM email_mailboxes x WHERE x.account_id = e.account_id AND x.mailbox_id {which}
         AND x.received_at = e.received_at AND x.email_id = e.id)"
    )
}
