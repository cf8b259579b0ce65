//! The MIME structure of a message in clear (RFC 8621 4.1.4).

use jmap::{BlobId, MethodError};
use mail_parser::{Message, MessagePart, MimeHeaders, PartType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::header::Fields;
use crate::clear_text::cut;
use crate::parts;

/// The properties of a part that are given when none are named.
pub const DEFAULT: [&str; 10] =
    ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language", "location"];
/// Structures are shown down to this depth.
const DEEPEST: usize = 64;

/// What a client wants to see of the body.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BodyWanted {
    pub body_properties: Option<Vec<String>>,
    pub fetch_text_body_values: bool,
    #[serde(rename = "fetchHTMLBodyValues")]
    pub fetch_html_body_values: bool,
    pub fetch_all_body_values: bool,
    pub max_body_value_bytes: usize,
}

/// The body of one message.
#[derive(Clone, Copy)]
pub struct Body<'m> {
    pub message: &'m Message<'m>,
    pub blob: &'m BlobId,
    pub wanted: &'m BodyWanted,
}

impl Body<'_> {
    /// A property of an email that is about its body; none when it is no such property.
    pub fn property(&self, name: &str) -> Result<Option<Value>, MethodError> {
        let message = self.message;
        Ok(Some(match name {
            "bodyStructure" => self.structure(0, DEEPEST)?,
            "textBody" => self.list(&message.text_body)?,
            "htmlBody" => self.list(&message.html_body)?,
            "attachments" => self.list(&parts::attachments(message))?,
            "hasAttachment" => json!(crate::clear_text::has_attachment(message)),
            "preview" => json!(preview(message)),
            "bodyValues" => self.values(),
            _ => return Ok(None),
        }))
    }

    fn list(&self, ids: &[u32]) -> Result<Value, MethodError> {
        let parts = ids.iter().filter_map(|id| Some(self.part(*id, self.message.part(*id)?)));
        parts.map(|part| part.map(Value::Object)).collect()
    }

    fn structure(&self, id: u32, depth: usize) -> Result<Value, MethodError> {
        let Some(part) = self.message.part(id) else { return Ok(Value::Null) };
        let mut object = self.part(id, part)?;
        if let (Some(inner), Some(depth)) = (part.sub_parts(), depth.checked_sub(1)) {
            let inner = inner.iter().filter(|inner| **inner != id).map(|inner| self.structure(*inner, depth));
            object.insert("subParts".into(), inner.collect::<Result<_, _>>()?);
        }
        Ok(Value::Object(object))
    }

    fn part(&self, id: u32, part: &MessagePart<'_>) -> Result<Map<String, Value>, MethodError> {
        let mut object = Map::new();
        match &self.wanted.body_properties {
            Some(wanted) => {
                for name in wanted {
                    object.insert(name.clone(), self.part_property(id, part, name)?);
                }
            }
            None => {
                for name in DEFAULT {
                    object.insert(name.into(), self.part_property(id, part, name)?);
                }
            }
        }
        Ok(object)
    }

    fn part_property(&self, id: u32, part: &MessagePart<'_>, name: &str) -> Result<Value, MethodError> {
        let is_multipart = part.is_multipart();
        Ok(match name {
            "partId" if !is_multipart => json!(id.to_string()),
            "blobId" if !is_multipart => json!(parts::id(self.blob, id)),
            "partId" | "blobId" | "subParts" => Value::Null,
            "size" if is_multipart => json!(0),
            "size" => json!(parts::octets(self.message, part).len()),
            "name" => json!(part.attachment_name()),
            "type" => json!(media_type(part)),
            "charset" => json!(charset(part)),
            "disposition" => json!(part.content_disposition().map(|found| found.ctype().to_lowercase())),
            "cid" => json!(part.content_id()),
            "language" => language(part),
            "location" => json!(part.content_location()),
            _ => Fields::of(self.message, &part.headers).property(name)?,
        })
    }

    fn values(&self) -> Value {
        let BodyWanted { fetch_text_body_values, fetch_html_body_values, fetch_all_body_values, .. } =
            self.wanted;
        let mut values = Map::new();
        for (id, part) in (0_u32..).zip(&self.message.parts) {
            let wanted = *fetch_all_body_values
                || (*fetch_text_body_values && self.message.text_body.contains(&id))
                || (*fetch_html_body_values && self.message.html_body.contains(&id));
            if let (true, PartType::Text(text) | PartType::Html(text)) = (wanted, &part.body) {
                let is_html = matches!(part.body, PartType::Html(_));
                values.insert(id.to_string(), self.value(text, is_html, part.is_encoding_problem));
            }
        }
        Value::Object(values)
    }

    fn value(&self, text: &str, is_html: bool, is_encoding_problem: bool) -> Value {
        let text = text.replace("\r\n", "\n");
        let most = match self.wanted.max_body_value_bytes {
            0 => usize::MAX,
            most => most,
        };
        let mut value = cut(&text, most);
        // RFC 8621 4.2: not inside of a tag.
        if is_html
            && value.len() < text.len()
            && let Some((before, tag)) = value.rsplit_once('<')
            && !tag.contains('>')
        {
            value = before;
        }
        json!({
            "value": value,
            "isEncodingProblem": is_encoding_problem,
            "isTruncated": value.len() < text.len(),
        })
    }
}

/// At most 256 characters of text (RFC 8621 4.1.4).
fn preview(message: &Message<'_>) -> String {
    let text = message.body_preview(256).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(256).collect()
}

fn media_type(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(kind) => format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_lowercase(),
        // RFC 2046 5.1.5: in a digest, what has no type is a message.
        None if part.is_message() => "message/rfc822".to_owned(),
        None => "text/plain".to_owned(),
    }
}

/// RFC 8621 4.1.4: text without a charset is in US-ASCII; what is no text has none.
fn charset(part: &MessagePart<'_>) -> Option<String> {
    let given = part.content_type().and_then(|kind| kind.attribute("charset")).map(str::to_owned);
    given.or_else(|| media_type(part).starts_with("text/").then(|| "us-ascii".to_owned()))
}

fn language(part: &MessagePart<'_>) -> Value {
    let list = part.content_language().as_text_list().map(|list| list.join(","));
    let text = || part.content_language().as_text().map(str::to_owned);
    match list.or_else(text) {
        Some(text) => text.split(',').map(|tag| json!(tag.trim())).collect(),
        None => Value::Null,
    }
}
