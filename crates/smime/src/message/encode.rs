//! Writing header values and bodies in 7 bits, in the canonical form that is signed (RFC 8551 3.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// RFC 2045 6.8: the longest line of base64; and RFC 5322 2.1.1 has lines of at most 78 characters.
pub(crate) const LINE: usize = 76;
/// As many bytes are a line in base64.
pub(crate) const LINE_BYTES: usize = 57;
/// Makes an encoded word of 60 characters (RFC 2047 2: at most 75), which fits beside its field's name.
const WORD_BYTES: usize = 36;

/// A display name for an address field: an atom, a quoted string, or encoded words.
pub(crate) fn phrase(name: &str) -> String {
    if needs_encoded_words(name) {
        return encoded_words(name);
    }
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    if name.split(' ').all(|word| !word.is_empty() && word.bytes().all(atom)) {
        return name.to_owned();
    }
    quoted_string(name)
}

/// An unstructured value: as it is when it is plain ASCII, otherwise encoded words.
///
/// Control characters become spaces, so that no value can start a field of its own.
pub(crate) fn unstructured(value: &str) -> String {
    let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let value = value.trim();
    if needs_encoded_words(value) { encoded_words(value) } else { value.to_owned() }
}

fn needs_encoded_words(value: &str) -> bool {
    // A run of spaces or a very long word would not survive folding.
    let fragile = value.contains("  ") || has_long_word(value);
    fragile || value.contains("=?") || !value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a word of it would make a line of more than 998 characters (RFC 5322 2.1.1), however it is folded.
pub(crate) fn has_long_word(value: &str) -> bool {
    value.split([' ', '\t']).any(|word| word.len() > 700)
}

fn encoded_words(value: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut chunk = String::new();
    for c in value.chars() {
        if chunk.len() + c.len_utf8() > WORD_BYTES {
            words.push(encoded_word(&chunk));
            chunk.clear();
        }
        chunk.push(c);
    }
    words.push(encoded_word(&chunk));
    words.join(" ")
}

fn encoded_word(text: &str) -> String {
    format!("=?utf-8?B?{}?=", STANDARD.encode(text))
}

fn quoted_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// A parameter as a quoted string, whatever its length.
pub(crate) fn quoted_parameter(name: &str, value: &str) -> String {
    format!("{name}={}", quoted_string(value))
}

/// A parameter of Content-Type or Content-Disposition, in the form of RFC 2231 where it needs one.
pub(crate) fn parameter(name: &str, value: &str) -> String {
    let value: String = value.chars().filter(|c| !c.is_control()).collect();
    // A reader would take `=?` for the start of an encoded word.
    if value.is_ascii() && value.len() <= 60 && !value.contains("=?") {
        return quoted_parameter(name, &value);
    }
    let mut encoded = vec![String::new()];
    for byte in value.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if encoded.last().is_some_and(|part| part.len() > 48) {
            encoded.push(String::new());
        }
        if let Some(part) = encoded.last_mut() {
            part.push_str(&if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") });
        }
    }
    if let [single] = encoded.as_slice() {
        return format!("{name}*=utf-8''{single}");
    }
    let parts = encoded.iter().enumerate().map(|(index, part)| {
        let charset = if index == 0 { "utf-8''" } else { "" };
        format!("{name}*{index}*={charset}{part}")
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// Appends `Name: value` and folds it at its spaces.
pub(crate) fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    let mut line = name.len() + 1;
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    for (index, word) in value.split(' ').enumerate() {
        // A line of white space alone would end nothing but is obsolete, so it is never begun.
        if index > 0 && !word.is_empty() && line + 1 + word.len() > LINE {
            out.extend_from_slice(b"\r\n");
            line = 0;
        }
        out.push(b' ');
        out.extend_from_slice(word.as_bytes());
        line += 1 + word.len();
    }
    out.extend_from_slice(b"\r\n");
}

/// How many bytes [`write_base64`] makes of so many.
pub(crate) const fn encoded_len(length: usize) -> usize {
    let (lines, rest) = (length / LINE_BYTES, length % LINE_BYTES);
    lines * (LINE + 2) + if rest == 0 { 0 } else { rest.div_ceil(3) * 4 + 2 }
}

/// Turns the bytes of a buffer into `before` and their base64, as [`write_base64`] does.
///
/// The last line first: each goes behind where it came from, so that nothing unread is overwritten.
pub(crate) fn base64_in_place(buffer: &mut Vec<u8>, before: &[u8]) {
    let length = buffer.len();
    buffer.resize(before.len() + encoded_len(length), 0);
    for number in (0..length.div_ceil(LINE_BYTES)).rev() {
        let mut chunk = [0; LINE_BYTES];
        let from = number * LINE_BYTES;
        let taken = LINE_BYTES.min(length - from);
        if let (Some(chunk), Some(bytes)) = (chunk.get_mut(..taken), buffer.get(from..from + taken)) {
            chunk.copy_from_slice(bytes);
        }
        let to = before.len() + number * (LINE + 2);
        let (Some(chunk), Some(line)) = (chunk.get(..taken), buffer.get_mut(to..to + encoded_len(taken)))
        else {
            continue;
        };
        // The line has the room for exactly these bytes and its end.
        let written = STANDARD.encode_slice(chunk, line).unwrap_or_default();
        if let Some(end) = line.get_mut(written..) {
            end.copy_from_slice(b"\r\n");
        }
    }
    if let Some(start) = buffer.get_mut(..before.len()) {
        start.copy_from_slice(before);
    }
}

/// Appends base64 in lines of 76 characters, each with its line end.
pub(crate) fn write_base64(out: &mut Vec<u8>, data: &[u8]) {
    out.reserve(encoded_len(data.len()));
    let mut line = [0u8; LINE];
    for chunk in data.chunks(LINE_BYTES) {
        // These are exactly 76 characters, so the slice always has the room.
        let written = STANDARD.encode_slice(chunk, &mut line).unwrap_or_default();
        out.extend_from_slice(line.get(..written).unwrap_or_default());
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends text as quoted-printable with CRLF line ends, fit to be signed (RFC 8551 3.1.2, RFC 3156 3).
///
/// Trailing white space, `From ` at the start of a line and a lone dot are escaped, because relays touch them.
pub(crate) fn write_quoted_printable(out: &mut Vec<u8>, text: &str) {
    for line in text.split('\n') {
        write_quoted_line(out, line.strip_suffix('\r').unwrap_or(line).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

fn write_quoted_line(out: &mut Vec<u8>, line: &[u8]) {
    let from = line.starts_with(b"From ");
    let mut column = 0;
    for (index, byte) in line.iter().enumerate() {
        let last = index + 1 == line.len();
        let room = LINE - usize::from(!last);
        let plain = match byte {
            b' ' | b'\t' => !last,
            b'.' => column > 0 && column < room,
            b'!'..=b'<' | b'>'..=b'~' => index > 0 || !from,
            _ => false,
        };
        let width = if plain { 1 } else { 3 };
        if column + width > room {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("={byte:02X}").as_bytes());
        }
        column += width;
    }
}

/// Turns every bare LF into CRLF; bare CRs stay (RFC 8551 3.1.1).
pub(crate) fn canonical(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                out.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// Whether some line ends with a bare LF.
pub(crate) fn has_bare_lf(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes).any(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        before != Some(&b'\r')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{field::decode_text, transfer::decode_quoted_printable};

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        write_quoted_printable(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_signed_in_a_form_no_relay_changes() {
        assert_eq!(quoted("From a\n.\nb \n=\té"), "=46rom a\r\n=2E\r\nb=20\r\n=3D\t=C3=A9\r\n");
        let long = "ab ".repeat(200) + ".x" + &"é".repeat(100);
        let written = quoted(&long);
        assert!(
            written.lines().all(|line| line.len() <= 76 && !line.starts_with('.') && !line.ends_with(' '))
        );
        assert_eq!(decode_quoted_printable(written.as_bytes()), (long + "\r\n").into_bytes());
    }

    #[test]
    fn values_survive_encoding_and_folding() {
        for value in ["plain", "两 个 词", "a  b", "=?x?=", &"long ".repeat(60), &"é".repeat(200), ""] {
            let mut field = Vec::new();
            write_field(&mut field, "Subject", &unstructured(value));
            let text = String::from_utf8(field).unwrap();
            assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 78), "{text}");
            let unfolded = text.trim_start_matches("Subject:").replace("\r\n", "");
            assert_eq!(decode_text(unfolded.trim()), value.trim(), "{text}");
        }
    }

    #[test]
    fn controls_cannot_start_a_field() {
        let written = unstructured("a\r\nBcc: x");
        assert_eq!(decode_text(&written), "a  Bcc: x");
        assert!(!written.contains(['\r', '\n']));
    }

    #[test]
    fn base64_is_the_same_in_place() {
        for length in [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 1000, 5700] {
            let data: Vec<u8> = (0..length).map(|at| (at * 7 + at / 251) as u8).collect();
            for before in [&b""[..], b"x", &[b'h'; 300]] {
                let mut expected = before.to_vec();
                write_base64(&mut expected, &data);
                let mut buffer = data.clone();
                base64_in_place(&mut buffer, before);
                assert_eq!(buffer, expected, "{length} after {}", before.len());
                assert_eq!(buffer.len() - before.len(), encoded_len(data.len()));
            }
        }
    }

    #[test]
    fn only_bare_line_feeds_are_made_canonical() {
        assert_eq!(canonical(b"a\nb\r\nc\rd\n"), b"a\r\nb\r\nc\rd\r\n");
        assert!(has_bare_lf(b"a\n") && !has_bare_lf(b"a\r\n\r"));
    }
}
