//! What a message of a public account can be found and sorted by, in lower case.

use mail_parser::{Address, Message, MimeHeaders, PartType};

use crate::clock::{Millis, now};
use crate::parts;

/// The greatest number of octets of text that are searched in one message.
const BODY: usize = 64 * 1024;
/// The greatest number of octets that it is looked for in: HTML is mostly tags.
const SOURCE: usize = 16 * BODY;
/// The greatest number of header fields that are searched, and of octets of each.
const FIELDS: usize = 100;
const FIELD: usize = 1000;

/// The searched text of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of its name")]
pub struct ClearText {
    pub from: String,
    pub to: String,
    pub cc: String,
    pub bcc: String,
    pub subject: String,
    pub body: String,
    pub headers: Vec<(String, String)>,
    pub attachments: String,
    pub has_attachment: bool,
    pub sort_from: String,
    pub sort_to: String,
    pub sort_subject: String,
    pub sent_at: Millis,
}

impl ClearText {
    /// How many octets it holds.
    pub fn octets(&self) -> usize {
        let fields: usize = self.headers.iter().map(|(name, text)| name.len() + text.len()).sum();
        let texts = [&self.from, &self.to, &self.cc, &self.bcc, &self.subject, &self.body, &self.attachments];
        let sorts = [&self.sort_from, &self.sort_to, &self.sort_subject];
        fields + texts.into_iter().chain(sorts).map(String::len).sum::<usize>()
    }

    /// Reads the text of a message.
    pub fn of(message: &[u8]) -> Self {
        let Some(message) = parts::parse(message) else { return Self::default() };
        let subject = message.subject().unwrap_or_default().to_lowercase();
        let names: Vec<&str> = attachments(&message).filter_map(MimeHeaders::attachment_name).collect();
        let sent_at = message.date().map_or_else(now, |date| date.to_timestamp().saturating_mul(1000));
        Self {
            from: all(message.from()),
            to: all(message.to()),
            cc: all(message.cc()),
            bcc: all(message.bcc()),
            sort_from: first(message.from()),
            sort_to: first(message.to()),
            sort_subject: base_subject(&subject).to_owned(),
            subject,
            body: cut(&body(&message).to_lowercase(), BODY).to_owned(),
            headers: headers(&message),
            attachments: names.join("\n").to_lowercase(),
            has_attachment: has_attachment(&message),
            sent_at,
        }
    }
}

/// Whether a message has a part that a reader would call an attachment (RFC 8621 4.1.4).
pub fn has_attachment(message: &Message<'_>) -> bool {
    let inline = |part: &mail_parser::MessagePart<'_>| {
        part.content_disposition().is_some_and(mail_parser::ContentType::is_inline)
    };
    attachments(message).any(|part| !inline(part))
}

fn attachments<'m>(message: &'m Message<'m>) -> impl Iterator<Item = &'m mail_parser::MessagePart<'m>> {
    parts::attachments(message).into_iter().filter_map(|id| message.part(id))
}

/// The text of a message, HTML without its tags, as far as it is searched.
pub fn body(message: &Message<'_>) -> String {
    let (mut text, mut left) = (String::new(), SOURCE);
    // A part that is the only form of a text is in both lists.
    let others = message.html_body.iter().filter(|id| !message.text_body.contains(id));
    let parts = message.text_body.iter().chain(others);
    for part in parts.filter_map(|id| message.part(*id)) {
        let read = match &part.body {
            PartType::Text(plain) => {
                text.push_str(cut(plain, left));
                plain.len()
            }
            PartType::Html(html) => {
                text.push_str(&mail_parser::decoders::html::html_to_text(cut(html, left)));
                html.len()
            }
            _ => continue,
        };
        text.push('\n');
        left = left.saturating_sub(read);
        if text.len() > BODY {
            break;
        }
    }
    text.truncate(cut(&text, BODY).len());
    text
}

/// The first octets of a text, without half a character.
pub fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn headers(message: &Message<'_>) -> Vec<(String, String)> {
    let field = |(name, value): (&str, &str)| {
        (cut(name, FIELD).to_lowercase(), cut(value.trim(), FIELD).to_lowercase())
    };
    message.headers_raw().take(FIELDS).map(field).collect()
}

fn all(field: Option<&Address<'_>>) -> String {
    let each = field.into_iter().flat_map(Address::iter);
    let words = each.flat_map(|one| [one.name.as_deref(), one.address.as_deref()]).flatten();
    cut(&words.collect::<Vec<_>>().join(" ").to_lowercase(), BODY).to_owned()
}

/// The display name of the first address, or the address (RFC 8621 4.4.2).
fn first(field: Option<&Address<'_>>) -> String {
    let first = field.and_then(|field| field.iter().next());
    let shown = first.and_then(|one| one.name.as_deref().or(one.address.as_deref()));
    cut(shown.unwrap_or_default(), FIELD).to_lowercase()
}

/// The subject without what replies and forwards put before it (RFC 5256 2.1).
fn base_subject(subject: &str) -> &str {
    let mut rest = subject.trim();
    loop {
        let shorter = ["re:", "fwd:", "fw:"].iter().find_map(|prefix| rest.strip_prefix(prefix));
        match shorter {
            Some(shorter) => rest = shorter.trim_start(),
            None => return rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_by_its_words_and_sorted_by_its_base_subject() {
        let text = ClearText::of(
            b"From: Alice <a@a.example>\r\nTo: b@b.example\r\nSubject: Re: Fwd: Parks\r\nX-Place: North\r\n\
              Content-Type: text/html\r\n\r\n<p>Open <b>today</b></p>",
        );
        assert_eq!((&*text.from, &*text.sort_from), ("alice a@a.example", "alice"));
        assert_eq!((&*text.subject, &*text.sort_subject), ("re: fwd: parks", "parks"));
        assert!(text.body.contains("open today"), "{}", text.body);
        assert!(text.headers.contains(&("x-place".into(), "north".into())));
        assert!(!text.has_attachment);
    }

    #[test]
    fn of_a_text_without_end_no_more_is_read_than_is_searched() {
        let long = "word ".repeat(2_000_000);
        for text in [format!("\r\n{long}"), format!("Content-Type: text/html\r\n\r\n<p>{long}")] {
            let message = parts::parse(text.as_bytes()).unwrap();
            let body = body(&message);
            assert!(body.starts_with("word word") && body.len() <= BODY, "{}", body.len());
        }
        let tags = format!("Content-Type: text/html\r\n\r\n{}behind", "<br>".repeat(1_000_000));
        let message = parts::parse(tags.as_bytes()).unwrap();
        assert!(!body(&message).contains("behind"));
    }

    #[test]
    fn a_cut_never_halves_a_character() {
        assert_eq!(cut("a\u{5370}", 2), "a");
        assert_eq!(cut("ab", 7), "ab");
    }
}
