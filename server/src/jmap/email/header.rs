//! Header fields in the forms of RFC 8621 4.1.2.

use jmap::MethodError;
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, Header, HeaderValue, Message};
use serde_json::{Value, json};

use crate::jmap::answer::no_property;
use crate::outer::nfc;

/// The header fields of a message or of one of its parts.
#[derive(Clone, Copy)]
pub struct Fields<'m> {
    raw: &'m [u8],
    headers: &'m [Header<'m>],
}

/// A property of the form `header:Name:asForm:all`.
struct Wanted<'p> {
    name: &'p str,
    form: Form,
    all: bool,
}

impl<'m> Fields<'m> {
    /// The fields of a part of a message.
    pub fn of(message: &'m Message<'_>, headers: &'m [Header<'_>]) -> Self {
        Self { raw: &message.raw_message, headers }
    }

    /// No fields, of what is no message.
    pub fn none() -> Self {
        Self { raw: &[], headers: &[] }
    }

    /// `headers` or one of the `header:` properties (RFC 8621 4.1.3).
    pub fn property(&self, property: &str) -> Result<Value, MethodError> {
        if property == "headers" {
            let each = self.each().map(|(name, value)| json!({"name": name, "value": text_of(value)}));
            return Ok(each.collect());
        }
        let wanted = Wanted::read(property).ok_or_else(|| no_property(property))?;
        let named = self.each().filter(|(name, _)| name.eq_ignore_ascii_case(wanted.name));
        let mut values: Vec<Value> = named.map(|(_, value)| wanted.form.show(value)).collect();
        Ok(if wanted.all { Value::Array(values) } else { values.pop().unwrap_or(Value::Null) })
    }

    fn each(&self) -> impl Iterator<Item = (&'m str, &'m [u8])> {
        let Self { raw, headers } = *self;
        headers.iter().map(move |header| {
            let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
            let value = raw.get(at(header.offset_start)..at(header.offset_end)).unwrap_or_default();
            // RFC 8621 4.1.3: as it is written, which the parser knows better of some names.
            let name = raw.get(at(header.offset_field)..at(header.offset_field) + header.name.as_str().len());
            let name = name.and_then(|name| std::str::from_utf8(name).ok());
            let same = name.filter(|name| name.eq_ignore_ascii_case(header.name.as_str()));
            (same.unwrap_or(header.name.as_str()), value)
        })
    }
}

impl<'p> Wanted<'p> {
    fn read(property: &'p str) -> Option<Self> {
        let mut steps = property.strip_prefix("header:")?.split(':');
        let name = steps.next().filter(|name| !name.is_empty())?;
        let (mut form, mut all) = (None, false);
        for step in steps {
            match step {
                "all" if !all => all = true,
                _ if all || form.is_some() => return None,
                step => form = Some(Form::named(step)?),
            }
        }
        let form = form.unwrap_or(Form::Raw);
        form.suits(name).then_some(Self { name, form, all })
    }
}

/// How a field is read and what is shown of it (RFC 8621 4.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Raw,
    Text,
    Addresses,
    GroupedAddresses,
    MessageIds,
    Date,
    Urls,
}

impl Form {
    /// The form of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "asRaw" => Self::Raw,
            "asText" => Self::Text,
            "asAddresses" => Self::Addresses,
            "asGroupedAddresses" => Self::GroupedAddresses,
            "asMessageIds" => Self::MessageIds,
            "asDate" => Self::Date,
            "asURLs" => Self::Urls,
            _ => return None,
        })
    }

    /// Whether a field may be had in this form: what RFC 5322 and RFC 2369 define has its own.
    pub fn suits(self, name: &str) -> bool {
        let own = match name.to_ascii_lowercase().as_str() {
            "subject" | "comments" | "keywords" | "list-id" => Self::Text,
            "from" | "sender" | "reply-to" | "to" | "cc" | "bcc" | "resent-from" | "resent-sender"
            | "resent-reply-to" | "resent-to" | "resent-cc" | "resent-bcc" => Self::Addresses,
            "message-id" | "in-reply-to" | "references" | "resent-message-id" => Self::MessageIds,
            "date" | "resent-date" => Self::Date,
            "list-help" | "list-unsubscribe" | "list-subscribe" | "list-post" | "list-owner"
            | "list-archive" => Self::Urls,
            "return-path" | "received" => Self::Raw,
            _ => return true,
        };
        self == Self::Raw || self == own || (self, own) == (Self::GroupedAddresses, Self::Addresses)
    }

    fn show(self, raw: &[u8]) -> Value {
        let mut stream = MessageStream::new(raw);
        match self {
            Self::Raw => json!(text_of(raw)),
            Self::Text => text(&stream.parse_unstructured()),
            Self::Addresses => addresses(&stream.parse_address()),
            Self::GroupedAddresses => groups(&stream.parse_address()),
            Self::MessageIds => strings(&stream.parse_id()),
            Self::Date => date(&stream.parse_date()),
            Self::Urls => urls(raw),
        }
    }
}

/// The value without its line end (RFC 8621 4.1.2.1).
fn text_of(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw).replace('\0', "");
    text.trim_end_matches(['\r', '\n']).to_owned()
}

fn text(value: &HeaderValue<'_>) -> Value {
    json!(nfc(value.as_text().unwrap_or_default()))
}

fn date(value: &HeaderValue<'_>) -> Value {
    json!(value.as_datetime().filter(|date| date.is_valid()).map(mail_parser::DateTime::to_rfc3339))
}

fn strings(value: &HeaderValue<'_>) -> Value {
    match value {
        HeaderValue::Text(one) => json!([one]),
        HeaderValue::TextList(list) => json!(list),
        _ => Value::Null,
    }
}

/// RFC 2369 2: URLs in angle brackets, with comments and anything else between them.
fn urls(raw: &[u8]) -> Value {
    let text = text_of(raw);
    let (mut found, mut comments, mut url): (Vec<String>, usize, Option<String>) = (Vec::new(), 0, None);
    for letter in text.chars() {
        match (letter, &mut url) {
            ('>', Some(_)) => found.extend(url.take()),
            (letter, Some(url)) if !letter.is_whitespace() => url.push(letter),
            (_, Some(_)) => {}
            ('(', None) => comments += 1,
            (')', None) => comments = comments.saturating_sub(1),
            ('<', None) if comments == 0 => url = Some(String::new()),
            _ => {}
        }
    }
    if found.is_empty() { Value::Null } else { json!(found) }
}

fn addresses(value: &HeaderValue<'_>) -> Value {
    each(value).filter_map(address).collect()
}

/// Addresses outside a group are a group without a name (RFC 8621 4.1.2.4).
fn groups(value: &HeaderValue<'_>) -> Value {
    let group = |name: Option<&str>, members: &[Addr<'_>]| {
        let members: Vec<_> = members.iter().filter_map(address).collect();
        json!({"name": name, "addresses": members})
    };
    match value {
        HeaderValue::Address(Address::List(list)) => json!([group(None, list)]),
        HeaderValue::Address(Address::Group(groups)) => {
            groups.iter().map(|found| group(found.name.as_deref(), &found.addresses)).collect()
        }
        _ => json!([]),
    }
}

fn each<'a>(value: &'a HeaderValue<'_>) -> impl Iterator<Item = &'a Addr<'a>> {
    value.as_address().into_iter().flat_map(Address::iter)
}

fn address(address: &Addr<'_>) -> Option<Value> {
    let email = address.address.as_deref()?;
    Some(json!({"name": address.name, "email": email}))
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    const LETTER: &[u8] =
        b"From: Alice <a@a.example>\r\nTo: b@b.example, Team: c@c.example, D <d@d.example>;, \
        e@e.example\r\nCc: f@f.example\r\nBcc: nobody:;\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\
        Date: Fri, 02 Jan 2026 03:04:05 +0000\r\nMessage-ID: <1@a>\r\nReferences: <2@a>\r\n <3@a>\r\n\
        List-Help: <https://a.example/help?x=1>\r\n\
        List-Post: <mailto:l@a.example>, (by <hand>) <https://a.example/post>\r\n\
        list-owner: <mailto:o@a.example>\r\n <https://a.example/\r\n owner>\r\n\
        X-Twice: one\r\nX-Twice: two\r\nX-Odd: \r\nX-Ring: A\xcc\x8a\r\n\r\n";

    #[test]
    fn each_form_of_a_field_has_the_type_that_the_standard_gives_it() {
        let message = MessageParser::default().parse_headers(LETTER).unwrap();
        let fields = Fields::of(&message, message.headers());
        let header = |wanted: &str| fields.property(&format!("header:{wanted}")).ok();
        let one = |name: Option<&str>, email| json!({"name": name, "email": email});
        for (wanted, found) in [
            ("From", json!(" Alice <a@a.example>")),
            ("subject:asText", json!("caf\u{e9}")),
            ("From:asAddresses", json!([one(Some("Alice"), "a@a.example")])),
            ("Bcc:asAddresses", json!([])),
            ("Cc:asGroupedAddresses", json!([{"name": null, "addresses": [one(None, "f@f.example")]}])),
            (
                "To:asGroupedAddresses",
                json!([
                    {"name": null, "addresses": [one(None, "b@b.example")]},
                    {"name": "Team", "addresses": [one(None, "c@c.example"), one(Some("D"), "d@d.example")]},
                    {"name": null, "addresses": [one(None, "e@e.example")]},
                ]),
            ),
            ("Message-ID:asMessageIds", json!(["1@a"])),
            ("References:asMessageIds", json!(["2@a", "3@a"])),
            ("Message-ID:asMessageIds:all", json!([["1@a"]])),
            ("X-Odd:asMessageIds", json!(null)),
            ("Date:asDate", json!("2026-01-02T03:04:05Z")),
            ("X-Twice:asDate", json!(null)),
            ("List-Help:asURLs", json!(["https://a.example/help?x=1"])),
            ("List-Post:asURLs", json!(["mailto:l@a.example", "https://a.example/post"])),
            ("List-Owner:asURLs", json!(["mailto:o@a.example", "https://a.example/owner"])),
            ("X-Odd:asURLs", json!(null)),
            ("X-Twice", json!(" two")),
            ("X-Twice:all", json!([" one", " two"])),
            ("X-Ring:asText", json!("\u{c5}")),
            ("X-None:asText", json!(null)),
            ("X-None:asMessageIds:all", json!([])),
        ] {
            assert_eq!(header(wanted), Some(found), "{wanted}");
        }
        let names = fields.property("headers").unwrap();
        let names: Vec<&str> =
            names.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"list-owner") && names.contains(&"List-Help"), "{names:?}");
        for wrong in [
            "",
            ":asText",
            "To:asSmell",
            "To:all:all",
            "To:all:asText",
            "X:asText:asText",
            "To:",
            "Subject:asDate",
            "To:asText",
            "Date:asURLs",
        ] {
            assert_eq!(header(wrong), None, "{wrong}");
        }
    }
}
