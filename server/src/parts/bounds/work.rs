/// What fields may cost: of those with parameters, their octets times the marks after which the parser goes through what
/// it has of them again (RFC 2231); of all, the octets of encoded words (RFC 2047) that do not end, times their number: from
/// the beginning of each it looks for its end.
const MOST: usize = 64 * 1024 * 1024;
/// Octets of a field with parameters: one of them is the boundary, which the parser looks for in all that follows.
const LONGEST: usize = 8 * 1024;

/// What the fields of a message cost so far.
#[derive(Default)]
pub struct Work {
    done: usize,
    field: Option<Field>,
}

/// The field that is read.
#[derive(Default)]
struct Field {
    has_parameters: bool,
    octets: usize,
    marks: usize,
    /// Encoded words that began since one ended, and octets since.
    begun: usize,
    since: usize,
}

impl Work {
    /// Reads a line, which may be one of a header.
    pub fn read(&mut self, line: &[u8]) {
        if !is_folded(line) || self.field.is_none() {
            self.end();
            self.field = name(line).map(|name| Field {
                has_parameters: matches!(name.as_slice(), b"content-type" | b"content-disposition"),
                ..Field::default()
            });
        }
        if let Some(field) = &mut self.field {
            self.done = self.done.saturating_add(field.read(line));
        }
    }

    /// Ends a header; whether it all costs little.
    pub fn is_little(&mut self) -> bool {
        self.end();
        self.done <= MOST
    }

    fn end(&mut self) {
        let cost = self.field.take().map_or(0, |field| field.cost());
        self.done = self.done.saturating_add(cost);
    }
}

impl Field {
    /// Reads a line, and gives what the words cost that ended in it.
    fn read(&mut self, line: &[u8]) -> usize {
        let mut cost: usize = 0;
        self.octets += line.len();
        self.marks += line.iter().filter(|byte| matches!(byte, b'*' | b'\'')).count();
        let mut before = [b' '; 3];
        for byte in line {
            self.since += 1;
            match (before, byte) {
                ([.., b'='], b'?') => self.begun += 1,
                // There the content begins.
                ([b'?', b'q' | b'Q' | b'b' | b'B', b'?'], b'=') => {}
                ([.., b'?'], b'=') => cost = cost.saturating_add(self.end_words()),
                _ => {}
            }
            before = [before[1], before[2], *byte];
        }
        cost
    }

    fn end_words(&mut self) -> usize {
        std::mem::take(&mut self.begun).saturating_mul(std::mem::take(&mut self.since))
    }

    fn cost(mut self) -> usize {
        if self.has_parameters && self.octets > LONGEST {
            return usize::MAX;
        }
        let marks = if self.has_parameters { self.marks } else { 0 };
        self.octets.saturating_mul(marks).saturating_add(self.end_words())
    }
}

/// Whether a line goes on with the field before it.
pub fn is_folded(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// The name of the field that a line begins, in lower case, as the parser reads it: without white space, also within it, and
/// without colons before it.
pub fn name(line: &[u8]) -> Option<Vec<u8>> {
    let start = line.iter().position(|byte| *byte != b':' && !byte.is_ascii_whitespace())?;
    let line = line.get(start..)?;
    let end = line.iter().position(|byte| *byte == b':')?;
    let letters = line.get(..end)?.iter().filter(|byte| !byte.is_ascii_whitespace());
    Some(letters.map(u8::to_ascii_lowercase).collect())
}
