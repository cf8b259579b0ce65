//! Header fields as they stand in a message (RFC 5322 2.2), split within fixed bounds.

use super::words::decode_words;

/// A header section longer than this is refused; real ones stay below 100 KiB.
const MAX_SECTION: usize = 1 << 20;
/// More fields than this in one section are refused.
const MAX_FIELDS: usize = 4096;

/// One header field. `raw` is the value with its folding, without the line end that closes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) raw: &'a [u8],
}

/// Why a header section was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionTooLarge;

impl<'a> Field<'a> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value on one line: folding undone (RFC 5322 2.2.3), white space trimmed at both ends.
    ///
    /// Bytes that are no UTF-8 become U+FFFD. Two values are the same for RFC 9788 when these are.
    pub(crate) fn unfolded(&self) -> String {
        let line: Vec<u8> =
            self.raw.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect();
        String::from_utf8_lossy(&line).trim().to_owned()
    }

    /// The value as text for a reader: RFC 2047 encoded words decoded.
    pub(crate) fn text(&self) -> String {
        decode_text(&self.unfolded())
    }
}

/// Decodes the encoded words of an unfolded, unstructured value (RFC 2047) for a reader.
pub(crate) fn decode_text(value: &str) -> String {
    without_controls(&decode_words(value))
}

/// Values can carry line ends and other controls, encoded or not, which no reader may be shown; and
/// marks of direction, which would show a name or an address as another.
pub(crate) fn without_controls(text: &str) -> String {
    let shown = text.chars().filter(|c| !is_bidi_control(*c));
    let shown = shown.map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c });
    shown.collect::<String>().trim().to_owned()
}

/// Whether a character turns the direction of reading (Unicode's property `Bidi_Control`, UAX 9), by
/// which a name or an address can be made to look like another.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Splits `message` into its header fields and the offset at which its body starts.
///
/// A line that is neither a field nor a continuation ends the section and belongs to the body, so
/// that nothing a sender wrote disappears. An mbox separator line before the first field is skipped.
pub(crate) fn split_header(message: &[u8]) -> Result<(Vec<Field<'_>>, usize), SectionTooLarge> {
    let mut fields = Vec::new();
    let mut at = 0;
    while at < message.len() {
        if at > MAX_SECTION || fields.len() > MAX_FIELDS {
            return Err(SectionTooLarge);
        }
        let end = field_end(message, at);
        let line = message.get(at..end).unwrap_or_default();
        if is_blank(line) {
            return Ok((fields, end));
        }
        match parse_field(line) {
            Some(field) => fields.push(field),
            None if fields.is_empty() && is_mbox_separator(line) => {}
            None => return Ok((fields, at)),
        }
        at = end;
    }
    if at > MAX_SECTION {
        return Err(SectionTooLarge);
    }
    Ok((fields, at))
}

/// The first field of that name, if any.
pub(crate) fn first<'a, 'f>(fields: &'f [Field<'a>], name: &str) -> Option<&'f Field<'a>> {
    fields.iter().find(|field| field.is(name))
}

/// The end of the line at `at`, together with its continuation lines.
fn field_end(message: &[u8], at: usize) -> usize {
    let mut end = line_end(message, at);
    // A section starts with a field or is empty: white space before the first field continues nothing.
    if is_blank(message.get(at..end).unwrap_or_default()) {
        return end;
    }
    while matches!(message.get(end), Some(b' ' | b'\t')) {
        let next = line_end(message, end);
        // RFC 5322 4.2: a continuation of white space alone is obsolete but belongs to the field.
        if next - at > MAX_SECTION {
            return next;
        }
        end = next;
    }
    end
}

fn line_end(message: &[u8], at: usize) -> usize {
    let rest = message.get(at..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(message.len(), |offset| at + offset + 1)
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

fn is_mbox_separator(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

fn parse_field(line: &[u8]) -> Option<Field<'_>> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let printable = name.iter().all(|byte| matches!(byte, 33..=57 | 59..=126));
    if name.is_empty() || !printable {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    let value = line.get(colon + 1..)?;
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    Some(Field { name, raw: value.strip_suffix(b"\r").unwrap_or(value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(message: &[u8]) -> Vec<&str> {
        split_header(message).unwrap().0.iter().map(|field| field.name).collect()
    }

    #[test]
    fn folded_values_become_one_line() {
        let message = b"Subject: a\r\n b\r\n\tc\r\nTo: x\r\n\r\nbody";
        let (fields, body) = split_header(message).unwrap();
        assert_eq!(fields[0].unfolded(), "a b\tc");
        assert_eq!(fields[1].unfolded(), "x");
        assert_eq!(&message[body..], b"body");
    }

    #[test]
    fn a_line_without_a_colon_starts_the_body() {
        let message = b"A: 1\nno field here\nB: 2\n\nrest";
        let (fields, body) = split_header(message).unwrap();
        assert_eq!(fields.len(), 1);
        assert_eq!(&message[body..], b"no field here\nB: 2\n\nrest");
    }

    #[test]
    fn an_mbox_separator_is_skipped_only_before_the_first_field() {
        assert_eq!(names(b"From someone Mon\nA: 1\nFrom x\nB: 2\n"), ["A"]);
    }

    #[test]
    fn endless_headers_are_refused() {
        let many: Vec<u8> = b"A: 1\n".iter().copied().cycle().take(5 * (MAX_FIELDS + 2)).collect();
        assert!(split_header(&many).is_err());
        let mut long = b"A: ".to_vec();
        long.resize(MAX_SECTION + 10, b'a');
        assert!(split_header(&long).is_err());
    }

    #[test]
    fn encoded_words_cannot_smuggle_line_ends() {
        let field = Field { name: "Subject", raw: b" =?utf-8?B?YQ0KQmNjOiB4?=" };
        assert_eq!(field.text(), "a  Bcc: x");
    }

    #[test]
    fn no_control_and_no_mark_of_direction_is_shown() {
        assert_eq!(decode_text("a\u{1b}[2J\u{9b}b\tc"), "a [2J b c");
        assert_eq!(decode_text("\u{202e}gpj.exe\u{2066} =?utf-8?B?4oCuYQ==?="), "gpj.exe a");
        let list =
            crate::message::mailboxes::parse_address_list("\"\u{202e}Bob\u{200f}\" <b\u{202e}@x.example>");
        assert_eq!(list, [crate::message::Address::named("Bob", "b\u{fffd}@x.example")]);
    }
}
