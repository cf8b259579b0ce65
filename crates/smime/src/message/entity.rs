//! MIME entities (RFC 2045, RFC 2046): a header section and a body, split without copying.

use std::borrow::Cow;

use super::{
    field::{Field, SectionTooLarge, first, split_header},
    transfer,
    typed::Typed,
};

/// A multipart keeps at most this many parts, the last of which is everything that remains.
const MAX_CHILDREN: usize = 1000;

/// One MIME entity inside a message.
#[derive(Clone, Debug)]
pub(crate) struct Entity<'a> {
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) body: &'a [u8],
    pub(crate) content_type: Typed,
}

impl<'a> Entity<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, SectionTooLarge> {
        Self::parse_with_default(bytes, "text/plain")
    }

    /// Parses an entity whose type, when it names none, is `default` (RFC 2046 5.1.5).
    pub(crate) fn parse_with_default(bytes: &'a [u8], default: &str) -> Result<Self, SectionTooLarge> {
        let (fields, body) = split_header(bytes)?;
        let content_type = first(&fields, "Content-Type")
            .map_or_else(|| Typed::plain(default), |field| media_type(field.raw));
        Ok(Self { fields, body: bytes.get(body..).unwrap_or_default(), content_type })
    }

    pub(crate) fn media_type(&self) -> &str {
        &self.content_type.value
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field<'a>> {
        first(&self.fields, name)
    }

    pub(crate) fn disposition(&self) -> Option<Typed> {
        self.field("Content-Disposition").map(|field| Typed::parse(field.raw))
    }

    /// The file name from Content-Disposition, or else from Content-Type.
    pub(crate) fn file_name(&self) -> Option<String> {
        let disposition = self.disposition();
        let name = disposition.as_ref().and_then(|typed| typed.parameter("filename"));
        name.or_else(|| self.content_type.parameter("name")).map(super::field::without_controls)
    }

    /// The body with its transfer encoding undone.
    pub(crate) fn decoded_body(&self) -> Cow<'a, [u8]> {
        match self.field("Content-Transfer-Encoding") {
            Some(field) => transfer::decode(&field.unfolded(), self.body),
            None => Cow::Borrowed(self.body),
        }
    }

    /// The parts of a multipart entity, or `None` for a leaf and for a multipart that has no parts.
    pub(crate) fn children(&self) -> Option<Vec<&'a [u8]>> {
        if !self.media_type().starts_with("multipart/") {
            return None;
        }
        let boundary = self.content_type.parameter("boundary")?;
        split_parts(self.body, boundary)
    }

    /// The media type that a part of this multipart has when it names none.
    pub(crate) fn default_child_type(&self) -> &'static str {
        if self.media_type() == "multipart/digest" { "message/rfc822" } else { "text/plain" }
    }
}

/// Reads a Content-Type value; what cannot be read is `text/plain` (RFC 2045 5.2).
fn media_type(raw: &[u8]) -> Typed {
    let mut typed = Typed::parse(raw);
    let well_formed =
        typed.value.split_once('/').is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty());
    if !well_formed {
        typed.value = "text/plain".to_owned();
    }
    typed
}

/// Splits a multipart body at its delimiter lines (RFC 2046 5.1.1); `None` when there is none.
///
/// The line end before a delimiter belongs to the delimiter, so each part is exactly what was signed.
fn split_parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let boundary = boundary.trim_ascii_end().as_bytes();
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let rest = body.get(at..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..length).unwrap_or_default();
        // An end before any start is text.
        if let Some(closes) = delimiter(line, boundary).filter(|closes| start.is_some() || !closes) {
            // Of two delimiters in a row the second only repeats the first.
            if let Some(start) = start.filter(|start| *start < at) {
                parts.push(without_line_end(body.get(start..at).unwrap_or_default()));
            }
            start = Some(at + length);
            if closes {
                // RFC 2046 5.1.1 wants at least one part, be it empty.
                return Some(if parts.is_empty() { vec![&[]] } else { parts });
            }
            if parts.len() + 1 == MAX_CHILDREN {
                break;
            }
        }
        at += length;
    }
    // RFC 2046 5.1.2: a multipart may be cut off; its last part then runs to the end.
    parts.push(body.get(start?..).unwrap_or_default());
    Some(parts)
}

/// `Some(false)` for a line that is a delimiter, `Some(true)` for one that closes the multipart.
///
/// RFC 2046 5.1.1: whatever follows the boundary on its line. White space must, or the boundary of a multipart
/// inside, which often only adds to it, would be taken for it.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (rest, closes) = rest.strip_prefix(b"--").map_or((rest, false), |rest| (rest, true));
    // `--b --` closes a multipart inside, whose boundary wrongly is `b `; to `b` it is no delimiter.
    let is_whole = rest.first().is_none_or(u8::is_ascii_whitespace) && rest.trim_ascii() != b"--";
    is_whole.then_some(closes)
}

fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_before_the_line_end_of_their_delimiter() {
        let body = b"preamble\r\n--b\r\n--b\r\none\r\n\r\n--b \r\ntwo\n\n--b--\r\nepilogue";
        assert_eq!(split_parts(body, "b").unwrap(), [&b"one\r\n"[..], b"two\n"]);
    }

    #[test]
    fn a_longer_word_is_no_delimiter_and_what_follows_one_is_passed_over() {
        assert_eq!(split_parts(b"--b x\ny\n--b --\n--b-- z\n--b--", "b").unwrap(), [b"y\n--b --"]);
        assert_eq!(split_parts(b"--b\nx\n--bc\ny\n--b--\n", "b").unwrap(), [b"x\n--bc\ny"]);
        assert_eq!(split_parts(b"no delimiter", "b"), None);
        assert_eq!(split_parts(b"--b--\nonly an end\n", "b"), None);
    }

    #[test]
    fn a_cut_off_multipart_keeps_its_last_part() {
        assert_eq!(split_parts(b"--b\none\n--b\ntwo\n", "b").unwrap(), [&b"one"[..], b"two\n"]);
    }

    #[test]
    fn the_number_of_parts_is_bounded() {
        let body: Vec<u8> = b"--b\nx\n".iter().copied().cycle().take(6 * 5000).collect();
        assert_eq!(split_parts(&body, "b").unwrap().len(), MAX_CHILDREN);
    }

    #[test]
    fn parameters_are_read_with_their_continuations_and_charsets() {
        let entity = Entity::parse(
            b"Content-Type: APPLICATION/Pdf; name=x\r\nContent-Disposition: attachment;\r\n filename*0*=utf-8''%E4%BD;\r\n filename*1*=%A0.pdf\r\n\r\n",
        )
        .unwrap();
        assert_eq!(entity.media_type(), "application/pdf");
        assert_eq!(entity.disposition().unwrap().value, "attachment");
        assert_eq!(entity.file_name().as_deref(), Some("你.pdf"));
    }

    #[test]
    fn a_type_that_cannot_be_read_is_plain_text() {
        for bad in ["Content-Type: nonsense\n\n", "Content-Type:\n\n", "Content-Type: /\n\n"] {
            assert_eq!(Entity::parse(bad.as_bytes()).unwrap().media_type(), "text/plain", "{bad}");
        }
    }
}
