//! Whether the structure of a message is one that it may be taken apart by.
//!
//! The parser goes down into messages within messages without end and frees them by recursion: some
//! thousand of them overflow its stack. It decodes encoded messages too, in which nothing can be counted. It goes
//! through what it has of a parameter again for each further piece of it, and keeps each field.

mod work;

use work::{Work, is_folded};

pub use work::name;

/// Octets of the header of a message.
pub const LONGEST_HEADER: usize = 256 * 1024;
/// Fields of the header of a message: each is looked for among all.
const MOST_HEADER_FIELDS: usize = 2_000;
/// Parts, as far as boundaries tell: each begins after a line that has two hyphens.
const MOST_BOUNDARIES: usize = 10_000;
/// Mentions of the field that a message within another cannot do without.
const MOST_TYPES: usize = 500;
/// Fields in all headers.
const MOST_FIELDS: usize = 50_000;
/// The types that may be encoded (RFC 2045 6.4); the parser would also decode messages.
const ENCODED: [&str; 7] = ["text/", "image/", "audio/", "video/", "application/", "font/", "model/"];
/// The multiparts whose parts are text unless they say otherwise; those of a digest are messages.
const OF_TEXT: [&str; 6] = ["mixed", "alternative", "related", "signed", "report", "form-data"];
const IDENTITY: [&str; 3] = ["7bit", "8bit", "binary"];

/// Whether the header of a message is one that it may be read by.
pub fn has_plain_header(message: &[u8]) -> bool {
    let start = message.get(..LONGEST_HEADER).unwrap_or(message);
    let (mut work, mut fields) = (Work::default(), 0);
    for line in start.split_inclusive(|byte| *byte == b'\n') {
        if matches!(line, b"\n" | b"\r\n") {
            return work.is_little();
        }
        work.read(line);
        fields += usize::from(!is_folded(line));
        if fields > MOST_HEADER_FIELDS {
            return false;
        }
    }
    message.len() <= LONGEST_HEADER && work.is_little()
}

/// Whether a message has so few parts and levels that it can be taken apart.
pub fn is_plain(bytes: &[u8]) -> bool {
    let mut seen = Seen { is_header: true, ..Seen::default() };
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.is_empty() || line == b"\r" {
            if seen.is_odd() || !seen.work.is_little() {
                return false;
            }
            seen.boundaries += usize::from(seen.block.has_boundary);
            // What a message within this one begins with.
            seen.is_header = seen.may_be_message();
            seen.block = Block::default();
            continue;
        }
        seen.read(line);
        if seen.boundaries > MOST_BOUNDARIES || seen.types > MOST_TYPES || seen.fields > MOST_FIELDS {
            return false;
        }
    }
    !seen.is_odd() && seen.work.is_little()
}

#[derive(Default)]
struct Seen {
    boundaries: usize,
    types: usize,
    fields: usize,
    digest: bool,
    is_header: bool,
    block: Block,
    work: Work,
}

/// Lines without an empty one between them, which may be a header.
#[derive(Default)]
struct Block {
    has_boundary: bool,
    is_encoded: bool,
    has_plain_type: bool,
    has_other_type: bool,
}

impl Seen {
    fn read(&mut self, line: &[u8]) {
        self.work.read(line);
        // The parser finds one also within a line.
        if line.windows(2).any(|two| two == b"--") {
            self.boundaries += usize::from(line.starts_with(b"--"));
            self.block.has_boundary |= !line.starts_with(b"--");
            self.is_header = true;
            // What came before may be the end of another part.
            self.block.has_plain_type = false;
        }
        let Some(name) = name(line) else { return };
        self.fields += usize::from(self.is_header);
        if line.contains(&b'-') {
            let letters = line.iter().filter(|byte| !byte.is_ascii_whitespace());
            let letters: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
            self.types += String::from_utf8_lossy(&letters).matches("content-type").count();
        }
        match name.as_slice() {
            b"content-type" => {
                let value = value(line);
                // What is indented may be the value of the field before it.
                let is_first = line.first().is_some_and(u8::is_ascii_alphabetic);
                let is_plain = is_first && starts_with(&value, &ENCODED);
                match value.strip_prefix("multipart/") {
                    Some(kind) => self.digest |= !starts_with(kind, &OF_TEXT),
                    None if is_plain => self.block.has_plain_type = true,
                    None => {
                        self.block.has_other_type = true;
                        // What follows, or stands behind a comment, may say so.
                        self.digest |= !starts_with(&value, &ENCODED) && !value.starts_with("message/");
                    }
                }
            }
            b"content-transfer-encoding" => self.block.is_encoded |= !starts_with(&value(line), &IDENTITY),
            _ => {}
        }
    }

    /// Whether the block may be the header of an encoded message.
    fn is_odd(&self) -> bool {
        self.block.is_encoded && self.may_be_message()
    }

    fn may_be_message(&self) -> bool {
        self.block.has_other_type || (self.digest && !self.block.has_plain_type)
    }
}

/// The value of the field that a line begins, in lower case.
fn value(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line).to_ascii_lowercase();
    let field = text.trim_start_matches(|letter: char| letter == ':' || letter.is_ascii_whitespace());
    field.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

fn starts_with(text: &str, all: &[&str]) -> bool {
    all.iter().any(|one| text.starts_with(one))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use mail_parser::{MimeHeaders, PartType};

    use crate::clear_text::ClearText;
    use crate::parts::{header, parse};

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
        for kind in ["\r\n multipart/digest", "(x)multipart/digest"] {
            let digest = format!(
                "Content-Type: {kind}; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}"
            );
            assert_eq!(parse(digest.as_bytes()).unwrap().parts.len(), 1, "{kind}");
        }
        ClearText::of(deep.as_bytes());
    }

    #[test]
    fn words_that_never_end_are_not_read() {
        for word in ["=?aa?q?_", "=?aa?q?=41", "=?aa?b?a", "=?aa?Q?=41\r\n "] {
            for name in ["Subject", "From", "Content-Type", "X"] {
                let field = format!("{name}: {}\r\n\r\n", word.repeat(16_000));
                assert!(header(field.as_bytes()).is_none(), "{name}: {word}");
                let long = format!("{name}: {}\r\n\r\n", word.repeat(200_000));
                let part =
                    format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{long}x\r\n--b--\r\n");
                assert_eq!(parse(part.as_bytes()).unwrap().parts.len(), 1, "{name}: {word}");
            }
        }
        let names = "=?utf-8?B?5p6X54ix?= <a@b.example>, =?utf-8?q?q?= <c@d.example>,\r\n ".repeat(1_500);
        let to = format!("To: {names}e@f.example\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nhello");
        assert_eq!(header(to.as_bytes()).unwrap().subject(), Some("caf\u{e9}"));
    }

    #[test]
    fn a_name_with_spaces_in_it_is_a_name() {
        for name in ["Con tent-Type", " :Content-Type", "Content-Type\t", ": C o n t e n t-Type "] {
            let deep = format!("{name}: message/rfc822\r\n\r\n").repeat(30_000);
            assert_eq!(parse(deep.as_bytes()).unwrap().parts.len(), 1, "{name}");
        }
    }

    #[test]
    fn fields_that_cost_the_square_of_their_length_are_not_read() {
        for name in ["Content-Type", "content-disposition", "Con tent-Type", ": Content-Type"] {
            for (piece, count) in [("a*1=b;", 700_000), ("a*1=b;\r\n ", 400_000), ("a=b;c*='", 300_000)] {
                let field = format!("{name}: text/plain; {}\r\n\r\n", piece.repeat(count));
                assert!(parse(field.as_bytes()).is_none(), "{name}: {piece}");
                let short = format!("{name}: text/plain; {}\r\n\r\n", piece.repeat(20_000));
                assert!(header(short.as_bytes()).is_none(), "{name}: {piece}");
                let part =
                    format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{field}x\r\n--b--\r\n");
                assert_eq!(parse(part.as_bytes()).unwrap().parts.len(), 1, "{name}: {piece}");
            }
        }
        let boundary = format!("Content-Type: multipart/mixed; boundary={}\r\n\r\n", "-".repeat(9_000));
        assert!(header(boundary.as_bytes()).is_none());
        let named = "Content-Type: text/plain; name*0*=utf-8'zh'%E5; name*1*=%8D;\r\n name*2=b\r\n\r\nhello";
        assert_eq!(parse(named.as_bytes()).unwrap().parts.len(), 1);
        assert!(header(named.as_bytes()).unwrap().content_type().is_some());
    }

    #[test]
    fn countless_fields_are_not_kept_and_a_long_text_with_colons_is() {
        assert!(header("X: y\r\n".repeat(3_000).as_bytes()).is_none());
        let fields = "X: y\r\n".repeat(1_000_000);
        assert!(parse(fields.as_bytes()).is_none());
        let nested = format!("{NEST}{fields}");
        assert!(parse(nested.as_bytes()).unwrap().parts.len() == 1);
        let part = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
        assert_eq!(parse(format!("{part}{fields}").as_bytes()).unwrap().parts.len(), 1);
        let within = format!("{}\r\nx--b\r\n{fields}", part.trim_end_matches("--b\r\n"));
        assert_eq!(parse(within.as_bytes()).unwrap().parts.len(), 1);
        let text = format!("{part}\r\n{fields}\r\n--b\r\n\r\n{fields}");
        assert_eq!(parse(text.as_bytes()).unwrap().parts.len(), 3);
    }

    #[test]
    fn a_message_of_countless_parts_is_one_part() {
        let bomb =
            format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\n".repeat(500_000));
        assert_eq!(parse(bomb.as_bytes()).unwrap().parts.len(), 1);
        assert_eq!(parse(bomb.replace("--b", "x--b").as_bytes()).unwrap().parts.len(), 1);
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
