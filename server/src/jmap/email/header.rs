//! Properties that are read from the outer header of the message itself.

use jmap::{MethodError, MethodErrorType};
use mail_parser::{HeaderForm, HeaderValue, Message, MimeHeaders};
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
            let form = parsed_form(form)?;
            values.extend(message.header_as(name, form).iter().map(value));
        }
    }
    Some(if all { Value::Array(values) } else { values.pop().unwrap_or(Value::Null) })
}

fn parsed_form(form: &str) -> Option<HeaderForm> {
    Some(match form {
        "asText" => HeaderForm::Text,
        "asAddresses" => HeaderForm::Addresses,
        "asGroupedAddresses" => HeaderForm::GroupedAddresses,
        "asMessageIds" => HeaderForm::MessageIds,
        "asDate" => HeaderForm::Date,
        "asURLs" => HeaderForm::URLs,
        _ => return None,
    })
}

fn value(value: &HeaderValue<'_>) -> Value {
    match value {
        HeaderValue::Text(text) => json!(text),
        HeaderValue::TextList(list) => json!(list),
        HeaderValue::DateTime(date) => json!(date.to_rfc3339()),
        HeaderValue::Address(addresses) => {
            let each =
                addresses.iter().map(|address| json!({"name": address.name, "email": address.address}));
            Value::Array(each.collect())
        }
        _ => Value::Null,
    }
}
