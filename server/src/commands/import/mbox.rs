use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use super::source::{Found, Refusal};
use crate::clock::{Millis, parse_c_date};

/// What is read of a line at once.
const PIECE: u64 = 64 * 1024;

/// Reads the mboxrd form (RFC 4155): a message begins after an empty line with `From `.
pub struct Mbox<R> {
    reader: R,
    longest: usize,
    number: usize,
    /// The line that the next message begins with.
    separator: Option<Vec<u8>>,
}

impl<R: BufRead> Mbox<R> {
    /// Reads messages of at most `longest` octets each.
    pub fn new(reader: R, longest: usize) -> Self {
        Self { reader, longest, number: 0, separator: None }
    }

    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        self.reader.by_ref().take(PIECE).read_until(b'\n', &mut piece)?;
        Ok(piece)
    }

    /// The lines up to the next separator, or to the end.
    fn message(&mut self) -> Result<Vec<u8>, Refusal> {
        let (mut text, mut too_large) = (Vec::new(), false);
        let (mut at_start, mut after_empty) = (true, false);
        loop {
            let piece = self.piece()?;
            if piece.is_empty() || at_start && after_empty && piece.starts_with(b"From ") {
                self.separator = (!piece.is_empty()).then_some(piece);
                break;
            }
            let ends = piece.ends_with(b"\n");
            let line = piece.strip_suffix(b"\n").unwrap_or(&piece);
            let line = if ends { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
            after_empty = at_start && ends && line.is_empty();
            text.extend_from_slice(if at_start { unquoted(line) } else { line });
            if ends {
                text.extend_from_slice(b"\r\n");
            }
            at_start = ends;
            // Read to its end all the same, to find the next one.
            if text.len() > self.longest.saturating_add(2) {
                too_large = true;
                text.clear();
            }
        }
        // The empty line before a separator is no part of the message.
        if text.ends_with(b"\r\n\r\n") {
            text.truncate(text.len() - 2);
        }
        if too_large || text.len() > self.longest { Err(Refusal::TooLarge) } else { Ok(text) }
    }
}

impl<R: BufRead> Iterator for Mbox<R> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let begins = match self.separator.take() {
            Some(separator) => separator,
            None if self.number > 0 => return None,
            None => self.piece().unwrap_or_default(),
        };
        if begins.is_empty() {
            return None;
        }
        self.number += 1;
        let bytes = match begins.starts_with(b"From ") {
            true => self.message(),
            false => Err(Refusal::NoMessage),
        };
        let (name, received_at) = (format!("message {}", self.number), date(&begins));
        Some(Found { name, bytes, keywords: BTreeSet::new(), received_at })
    }
}

/// A line that was quoted, since it begins like a separator.
fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    let is_quoted = quotes > 0 && line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From "));
    if is_quoted { line.get(1..).unwrap_or_default() } else { line }
}

/// When the message came, in the C library's form after the sender.
fn date(separator: &[u8]) -> Option<Millis> {
    let text = std::str::from_utf8(separator).ok()?.strip_prefix("From ")?;
    parse_c_date(text.split_once(' ')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, longest: usize) -> Vec<Found> {
        Mbox::new(text.as_bytes(), longest).collect()
    }

    #[test]
    fn messages_are_told_apart_and_their_lines_unquoted() {
        let text = "From a@b Thu Nov 26 08:00:00 2026\nA: b\n\n>From x\n>>From y\nFrom z\n\n\
                    From c@d odd\nC: d\n\nend";
        let found = read(text, 1000);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].bytes.as_ref().unwrap(), b"A: b\r\n\r\nFrom x\r\n>From y\r\nFrom z\r\n");
        assert_eq!(found[0].received_at, Some(1_795_680_000_000));
        assert_eq!(found[1].bytes.as_ref().unwrap(), b"C: d\r\n\r\nend");
        assert_eq!(found[1].received_at, None);
    }

    #[test]
    fn a_message_that_is_too_large_is_left_out_and_the_next_is_read() {
        let text = format!("From a\nA: b\n\n{}\n\nFrom c\nC: d\n\n", "x".repeat(300_000));
        let found = read(&text, 1000);
        assert!(matches!(found[0].bytes, Err(Refusal::TooLarge)));
        assert_eq!(found[1].bytes.as_ref().unwrap(), b"C: d\r\n");
    }

    #[test]
    fn what_is_no_mbox_is_refused_at_once() {
        let found = read("A: b\n\nc\n", 1000);
        assert_eq!(found.len(), 1);
        assert!(matches!(found[0].bytes, Err(Refusal::NoMessage)));
        assert!(read("", 1000).is_empty());
    }
}
