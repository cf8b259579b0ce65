//! The end of a message, and what must not stand in one.

/// A line longer than this is refused; RFC 5321 4.5.3.1.6 says 1000, much real mail says more.
const LONGEST_LINE: usize = 64 * 1024;

/// What makes a message unacceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A CR or LF alone, which some servers read as a line end: the means of smuggling.
    BareLineEnd,
    /// A NUL octet (RFC 5321 2.3.8).
    Nul,
    /// A line without end.
    LongLine,
}

/// Follows the lines of a message over any number of pieces.
#[derive(Debug, Clone, Copy)]
pub struct Scan {
    last: u8,
    line: usize,
    fault: Option<Fault>,
}

impl Default for Scan {
    fn default() -> Self {
        // A message starts as if after a line end.
        Self { last: b'\n', line: 0, fault: None }
    }
}

impl Scan {
    /// The first fault seen.
    pub fn fault(&self) -> Option<Fault> {
        self.fault.or((self.last == b'\r').then_some(Fault::BareLineEnd))
    }

    /// Looks at the next octet.
    pub fn see(&mut self, byte: u8) {
        let torn = match byte {
            b'\n' => self.last != b'\r',
            _ => self.last == b'\r',
        };
        let fault = match byte {
            _ if torn => Some(Fault::BareLineEnd),
            0 => Some(Fault::Nul),
            _ if self.line > LONGEST_LINE => Some(Fault::LongLine),
            _ => None,
        };
        self.fault = self.fault.or(fault);
        self.line = if byte == b'\n' { 0 } else { self.line + 1 };
        self.last = byte;
    }
}

/// Finds the end of a message after DATA and takes the doubled dots away (RFC 5321 4.5.2).
#[derive(Debug, Default)]
pub struct Data {
    scan: Scan,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// After CRLF.
    #[default]
    LineStart,
    /// After CRLF and a dot.
    Dot,
    /// After CRLF, a dot and CR.
    DotCr,
    /// Within a line.
    Within,
    /// Within a line, after CR.
    Cr,
}

impl Data {
    /// Takes octets until the end of the message; tells how many it took and whether the end came.
    ///
    /// Only CRLF, dot, CRLF is the end.
    pub fn take(&mut self, bytes: &[u8], mut keep: impl FnMut(u8)) -> (usize, bool) {
        for (place, byte) in bytes.iter().copied().enumerate() {
            let next = match (self.state, byte) {
                (State::LineStart, b'.') => State::Dot,
                (State::Dot, b'\r') => State::DotCr,
                (State::DotCr, b'\n') => return (place + 1, true),
                // A dot, CR and something else: the dot was doubled, the CR is bare.
                (State::DotCr, _) => {
                    self.keep(b'\r', &mut keep);
                    self.keep(byte, &mut keep);
                    after(byte)
                }
                (State::Cr, b'\n') => {
                    self.keep(byte, &mut keep);
                    State::LineStart
                }
                _ => {
                    self.keep(byte, &mut keep);
                    after(byte)
                }
            };
            self.state = next;
        }
        (bytes.len(), false)
    }

    /// What makes the message unacceptable.
    pub fn fault(&self) -> Option<Fault> {
        self.scan.fault()
    }

    fn keep(&mut self, byte: u8, keep: &mut impl FnMut(u8)) {
        self.scan.see(byte);
        keep(byte);
    }
}

fn after(byte: u8) -> State {
    if byte == b'\r' { State::Cr } else { State::Within }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(bytes: &[u8]) -> (Vec<u8>, usize, bool, Option<Fault>) {
        let (mut data, mut kept) = (Data::default(), Vec::new());
        let (taken, ended) = data.take(bytes, |byte| kept.push(byte));
        (kept, taken, ended, data.fault())
    }

    #[test]
    fn dots_are_halved_and_the_end_is_found() {
        let (kept, taken, ended, fault) = receive(b"a\r\n..\r\n.b\r\n.\r\nQUIT\r\n");
        assert_eq!(kept, b"a\r\n.\r\nb\r\n");
        assert_eq!((taken, ended, fault), (14, true, None));
    }

    #[test]
    fn an_empty_message_ends_at_once() {
        assert_eq!(receive(b".\r\n"), (vec![], 3, true, None));
    }

    #[test]
    fn only_crlf_dot_crlf_is_the_end() {
        for smuggled in
            ["\n.\n", "\r.\r", "\r.\n", "\n.\r", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n"]
        {
            let text = format!("text{smuggled}MAIL FROM:<x@y>\r\n");
            let (_, _, ended, fault) = receive(text.as_bytes());
            assert!(!ended, "{smuggled:?}");
            assert_eq!(fault, Some(Fault::BareLineEnd), "{smuggled:?}");
        }
        for smuggled in ["\r\n\0.\r\n", "\r\n.\0\r\n"] {
            let (_, _, ended, fault) = receive(format!("text{smuggled}x\r\n").as_bytes());
            assert_eq!((ended, fault), (false, Some(Fault::Nul)), "{smuggled:?}");
        }
    }

    #[test]
    fn pieces_do_not_matter() {
        let whole = b"a\r\n..b\r\n.\r\n";
        for cut in 0..whole.len() {
            let (mut data, mut kept) = (Data::default(), Vec::new());
            let (first, second) = whole.split_at(cut);
            assert!(!data.take(first, |byte| kept.push(byte)).1);
            assert!(data.take(second, |byte| kept.push(byte)).1);
            assert_eq!((kept, data.fault()), (b"a\r\n.b\r\n".to_vec(), None), "cut at {cut}");
        }
    }
}
