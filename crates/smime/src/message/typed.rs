//! Values with parameters (RFC 2045 5.1, RFC 2183), with the extensions of RFC 2231.

use super::{field::decode_text, transfer::decode_charset};

/// Parameters beyond this number are dropped.
const MAX_PARAMETERS: usize = 100;

/// A value with parameters: Content-Type or Content-Disposition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The value in lower case: `text/plain`, `attachment`.
    pub(crate) value: String,
    parameters: Vec<(String, String)>,
}

/// One parameter as written: `name*section*=value`.
struct Section {
    name: String,
    number: u32,
    encoded: bool,
    value: Vec<u8>,
}

impl Typed {
    /// A value without parameters.
    pub(crate) fn plain(value: &str) -> Self {
        Self { value: value.to_owned(), parameters: Vec::new() }
    }

    /// Reads a value; whatever of it cannot be read is left out.
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let mut pieces = split_pieces(raw).into_iter();
        let value = pieces.next().map(|piece| unquoted(&piece)).unwrap_or_default();
        let value: Vec<u8> = value.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let sections = pieces.take(MAX_PARAMETERS).filter_map(|piece| section(&piece)).collect();
        Self { value: String::from_utf8_lossy(&value).to_ascii_lowercase(), parameters: join(sections) }
    }

    /// All parameters, their names in lower case.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The parameter of that lower-case name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Splits at the semicolons outside of quoted strings, and drops comments and line ends.
fn split_pieces(raw: &[u8]) -> Vec<Vec<u8>> {
    let (mut pieces, mut piece) = (Vec::new(), Vec::new());
    let (mut quoted, mut escaped, mut comment) = (false, false, 0u32);
    for byte in raw.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted || comment > 0 => escaped = true,
            b'"' if comment == 0 => quoted = !quoted,
            b'(' if !quoted => comment += 1,
            b')' if comment > 0 => {
                comment -= 1;
                continue;
            }
            b';' if !quoted && comment == 0 => {
                pieces.push(std::mem::take(&mut piece));
                continue;
            }
            _ => {}
        }
        if comment == 0 {
            piece.push(byte);
        }
    }
    pieces.push(piece);
    pieces
}

/// The text of a token or quoted string.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let text = text.trim_ascii();
    let Some(rest) = text.strip_prefix(b"\"") else { return text.to_vec() };
    let mut out = Vec::new();
    let mut escaped = false;
    for byte in rest {
        match byte {
            b'\\' if !escaped => escaped = true,
            b'"' if !escaped => break,
            _ => {
                out.push(*byte);
                escaped = false;
            }
        }
    }
    out
}

fn section(piece: &[u8]) -> Option<Section> {
    let equals = piece.iter().position(|byte| *byte == b'=')?;
    let name = String::from_utf8_lossy(piece.get(..equals)?.trim_ascii()).to_ascii_lowercase();
    let value = unquoted(piece.get(equals + 1..)?);
    let (name, encoded) = name.strip_suffix('*').map_or((name.as_str(), false), |name| (name, true));
    let (name, number) = match name.split_once('*') {
        Some((name, number)) => (name, number.parse().ok()?),
        None => (name, 0),
    };
    (!name.is_empty()).then(|| Section { name: name.to_owned(), number, encoded, value })
}

/// Joins the sections of each parameter (RFC 2231 3); the bytes are joined before the charset is applied,
/// because writers split inside characters. The extended form wins over a plain one of the same name.
fn join(unordered: Vec<Section>) -> Vec<(String, String)> {
    let order = |section: &Section| (section.number, !section.encoded);
    // They are few, and a sort would be one more function of its own in a browser's program.
    let mut sections: Vec<Section> = Vec::with_capacity(unordered.len());
    for section in unordered {
        sections.insert(sections.partition_point(|other| order(other) <= order(&section)), section);
    }
    let mut parameters: Vec<(String, String)> = Vec::new();
    while let Some(name) = sections.first().map(|section| section.name.clone()) {
        let (mut mine, rest): (Vec<_>, Vec<_>) =
            sections.into_iter().partition(|section| section.name == name);
        sections = rest;
        // Of two sections with one number the first, which is the encoded one, counts.
        mine.dedup_by_key(|section| section.number);
        parameters.push((name, decoded(&mine)));
    }
    parameters
}

fn decoded(sections: &[Section]) -> String {
    let mut charset = None;
    let mut bytes = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let value = section.value.as_slice();
        if !section.encoded {
            bytes.extend_from_slice(value);
            continue;
        }
        let mut text = value;
        if index == 0 {
            let mut pieces = value.splitn(3, |byte| *byte == b'\'');
            if let (Some(name), Some(_), Some(rest)) = (pieces.next(), pieces.next(), pieces.next()) {
                charset = Some(String::from_utf8_lossy(name).into_owned());
                text = rest;
            }
        }
        percent_decode(text, &mut bytes);
    }
    let text = decode_charset(charset.as_deref(), &bytes);
    // RFC 2047 forbids encoded words here, and very many programs write them.
    let plain = sections.iter().any(|section| section.encoded) || !text.contains("=?");
    if plain { text } else { decode_text(&text) }
}

fn percent_decode(text: &[u8], out: &mut Vec<u8>) {
    let mut bytes = text;
    while let Some((first, rest)) = bytes.split_first() {
        let pair = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'%' => {
                out.push(byte);
                bytes = rest.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                bytes = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(raw: &str) -> String {
        Typed::parse(raw.as_bytes()).parameter("name").unwrap_or("(none)").to_owned()
    }

    #[test]
    fn values_and_tokens_are_read_without_comments() {
        let typed = Typed::parse(b" Text/PLAIN (a ; \"comment\") ; Charset = \"utf-8\" (x);;format=flowed");
        assert_eq!(typed.value, "text/plain");
        assert_eq!(typed.parameter("charset"), Some("utf-8"));
        assert_eq!(typed.parameter("format"), Some("flowed"));
    }

    #[test]
    fn quoted_strings_keep_semicolons_and_escapes() {
        assert_eq!(name("a/b; name=\"x;y \\\"z\\\" (w)\"; name=other"), "x;y \"z\" (w)");
        assert_eq!(name("a/b; name=\"open; end"), "open; end");
    }

    #[test]
    fn sections_are_joined_before_their_charset_is_applied() {
        assert_eq!(name("a/b; name*1*=%A0.pdf; name*0*=utf-8''%E4%BD"), "你.pdf");
        assert_eq!(name("a/b; name*0=abc; name*1=def"), "abcdef");
        assert_eq!(name("a/b; name*=gb2312'zh'%C4%E3; name=ni"), "你");
        assert_eq!(name("a/b; name=\"=?utf-8?B?5L2g?=\""), "你");
        assert_eq!(name("a/b; name*=%zz%4"), "%zz%4");
    }

    #[test]
    fn the_number_of_parameters_is_bounded() {
        let many = "a/b".to_owned() + &"; x=1".repeat(100_000);
        assert!(Typed::parse(many.as_bytes()).parameters.len() <= MAX_PARAMETERS);
    }
}
