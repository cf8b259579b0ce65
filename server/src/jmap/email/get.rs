use std::sync::Arc;

use jmap::{BlobId, EmailId, MethodError, MethodErrorType, SEALED};
use mail_parser::{Message, MimeHeaders};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::{Body, BodyWanted};
use super::header::Fields;
use crate::base64_text;
use crate::clock::utc_date;
use crate::delivery::by_length;
use crate::jmap::Call;
use crate::jmap::answer::{Answer, arguments, failed, get_answer, ids_to_get};
use crate::jmap::weight::weight;
use crate::outer::{OuterHeader, nfc};
use crate::parts::{self, Read};
use crate::store::{self, EmailRow, Kind};

/// What a client gets that names no properties (RFC 8621 4.2).
pub const DEFAULT: [&str; 24] = [
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
pub const ANSWER: usize = 16 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    ids: Option<Vec<EmailId>>,
    properties: Option<Vec<String>>,
    #[serde(flatten)]
    body: BodyWanted,
}

/// `Email/get` (RFC 8621 4.2).
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Arguments { ids, properties, mut body } = arguments(given)?;
    let ids = match ids_to_get(ids, &call.relay.limits)? {
        Some(ids) => ids,
        None => super::all(call, false).await?,
    };
    let mut properties = properties.unwrap_or_else(|| default_properties(call));
    check_properties(&mut properties, &mut body)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, &call.account.id).await.map_err(failed)?.of(Kind::Email);
    let found = store::emails(&mut connection, &call.account.id, &ids).await.map_err(failed)?;
    drop(connection);
    let missing: Vec<_> = ids.iter().filter(|id| !found.iter().any(|row| row.id == **id)).collect();
    let sealed = call.account.kind.is_sealed();
    let (mut list, mut room) = (Vec::with_capacity(found.len()), ANSWER);
    let wanted = Arc::new((properties, body));
    for row in found {
        let (bytes, wanted) = (bytes(call, &row, &wanted.0).await?, Arc::clone(&wanted));
        let made = by_length(bytes.len(), move || {
            let shown =
                Shown { row: Some(&row), outer: &row.outer, blob: &row.blob_id, size: row.size, sealed };
            let object = shown.object(&bytes, &wanted.0, &wanted.1)?;
            Ok::<_, MethodError>((weight(&object), object))
        });
        let (weight, object) = made.await.map_err(failed)??;
        room = room.checked_sub(weight).ok_or(MethodErrorType::RequestTooLarge)?;
        list.push(object);
    }
    get_answer(&call.account.id, &state, list, &missing)
}

/// Refuses properties that there are not, and more than a program has a use for, and leaves each once.
///
/// What is named again would be made again: the size of a part is that of its decoded octets.
pub fn check_properties(properties: &mut Vec<String>, body: &mut BodyWanted) -> Result<(), MethodError> {
    for list in [Some(&mut *properties), body.body_properties.as_mut()].into_iter().flatten() {
        if list.len() > MOST_PROPERTIES {
            return Err(MethodErrorType::RequestTooLarge.into());
        }
        list.sort_unstable();
        list.dedup();
    }
    let of_email = |name: &str| DEFAULT.contains(&name) || matches!(name, "bodyStructure" | SUMMARY);
    let of_part = |name: &str| super::body::DEFAULT.contains(&name) || name == "subParts";
    let unknown = properties.iter().filter(|name| !of_email(name));
    let mut unknown = unknown.chain(body.body_properties.iter().flatten().filter(|name| !of_part(name)));
    // The others are header fields, in a form that suits them.
    unknown.try_for_each(|name| Fields::none().property(name).map(drop))
}

/// As much of a message as the properties need: of a sealed one nothing lies behind its header.
async fn bytes(call: &Call, row: &EmailRow, properties: &[String]) -> Result<Read, MethodError> {
    let sealed = call.account.kind.is_sealed();
    let known = row.outer.subject.is_some();
    if properties.iter().all(|property| is_kept(property, sealed) || known && property == "subject") {
        return Ok(Vec::new().into());
    }
    if !sealed {
        return Ok(call.message(row).await?);
    }
    let start = call.relay.blobs.read_start(&call.relay.store, &row.blob_id).await;
    Ok(start.map_err(failed)?.into())
}

fn is_kept(property: &str, sealed: bool) -> bool {
    let in_header = matches!(property, "subject" | "headers") || property.starts_with("header:");
    let in_body = matches!(property, "bodyStructure" | "attachments");
    let in_clear = matches!(property, "preview" | "bodyValues" | "textBody" | "htmlBody" | "hasAttachment");
    !in_header && !in_body && (sealed || !in_clear)
}

fn default_properties(call: &Call) -> Vec<String> {
    let summary = call.uses(SEALED).then_some(SUMMARY);
    DEFAULT.into_iter().chain(summary).map(str::to_owned).collect()
}

/// A message to show: one that is kept, or bytes that were never imported.
pub struct Shown<'a> {
    pub row: Option<&'a EmailRow>,
    pub outer: &'a OuterHeader,
    pub blob: &'a BlobId,
    pub size: i64,
    pub sealed: bool,
}

impl Shown<'_> {
    /// The properties that were asked for.
    pub fn object(
        &self,
        bytes: &[u8],
        properties: &[String],
        body: &BodyWanted,
    ) -> Result<Value, MethodError> {
        // Parsed once, however many properties are read from it.
        let message = match self.sealed {
            true => parts::header(bytes),
            false => parts::parse(bytes),
        };
        let mut object = Map::new();
        if let Some(row) = self.row {
            object.insert("id".into(), json!(row.id));
        }
        for property in properties {
            let value = match self.kept(property) {
                Some(value) => value,
                None => self.in_message(message.as_ref(), property, body)?,
            };
            object.insert(property.clone(), value);
        }
        Ok(Value::Object(object))
    }

    /// A property that needs no look into the message.
    pub fn kept(&self, property: &str) -> Option<Value> {
        let outer = self.outer;
        Some(match property {
            "blobId" => json!(self.blob),
            "size" => json!(self.size),
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
            "subject" => json!(outer.subject.as_ref()?),
            "id" | "threadId" | "mailboxIds" | "keywords" | "receivedAt" | SUMMARY => {
                self.row.map_or(Value::Null, |row| metadata(row, property))
            }
            _ => return None,
        })
    }

    fn in_message(
        &self,
        message: Option<&Message<'_>>,
        property: &str,
        wanted: &BodyWanted,
    ) -> Result<Value, MethodError> {
        if self.sealed
            && let Some(value) = self.of_sealed(message, property, wanted)
        {
            return Ok(value);
        }
        let Some(message) = message.filter(|message| !message.parts.is_empty()) else {
            return if property == "subject" { Ok(Value::Null) } else { Fields::none().property(property) };
        };
        if property == "subject" {
            return Ok(json!(message.subject().map(nfc)));
        }
        let body = Body { message, blob: self.blob, wanted };
        if let Some(value) = body.property(property)? {
            return Ok(value);
        }
        Fields::of(message, message.headers()).property(property)
    }

    /// What a sealed message holds is not for the relay to tell.
    fn of_sealed(&self, message: Option<&Message<'_>>, property: &str, wanted: &BodyWanted) -> Option<Value> {
        let part = || message.map_or(Value::Null, |message| self.envelope(message, wanted));
        Some(match property {
            "preview" => json!(""),
            "bodyValues" => json!({}),
            "textBody" | "htmlBody" => json!([]),
            "hasAttachment" => json!(true),
            "bodyStructure" => part(),
            "attachments" => json!([part()]),
            _ => return None,
        })
    }

    /// The one part of a sealed message: the CMS.
    ///
    /// Its `blobId` is that of the whole message, which is what a client opens.
    fn envelope(&self, message: &Message<'_>, wanted: &BodyWanted) -> Value {
        let content_type = message.content_type();
        let media_type = content_type.map_or_else(
            || "text/plain".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_lowercase(),
        );
        let disposition = message.content_disposition().map(mail_parser::ContentType::ctype);
        let all = json!({
            "partId": "1",
            "blobId": self.blob,
            "size": self.size,
            "name": message.attachment_name(),
            "type": media_type,
            "charset": null,
            "disposition": disposition,
            "cid": null,
            "language": null,
            "location": null,
        });
        let Some(properties) = &wanted.body_properties else { return all };
        let fields = Fields::of(message, message.headers());
        let each = properties.iter().filter(|name| *name != "subParts").map(|name| {
            let value = all.get(name).cloned().or_else(|| fields.property(name).ok());
            (name.clone(), value.unwrap_or_default())
        });
        Value::Object(each.collect())
    }
}

fn metadata(row: &EmailRow, property: &str) -> Value {
    let flags = |names: &mut dyn Iterator<Item = &str>| {
        Value::Object(names.map(|name| (name.to_owned(), Value::Bool(true))).collect())
    };
    match property {
        "id" => json!(row.id),
        "threadId" => json!(row.thread_id),
        "mailboxIds" => flags(&mut row.mailboxes.iter().map(jmap::MailboxId::as_str)),
        "keywords" => flags(&mut row.keywords.iter().map(String::as_str)),
        "receivedAt" => json!(utc_date(row.received_at)),
        _ => json!(row.summary.as_deref().map(base64_text)),
    }
}

/// A field that is absent is null (RFC 8621 4.1.2).
fn some<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() { Value::Null } else { json!(list) }
}
