use jmap::{EmailAddress, Identity, Mdn};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use serde::Serialize;

use crate::random;

/// Writes a notification whose every property is settled; `original` is the email that it gives back.
pub fn write(
    mdn: &Mdn,
    identity: &Identity,
    to: &[EmailAddress],
    original: Option<Vec<u8>>,
    host: &str,
) -> Option<Vec<u8>> {
    let to = to.iter().map(|one| Address::new_address(one.name.clone(), one.email.clone())).collect();
    let name = Some(identity.name.clone()).filter(|name| !name.is_empty());
    let mut message = MessageBuilder::new()
        .from(Address::new_address(name, identity.email.clone()))
        .to(Address::new_list(to))
        .subject(mdn.subject.clone().unwrap_or_default())
        .message_id(format!("{}@{host}", random::id('n')))
        .header("Auto-Submitted", Raw::new("auto-replied"));
    if let Some(id) = mdn.original_message_id.as_deref().map(|id| id.trim_matches(['<', '>'])) {
        message = message.in_reply_to(id.to_owned()).references(id.to_owned());
    }
    let fields = fields(mdn)?;
    // RFC 6533 5 has a type of its own for what ASCII cannot say.
    let kind = match fields.is_ascii() {
        true => "message/disposition-notification",
        false => "message/global-disposition-notification",
    };
    let text = mdn.text_body.clone().unwrap_or_default().replace("\r\n", "\n").replace('\n', "\r\n");
    let mut parts = vec![MimePart::new("text/plain", text), whole(kind, fields.into_bytes())];
    parts.extend(original.map(|original| whole("message/rfc822", original)));
    let report = ContentType::new("multipart/report").attribute("report-type", "disposition-notification");
    message.body(MimePart::new(report, BodyPart::Multipart(parts))).write_to_vec().ok()
}

/// RFC 2046 5.2.1: what is a message is never in base64.
fn whole(kind: &'static str, contents: Vec<u8>) -> MimePart<'static> {
    MimePart::new(kind, BodyPart::Binary(contents.into())).transfer_encoding("8bit")
}

/// The fields of RFC 8098 3.1.
fn fields(mdn: &Mdn) -> Option<String> {
    let disposition = mdn.disposition.as_ref()?;
    let (action, sending) = (word(&disposition.action_mode)?, word(&disposition.sending_mode)?);
    let disposition = format!("{action}/{sending}; {}", word(&disposition.kind)?);
    let standard = [
        ("Reporting-UA", mdn.reporting_ua.as_ref()),
        ("Original-Recipient", mdn.original_recipient.as_ref()),
        ("Final-Recipient", mdn.final_recipient.as_ref()),
        ("Original-Message-ID", mdn.original_message_id.as_ref()),
        ("Disposition", Some(&disposition)),
    ];
    let standard = standard.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let extensions = mdn.extension_fields.iter().flatten().map(|(name, value)| (name.as_str(), value));
    Some(standard.chain(extensions).map(|(name, value)| format!("{name}: {value}\r\n")).collect())
}

fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}
