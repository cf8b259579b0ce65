use jmap::{EmailId, MethodError, MethodErrorType, SEALED};
use mail_parser::MessageParser;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::header;
use crate::base64_text;
use crate::clock::utc_date;
use crate::jmap::Call;
use crate::jmap::answer::{Answer, arguments, failed, get_answer, ids_to_get};
use crate::jmap::weight::weight;
use crate::store::{self, EmailRow, Kind};

/// What a client gets that names no properties (RFC 8621 4.2).
const DEFAULT: [&str; 24] = [
    "id",
    "blobId",
    "threadId",
    "mailboxIds",
    "keywords",
    "size",
    "receivedAt",
    "messageId",
    "inReplyTo",
    "references",
    "sender",
    "from",
    "to",
    "cc",
    "bcc",
    "replyTo",
    "subject",
    "sentAt",
    "hasAttachment",
    "preview",
    "bodyValues",
    "textBody",
    "htmlBody",
    "attachments",
];
/// What it gets besides when it uses the vendor's capability.
const SUMMARY: &str = "sealedSummary";

/// How many properties a call may name.
const MOST_PROPERTIES: usize = 100;
/// What the objects of one answer may have in octets; header fields can be long.
const ANSWER: usize = 16 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    ids: Option<Vec<EmailId>>,
    properties: Option<Vec<String>>,
    body_properties: Option<Vec<String>>,
}

/// `Email/get` (RFC 8621 4.2).
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Arguments { ids, properties, body_properties } = arguments(given)?;
    // RFC 8620 5.1: a type may refuse to give all its objects at once.
    let ids = ids_to_get(ids, &call.relay.limits)?.ok_or(MethodErrorType::RequestTooLarge)?;
    let properties = properties.unwrap_or_else(|| default_properties(call));
    if properties.len() > MOST_PROPERTIES
        || body_properties.as_ref().is_some_and(|b| b.len() > MOST_PROPERTIES)
    {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, &call.account.id).await.map_err(failed)?.of(Kind::Email);
    let found = store::emails(&mut connection, &call.account.id, &ids).await.map_err(failed)?;
    drop(connection);
    let missing: Vec<_> = ids.iter().filter(|id| !found.iter().any(|row| row.id == **id)).collect();
    let from_blob = properties.iter().any(|property| header::is_in_blob(property));
    let (mut list, mut room) = (Vec::with_capacity(found.len()), ANSWER);
    for row in &found {
        let blob = match from_blob {
            true => call.relay.blobs.read_start(&call.relay.store, &row.blob_id).await.map_err(failed)?,
            false => Vec::new(),
        };
        let object = object(row, &blob, &properties, body_properties.as_deref())?;
        room = room.checked_sub(weight(&object)).ok_or(MethodErrorType::RequestTooLarge)?;
        list.push(object);
    }
    get_answer(&call.account.id, &state, list, &missing)
}

fn default_properties(call: &Call) -> Vec<String> {
    let summary = call.uses(SEALED).then_some(SUMMARY);
    DEFAULT.into_iter().chain(summary).map(str::to_owned).collect()
}

fn object(
    row: &EmailRow,
    blob: &[u8],
    properties: &[String],
    body_properties: Option<&[String]>,
) -> Result<Value, MethodError> {
    // Parsed once, however many properties are read from it.
    let message = MessageParser::default().parse_headers(blob);
    let mut object = Map::new();
    object.insert("id".into(), json!(row.id));
    for property in properties {
        let value = match kept(row, property) {
            Some(value) => value,
            None => header::property(row, message.as_ref(), property, body_properties)?,
        };
        object.insert(property.clone(), value);
    }
    Ok(Value::Object(object))
}

/// A property that needs no look into the message.
fn kept(row: &EmailRow, property: &str) -> Option<Value> {
    let flags = |names: &mut dyn Iterator<Item = &str>| {
        Value::Object(names.map(|name| (name.to_owned(), Value::Bool(true))).collect())
    };
    let outer = &row.outer;
    Some(match property {
        "id" => json!(row.id),
        "blobId" => json!(row.blob_id),
        "threadId" => json!(row.thread_id),
        "mailboxIds" => flags(&mut row.mailboxes.iter().map(jmap::MailboxId::as_str)),
        "keywords" => flags(&mut row.keywords.iter().map(String::as_str)),
        "size" => json!(row.size),
        "receivedAt" => json!(utc_date(row.received_at)),
        "messageId" => some(&outer.message_id),
        "inReplyTo" => some(&outer.in_reply_to),
        "references" => some(&outer.references),
        "sender" => some(&outer.sender),
        "from" => some(&outer.from),
        "to" => some(&outer.to),
        "cc" => some(&outer.cc),
        "bcc" => some(&outer.bcc),
        "replyTo" => some(&outer.reply_to),
        "sentAt" => json!(outer.sent_at),
        SUMMARY => json!(row.summary.as_deref().map(base64_text)),
        // What a sealed message holds is not for the relay to tell.
        "preview" => json!(""),
        "bodyValues" => json!({}),
        "textBody" | "htmlBody" => json!([]),
        "hasAttachment" => json!(true),
        _ => return None,
    })
}

/// A field that is absent is null (RFC 8621 4.1.2).
fn some<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() { Value::Null } else { json!(list) }
}
