/// The message with every line end as CRLF.
///
/// A bare CR or LF would be read as a line end by some servers and not by others, which is how mail
/// is smuggled.
pub fn canonical(message: Vec<u8>) -> Vec<u8> {
    if is_canonical(&message) {
        return message;
    }
    let mut text = Vec::with_capacity(message.len() + message.len() / 32);
    let mut bytes = message.into_iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                text.extend_from_slice(b"\r\n");
            }
            b'\n' => text.extend_from_slice(b"\r\n"),
            0 => {}
            other => text.push(other),
        }
    }
    if !text.ends_with(b"\r\n") {
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// The message in pieces, with the dot at the start of a line doubled (RFC 5321 4.5.2).
pub fn dotted(canonical: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pieces = canonical.chunk_by(|before, after| (*before, *after) != (b'\n', b'.'));
    pieces.flat_map(|piece| [if piece.starts_with(b".") { ".".as_bytes() } else { &[] }, piece])
}

fn is_canonical(message: &[u8]) -> bool {
    let mut last = 0;
    for byte in message {
        let torn = (last == b'\r') != (*byte == b'\n');
        if torn || *byte == 0 {
            return false;
        }
        last = *byte;
    }
    message.ends_with(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bare_line_end_is_left() {
        let canonical = |text: &str| String::from_utf8(canonical(text.into())).unwrap();
        assert_eq!(canonical("a\r\nb\r\n"), "a\r\nb\r\n");
        assert_eq!(canonical("a\nb\rc\r\n.\r\rd\0"), "a\r\nb\r\nc\r\n.\r\n\r\nd\r\n");
    }

    #[test]
    fn a_dot_that_begins_a_line_is_doubled() {
        let dotted =
            |text: &str| String::from_utf8(dotted(text.as_bytes()).collect::<Vec<_>>().concat()).unwrap();
        assert_eq!(dotted(".\r\na.b\r\n..c\r\n"), "..\r\na.b\r\n...c\r\n");
        assert_eq!(dotted("a.\r\nb\r\n"), "a.\r\nb\r\n");
        assert_eq!(dotted(""), "");
    }
}
