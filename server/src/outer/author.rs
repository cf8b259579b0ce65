use std::collections::HashSet;

use mail_parser::{HeaderForm, HeaderValue};

use crate::parts;

/// The address of a message that has one From field with one address in it.
///
/// With two, programs differ in which they show, so one of them could be anybody's. So could a field that is not
/// read alike by all; and of a header that is beyond all use nobody can tell.
pub fn sole_author(message: &[u8]) -> Option<String> {
    if from_fields(message) != 1 || !parts::has_plain_header(message) {
        return None;
    }
    let mut authors = authors(message);
    authors.pop().filter(|_| authors.is_empty())
}

/// The addresses of all From fields of a message: as our page shows them, then those that only others make of them.
pub fn authors(message: &[u8]) -> Vec<String> {
    let mut all = smime::message::authors(message);
    let mut known: HashSet<String> = all.iter().map(|author| author.to_ascii_lowercase()).collect();
    all.extend(elsewhere(message).into_iter().filter(|author| known.insert(author.to_ascii_lowercase())));
    all
}

/// As another reader of mail understands them; what clients of JMAP are given is read so.
fn elsewhere(message: &[u8]) -> Vec<String> {
    let Some(parsed) = parts::header(message) else { return Vec::new() };
    let mut all = Vec::new();
    for field in parsed.header_as("From", HeaderForm::Addresses) {
        if let HeaderValue::Address(addresses) = field {
            all.extend(addresses.iter().filter_map(|one| one.address.as_ref().map(ToString::to_string)));
        }
    }
    all
}

/// How many From fields there are, also for those who take a CR or an LF alone for a line end.
fn from_fields(message: &[u8]) -> usize {
    let mut count = 0;
    let mut rest = message;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        let (line, after) = rest.split_at(end);
        if line.is_empty() {
            break;
        }
        // What goes out has no NUL left in it.
        let name: Vec<u8> =
            line.iter().copied().take_while(|byte| *byte != b':').filter(|byte| *byte != 0).collect();
        count += usize::from(name.trim_ascii_end().eq_ignore_ascii_case(b"From"));
        let crlf = after.strip_prefix(b"\r\n");
        rest = crlf.or_else(|| after.get(1..)).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_with_one_address_names_the_author() {
        let author = |text: &str| sole_author(text.as_bytes());
        assert_eq!(
            author("To: b@b.example\r\nFrom: A <a@a.example>\r\n\r\nFrom: x\r\n").unwrap(),
            "a@a.example"
        );
        for text in [
            "From: b@b.example\r\nFrom: a@a.example\r\n\r\n",
            "From: a@a.example\r\nFROM : b@b.example\r\n\r\n",
            "From: a@a.example\rFrom: b@b.example\r\n\r\n",
            "From: a@a.example\r\nFr\0om: b@b.example\r\n\r\n",
            "From: a@a.example, b@b.example\r\n\r\n",
            "From: <b@b.example> <a@a.example>\r\n\r\n",
            "From: <b@b.example>: <a@a.example>;\r\n\r\n",
            "From:\r\n\r\n",
            "To: a@a.example\r\n\r\n",
        ] {
            assert_eq!(author(text), None, "{text:?}");
        }
        let beyond = "X: y\r\n".repeat(3_000);
        assert_eq!(author(&format!("{beyond}From: a@a.example\r\n\r\n")), None, "others may read more");
    }

    #[test]
    fn an_author_is_seen_who_only_some_read() {
        for field in [
            "alice @ a . example",
            "<alice@a.example>: <x@evil.example>;",
            "<alice@a.example> <x@evil.example>",
            "<alice@a.example.>",
        ] {
            let message = format!("From: {field}\r\n\r\n");
            assert!(authors(message.as_bytes()).contains(&"alice@a.example".to_owned()), "{field}");
        }
    }

    #[test]
    fn all_authors_are_seen() {
        let two = b"From: b@b.example\r\nFrom: A <a@a.example>, c@c.example\r\n\r\n";
        assert_eq!(authors(two), ["b@b.example", "a@a.example", "c@c.example"]);
    }
}
