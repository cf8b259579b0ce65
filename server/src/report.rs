//! Reports about mail that was sent: delivery status (RFC 3464, RFC 6533) and disposition (RFC 8098).

mod notification;
mod writing;

use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

use crate::parts;
pub use notification::{FIELDS, notification};
pub use writing::{StatusNotification, one_line};

/// A longer message is no report.
const LARGEST: usize = 1024 * 1024;
/// How many recipients of one report are read.
const MOST: usize = 1000;
/// How much of one field is read.
const LONGEST: usize = 1024;

/// What a report says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The sender's own name for the envelope (RFC 3464 2.2.1).
    pub envelope_id: Option<String>,
    /// The message that it is about, without angle brackets.
    pub message_id: Option<String>,
    /// What became of it.
    pub said: Said,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// On its way, for each recipient.
    Delivery(Vec<Delivery>),
    /// With a recipient.
    Disposition(Disposition),
}

impl Default for Said {
    fn default() -> Self {
        Self::Delivery(Vec::new())
    }
}

/// What became of a message for one recipient (RFC 3464 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The recipient as the sender wrote it, and as the last server did; one at least.
    pub recipients: Vec<String>,
    /// What the server did.
    pub action: Action,
    /// The enhanced status code (RFC 3463).
    pub status: String,
    /// What the other server said.
    pub diagnostic: Option<String>,
}

/// What a server did (RFC 3464 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It gave up.
    Failed,
    /// It goes on trying.
    Delayed,
    /// The message is with the recipient.
    Delivered,
    /// It went on to where nothing is reported.
    Relayed,
    /// It went on to several.
    Expanded,
}

/// What a recipient did with a message (RFC 8098 3.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disposition {
    /// The recipient.
    pub recipient: String,
    /// Whether it was shown.
    pub is_displayed: bool,
}

/// Reads a report; none where the message is not one.
pub fn read(message: &[u8]) -> Option<Report> {
    if message.len() > LARGEST {
        return None;
    }
    let parsed = parts::parse(message).filter(is_report)?;
    let mut report = Report::default();
    let mut is_found = false;
    for part in parsed.parts.iter().skip(1).take(8) {
        let Some(kind) = part.content_type() else { continue };
        let text = text(part);
        let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
        match (kind.c_type.to_ascii_lowercase().as_str(), subtype.as_str()) {
            ("message", "delivery-status" | "global-delivery-status") => {
                let mut blocks = blocks(&text);
                let first = blocks.next().unwrap_or_default();
                report.envelope_id = value(&first, "original-envelope-id").map(str::to_owned);
                report.said =
                    Said::Delivery(blocks.filter_map(|block| delivery(&block)).take(MOST).collect());
                is_found = true;
            }
            ("message", "disposition-notification" | "global-disposition-notification") => {
                let block = blocks(&text).next().unwrap_or_default();
                report.message_id = value(&block, "original-message-id").map(bare);
                report.said = Said::Disposition(disposition(&block)?);
                is_found = true;
            }
            ("text", "rfc822-headers") | ("message", "rfc822" | "global" | "global-headers") => {
                let block = blocks(&text).next().unwrap_or_default();
                let id = value(&block, "message-id").map(bare);
                report.message_id = report.message_id.take().or(id);
            }
            _ => {}
        }
    }
    is_found.then_some(report)
}

fn is_report(message: &Message<'_>) -> bool {
    message.content_type().is_some_and(|kind| {
        kind.c_type.eq_ignore_ascii_case("multipart")
            && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"))
    })
}

fn text(part: &MessagePart<'_>) -> String {
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.to_string(),
        PartType::Binary(octets) | PartType::InlineBinary(octets) => {
            String::from_utf8_lossy(octets).into_owned()
        }
        PartType::Message(message) => String::from_utf8_lossy(&message.raw_message).into_owned(),
        PartType::Multipart(_) => String::new(),
    }
}

type Block = Vec<(String, String)>;

/// Groups of fields with an empty line between them; folded lines are put together (RFC 5322 2.2.3).
fn blocks(text: &str) -> impl Iterator<Item = Block> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut block = Block::new();
        for line in lines.by_ref() {
            if line.trim().is_empty() {
                if block.is_empty() { continue } else { break }
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = block.last_mut().filter(|(_, value)| value.len() < LONGEST) {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                block.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        (!block.is_empty()).then_some(block)
    })
}

fn value<'b>(block: &'b Block, name: &str) -> Option<&'b str> {
    let found =
        block.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    let is_plain = |value: &str| !value.chars().any(|c| c.is_control() && c != '\t');
    found.filter(|value| !value.is_empty() && value.len() <= LONGEST && is_plain(value))
}

/// The address behind its type, as in `rfc822; a@b.example`.
fn address(value: &str) -> Option<String> {
    let (_, address) = value.split_once(';')?;
    let address = bare(address);
    crate::address::domain(&address)?;
    Some(address)
}

fn bare(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

fn delivery(block: &Block) -> Option<Delivery> {
    let action = match value(block, "action")?.to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" => Action::Delivered,
        "relayed" => Action::Relayed,
        "expanded" => Action::Expanded,
        _ => return None,
    };
    let status = value(block, "status").and_then(|status| status.split_whitespace().next());
    let instead = if action == Action::Failed { "5.0.0" } else { "2.0.0" };
    Some(Delivery {
        recipients: Some(recipients(block)).filter(|named| !named.is_empty())?,
        action,
        status: status.filter(|status| is_status(status)).unwrap_or(instead).to_owned(),
        diagnostic: value(block, "diagnostic-code").map(str::to_owned),
    })
}

/// RFC 3463 2.
fn is_status(text: &str) -> bool {
    text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn recipients(block: &Block) -> Vec<String> {
    let named = ["original-recipient", "final-recipient"].into_iter().filter_map(|name| value(block, name));
    named.filter_map(address).collect()
}

fn disposition(block: &Block) -> Option<Disposition> {
    let (_, kind) = value(block, "disposition")?.split_once(';')?;
    let kind = kind.split('/').next().unwrap_or_default().trim();
    Some(Disposition {
        recipient: recipients(block).into_iter().next()?,
        is_displayed: kind.eq_ignore_ascii_case("displayed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 3464 appendix E, with what a Postfix returns of the header.
    const FAILED: &str = "From: MAILER-DAEMON@cs.utk.edu\r\nTo: a@b.example\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\r\n\r\n\
        --B\r\n\r\nIt failed.\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; cs.utk.edu\r\nOriginal-Envelope-Id: s123\r\n\r\n\
        Original-Recipient: rfc822;louisl@larry.slip.umd.edu\r\n\
        Final-Recipient: rfc822;louisl@larry.slip.umd.edu\r\nAction: failed\r\nStatus: 4.0.0\r\n\
        Diagnostic-Code: smtp; 426 connection\r\n  timed out\r\nLast-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400\r\n\r\n\
        Final-Recipient: rfc822; <b@c.example>\r\nAction: delivered\r\nStatus: 2.0.0\r\n\
        --B\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <m1@b.example>\r\nSubject: x\r\n--B--\r\n";

    #[test]
    fn a_report_of_delivery_tells_of_each_recipient() {
        let report = read(FAILED.as_bytes()).unwrap();
        assert_eq!(report.envelope_id.as_deref(), Some("s123"));
        assert_eq!(report.message_id.as_deref(), Some("m1@b.example"));
        let Said::Delivery(all) = report.said else { panic!("{:?}", report.said) };
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].recipients.len(), all[0].action), (2, Action::Failed));
        assert_eq!(all[0].diagnostic.as_deref(), Some("smtp; 426 connection timed out"));
        assert_eq!(
            (all[1].recipients.as_slice(), all[1].action),
            (&["b@c.example".to_owned()][..], Action::Delivered)
        );
    }

    #[test]
    fn a_report_of_disposition_tells_whether_it_was_shown() {
        let displayed = FAILED.replace("delivery-status", "disposition-notification").replace(
            "Reporting-MTA: dns; cs.utk.edu\r\n",
            "Final-Recipient: rfc822; b@c.example\r\nOriginal-Message-ID: <m2@b.example>\r\n\
             Disposition: manual-action/MDN-sent-manually; displayed\r\n",
        );
        let report = read(displayed.as_bytes()).unwrap();
        assert_eq!(report.message_id.as_deref(), Some("m2@b.example"));
        let shown = Disposition { recipient: "b@c.example".into(), is_displayed: true };
        assert_eq!(report.said, Said::Disposition(shown));
    }

    #[test]
    fn what_is_no_report_tells_nothing() {
        for (what, instead) in
            [("multipart/report", "multipart/mixed"), ("message/delivery-status", "text/plain")]
        {
            assert_eq!(read(FAILED.replace(what, instead).as_bytes()), None, "{what}");
        }
        assert_eq!(read(b""), None);
    }
}
