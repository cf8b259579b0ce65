//! Whether the structure of a message is one that it may be taken apart by.
//!
//! The parser goes down into messages within messages without end and frees them by recursion: some
//! thousand of them overflow its stack. It decodes encoded messages too, in which nothing can be counted.

/// Parts, as far as boundaries tell: each begins after a line that begins with two hyphens.
const MOST_BOUNDARIES: usize = 10_000;
/// Mentions of the field that a message within another cannot do without.
const MOST_TYPES: usize = 500;
/// The types that may be encoded (RFC 2045 6.4); the parser would also decode messages.
const ENCODED: [&str; 7] = ["text/", "image/", "audio/", "video/", "application/", "font/", "model/"];
/// The multiparts whose parts are text unless they say otherwise; those of a digest are messages.
const OF_TEXT: [&str; 6] = ["mixed", "alternative", "related", "signed", "report", "form-data"];
const IDENTITY: [&str; 3] = ["7bit", "8bit", "binary"];

/// Whether a message has so few parts and levels that it can be taken apart.
pub fn is_plain(bytes: &[u8]) -> bool {
    let mut seen = Seen::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.is_empty() || line == b"\r" {
            if seen.is_odd() {
                return false;
            }
            seen.block = Block::default();
            continue;
        }
        seen.read(line);
        if seen.boundaries > MOST_BOUNDARIES || seen.types > MOST_TYPES {
            return false;
        }
    }
    !seen.is_odd()
}

#[derive(Default)]
struct Seen {
    boundaries: usize,
    types: usize,
    digest: bool,
    block: Block,
}

/// Lines without an empty one between them, which may be a header.
#[derive(Default)]
struct Block {
    is_encoded: bool,
    has_plain_type: bool,
    has_other_type: bool,
}

impl Seen {
    fn read(&mut self, line: &[u8]) {
        if line.starts_with(b"--") {
            self.boundaries += 1;
            // What came before may be the end of another part.
            self.block.has_plain_type = false;
        }
        if !line.contains(&b':') {
            return;
        }
        let text = String::from_utf8_lossy(line).to_ascii_lowercase();
        self.types += text.matches("content-type").count();
        if let Some(value) = field(&text, "content-type") {
            // What is indented may be the value of the field before it.
            let is_plain = text.starts_with("content-type") && starts_with(value, &ENCODED);
            match value.strip_prefix("multipart/") {
                Some(kind) => self.digest |= !starts_with(kind, &OF_TEXT),
                None if is_plain => self.block.has_plain_type = true,
                None => self.block.has_other_type = true,
            }
        }
        if let Some(value) = field(&text, "content-transfer-encoding") {
            self.block.is_encoded |= !starts_with(value, &IDENTITY);
        }
    }

    /// Whether the block may be the header of an encoded message.
    fn is_odd(&self) -> bool {
        let Block { is_encoded, has_plain_type, has_other_type } = self.block;
        is_encoded && (has_other_type || (self.digest && !has_plain_type))
    }
}

/// The value of a field, if the line begins with it.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = line.trim_start().strip_prefix(name)?.trim_start().strip_prefix(':')?;
    Some(value.trim())
}

fn starts_with(text: &str, all: &[&str]) -> bool {
    all.iter().any(|one| text.starts_with(one))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use mail_parser::PartType;

    use crate::clear_text::ClearText;
    use crate::parts::parse;

    const NEST: &str = "Content-Type: message/rfc822\r\n\r\n";

    #[test]
    fn messages_within_messages_do_not_bring_the_relay_down() {
        let deep = NEST.repeat(100_000);
        assert_eq!(parse(deep.as_bytes()).unwrap().parts.len(), 1);
        let coded = STANDARD.encode(&deep);
        for kind in ["message/rfc822", "(a)message/rfc822", "x\r\n\t; a=b"] {
            for coding in ["base64", "=?utf-8?q?b=61se64?=", "\r\n base64"] {
                let head = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {coding}\r\n\r\n");
                assert_eq!(parse((head + &coded).as_bytes()).unwrap().parts.len(), 1, "{kind} {coding}");
            }
        }
        let digest = "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\nX: y\r\n \
                      Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        let digest = format!("{digest}{coded}\r\n--b--\r\n");
        assert_eq!(parse(digest.as_bytes()).unwrap().parts.len(), 1);
        let digest = digest.replace("X: y\r\n ", "\r\n").replace("plain\r\n", "plain\r\n--b\r\n");
        assert_eq!(parse(digest.as_bytes()).unwrap().parts.len(), 1);
        ClearText::of(deep.as_bytes());
    }

    #[test]
    fn a_message_of_countless_parts_is_one_part() {
        let bomb =
            format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\n".repeat(500_000));
        assert_eq!(parse(bomb.as_bytes()).unwrap().parts.len(), 1);
    }

    #[test]
    fn a_forwarded_message_and_an_encoded_file_are_parts() {
        let mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\
                    Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9\r\n\
                    --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello\r\n\
                    --b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n";
        let read = parse(mail.as_bytes()).unwrap();
        assert_eq!(read.parts.len(), 4);
        assert!(matches!(read.parts[2].body, PartType::Message(_)));
        assert_eq!(read.parts[3].contents(), b"%PDF");
    }
}
