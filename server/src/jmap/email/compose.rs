//! Writes a message out of the properties that a client sets (RFC 8621 4.6).

mod fields;
mod part;

use std::collections::BTreeMap;

use jmap::{BlobId, SetError, SetErrorType};
use mail_builder::MessageBuilder;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use serde_json::{Map, Value};

use crate::clock::now;
use crate::parts::Read;
use crate::random;
use part::Part;

/// What is not part of the message itself.
pub const METADATA: [&str; 3] = ["mailboxIds", "keywords", "receivedAt"];

/// A message that was asked for, whose blobs are not read yet.
pub struct Draft {
    headers: Vec<fields::Field>,
    body: Part,
}

impl Draft {
    /// Reads and checks the properties.
    pub fn read(properties: &Map<String, Value>) -> Result<Self, SetError> {
        let mut headers = Vec::new();
        for (name, value) in properties {
            if let Some(field) = fields::read(name, value)? {
                // RFC 8621 4.6: what begins so says what a part is.
                let start = field.name.get(..8).unwrap_or_default();
                if start.eq_ignore_ascii_case("Content-") {
                    return Err(SetError::invalid_properties([name.as_str()]));
                }
                headers.push(field);
            } else if !METADATA.contains(&name.as_str()) && !part::BODY.contains(&name.as_str()) {
                return Err(SetError::invalid_properties([name.as_str()]));
            }
        }
        fields::refuse_twice(&headers)?;
        let body = part::read(properties)?;
        body.refuse_fields(&headers)?;
        Ok(Self { headers, body })
    }

    /// The blobs that its parts are made of.
    pub fn blobs(&self) -> Vec<BlobId> {
        let mut found = Vec::new();
        self.body.blobs(&mut found);
        found
    }

    /// The message; `domain` is where its id comes from.
    pub fn write(self, blobs: &BTreeMap<BlobId, Read>, domain: &str) -> Result<Vec<u8>, SetError> {
        let mut message = MessageBuilder::new();
        let all = || self.headers.iter().chain(self.body.headers());
        let has = |name: &str| all().any(|field| field.name.eq_ignore_ascii_case(name));
        let (has_id, has_date) = (has("Message-ID"), has("Date"));
        for fields::Field { name, values, .. } in self.headers {
            for value in values {
                message = message.header(name.clone(), value);
            }
        }
        if !has_id {
            message = message.header("Message-ID", MessageId::new(format!("{}@{domain}", random::id('l'))));
        }
        if !has_date {
            message = message.header("Date", Date::new(now() / 1000));
        }
        let written = message.body(self.body.build(blobs)).write_to_vec();
        written.map_err(|error| SetError::new(SetErrorType::InvalidProperties, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};
    use serde_json::json;

    use super::*;

    fn written(properties: Value) -> Result<Vec<u8>, SetError> {
        let blobs = BTreeMap::from([(BlobId::from("b1"), b"%PDF".to_vec().into())]);
        Draft::read(properties.as_object().unwrap())?.write(&blobs, "a.example")
    }

    #[test]
    fn a_draft_becomes_the_message_that_it_describes() {
        let message = written(json!({
            "mailboxIds": {"m": true},
            "from": [{"name": "Al\u{ef}ce", "email": "a@a.example"}],
            "to": [{"email": "b@b.example"}],
            "subject": "caf\u{e9}",
            "header:X-Note:asText": "by hand",
            "header:X-Many:asRaw:all": [" one", " two"],
            "textBody": [{"partId": "t", "type": "text/plain"}],
            "htmlBody": [{"partId": "h", "type": "text/html"}],
            "attachments": [{"blobId": "b1", "type": "application/pdf", "name": "\u{e9}.pdf", "disposition": "attachment"}],
            "bodyValues": {"t": {"value": "hello\n\u{5370}\u{4fe1}\n"}, "h": {"value": "<p>hello</p>"}},
        }))
        .unwrap();
        let read = MessageParser::default().parse(&message).unwrap();
        assert_eq!(read.subject(), Some("caf\u{e9}"));
        assert_eq!(read.from().unwrap().first().unwrap().name(), Some("Al\u{ef}ce"));
        assert_eq!(read.body_text(0).unwrap().trim_end(), "hello\r\n\u{5370}\u{4fe1}");
        assert_eq!(read.body_html(0).unwrap().trim_end(), "<p>hello</p>");
        assert_eq!(read.attachment(0).unwrap().attachment_name(), Some("\u{e9}.pdf"));
        assert_eq!(read.attachment(0).unwrap().contents(), b"%PDF");
        assert_eq!(read.header_raw("X-Note").unwrap().trim(), "by hand");
        assert!(read.message_id().unwrap().ends_with("@a.example"));
        assert_eq!(read.header_values("X-Many").count(), 2);
    }

    #[test]
    fn no_line_is_longer_than_lines_are() {
        let words = "a word ".repeat(2_000);
        let message = written(json!({
            "to": vec![json!({"name": words, "email": "b@b.example"}); 100],
            "subject": words,
            "references": vec!["a@a.example"; 500],
            "header:X-Raw": words,
            "header:X-Coded:asText": "caf\u{e9}".repeat(2_000),
            "attachments": [{"blobId": "b1", "name": "\u{e9}\"\\;".repeat(500), "cid": "a@b", "disposition": "inline"},
                {"blobId": "b1", "name": "a".repeat(2_000)}],
        }))
        .unwrap();
        assert!(message.split(|byte| *byte == b'\n').all(|line| line.len() <= 999));
        let read = MessageParser::default().parse(&message).unwrap();
        assert_eq!(read.attachment(0).unwrap().attachment_name(), Some(&*"\u{e9}\"\\;".repeat(500)));
        assert_eq!(read.attachment(0).unwrap().content_id(), Some("a@b"));
    }

    #[test]
    fn a_property_that_could_forge_a_field_or_contradicts_another_is_refused() {
        for (wrong, property) in [
            (json!({"subject": "a\r\nBcc: b@b.example"}), "subject"),
            (json!({"to": [{"email": "a@a.example\r\nX: 1"}]}), "to"),
            (json!({"header:X:asRaw": "a\r\nY: 1"}), "header:X:asRaw"),
            (json!({"header:X Y": "a"}), "header:X Y"),
            (json!({"header:Content-Type": "text/html"}), "header:Content-Type"),
            (json!({"headers": []}), "headers"),
            (json!({"subject": "a", "header:Subject": "b"}), "subject"),
            (json!({"header:Content-Place": "b"}), "header:Content-Place"),
            (json!({"textBody": [{"partId": "1"}]}), "textBody/0/partId"),
            (json!({"textBody": []}), "textBody"),
            (json!({"bodyStructure": {"partId": "1"}, "textBody": []}), "textBody"),
            (json!({"bodyStructure": {"subParts": [{"blobId": 1}]}}), "bodyStructure/subParts/0/blobId"),
            (
                json!({"bodyStructure": {"partId": "1", "size": 3}, "bodyValues": {"1": {"value": ""}}}),
                "bodyStructure/size",
            ),
            (
                json!({"bodyStructure": {"partId": "1", "charset": "utf-8"}, "bodyValues": {"1": {"value": ""}}}),
                "bodyStructure/charset",
            ),
            (
                json!({"bodyStructure": {"partId": "1", "header:X": "1"}, "header:x": "2", "bodyValues": {"1": {"value": ""}}}),
                "bodyStructure/header:X",
            ),
            (
                json!({"bodyStructure": {"blobId": "b1", "header:Content-Transfer-Encoding": "7bit"}}),
                "bodyStructure/header:Content-Transfer-Encoding",
            ),
            (
                json!({"textBody": [{"partId": "1", "type": "text/html"}], "bodyValues": {"1": {"value": ""}}}),
                "textBody",
            ),
            (
                json!({"bodyStructure": {"partId": "1"}, "bodyValues": {"1": {"value": "", "isTruncated": true}}}),
                "bodyValues/1/isTruncated",
            ),
            (json!({"header:X": "a".repeat(2_000)}), "header:X"),
            (json!({"messageId": ["a".repeat(2_000)]}), "messageId"),
            (json!({"to": [{"email": "a".repeat(2_000)}]}), "to"),
            (json!({"bodyStructure": {"blobId": "b1", "cid": "a>b"}}), "bodyStructure/cid"),
            (json!({"bodyStructure": {"blobId": "b1", "cid": "a".repeat(2_000)}}), "bodyStructure/cid"),
            (json!({"bodyStructure": {"blobId": "b1", "charset": "a; b=c"}}), "bodyStructure/charset"),
            (
                json!({"bodyStructure": {"blobId": "b1", "disposition": "x;y=\"z"}}),
                "bodyStructure/disposition",
            ),
            (json!({"size": 3}), "size"),
        ] {
            let error = written(wrong.clone()).unwrap_err();
            assert_eq!(error.properties, Some(vec![property.to_owned()]), "{wrong}");
        }
    }
}
