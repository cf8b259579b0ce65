//! What of an email a client may change: keywords, mailboxes and the summary.

use std::collections::{BTreeMap, BTreeSet};

use jmap::keyword::SEALED_AT_DOOR;
use jmap::{MailboxId, Patch, SetError, SetErrorType};
use serde_json::{Value, json};

use crate::from_base64;
use crate::jmap::limits::MAX_SUMMARY;
use crate::jmap::set::check_pointers;
use crate::store::{EmailPatch, EmailRow};

/// The properties that a client may change.
pub const SETTABLE: [&str; 3] = ["keywords", "mailboxIds", "sealedSummary"];
/// The greatest number of keywords of an email.
const MOST_KEYWORDS: usize = 100;
/// The most octets of all of them with the spaces between: the index that searches read has room for no more on PostgreSQL.
const LONGEST_KEYWORDS: usize = 2000;

/// What a patch refers to.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The mailboxes that there are.
    pub mailboxes: &'a BTreeSet<MailboxId>,
    /// Ids by creation id.
    pub created: &'a BTreeMap<String, String>,
}

/// The email as the patch leaves it.
pub fn apply(row: &EmailRow, patch: &Patch, known: Known<'_>) -> Result<EmailPatch, SetError> {
    let mut new = EmailPatch {
        keywords: row.keywords.clone(),
        mailboxes: row.mailboxes.clone(),
        summary: row.summary.clone(),
    };
    // All that there are parts of which a client may change.
    check_pointers(patch, &json!({"keywords": {}, "mailboxIds": {}}))?;
    for (path, value) in patch {
        let wrong = || SetError::invalid_properties([path.as_str()]);
        match (path.split_once('/'), path.as_str(), value) {
            (Some(("keywords", name)), _, value) => {
                flag(&mut new.keywords, keyword(&unescape(name)).ok_or_else(wrong)?, value)
                    .ok_or_else(wrong)?;
            }
            (Some(("mailboxIds", id)), _, value) => {
                flag(&mut new.mailboxes, mailbox(&unescape(id), known), value).ok_or_else(wrong)?;
            }
            (_, "keywords", value) => new.keywords = keywords(value).ok_or_else(wrong)?,
            (_, "mailboxIds", value) => new.mailboxes = mailboxes(value, known).ok_or_else(wrong)?,
            (_, "sealedSummary", Value::Null) => new.summary = None,
            (_, "sealedSummary", Value::String(text)) => {
                new.summary = Some(summary(text).ok_or_else(wrong)?);
            }
            _ => return Err(wrong()),
        }
    }
    check(&new.keywords, &new.mailboxes, &row.keywords, known)?;
    Ok(new)
}

/// RFC 8621 4: an email lies in at least one mailbox, and keywords are bounded.
///
/// The relay's own mark may go and not come: what is not among the keywords `before` is not for clients to add.
pub fn check(
    keywords: &BTreeSet<String>,
    mailboxes: &BTreeSet<MailboxId>,
    before: &BTreeSet<String>,
    known: Known<'_>,
) -> Result<(), SetError> {
    if mailboxes.is_empty() || !mailboxes.is_subset(known.mailboxes) {
        return Err(SetError::invalid_properties(["mailboxIds"]));
    }
    let octets: usize = keywords.iter().map(|keyword| keyword.len() + 1).sum();
    if keywords.len() > MOST_KEYWORDS || octets > LONGEST_KEYWORDS {
        return Err(SetErrorType::TooManyKeywords.into());
    }
    if keywords.contains(SEALED_AT_DOOR) && !before.contains(SEALED_AT_DOOR) {
        let why = "only the relay says what it sealed at the door";
        return Err(SetError::new(SetErrorType::Forbidden, why));
    }
    Ok(())
}

/// A set of keywords as JMAP writes it.
pub fn keywords(value: &Value) -> Option<BTreeSet<String>> {
    let map = value.as_object()?;
    map.iter().map(|(name, on)| keyword(name).filter(|_| *on == Value::Bool(true))).collect()
}

/// A set of mailboxes as JMAP writes it.
pub fn mailboxes(value: &Value, known: Known<'_>) -> Option<BTreeSet<MailboxId>> {
    let map = value.as_object()?;
    map.iter().map(|(id, on)| (*on == Value::Bool(true)).then(|| mailbox(id, known))).collect()
}

/// A summary within its limit.
pub fn summary(text: &str) -> Option<Vec<u8>> {
    from_base64(text).filter(|octets| octets.len() <= MAX_SUMMARY)
}

fn flag<T: Ord>(set: &mut BTreeSet<T>, item: T, value: &Value) -> Option<()> {
    match value {
        Value::Bool(true) => drop(set.insert(item)),
        // RFC 8620 5.3 takes away with null; clients write false, too, which can mean nothing else.
        Value::Null | Value::Bool(false) => drop(set.remove(&item)),
        _ => return None,
    }
    Some(())
}

/// A keyword in lower case, if it obeys the grammar of RFC 8621 4.1.1.
fn keyword(name: &str) -> Option<String> {
    let allowed = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"(){]%*\"\\".contains(&byte);
    let fits = (1..=255).contains(&name.len()) && name.bytes().all(allowed);
    fits.then(|| name.to_ascii_lowercase())
}

fn mailbox(id: &str, known: Known<'_>) -> MailboxId {
    let resolved = id.strip_prefix('#').and_then(|creation| known.created.get(creation));
    MailboxId::from(resolved.map_or(id, String::as_str))
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
