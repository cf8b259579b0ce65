use jmap::{MailboxId, MethodError, MethodErrorType};
use serde_json::{Map, Value};

use crate::clock::parse_date;
use crate::jmap::limits::MOST_SOUGHT;
use crate::jmap::query::{Filter, MOST};
use crate::store::{ClearField, EmailCondition};

/// What a comparison costs beside the octets that are sought.
const COMPARISON: usize = 16;

/// The condition that a filter describes; none when it holds for every email.
pub fn read(filter: Option<&Value>, sealed: bool) -> Result<Option<EmailCondition>, MethodError> {
    let filter = Filter::read(filter, &mut |map| leaf(map, sealed))?;
    let condition = match filter {
        Filter::All(all) if all.is_empty() => return Ok(None),
        filter => joined(filter),
    };
    if sought(&condition) > MOST_SOUGHT { Err(too_much()) } else { Ok(Some(condition)) }
}

/// What it costs to look at one email: the octets that its texts are compared with.
fn sought(condition: &EmailCondition) -> usize {
    use EmailCondition::{All, AllInThread, Any, HasKeyword, Header, Holds, None, SomeInThread};
    match condition {
        Holds(_, text) | HasKeyword(text) | AllInThread(text) | SomeInThread(text) => COMPARISON + text.len(),
        Header(name, text) => COMPARISON + name.len() + text.as_ref().map_or(0, String::len),
        All(inner) | Any(inner) | None(inner) => inner.iter().map(sought).sum(),
        _ => 0,
    }
}

fn too_much() -> MethodError {
    unsupported("the filter looks for too much text at once".into())
}

fn joined(filter: Filter<EmailCondition>) -> EmailCondition {
    let each = |inner: Vec<Filter<EmailCondition>>| inner.into_iter().map(joined).collect();
    match filter {
        Filter::Condition(condition) => condition,
        Filter::All(all) => EmailCondition::All(each(all)),
        Filter::Any(any) => EmailCondition::Any(each(any)),
        Filter::None(none) => EmailCondition::None(each(none)),
    }
}

/// A FilterCondition: all its properties hold at once (RFC 8621 4.4.1).
fn leaf(map: &Map<String, Value>, sealed: bool) -> Result<EmailCondition, MethodError> {
    let mut all: Vec<EmailCondition> =
        map.iter().map(|(name, value)| property(name, value, sealed)).collect::<Result<_, _>>()?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => {
            all.extend(last);
            Ok(EmailCondition::All(all))
        }
    }
}

fn property(name: &str, value: &Value, sealed: bool) -> Result<EmailCondition, MethodError> {
    let invalid = || MethodError::new(MethodErrorType::InvalidArguments, format!("{name} is malformed"));
    let text = || value.as_str().ok_or_else(invalid);
    let date = || text().and_then(|text| parse_date(text).ok_or_else(invalid));
    let size = || value.as_u64().and_then(|size| i64::try_from(size).ok()).ok_or_else(invalid);
    let keyword = || text().map(str::to_ascii_lowercase);
    match name {
        "inMailbox" => Ok(EmailCondition::InMailbox(MailboxId::from(text()?))),
        "inMailboxOtherThan" => {
            let ids = value.as_array().filter(|ids| ids.len() <= MOST).ok_or_else(invalid)?;
            let ids = ids.iter().map(|id| id.as_str().map(MailboxId::from).ok_or_else(invalid));
            Ok(EmailCondition::InMailboxOtherThan(ids.collect::<Result<_, _>>()?))
        }
        "before" => Ok(EmailCondition::Before(date()?)),
        "after" => Ok(EmailCondition::After(date()?)),
        "minSize" => Ok(EmailCondition::MinSize(size()?)),
        "maxSize" => Ok(EmailCondition::MaxSize(size()?)),
        "hasKeyword" => Ok(EmailCondition::HasKeyword(keyword()?)),
        "notKeyword" => Ok(EmailCondition::None(vec![EmailCondition::HasKeyword(keyword()?)])),
        "allInThreadHaveKeyword" => Ok(EmailCondition::AllInThread(keyword()?)),
        "someInThreadHaveKeyword" => Ok(EmailCondition::SomeInThread(keyword()?)),
        "noneInThreadHaveKeyword" => Ok(EmailCondition::None(vec![EmailCondition::SomeInThread(keyword()?)])),
        _ if sealed => Err(unsupported(format!("{name} cannot be answered: the mail is sealed"))),
        _ => of_content(name, value).ok_or_else(invalid)?,
    }
}

/// What can be asked of mail in clear alone; none when the value is malformed.
fn of_content(name: &str, value: &Value) -> Option<Result<EmailCondition, MethodError>> {
    use ClearField::{AttachmentName, Bcc, Body, Cc, From, Subject, To};
    let fields: &[ClearField] = match name {
        "text" => &[From, To, Cc, Bcc, Subject, Body],
        "from" => &[From],
        "to" => &[To],
        "cc" => &[Cc],
        "bcc" => &[Bcc],
        "subject" => &[Subject],
        "body" => &[Body],
        "attachmentName" => &[AttachmentName],
        "hasAttachment" => return Some(Ok(EmailCondition::HasAttachment(value.as_bool()?))),
        "header" => return header(value).map(Ok),
        _ => return Some(Err(unsupported(format!("{name} is not known")))),
    };
    let text = value.as_str()?;
    // Before its words are many objects.
    if text.len() > MOST_SOUGHT {
        return Some(Err(too_much()));
    }
    let holds = |token: &String| {
        let each = fields.iter().map(|field| EmailCondition::Holds(*field, token.clone()));
        EmailCondition::Any(each.collect())
    };
    Some(Ok(EmailCondition::All(tokens(text).iter().map(holds).collect())))
}

fn header(value: &Value) -> Option<EmailCondition> {
    match value.as_array()?.as_slice() {
        [name] => Some(EmailCondition::Header(name.as_str()?.to_lowercase(), None)),
        [name, text] => {
            Some(EmailCondition::Header(name.as_str()?.to_lowercase(), Some(text.as_str()?.to_lowercase())))
        }
        _ => None,
    }
}

fn unsupported(why: String) -> MethodError {
    MethodError::new(MethodErrorType::UnsupportedFilter, why)
}

/// The words of a search in lower case; those between quotes stay together (RFC 8621 4.4.1).
pub fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (place, piece) in text.split('"').enumerate() {
        match place % 2 {
            1 => found.extend(Some(piece.trim()).filter(|piece| !piece.is_empty())),
            _ => found.extend(piece.split_whitespace()),
        }
    }
    found.into_iter().map(str::to_lowercase).collect()
}
