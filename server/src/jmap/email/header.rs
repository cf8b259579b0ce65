//! Properties that are read from the outer header of the message itself.

use jmap::{MethodError, MethodErrorType};
use mail_parser::{Addr, Address, HeaderForm, HeaderValue, Message, MimeHeaders};
use serde_json::{Value, json};

use crate::store::EmailRow;

/// Whether a property needs a look into the message.
pub fn is_in_blob(property: &str) -> bool {
    matches!(property, "subject" | "headers" | "bodyStructure" | "attachments")
        || property.starts_with("header:")
}

/// A property that stands in the message.
pub fn property(
    row: &EmailRow,
    message: Option<&Message<'_>>,
    property: &str,
    body_properties: Option<&[String]>,
) -> Result<Value, MethodError> {
    let invalid =
        || MethodError::new(MethodErrorType::InvalidArguments, format!("there is no property {property}"));
    if !is_in_blob(property) {
        return Err(invalid());
    }
    let Some(message) = message else { return Ok(Value::Null) };
    match property {
        "subject" => Ok(json!(message.subject())),
        "headers" => Ok(raw_headers(message)),
        "bodyStructure" => Ok(part(row, message, body_properties)),
        "attachments" => Ok(json!([part(row, message, body_properties)])),
        _ => header(message, property.strip_prefix("header:").ok_or_else(invalid)?).ok_or_else(invalid),
    }
}

/// The one part of a sealed message: the CMS.
///
/// Its `blobId` is that of the whole message, which is what a client opens.
fn part(row: &EmailRow, message: &Message<'_>, properties: Option<&[String]>) -> Value {
    let content_type = message.content_type();
    let media_type = content_type.map_or_else(
        || "text/plain".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_lowercase(),
    );
    let disposition = message.content_disposition().map(mail_parser::ContentType::ctype);
    let all = json!({
        "partId": "1",
        "blobId": row.blob_id,
        "size": row.size,
        "name": message.attachment_name(),
        "type": media_type,
        "charset": null,
        "disposition": disposition,
        "cid": null,
        "language": null,
        "location": null,
    });
    match (all, properties) {
        (Value::Object(mut map), Some(properties)) => {
            map.retain(|key, _| properties.iter().any(|property| property == key));
            Value::Object(map)
        }
        (all, _) => all,
    }
}

fn raw_headers(message: &Message<'_>) -> Value {
    let fields = message
        .headers_raw()
        .map(|(name, value)| json!({"name": name, "value": value.trim_end_matches(['\r', '\n'])}));
    Value::Array(fields.collect())
}

/// `header:Name[:asForm][:all]` (RFC 8621 4.1.3); none when it is no such property.
fn header(message: &Message<'_>, wanted: &str) -> Option<Value> {
    let mut parts = wanted.split(':');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let (mut form, mut all) = ("asRaw", false);
    for part in parts {
        match part {
            "all" if !all => all = true,
            part if part.starts_with("as") && !all && form == "asRaw" => form = part,
            _ => return None,
        }
    }
    let mut values = Vec::new();
    match form {
        "asRaw" => {
            let named = message.headers_raw().filter(|(field, _)| field.eq_ignore_ascii_case(name));
            values.extend(named.map(|(_, value)| json!(value.trim_end_matches(['\r', '\n']))));
        }
        _ => {
            let (form, show) = parsed_form(form)?;
            values.extend(message.header_as(name, form).iter().map(show));
        }
    }
    Some(if all { Value::Array(values) } else { values.pop().unwrap_or(Value::Null) })
}

/// How a field is read and what is shown of it (RFC 8621 4.1.2).
type Form = (HeaderForm, fn(&HeaderValue<'_>) -> Value);

fn parsed_form(form: &str) -> Option<Form> {
    Some(match form {
        "asText" => (HeaderForm::Text, text),
        "asAddresses" => (HeaderForm::Addresses, addresses),
        "asGroupedAddresses" => (HeaderForm::GroupedAddresses, groups),
        "asMessageIds" => (HeaderForm::MessageIds, strings),
        "asDate" => (HeaderForm::Date, date),
        "asURLs" => (HeaderForm::URLs, urls),
        _ => return None,
    })
}

fn text(value: &HeaderValue<'_>) -> Value {
    json!(value.as_text().unwrap_or_default())
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

/// RFC 2369 2: URLs in angle brackets, which the parser reads as addresses without names.
fn urls(value: &HeaderValue<'_>) -> Value {
    let found: Vec<_> = each(value).filter_map(|url| url.address.as_deref()).collect();
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
        List-Post: <mailto:l@a.example>, (by hand) <https://a.example/post>\r\n\
        X-Twice: one\r\nX-Twice: two\r\nX-Odd: \r\n\r\n";

    #[test]
    fn each_form_of_a_field_has_the_type_that_the_standard_gives_it() {
        let message = MessageParser::default().parse_headers(LETTER).unwrap();
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
            ("X-Odd:asURLs", json!(null)),
            ("X-Twice", json!(" two")),
            ("X-Twice:all", json!([" one", " two"])),
            ("X-None:asText", json!(null)),
            ("X-None:asMessageIds:all", json!([])),
        ] {
            assert_eq!(header(&message, wanted), Some(found), "{wanted}");
        }
        for wrong in ["", ":asText", "To:asSmell", "To:all:all", "To:all:asText", "To:asText:asText", "To:"] {
            assert_eq!(header(&message, wrong), None, "{wrong}");
        }
    }
}
