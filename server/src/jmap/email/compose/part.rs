use std::collections::BTreeMap;

use jmap::{BlobId, SetError};
use mail_builder::headers::HeaderType;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::{BodyPart, MimePart};
use serde_json::{Map, Value};

use super::fields;
use crate::parts::Read;

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

/// What a client makes a part of.
enum Source<'v> {
    Value(String),
    Blob(String),
    Parts(&'v [Value]),
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
            // RFC 8621 4.6: each of these, if given, has exactly one part.
            Some(Value::Array(parts)) if parts.is_empty() && property != "attachments" => {
                Err(wrong(property))
            }
            Some(Value::Array(parts)) => {
                let each =
                    parts.iter().enumerate().map(|(place, part)| (format!("{property}/{place}"), part));
                each.map(|(path, part)| Part::read(part, &path, values, 0, &mut room)).collect()
            }
            Some(_) => Err(wrong(property)),
        }
    };
    if let Some(structure) = properties.get("bodyStructure") {
        let lists = ["textBody", "htmlBody", "attachments"].into_iter();
        let lists: Vec<&str> = lists.filter(|name| properties.contains_key(*name)).collect();
        return match lists.is_empty() {
            true => Part::read(structure, "bodyStructure", values, DEEPEST, &mut room),
            false => Err(SetError::invalid_properties(lists)),
        };
    }
    arranged(given("textBody")?, given("htmlBody")?, given("attachments")?)
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
        path: &str,
        values: &Map<String, Value>,
        depth: usize,
        room: &mut usize,
    ) -> Result<Self, SetError> {
        let bad = |name: &str| wrong(&format!("{path}/{name}"));
        let map = part.as_object().ok_or_else(|| wrong(path))?;
        *room = room.checked_sub(1).ok_or_else(|| wrong(path))?;
        let text = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if is_line(text) => Ok(Some(text.clone())),
            Some(_) => Err(bad(name)),
        };
        let contents = match Self::source(map, path)? {
            Source::Value(id) => Contents::Text(value(values, &id, || bad("partId"))?),
            Source::Blob(id) => Contents::Blob(BlobId::from(id)),
            Source::Parts(inner) => {
                let depth = depth.checked_sub(1).ok_or_else(|| bad("subParts"))?;
                let inner =
                    inner.iter().enumerate().map(|(place, part)| (format!("{path}/subParts/{place}"), part));
                let inner = inner.map(|(path, part)| Self::read(part, &path, values, depth, room));
                Contents::Parts(inner.collect::<Result<_, _>>()?)
            }
        };
        // RFC 8621 4.6: both follow from the text.
        let follows =
            ["charset", "size"].into_iter().find(|name| map.get(*name).is_some_and(|one| !one.is_null()));
        if let (Contents::Text(_), Some(name)) = (&contents, follows) {
            return Err(bad(name));
        }
        let usual = match path.split('/').next() {
            Some("textBody") => "text/plain",
            Some("htmlBody") => "text/html",
            _ => contents.usual_type(),
        };
        let media_type = text("type")?.unwrap_or_else(|| usual.to_owned()).to_lowercase();
        if !is_media_type(&media_type) || contents.is_multipart() != media_type.starts_with("multipart/") {
            return Err(bad("type"));
        }
        let (name, charset, disposition) = (text("name")?, text("charset")?, text("disposition")?);
        if charset.as_deref().is_some_and(|charset| !is_token(charset)) {
            return Err(bad("charset"));
        }
        // RFC 2183 2
        if disposition.as_deref().is_some_and(|kind| !is_token(kind)) {
            return Err(bad("disposition"));
        }
        let mut part = Self { media_type, headers: Vec::new(), name, charset, disposition, contents };
        part.read_headers(map).map_err(|name| bad(&name))?;
        Ok(part)
    }

    /// What the part is made of: one thing of three.
    fn source<'v>(map: &'v Map<String, Value>, path: &str) -> Result<Source<'v>, SetError> {
        let given = |name: &str| map.get(name).filter(|value| !value.is_null());
        let all = ["partId", "blobId", "subParts"].into_iter().filter(|name| given(name).is_some());
        match all.collect::<Vec<_>>().as_slice() {
            [name] => match (*name, given(name)) {
                ("partId", Some(Value::String(id))) => Ok(Source::Value(id.clone())),
                ("blobId", Some(Value::String(id))) => Ok(Source::Blob(id.clone())),
                ("subParts", Some(Value::Array(inner))) => Ok(Source::Parts(inner)),
                _ => Err(wrong(&format!("{path}/{name}"))),
            },
            [] => Err(wrong(path)),
            several => Err(SetError::invalid_properties(several.iter().map(|name| format!("{path}/{name}")))),
        }
    }

    /// Fails with the name of what is no field of a part.
    fn read_headers(&mut self, map: &Map<String, Value>) -> Result<(), String> {
        for (key, value) in map {
            let field = match (key.as_str(), value) {
                (
                    "partId" | "blobId" | "subParts" | "type" | "name" | "charset" | "disposition" | "size",
                    _,
                ) => continue,
                (_, Value::Null) => continue,
                ("cid", Value::String(id)) if fields::is_id(id) => raw(key, "Content-ID", format!("<{id}>")),
                ("location", Value::String(place)) if is_line(place) => {
                    raw(key, "Content-Location", place.clone())
                }
                ("language", Value::Array(tags)) => {
                    let tags: Option<Vec<&str>> =
                        tags.iter().map(|tag| tag.as_str().filter(|tag| is_line(tag))).collect();
                    raw(key, "Content-Language", tags.ok_or_else(|| key.clone())?.join(", "))
                }
                (name, value) if name.starts_with("header:") => match fields::read(name, value) {
                    Ok(Some(field)) => field,
                    _ => return Err(key.clone()),
                },
                _ => return Err(key.clone()),
            };
            if !field.fits() {
                return Err(key.clone());
            }
            self.headers.push(field);
        }
        fields::refuse_twice(&self.headers)
            .map_err(|error| error.properties.into_iter().flatten().next().unwrap_or_default())
    }

    /// Its header fields.
    pub fn headers(&self) -> &[fields::Field] {
        &self.headers
    }

    /// Refuses fields that the message has already (RFC 8621 4.6).
    pub fn refuse_fields(&self, of_message: &[fields::Field]) -> Result<(), SetError> {
        match self.headers.iter().find(|field| fields::defined(Some(of_message), field)) {
            Some(field) => Err(wrong(&format!("bodyStructure/{}", field.property))),
            None => Ok(()),
        }
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
    pub fn build(self, blobs: &BTreeMap<BlobId, Read>) -> MimePart<'_> {
        let mut kind = ContentType::new(self.media_type.clone());
        let is_text = matches!(self.contents, Contents::Text(_));
        match self.charset.filter(|_| !is_text) {
            Some(charset) => kind = kind.attribute("charset", charset),
            None if is_text && self.media_type.starts_with("text/") => {
                kind = kind.attribute("charset", "utf-8")
            }
            None => {}
        }
        if let Some(name) = &self.name {
            kind = kind.attribute("name", name.clone());
        }
        let contents = match self.contents {
            Contents::Text(text) if !self.media_type.starts_with("text/") => {
                BodyPart::Binary(text.into_bytes().into())
            }
            Contents::Text(text) => BodyPart::Text(text.replace("\r\n", "\n").replace('\n', "\r\n").into()),
            Contents::Blob(id) => {
                // Not copied: a draft may name a large one often.
                BodyPart::Binary(blobs.get(&id).map_or(&[][..], |bytes| &**bytes).into())
            }
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
        for fields::Field { name, values, .. } in self.headers {
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
fn value(
    values: &Map<String, Value>,
    id: &str,
    missing: impl FnOnce() -> SetError,
) -> Result<String, SetError> {
    let value = values.get(id).ok_or_else(missing)?;
    let is_set =
        |flag: &&str| value.get(*flag).is_some_and(|flag| !matches!(flag, Value::Null | Value::Bool(false)));
    let flags: Vec<&str> = ["isTruncated", "isEncodingProblem"].into_iter().filter(is_set).collect();
    let path = |name: &&str| format!("bodyValues/{id}/{name}");
    if !flags.is_empty() {
        return Err(SetError::invalid_properties(flags.iter().map(path)));
    }
    value.get("value").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| wrong(&path(&"value")))
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn is_media_type(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// RFC 6838 4.2
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
    (1..=127).contains(&text.len()) && text.bytes().all(fits)
}

fn raw(property: &str, name: &str, text: String) -> fields::Field {
    let values = vec![HeaderType::Raw(mail_builder::headers::raw::Raw::new(text))];
    fields::Field { property: property.to_owned(), name: name.to_owned(), values }
}
