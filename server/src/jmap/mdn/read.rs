use jmap::{Mdn, SetError, SetErrorType};
use serde_json::{Map, Value};

use crate::report::FIELDS;

/// What a client may say of a notification.
const SETTABLE: [&str; 8] = [
    "forEmailId",
    "subject",
    "textBody",
    "includeOriginalMessage",
    "reportingUA",
    "disposition",
    "finalRecipient",
    "extensionFields",
];
/// The greatest number of octets of a line, the greatest number of extension fields, and the longest text.
const LONGEST: usize = 900;
const MOST_EXTENSIONS: usize = 20;
const LONGEST_TEXT: usize = 64 * 1024;

/// Reads and checks the properties of a notification.
pub fn read(properties: &Map<String, Value>) -> Result<Mdn, SetError> {
    let is_set = |(name, value): &(&String, &Value)| SETTABLE.contains(&name.as_str()) || value.is_null();
    let fits = |(name, value): &(&String, &Value)| {
        let alone = Map::from_iter([((*name).clone(), (*value).clone())]);
        serde_json::from_value::<Mdn>(Value::Object(alone)).is_ok()
    };
    let wrong: Vec<&String> =
        properties.iter().filter(|one| !is_set(one) || !fits(one)).map(|(name, _)| name).collect();
    if !wrong.is_empty() {
        return Err(SetError::invalid_properties(wrong));
    }
    let mdn: Mdn = serde_json::from_value(Value::Object(properties.clone()))
        .map_err(|error| SetError::new(SetErrorType::InvalidProperties, error.to_string()))?;
    let missing = [("forEmailId", mdn.for_email_id.is_none()), ("disposition", mdn.disposition.is_none())];
    let lines = [
        ("subject", is_line(mdn.subject.as_deref())),
        ("reportingUA", is_line(mdn.reporting_ua.as_deref())),
        ("finalRecipient", is_line(mdn.final_recipient.as_deref())),
        ("extensionFields", mdn.extension_fields.iter().flatten().all(is_extension)),
    ];
    let missing = missing.iter().filter(|(_, is_missing)| *is_missing);
    let wrong = missing.chain(lines.iter().filter(|(_, is_line)| !is_line)).map(|(name, _)| *name);
    let wrong: Vec<&str> = wrong.collect();
    if !wrong.is_empty() {
        return Err(SetError::invalid_properties(wrong));
    }
    let too_many = mdn.extension_fields.as_ref().is_some_and(|fields| fields.len() > MOST_EXTENSIONS);
    if too_many || mdn.text_body.as_ref().is_some_and(|text| text.len() > LONGEST_TEXT) {
        return Err(SetErrorType::TooLarge.into());
    }
    Ok(mdn)
}

fn is_line(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.len() <= LONGEST && !text.chars().any(char::is_control))
}

/// A field that is none of the standard's (RFC 8098 3.3).
fn is_extension((name, value): (&String, &String)) -> bool {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    // They stand on one line.
    is_name
        && name.len() + value.len() <= LONGEST
        && is_line(Some(value))
        && !FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_client_may_not_say_is_told_by_name() {
        let good = json!({
            "forEmailId": "e1", "subject": null, "mdnGateway": null, "extensionFields": {"X-A": "b"},
            "disposition": {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"},
        });
        assert!(read(good.as_object().unwrap()).is_ok());
        for (name, value) in [
            ("forEmailId", json!(null)),
            ("disposition", json!(null)),
            (
                "disposition",
                json!({"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "read"}),
            ),
            ("subject", json!("a\r\nBcc: b@b.example")),
            ("reportingUA", json!("a\nDisposition: x")),
            ("includeOriginalMessage", json!("yes")),
            ("extensionFields", json!({"Disposition": "x"})),
            ("extensionFields", json!({"X Y": "x"})),
            ("extensionFields", json!({"X": "a\r\nb"})),
            ("extensionFields", json!({"X".repeat(500): "x".repeat(500)})),
            ("originalMessageId", json!("<1@a>")),
            ("smell", json!("good")),
        ] {
            let mut properties = good.as_object().unwrap().clone();
            properties.insert(name.into(), value.clone());
            let error = read(&properties).unwrap_err();
            assert_eq!(error.properties, Some(vec![name.to_owned()]), "{name}: {value}");
        }
    }
}
