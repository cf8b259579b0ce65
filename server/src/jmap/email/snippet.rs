//! `SearchSnippet` (RFC 8621 5).

use std::sync::Arc;

use jmap::{EmailId, MethodError, MethodErrorType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::query::{search, tokens};
use crate::clear_text::{self, cut};
use crate::delivery::off_thread;
use crate::jmap::Call;
use crate::jmap::answer::{Answer, answer, arguments, failed, ids_to_get};
use crate::{parts, store};

/// Messages that one call reads.
const MOST: usize = 100;
/// Characters before the first match, and of the whole preview (RFC 8621 5: 255 octets).
const BEFORE: usize = 40;
const WHOLE: usize = 160;
/// Octets of a subject that are shown.
const SUBJECT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    filter: Option<Value>,
    email_ids: Vec<EmailId>,
}

/// `SearchSnippet/get`; of sealed mail there are none.
pub async fn snippets(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Arguments { filter, email_ids } = arguments(given)?;
    // The same filters are refused as in Email/query.
    search(call, filter.as_ref(), None, false)?;
    let ids = ids_to_get(Some(email_ids), &call.relay.limits)?.unwrap_or_default();
    if ids.len() > MOST {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let (mut in_subject, mut in_body) = (Vec::new(), Vec::new());
    gather(filter.as_ref(), &mut in_subject, &mut in_body);
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let rows = store::emails(&mut connection, &call.account.id, &ids).await.map_err(failed)?;
    drop(connection);
    let missing: Vec<&EmailId> = ids.iter().filter(|id| !rows.iter().any(|row| row.id == **id)).collect();
    let mut list = Vec::new();
    let words = Arc::new((in_subject, in_body));
    for row in &rows {
        let (subject, preview) = match call.account.kind.is_sealed() {
            true => (None, None),
            false => {
                let (bytes, held) = call.message(row).await?.into_parts();
                let words = Arc::clone(&words);
                let work = move || (snippet(&bytes, &words), held).0;
                off_thread(work).await.map_err(failed)?
            }
        };
        list.push(json!({"emailId": row.id, "subject": subject, "preview": preview}));
    }
    answer(&json!({
        "accountId": call.account.id,
        "list": list,
        "notFound": (!missing.is_empty()).then_some(missing),
    }))
}

/// Subject and preview of a message; of what is not searched nothing is shown.
fn snippet(
    message: &[u8],
    (in_subject, in_body): &(Vec<String>, Vec<String>),
) -> (Option<String>, Option<String>) {
    let Some(message) = parts::parse(message) else { return (None, None) };
    let subject = cut(message.subject().unwrap_or_default(), SUBJECT);
    (marked(subject, in_subject, usize::MAX), marked(&clear_text::body(&message), in_body, WHOLE))
}

/// The words that a filter looks for in subjects and in bodies.
fn gather(filter: Option<&Value>, subject: &mut Vec<String>, body: &mut Vec<String>) {
    let Some(Value::Object(map)) = filter else { return };
    for (name, value) in map {
        match (name.as_str(), value) {
            ("conditions", Value::Array(inner)) => {
                inner.iter().for_each(|inner| gather(Some(inner), subject, body));
            }
            ("text", Value::String(text)) => {
                subject.extend(tokens(text));
                body.extend(tokens(text));
            }
            ("subject", Value::String(text)) => subject.extend(tokens(text)),
            ("body", Value::String(text)) => body.extend(tokens(text)),
            _ => {}
        }
    }
}

/// The text around the first match as HTML, with all matches marked; none without a match.
fn marked(text: &str, words: &[String], most: usize) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let letters: Vec<char> = text.chars().collect();
    // One character each, so that places in both are the same.
    let folded: String =
        letters.iter().map(|letter| letter.to_lowercase().next().unwrap_or(*letter)).collect();
    // Found in linear time, and only around the first one letter after the other.
    let first = words.iter().filter(|word| !word.is_empty()).filter_map(|word| folded.find(word)).min()?;
    let first = folded.get(..first)?.chars().count();
    let folded: Vec<char> = folded.chars().collect();
    let words: Vec<Vec<char>> = words.iter().map(|word| word.chars().collect()).collect();
    let match_at = |place: usize| {
        let rest = folded.get(place..).unwrap_or_default();
        words.iter().filter(|word| !word.is_empty() && rest.starts_with(word)).map(Vec::len).max()
    };
    let start = if most == usize::MAX { 0 } else { first.saturating_sub(BEFORE) };
    let end = start.saturating_add(most).min(letters.len());
    let (mut html, mut place) = (String::new(), start);
    while place < end {
        let length = match_at(place).unwrap_or_default();
        let piece = letters.get(place..(place + length.max(1)).min(end)).unwrap_or_default();
        let piece: String = piece.iter().map(|letter| escaped(*letter)).collect();
        match length {
            0 => html.push_str(&piece),
            _ => html.push_str(&format!("<mark>{piece}</mark>")),
        }
        place += length.max(1);
    }
    Some(html)
}

fn escaped(letter: char) -> String {
    match letter {
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '&' => "&amp;".into(),
        '"' => "&quot;".into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_marked_and_nothing_else_is_html() {
        let words = tokens("Park \"open today\"");
        assert_eq!(
            marked("The park <b>is</b> OPEN today", &words, 100).unwrap(),
            "The <mark>park</mark> &lt;b&gt;is&lt;/b&gt; <mark>OPEN today</mark>"
        );
        assert_eq!(marked("nothing", &words, 100), None);
    }
}
