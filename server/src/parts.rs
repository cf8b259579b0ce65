//! Blobs that are parts of a message: they are named by the message and their place in it.

mod bounds;
mod reading;

use jmap::BlobId;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders};

pub use bounds::{has_plain_header, name};
pub use reading::{Purpose, Read, ReadBudget, ReadError, read, whole};

/// Takes a message apart; of one whose structure is beyond all use, only the header is read.
///
/// The parser's own work and memory, and its stack, grow with the structure.
pub fn parse(bytes: &[u8]) -> Option<Message<'_>> {
    let is_plain = has_plain_header(bytes) && bounds::is_plain(bytes);
    if is_plain { MessageParser::default().parse(bytes) } else { header(bytes) }
}

/// Reads the header of a message; none of one that is [beyond all use](has_plain_header).
pub fn header(bytes: &[u8]) -> Option<Message<'_>> {
    let start = bytes.get(..bounds::LONGEST_HEADER).unwrap_or(bytes);
    has_plain_header(bytes).then(|| MessageParser::default().parse_headers(start)).flatten()
}

/// The blob that a part of a message is.
pub fn id(message: &BlobId, part: u32) -> BlobId {
    BlobId::from(format!("p{part}-{message}"))
}

/// The message and the place that a part's id names.
pub fn read_id(id: &BlobId) -> Option<(BlobId, u32)> {
    let (part, message) = id.as_str().strip_prefix('p')?.split_once('-')?;
    Some((BlobId::from(message), part.parse().ok()?))
}

/// The parts that are attachments (RFC 8621 4.1.4): those that are in neither body, and media that are not in both.
pub fn attachments(message: &Message<'_>) -> Vec<u32> {
    let is_attached = |(id, part): &(u32, &MessagePart<'_>)| {
        let (text, html) = (message.text_body.contains(id), message.html_body.contains(id));
        !part.is_multipart() && (!text && !html || is_media(part) && !(text && html))
    };
    (0_u32..).zip(&message.parts).filter(is_attached).map(|(id, _)| id).collect()
}

fn is_media(part: &MessagePart<'_>) -> bool {
    let kind = part.content_type().map(mail_parser::ContentType::ctype);
    kind.is_some_and(|kind| ["image", "audio", "video"].iter().any(|media| kind.eq_ignore_ascii_case(media)))
}

/// The octets of a part once its transfer encoding is undone (RFC 8621 4.1.4), in its own charset.
pub fn octets(message: &Message<'_>, part: &MessagePart<'_>) -> Vec<u8> {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    let raw = message.raw_message.get(at(part.offset_body)..at(part.offset_end)).unwrap_or_default();
    let decoded = match part.encoding {
        Encoding::None => None,
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
        Encoding::Base64 => base64_decode(raw),
    };
    decoded.unwrap_or_else(|| raw.to_vec())
}
