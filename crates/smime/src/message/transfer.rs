//! Content-Transfer-Encoding (RFC 2045 6) and charsets, read leniently and in one pass.

use std::borrow::Cow;
use std::sync::OnceLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::encode::{LINE, LINE_BYTES};

/// Undoes the transfer encoding named in the header; an unknown name leaves the bytes as they are.
pub(crate) fn decode<'a>(encoding: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    let token = token(encoding);
    if is_base64(encoding) {
        Cow::Owned(decode_base64(body))
    } else if token.eq_ignore_ascii_case("quoted-printable") {
        Cow::Owned(decode_quoted_printable(body))
    } else if is_uuencode(token) {
        decode_uuencode(body).map_or(Cow::Borrowed(body), Cow::Owned)
    } else {
        Cow::Borrowed(body)
    }
}

fn token(encoding: &str) -> &str {
    encoding.split([';', ' ', '\t', '(']).next().unwrap_or_default()
}

/// Whether a Content-Transfer-Encoding is base64.
pub(crate) fn is_base64(encoding: &str) -> bool {
    token(encoding).eq_ignore_ascii_case("base64")
}

fn is_uuencode(token: &str) -> bool {
    ["x-uuencode", "uuencode", "x-uue", "uue"].iter().any(|name| token.eq_ignore_ascii_case(name))
}

/// A line without end that is longer than this is not waited for.
const MAX_BEGUN: usize = 4096;

/// Marks a byte outside of the base64 alphabet in [`SEXTETS`].
const NONE: u32 = 1 << 31;

/// The value of each byte of the base64 alphabet.
static SEXTETS: [u32; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        #[expect(clippy::indexing_slicing, reason = "a byte fits the table, and this runs when compiling")]
        {
            table[alphabet[value as usize] as usize] = value;
        }
        value += 1;
    }
    table
};

fn sextet(byte: u8) -> u32 {
    SEXTETS.get(usize::from(byte)).copied().unwrap_or(NONE)
}

/// Decodes base64 and skips what is outside its alphabet (RFC 2045 6.8), up to the padding.
pub(crate) fn decode_base64(body: &[u8]) -> Vec<u8> {
    let mut decoder = Base64::default();
    decoder.out.reserve_exact(decoded_len(body.len()));
    decoder.decode(body);
    decoder.finish()
}

/// The most bytes that so many of base64 are.
pub(crate) const fn decoded_len(length: usize) -> usize {
    length / 4 * 3 + 3
}

/// As [`decode_base64`], of what comes in piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Base64 {
    /// What is decoded so far.
    pub(crate) out: Vec<u8>,
    /// A line whose end did not come yet: whole lines are decoded fastest.
    line: Vec<u8>,
    quantum: u32,
    have: u32,
    padding: u32,
    ended: bool,
}

impl Base64 {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let end = |at| at + 1;
        let (rest, lines) = piece.split_at(memchr::memchr(b'\n', piece).map_or(piece.len(), end));
        self.line.extend_from_slice(rest);
        if self.line.last() == Some(&b'\n') || self.line.len() > MAX_BEGUN {
            let line = std::mem::take(&mut self.line);
            self.decode(&line);
        }
        let (lines, begun) = lines.split_at(memchr::memrchr(b'\n', lines).map_or(0, end));
        self.decode(lines);
        self.line.extend_from_slice(begun);
    }

    /// What was decoded.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let line = std::mem::take(&mut self.line);
        self.decode(&line);
        let [_, a, b, _] = (self.quantum << (6 * (4 - self.have))).to_be_bytes();
        match self.have {
            2 => self.out.push(a),
            3 => self.out.extend_from_slice(&[a, b]),
            _ => {}
        }
        self.out
    }

    fn decode(&mut self, body: &[u8]) {
        if self.ended {
            return;
        }
        let mut rest = if self.have == 0 { decode_lines(body, &mut self.out) } else { body };
        loop {
            // What is written in another way still is whole quanta for the most part.
            if self.have == 0 {
                rest = decode_quanta(rest, &mut self.out);
            }
            let Some((byte, tail)) = rest.split_first() else { break };
            rest = tail;
            self.step(*byte);
            if self.have + self.padding >= 4 {
                if self.padding > 0 {
                    self.ended = true;
                    break;
                }
                let [_, a, b, c] = self.quantum.to_be_bytes();
                self.out.extend_from_slice(&[a, b, c]);
                (self.quantum, self.have) = (0, 0);
            }
        }
    }

    /// Takes one byte into an unfinished quantum.
    fn step(&mut self, byte: u8) {
        match sextet(byte) {
            NONE if byte == b'=' && self.have >= 2 => self.padding += 1,
            NONE => {}
            value => {
                self.quantum = self.quantum << 6 | value;
                self.have += 1;
                self.padding = 0;
            }
        }
    }
}

/// Decodes lines of equal length up to the first one that is different: all but the last of a large message
/// as programs write it.
fn decode_lines<'a>(body: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let first = body.iter().take(LINE).take_while(|byte| !matches!(byte, b'\r' | b'\n')).count();
    let length = first / 4 * 4;
    let mut decoded = [0; LINE_BYTES];
    let mut rest = body;
    while let Some((line, tail)) = rest.split_at_checked(length).filter(|(line, _)| !line.is_empty()) {
        // Padding ends the whole, which the caller looks after.
        if line.last() == Some(&b'=') {
            break;
        }
        let Ok(written) = STANDARD.decode_slice(line, &mut decoded) else { break };
        out.extend_from_slice(decoded.get(..written).unwrap_or_default());
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.strip_prefix(b"\n")).unwrap_or(tail);
    }
    rest
}

/// Decodes whole quanta up to the first one with a byte outside of the alphabet.
fn decode_quanta<'a>(body: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = body;
    while let Some(([a, b, c, d], tail)) = rest.split_first_chunk() {
        let quantum = sextet(*a) << 18 | sextet(*b) << 12 | sextet(*c) << 6 | sextet(*d);
        let outside = sextet(*a) | sextet(*b) | sextet(*c) | sextet(*d);
        if outside & NONE != 0 {
            break;
        }
        let [_, x, y, z] = quantum.to_be_bytes();
        out.extend_from_slice(&[x, y, z]);
        rest = tail;
    }
    rest
}

/// Decodes quoted-printable (RFC 2045 6.7); an escape that is none stays as it was written.
pub(crate) fn decode_quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let (text, end) = split_line_end(line);
        let text = trim_transport_padding(text);
        let soft = text.last() == Some(&b'=');
        decode_escapes(if soft { text.get(..text.len() - 1).unwrap_or_default() } else { text }, &mut out);
        if !soft {
            out.extend_from_slice(end);
        }
    }
    out
}

fn split_line_end(line: &[u8]) -> (&[u8], &[u8]) {
    let text = line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text));
    line.split_at_checked(text.len()).unwrap_or((line, &[]))
}

/// RFC 2045 6.7 (3): white space at the end of a line was added in transit.
fn trim_transport_padding(text: &[u8]) -> &[u8] {
    let kept = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    text.get(..kept).unwrap_or_default()
}

/// Decodes the `=XX` escapes of text that has no line ends.
pub(crate) fn decode_escapes(text: &[u8], out: &mut Vec<u8>) {
    let mut bytes = text;
    while let Some((first, rest)) = bytes.split_first() {
        if *first == b'='
            && let [high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            bytes = tail;
        } else {
            out.push(*first);
            bytes = rest;
        }
    }
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Decodes the first uuencoded file of the body, or `None` when there is none.
fn decode_uuencode(body: &[u8]) -> Option<Vec<u8>> {
    let mut lines = body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.find(|line| line.starts_with(b"begin "))?;
    let mut out = Vec::new();
    for line in lines.take_while(|line| *line != b"end") {
        let Some((length, data)) = line.split_first() else { continue };
        let wanted = out.len() + usize::from(length.wrapping_sub(b' ') & 0x3f);
        for group in data.chunks(4) {
            let quantum = (0..4).fold(0u32, |quantum, i| {
                let byte = group.get(i).copied().unwrap_or(b' ');
                quantum << 6 | u32::from(byte.wrapping_sub(b' ') & 0x3f)
            });
            let [_, a, b, c] = quantum.to_be_bytes();
            out.extend([a, b, c].into_iter().take(wanted.saturating_sub(out.len())));
        }
    }
    Some(out)
}

/// Decodes bytes in a named charset; none for a charset it does not know.
pub type CharsetDecoder = fn(charset: &str, bytes: &[u8]) -> Option<String>;

static PLATFORM: OnceLock<CharsetDecoder> = OnceLock::new();

/// Uses the platform's charsets before this crate's own; the first call counts.
///
/// Browsers have every charset there is, so that on wasm32 this crate has none but UTF-8.
pub fn use_charset_decoder(decoder: CharsetDecoder) {
    // A second call changes nothing: text must not depend on when it was read.
    let _ = PLATFORM.set(decoder);
}

/// Decodes text in the charset that the part names.
///
/// Without a name, or with one nobody knows, it is UTF-8 if it can be and windows-1252 otherwise.
pub(crate) fn decode_charset(charset: Option<&str>, bytes: &[u8]) -> String {
    let named = charset.map(str::trim).filter(|name| !name.is_empty() && !is_ascii_or_utf8(name));
    if let Some(text) = named.and_then(|name| in_charset(name, bytes)) {
        return text;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if charset.is_some_and(|name| name.eq_ignore_ascii_case("utf-8")) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Err(_) => {
            in_charset("windows-1252", bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

fn in_charset(name: &str, bytes: &[u8]) -> Option<String> {
    let text = PLATFORM.get().and_then(|decoder| decoder(name, bytes));
    text.or_else(|| in_own_charset(name, bytes))
}

#[cfg(not(target_arch = "wasm32"))]
fn in_own_charset(name: &str, bytes: &[u8]) -> Option<String> {
    use mail_parser::decoders::charsets::map::charset_decoder;
    charset_decoder(name.as_bytes()).map(|decoder| decoder(bytes))
}

/// Browsers bring their own, and the tables are large.
#[cfg(target_arch = "wasm32")]
fn in_own_charset(_: &str, _: &[u8]) -> Option<String> {
    None
}

fn is_ascii_or_utf8(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_skips_line_ends_and_stops_at_its_padding() {
        assert_eq!(decode_base64(b"aGVs\r\nbG8=\r\nZm9v"), b"hello");
        assert_eq!(decode_base64(b"aGVsbG8"), b"hello");
        assert_eq!(decode_base64(b"a"), b"");
        assert_eq!(decode_base64(b"=aGVs"), b"hel");
        assert_eq!(decode_base64(b"a-G*V s\r\nbG8=x"), b"hello");
        assert_eq!(decode_base64(b"aGVsbG8=\r\n=="), b"hello");
        assert_eq!(decode_base64(b"aGVsbA=b=x"), b"hell\x06");
    }

    #[test]
    fn base64_is_read_the_same_in_lines_of_any_length() {
        let data: Vec<u8> = (0..1000_u32).map(|at| (at * 7) as u8).collect();
        let text = STANDARD.encode(&data);
        for length in [1, 2, 3, 4, 5, 60, 64, 75, 76, 77, 80, 2000] {
            for end in ["\r\n", "\n", " \r\n", "-"] {
                let lines: Vec<_> = text.as_bytes().chunks(length).collect();
                let written = lines.join(end.as_bytes());
                assert_eq!(decode_base64(&written), data, "{length} {end:?}");
                let after = [&written[..], b"\r\n", b"AAAA"].concat();
                assert_eq!(decode_base64(&after), data, "padding ends it: {length} {end:?}");
                for piece in [1, 2, 63, 77, 100, 1000] {
                    assert_eq!(in_pieces(&after, piece), data, "{length} {end:?} in pieces of {piece}");
                }
            }
        }
    }

    fn in_pieces(text: &[u8], length: usize) -> Vec<u8> {
        let mut decoder = Base64::default();
        text.chunks(length).for_each(|piece| decoder.push(piece));
        decoder.finish()
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let data = vec![b'x'; 30_000];
        let text = STANDARD.encode(&data);
        let mut decoder = Base64::default();
        for piece in text.as_bytes().chunks(1000) {
            decoder.push(piece);
            assert!(decoder.line.len() <= MAX_BEGUN);
        }
        assert_eq!(decoder.finish(), data);
    }

    #[test]
    fn base64_that_is_broken_is_read_the_same_in_pieces() {
        for text in [
            &b"aGVs\r\nbG8=\r\nZm9v"[..],
            b"aGVsbG8",
            b"a",
            b"=aGVs",
            b"a-G*V s\r\nbG8=x",
            b"aGVsbA=b=x\n",
            b"aGVsbG8=\n==",
        ] {
            for length in 1..=text.len() {
                assert_eq!(in_pieces(text, length), decode_base64(text), "{text:?} in pieces of {length}");
            }
        }
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_escape() {
        assert_eq!(decode_quoted_printable(b"a=3Db=  \r\nc \t\r\n=ZZ=4\n"), b"a=bc\r\n=ZZ=4\n");
    }

    #[test]
    fn uuencoded_files_are_found_between_begin_and_end() {
        let body = b"text\nbegin 644 cat.txt\n#0V%T\n`\nend\nmore";
        assert_eq!(&*decode("x-uuencode", body), b"Cat");
        assert_eq!(&*decode("x-uuencode", b"no file"), b"no file");
    }

    #[test]
    fn unknown_charsets_fall_back_without_loss_of_ascii() {
        assert_eq!(decode_charset(Some("gb2312"), b"\xc4\xe3\xba\xc3"), "你好");
        assert_eq!(decode_charset(Some("no-such"), b"caf\xe9"), "café");
        assert_eq!(decode_charset(None, "é".as_bytes()), "é");
    }
}
