use std::collections::BTreeMap;

use jmap::{Disposition, Mdn};
use mail_parser::{MessagePart, MimeHeaders, PartType};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Block, LONGEST, blocks, is_report, text, value};
use crate::parts;

/// The fields of RFC 8098 3.1; others are extensions.
pub const FIELDS: [&str; 7] = [
    "reporting-ua",
    "mdn-gateway",
    "original-recipient",
    "final-recipient",
    "original-message-id",
    "disposition",
    "error",
];
/// How many parts are looked at, how many fields are read, and how much text.
const PARTS: usize = 8;
const MOST: usize = 100;
const TEXT: usize = 64 * 1024;

/// Reads a disposition notification (RFC 8098) as JMAP shows it (RFC 9007 2); none where the message is not one.
///
/// `for_email_id` is for who knows the account's emails.
pub fn notification(message: &[u8]) -> Option<Mdn> {
    let parsed = parts::parse(message).filter(is_report)?;
    let part =
        |is: &dyn Fn(&MessagePart<'_>) -> bool| parsed.parts.iter().skip(1).take(PARTS).find(|part| is(part));
    let fields = part(&|part| {
        is_type(part, "message", "disposition-notification")
            || is_type(part, "message", "global-disposition-notification")
    })?;
    let block = blocks(&text(fields)).next()?;
    let words = part(&|part| matches!(&part.body, PartType::Text(_)) && is_plain(part));
    let own = |name: &str| value(&block, name).map(str::to_owned);
    Some(Mdn {
        for_email_id: None,
        subject: parsed.subject().map(short),
        text_body: words
            .map(|part| crate::clear_text::cut(&text(part).replace("\r\n", "\n"), TEXT).to_owned()),
        include_original_message: part(&|part| is_type(part, "message", "rfc822")).is_some(),
        reporting_ua: own("reporting-ua"),
        disposition: Some(disposition(&block)?),
        mdn_gateway: own("mdn-gateway"),
        original_recipient: own("original-recipient"),
        final_recipient: own("final-recipient"),
        original_message_id: own("original-message-id"),
        error: filled(errors(&block), Vec::is_empty),
        extension_fields: filled(extensions(&block), BTreeMap::is_empty),
    })
}

fn filled<T>(found: T, is_empty: impl FnOnce(&T) -> bool) -> Option<T> {
    (!is_empty(&found)).then_some(found)
}

fn is_type(part: &MessagePart<'_>, kind: &str, subtype: &str) -> bool {
    part.content_type().is_some_and(|found| {
        found.c_type.eq_ignore_ascii_case(kind)
            && found.subtype().is_some_and(|found| found.eq_ignore_ascii_case(subtype))
    })
}

/// RFC 2045 5.2: what names no type is plain text.
fn is_plain(part: &MessagePart<'_>) -> bool {
    part.content_type().is_none() || is_type(part, "text", "plain")
}

/// RFC 9007 2: modes and type are in lower case, however they came.
fn disposition(block: &Block) -> Option<Disposition> {
    fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
        serde_json::from_value(json!(text.trim().to_ascii_lowercase())).ok()
    }
    let (modes, kind) = value(block, "disposition")?.split_once(';')?;
    let (action, sending) = modes.split_once('/')?;
    let kind = kind.split('/').next()?;
    Some(Disposition { action_mode: word(action)?, sending_mode: word(sending)?, kind: word(kind)? })
}

fn errors(block: &Block) -> Vec<String> {
    block
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("error"))
        .take(MOST)
        .map(|(_, text)| short(text))
        .collect()
}

fn extensions(block: &Block) -> BTreeMap<String, String> {
    let others =
        block.iter().filter(|(name, _)| !FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name)));
    others.take(MOST).map(|(name, value)| (short(name), short(value))).collect()
}

fn short(text: &str) -> String {
    crate::clear_text::cut(text, LONGEST).to_owned()
}

#[cfg(test)]
mod tests {
    use jmap::{ActionMode, DispositionType, SendingMode};

    use super::*;

    /// The example of RFC 8098 9, with modes in capitals and what else may be there.
    const SHOWN: &str = "From: Joe <joe@b.example>\r\nSubject: Disposition notification\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=disposition-notification; boundary=\"B\"\r\n\r\n\
        --B\r\n\r\nIt was shown.\r\n--B\r\nContent-Type: message/disposition-notification\r\n\r\n\
        Reporting-UA: joes-pc.b.example; Foomail 97.1\r\nOriginal-Recipient: rfc822;Joe@b.example\r\n\
        Final-Recipient: rfc822;\r\n Joe@b.example\r\nOriginal-Message-ID: <1@a.example>\r\n\
        Disposition: Manual-Action/MDN-SENT-Automatically; Displayed/error\r\nError: no ink\r\n\
        Error: no paper\r\nX-Place: here\r\n\r\n--B\r\nContent-Type: message/rfc822\r\n\r\n\
        Message-ID: <1@a.example>\r\n\r\nHi\r\n--B--\r\n";

    #[test]
    fn all_that_a_notification_says_is_read() {
        let read = notification(SHOWN.as_bytes()).unwrap();
        let kind = DispositionType::Displayed;
        let (action_mode, sending_mode) = (ActionMode::ManualAction, SendingMode::MdnSentAutomatically);
        assert_eq!(read.disposition, Some(Disposition { action_mode, sending_mode, kind }));
        assert_eq!(read.subject.as_deref(), Some("Disposition notification"));
        assert_eq!(read.text_body.as_deref().map(str::trim_end), Some("It was shown."));
        assert_eq!(read.reporting_ua.as_deref(), Some("joes-pc.b.example; Foomail 97.1"));
        assert_eq!(read.final_recipient.as_deref(), Some("rfc822; Joe@b.example"));
        assert_eq!(read.original_recipient.as_deref(), Some("rfc822;Joe@b.example"));
        assert_eq!(read.original_message_id.as_deref(), Some("<1@a.example>"));
        assert_eq!(read.error.as_deref(), Some(&["no ink".to_owned(), "no paper".to_owned()][..]));
        assert_eq!(read.extension_fields.unwrap()["X-Place"], "here");
        assert!(read.include_original_message && read.mdn_gateway.is_none());
    }

    #[test]
    fn a_subject_without_end_is_cut() {
        let long = SHOWN.replace("Subject: ", &format!("Subject: {}", "x".repeat(200_000)));
        assert_eq!(notification(long.as_bytes()).unwrap().subject.unwrap().len(), LONGEST);
    }

    #[test]
    fn what_is_no_notification_is_not_read() {
        for (what, instead) in [
            ("multipart/report", "multipart/mixed"),
            ("message/disposition-notification", "message/delivery-status"),
            ("; Displayed", "; Eaten"),
            ("Manual-Action/", ""),
        ] {
            assert_eq!(notification(SHOWN.replace(what, instead).as_bytes()), None, "{what}");
        }
        assert_eq!(notification(b""), None);
    }
}
