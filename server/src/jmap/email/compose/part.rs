use std::collections::BTreeMap;

use jmap::{BlobId, SetError};
use mail_builder::headers::HeaderType;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::{BodyPart, MimePart};
use serde_json::{Map, Value};

use super::fields;

/// The properties that make the body.
pub const BODY: [&str; 5] = ["bodyStructure", "textBody", "htmlBody", "attachments", "bodyValues"];
/// Structures are taken down to this depth, and up to so many parts.
const DEEPEST: usize = 16;
const MOST: usize = 200;

/// A part to write.
pub struct Part {
    media_type: String,
    headers: Vec<fields::Field>,
    name: Option<String>,
    charset: Option<String>,
    disposition: Option<String>,
    contents: Contents,
}

enum Contents {
    Text(String),
    Blob(BlobId),
    Parts(Vec<Part>),
}

/// The body that the properties describe; without any, an empty text.
pub fn read(properties: &Map<String, Value>) -> Result<Part, SetError> {
    let nothing = Map::new();
    let values = match properties.get("bodyValues") {
        Some(Value::Object(values)) => values,
        None | Some(Value::Null) => &nothing,
        Some(_) => return Err(wrong("bodyValues")),
    };
    let mut room = MOST;
    let mut given = |property: &'static str| -> Result<Vec<Part>, SetError> {
        match properties.get(property) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(parts)) => {
                parts.iter().map(|part| Part::read(part, property, values, 0, &mut room)).collect()
            }
            Some(_) => Err(wrong(property)),
        }
    };
    let (text, html, attachments) = (given("textBody")?, given("htmlBody")?, given("attachments")?);
    let lists = ["textBody", "htmlBody", "attachments"].iter().any(|name| properties.contains_key(*name));
    match properties.get("bodyStructure") {
        Some(_) if lists => Err(wrong("bodyStructure")),
        Some(structure) => Part::read(structure, "bodyStructure", values, DEEPEST, &mut room),
        None => arranged(text, html, attachments),
    }
}

/// RFC 8621 4.6: one text, one HTML, and files beside them.
fn arranged(text: Vec<Part>, html: Vec<Part>, attachments: Vec<Part>) -> Result<Part, SetError> {
    let one = |mut parts: Vec<Part>, property, media_type| match parts.pop() {
        Some(part) if parts.is_empty() && part.media_type == media_type => Ok(Some(part)),
        None => Ok(None),
        Some(_) => Err(wrong(property)),
    };
    let (text, html) = (one(text, "textBody", "text/plain")?, one(html, "htmlBody", "text/html")?);
    let body = match (text, html) {
        (Some(text), Some(html)) => Part::multipart("multipart/alternative", vec![text, html]),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => Part::leaf("text/plain", Contents::Text(String::new())),
    };
    if attachments.is_empty() {
        return Ok(body);
    }
    let inner = std::iter::once(body).chain(attachments).collect();
    Ok(Part::multipart("multipart/mixed", inner))
}

fn wrong(property: &str) -> SetError {
    SetError::invalid_properties([property])
}

impl Part {
    fn leaf(media_type: &str, contents: Contents) -> Self {
        let media_type = media_type.to_owned();
        Self { media_type, headers: Vec::new(), name: None, charset: None, disposition: None, contents }
    }

    fn multipart(media_type: &str, parts: Vec<Part>) -> Self {
        Self::leaf(media_type, Contents::Parts(parts))
    }

    fn read(
        part: &Value,
        property: &str,
        values: &Map<String, Value>,
        depth: usize,
        room: &mut usize,
    ) -> Result<Self, SetError> {
        let bad = || wrong(property);
        let map = part.as_object().ok_or_else(bad)?;
        *room = room.checked_sub(1).ok_or_else(bad)?;
        let text = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if is_line(text) => Ok(Some(text.clone())),
            Some(_) => Err(bad()),
        };
        let inner = match map.get("subParts") {
            None | Some(Value::Null) => None,
            Some(Value::Array(inner)) => Some(inner),
            Some(_) => return Err(bad()),
        };
        let (part_id, blob) = (text("partId")?, text("blobId")?);
        let contents = match (part_id, blob, inner) {
            (Some(id), None, None) => Contents::Text(value(values, &id)?),
            (None, Some(id), None) => Contents::Blob(BlobId::from(id)),
            (None, None, Some(inner)) => {
                let depth = depth.checked_sub(1).ok_or_else(bad)?;
                let inner = inner.iter().map(|part| Self::read(part, property, values, depth, room));
                Contents::Parts(inner.collect::<Result<_, _>>()?)
            }
            _ => return Err(bad()),
        };
        let media_type = text("type")?.unwrap_or_else(|| contents.usual_type().to_owned()).to_lowercase();
        if !is_media_type(&media_type) || contents.is_multipart() != media_type.starts_with("multipart/") {
            return Err(bad());
        }
        let (name, charset, disposition) = (text("name")?, text("charset")?, text("disposition")?);
        let mut part = Self { media_type, headers: Vec::new(), name, charset, disposition, contents };
        part.read_headers(map).ok_or_else(bad)?;
        Ok(part)
    }

    fn read_headers(&mut self, map: &Map<String, Value>) -> Option<()> {
        for (key, value) in map {
            let field = match (key.as_str(), value) {
                (
                    "partId" | "blobId" | "subParts" | "type" | "name" | "charset" | "disposition" | "size",
                    _,
                ) => continue,
                (_, Value::Null) => continue,
                ("cid", Value::String(id)) if is_line(id) => {
                    ("Content-ID".to_owned(), vec![raw(format!("<{id}>"))])
                }
                ("location", Value::String(place)) if is_line(place) => {
                    ("Content-Location".to_owned(), vec![raw(place.clone())])
                }
                ("language", Value::Array(tags)) => {
                    let tags: Option<Vec<&str>> =
                        tags.iter().map(|tag| tag.as_str().filter(|tag| is_line(tag))).collect();
                    ("Content-Language".to_owned(), vec![raw(tags?.join(", "))])
                }
                (key, value) => fields::read(key, value).ok()?.filter(|_| key.starts_with("header:"))?,
            };
            self.headers.push(field);
        }
        fields::refuse_twice(&self.headers).ok()
    }

    /// Gathers the blobs that it and its parts are made of.
    pub fn blobs(&self, found: &mut Vec<BlobId>) {
        match &self.contents {
            Contents::Text(_) => {}
            Contents::Blob(id) => found.push(id.clone()),
            Contents::Parts(parts) => parts.iter().for_each(|part| part.blobs(found)),
        }
    }

    /// The part with the bytes of its blobs.
    pub fn build(self, blobs: &BTreeMap<BlobId, Vec<u8>>) -> MimePart<'static> {
        let mut kind = ContentType::new(self.media_type.clone());
        let is_text = matches!(self.contents, Contents::Text(_));
        match self.charset.filter(|_| !is_text) {
            Some(charset) => kind = kind.attribute("charset", charset),
            None if is_text => kind = kind.attribute("charset", "utf-8"),
            None => {}
        }
        if let Some(name) = &self.name {
            kind = kind.attribute("name", name.clone());
        }
        let contents = match self.contents {
            Contents::Text(text) => BodyPart::Text(text.replace("\r\n", "\n").replace('\n', "\r\n").into()),
            Contents::Blob(id) => BodyPart::Binary(blobs.get(&id).cloned().unwrap_or_default().into()),
            Contents::Parts(parts) => {
                BodyPart::Multipart(parts.into_iter().map(|part| part.build(blobs)).collect())
            }
        };
        let mut part = MimePart::new(kind, contents);
        if let Some(disposition) = self.disposition {
            let mut field = ContentType::new(disposition);
            if let Some(name) = self.name {
                field = field.attribute("filename", name);
            }
            part = part.header("Content-Disposition", HeaderType::ContentType(field));
        }
        // RFC 2046 5.2.1: a message within a message is never in base64.
        if self.media_type.starts_with("message/") {
            part = part.transfer_encoding("8bit");
        }
        for (name, values) in self.headers {
            for value in values {
                part = part.header(name.clone(), value);
            }
        }
        part
    }
}

impl Contents {
    fn is_multipart(&self) -> bool {
        matches!(self, Self::Parts(_))
    }

    fn usual_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text/plain",
            Self::Blob(_) => "application/octet-stream",
            Self::Parts(_) => "multipart/mixed",
        }
    }
}

/// RFC 8621 4.6: a body value is whole and had no encoding problem.
fn value(values: &Map<String, Value>, id: &str) -> Result<String, SetError> {
    let bad = || wrong("bodyValues");
    let value = values.get(id).ok_or_else(bad)?;
    let set = |flag: &str| value.get(flag).is_some_and(|flag| *flag != Value::Bool(false));
    if set("isTruncated") || set("isEncodingProblem") {
        return Err(bad());
    }
    Ok(value.get("value").and_then(Value::as_str).ok_or_else(bad)?.to_owned())
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_media_type(text: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

fn raw(text: String) -> HeaderType<'static> {
    HeaderType::Raw(mail_builder::headers::raw::Raw::new(text))
}
