use std::borrow::Cow;

/// The message with every line end as CRLF.
///
/// A bare CR or LF would be read as a line end by some servers and not by others, which is how mail
/// is smuggled.
pub fn canonical(message: &[u8]) -> Cow<'_, [u8]> {
    if is_canonical(message) {
        return Cow::Borrowed(message);
    }
    let mut text = Vec::with_capacity(message.len() + message.len() / 32);
    let mut bytes = message.iter().copied().peekable();
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
    Cow::Owned(text)
}

/// The message with the dot at the start of a line doubled (RFC 5321 4.5.2).
pub fn dotted(canonical: &[u8]) -> Cow<'_, [u8]> {
    let starts = |pair: &[u8]| pair == b"\n.";
    if !canonical.starts_with(b".") && !canonical.windows(2).any(starts) {
        return Cow::Borrowed(canonical);
    }
    let mut text = Vec::with_capacity(canonical.len() + canonical.len() / 64);
    for line in canonical.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            text.push(b'.');
        }
        text.extend_from_slice(line);
    }
    Cow::Owned(text)
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
        assert_eq!(canonical(b"a\r\nb\r\n"), b"a\r\nb\r\n".as_slice());
        assert_eq!(canonical(b"a\nb\rc\r\n.\r\rd\0"), b"a\r\nb\r\nc\r\n.\r\n\r\nd\r\n".as_slice());
        assert!(matches!(canonical(b"x\r\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_dot_that_begins_a_line_is_doubled() {
        assert_eq!(dotted(b".\r\na.b\r\n..c\r\n"), b"..\r\na.b\r\n...c\r\n".as_slice());
        assert!(matches!(dotted(b"a.\r\nb\r\n"), Cow::Borrowed(_)));
    }
}
