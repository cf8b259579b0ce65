//! The structural fields of a message's outer header: all that the relay keeps in clear.

mod author;

use jmap::EmailAddress;
use mail_parser::{Address, HeaderValue, Message};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use crate::clock::{Millis, now};
use crate::parts;

pub use author::{authors, sole_author};

/// The greatest number of ids or addresses of one field that are kept, and of octets of each.
const MOST: usize = 1000;
const LONGEST: usize = 998;
/// The greatest number of octets that are kept of one field.
const FIELD: usize = 32 * 1024;
/// The greatest number of references that put a message into a thread.
const RELATED: usize = 20;

/// Who, when and in answer to what, and the subject that stands outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OuterHeader {
    /// From.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<EmailAddress>,
    /// Sender.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sender: Vec<EmailAddress>,
    /// Reply-To.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<EmailAddress>,
    /// To.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<EmailAddress>,
    /// Cc.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<EmailAddress>,
    /// Bcc, which only the sender's own copies have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<EmailAddress>,
    /// Date (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
    /// Message-ID.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_id: Vec<String>,
    /// In-Reply-To.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_reply_to: Vec<String>,
    /// References.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Subject, which in mail that is sealed here is a placeholder; none when there is none or a long one,
    /// and for mail that was kept before it was read. It has a column of its own.
    #[serde(skip)]
    pub subject: Option<String>,
}

impl OuterHeader {
    /// Reads the outer header of a message.
    pub fn parse(message: &[u8]) -> Self {
        let Some(parsed) = parts::header(message) else { return Self::default() };
        Self {
            from: addresses(parsed.from()),
            sender: addresses(parsed.sender()),
            reply_to: addresses(parsed.reply_to()),
            to: addresses(parsed.to()),
            cc: addresses(parsed.cc()),
            bcc: addresses(parsed.bcc()),
            sent_at: sent_at(&parsed),
            message_id: ids(parsed.header("Message-ID")),
            in_reply_to: ids(parsed.header("In-Reply-To")),
            references: ids(parsed.header("References")),
            subject: parsed.subject().filter(|subject| subject.len() <= LONGEST).map(nfc),
        }
    }

    /// What puts messages into one thread (RFC 8621 3), as hashes of one length.
    pub fn related_ids(&self) -> Vec<String> {
        let mut related = Vec::new();
        let recent = self.references.iter().rev();
        for id in self.message_id.iter().chain(&self.in_reply_to).chain(recent) {
            let hash = short_hash(id);
            if related.len() < RELATED && !related.contains(&hash) {
                related.push(hash);
            }
        }
        related
    }

    /// Everybody the message is addressed to.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.to.iter().chain(&self.cc).chain(&self.bcc).map(|address| address.email.as_str())
    }
}

/// Text in the one form that RFC 8621 4.1.2.2 wants of what is written in several (Unicode's NFC).
pub fn nfc(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

/// When the last server on its way got the message, as it says itself (RFC 8621 4.8); never later than now.
pub fn received_at(message: &[u8]) -> Option<Millis> {
    let parsed = parts::header(message)?;
    let date = parsed.received_all().next()?.date.filter(mail_parser::DateTime::is_valid)?;
    Some(date.to_timestamp().saturating_mul(1000).min(now()))
}

/// The message without Bcc fields in its outer header; none when there are none.
///
/// Whoever submits with a Bcc field wants it gone before anybody else sees it (RFC 8621 7.5).
pub fn without_bcc(message: &[u8]) -> Option<Vec<u8>> {
    without(message, |field| is_named(field, "Bcc"))
}

/// The message without the fields of its outer header that `drops` tells; none when it tells none.
pub fn without(message: &[u8], mut drops: impl FnMut(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(message.len());
    let (mut seen, mut dropped) = (0, false);
    for field in fields(message) {
        seen += field.len();
        match drops(field) {
            true => dropped = true,
            false => kept.extend_from_slice(field),
        }
    }
    kept.extend_from_slice(message.get(seen..).unwrap_or_default());
    dropped.then_some(kept)
}

/// The values of the fields of that name in the outer header.
pub fn values(message: &[u8], name: &str) -> impl Iterator<Item = String> {
    let named = fields(message).filter(move |field| is_named(field, name));
    named.filter_map(|field| {
        let (_, value) = field.split_at_checked(field.iter().position(|byte| *byte == b':')? + 1)?;
        Some(String::from_utf8_lossy(value).trim().to_owned())
    })
}

/// The fields of a header, each with its line ends.
fn fields(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = message;
    std::iter::from_fn(move || {
        let (field, after) = rest.split_at_checked(field_length(rest))?;
        rest = after;
        (!matches!(field, b"" | b"\r\n" | b"\n")).then_some(field)
    })
}

/// Whether bytes begin like a message: with a header field (RFC 5322 2.2), in a header that can be read.
pub fn is_message(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(end) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = line.get(..end).unwrap_or_default();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic) && parts::has_plain_header(bytes)
}

/// Whether a field, with its name and line ends, is of a name.
pub fn is_named(field: &[u8], name: &str) -> bool {
    let found = field.split(|byte| *byte == b':').next().unwrap_or_default();
    found.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
}

/// The length of the first field with all its lines; nothing when no line ends.
fn field_length(header: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = header.get(length..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return length };
        length += end + 1;
        let is_empty = matches!(rest.get(..=end), Some(b"\r\n" | b"\n"));
        if is_empty || !matches!(header.get(length), Some(b' ' | b'\t')) {
            return length;
        }
    }
}

pub(crate) fn short_hash(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn sent_at(message: &Message<'_>) -> Option<String> {
    message.date().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_rfc3339)
}

fn addresses(field: Option<&Address<'_>>) -> Vec<EmailAddress> {
    let Some(field) = field else { return Vec::new() };
    let named = field.iter().filter_map(|address| {
        let email = address.address.as_ref()?.to_string();
        Some(EmailAddress { name: address.name.as_ref().map(ToString::to_string), email })
    });
    bounded(named, |address| address.email.len() + address.name.as_ref().map_or(0, String::len))
}

fn ids(field: Option<&HeaderValue<'_>>) -> Vec<String> {
    match field {
        Some(HeaderValue::Text(id)) => bounded([id.to_string()], String::len),
        Some(HeaderValue::TextList(list)) => bounded(list.iter().map(ToString::to_string), String::len),
        _ => Vec::new(),
    }
}

/// What fits: every list shows these fields, so a hostile header must not make it heavy.
fn bounded<T>(items: impl IntoIterator<Item = T>, length: impl Fn(&T) -> usize) -> Vec<T> {
    let mut left = FIELD;
    let fits = |item: &T| match left.checked_sub(length(item)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let short = items.into_iter().filter(|item| length(item) <= LONGEST);
    short.take(MOST).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_has_its_own_place() {
        let outer = OuterHeader::parse(
            b"From: Alice <alice@a.example>\r\nTo: b@b.example\r\nSubject: canary\r\nMessage-ID: <1@a>\r\n\
              References: <0@a> <00@a>\r\n\r\nbody",
        );
        assert_eq!(outer.from[0].email, "alice@a.example");
        assert_eq!(outer.references, ["0@a", "00@a"]);
        assert!(!serde_json::to_string(&outer).unwrap().contains("canary"));
        assert_eq!(outer.related_ids().len(), 3);
    }

    #[test]
    fn an_endless_field_is_cut() {
        let field = "<x@y>".repeat(40_000);
        let outer = OuterHeader::parse(format!("References: {field}\r\n\r\n").as_bytes());
        assert!((1..=MOST).contains(&outer.references.len()));
        let long = OuterHeader::parse(format!("Message-ID: <{}@y>\r\n\r\n", "x".repeat(5000)).as_bytes());
        assert!(long.message_id.is_empty());
    }

    #[test]
    fn bcc_goes_and_nothing_else_does() {
        let message =
            b"To: a@a.example\r\nBcc: b@b.example,\r\n c@c.example\r\nX: 1\r\n\r\nBcc: in the body\r\n";
        let stripped = without_bcc(message).unwrap();
        assert_eq!(stripped, b"To: a@a.example\r\nX: 1\r\n\r\nBcc: in the body\r\n");
        assert_eq!(without_bcc(&stripped), None);
    }

    #[test]
    fn a_message_without_a_header_has_none() {
        assert_eq!(OuterHeader::parse(b""), OuterHeader::default());
    }
}
