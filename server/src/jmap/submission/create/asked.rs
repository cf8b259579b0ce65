//! What the client asks the servers on the way for, in the parameters of the envelope (RFC 8621 7).

use std::collections::BTreeMap;

use jmap::{Envelope, EnvelopeAddress, SetError};
use serde_json::Value;

use crate::outbound::Parameters;

/// RFC 3461 4.4.
const LONGEST_ENVID: usize = 100;
/// RFC 3461 4.2.
const LONGEST_ORCPT: usize = 500;
/// The greatest priority that a client may ask for, so that there is one above it (RFC 6710).
const HIGHEST: i8 = 4;

/// By recipient, in the one form of the address, what was asked for.
pub fn parameters(
    envelope: &Envelope,
    canonical: impl Fn(&str) -> String,
) -> Result<BTreeMap<String, Parameters>, SetError> {
    let wrong = || SetError::invalid_properties(["envelope"]);
    let mut common = Parameters::default();
    for (name, value) in pairs(&envelope.mail_from) {
        let value = text(value).ok_or_else(wrong)?;
        match (name.as_str(), value.as_deref()) {
            // Looked at where the time is chosen.
            ("HOLDFOR" | "HOLDUNTIL", Some(_)) => {}
            ("ENVID", Some(envid)) if is_xtext(envid, LONGEST_ENVID) => common.envid = Some(envid.into()),
            ("RET", Some(ret)) if matches!(ret, "FULL" | "HDRS") => common.ret = Some(ret.into()),
            ("REQUIRETLS", None) => common.require_tls = true,
            ("MT-PRIORITY", Some(number)) => {
                let number = number.parse::<i8>().ok().filter(|number| (-9..=9).contains(number));
                common.priority = Some(number.ok_or_else(wrong)?.min(HIGHEST));
            }
            _ => return Err(wrong()),
        }
    }
    let mut all = BTreeMap::new();
    for to in &envelope.rcpt_to {
        let mut asked = common.clone();
        for (name, value) in pairs(to) {
            let value = text(value).ok_or_else(wrong)?;
            match (name.as_str(), value.as_deref()) {
                ("NOTIFY", Some(notify)) if is_notify(notify) => {
                    asked.notify = Some(notify.to_ascii_uppercase())
                }
                ("ORCPT", Some(orcpt)) if is_orcpt(orcpt) => asked.orcpt = Some(orcpt.into()),
                _ => return Err(wrong()),
            }
        }
        all.insert(canonical(&to.email), asked);
    }
    Ok(all)
}

fn pairs(address: &EnvelopeAddress) -> impl Iterator<Item = (String, &Value)> {
    address.parameters.iter().flatten().map(|(name, value)| (name.to_ascii_uppercase(), value))
}

/// The value of a parameter; none inside for one that stands alone.
fn text(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        Value::Number(number) => Some(Some(number.to_string())),
        _ => None,
    }
}

/// RFC 3461 4.
fn is_xtext(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
}

fn is_orcpt(text: &str) -> bool {
    let kind = text.split_once(';').map(|(kind, address)| (kind.to_ascii_lowercase(), address));
    kind.is_some_and(|(kind, address)| kind == "rfc822" && is_xtext(address, LONGEST_ORCPT))
}

fn is_notify(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    text == "NEVER"
        || (text.len() <= 32 && text.split(',').all(|one| matches!(one, "SUCCESS" | "FAILURE" | "DELAY")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(mail_from: Value, rcpt_to: Value) -> Result<BTreeMap<String, Parameters>, SetError> {
        let envelope = json!({
            "mailFrom": {"email": "a@a.example", "parameters": mail_from},
            "rcptTo": [{"email": "b@B.example", "parameters": rcpt_to}],
        });
        parameters(&serde_json::from_value(envelope).unwrap(), crate::address::canonical)
    }

    #[test]
    fn what_is_asked_for_is_kept_by_recipient() {
        let all = asked(
            json!({"envid": "e1", "RET": "HDRS", "REQUIRETLS": null, "MT-PRIORITY": "9"}),
            json!({"NOTIFY": "success,FAILURE", "ORCPT": "rfc822;b+2Bc@b.example"}),
        );
        let all = all.unwrap();
        let asked = &all["b@b.example"];
        assert_eq!(
            (asked.envid.as_deref(), asked.priority, asked.require_tls),
            (Some("e1"), Some(HIGHEST), true)
        );
        assert_eq!(asked.notify.as_deref(), Some("SUCCESS,FAILURE"));
        assert!(asked.wants("SUCCESS") && !asked.wants("DELAY"));
    }

    #[test]
    fn what_could_not_stand_in_a_command_is_refused() {
        for wrong in [
            json!({"ENVID": "a b"}),
            json!({"ENVID": "a\r\nRSET"}),
            json!({"RET": "SOME"}),
            json!({"BODY": "8BITMIME"}),
            json!({"MT-PRIORITY": "10"}),
            json!({"REQUIRETLS": "yes"}),
        ] {
            assert!(asked(wrong.clone(), Value::Null).is_err(), "{wrong}");
        }
        for wrong in [json!({"NOTIFY": "NEVER,SUCCESS"}), json!({"NOTIFY": ""}), json!({"ORCPT": "x400;a"})] {
            assert!(asked(Value::Null, wrong.clone()).is_err(), "{wrong}");
        }
    }
}
