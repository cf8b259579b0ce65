//! Bytes from the wire: command lines with strict ends, and raw pieces of messages.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::reply::Reply;

/// How long a client may be silent (RFC 5321 4.5.3.2).
pub const PATIENCE: Duration = Duration::from_secs(300);
/// How long the end of a connection may take.
const GOODBYE: Duration = Duration::from_secs(5);
/// RFC 5321 4.5.3.1.4 says 512 for a command, extensions add to it.
pub const LONGEST: usize = 4096;
const CHUNK: usize = 32 * 1024;

/// A command line, or what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line with its CRLF.
    Whole(Vec<u8>),
    /// A line with a bare CR or LF, or with NUL.
    Broken,
    /// A line longer than [`LONGEST`].
    TooLong,
}

/// Reads from a client, and answers it.
#[derive(Debug)]
pub struct Input<R> {
    source: R,
    buffer: Vec<u8>,
    used: usize,
    patience: Duration,
}

impl<R: AsyncRead + Unpin> Input<R> {
    /// Reads from `source`.
    pub fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), used: 0, patience: PATIENCE }
    }

    /// Sets how long the client may be silent from now on.
    pub fn wait_for(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// What has been read and not taken.
    pub fn waiting(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    /// Takes what has been read.
    pub fn take(&mut self, count: usize) {
        self.used = self.buffer.len().min(self.used + count);
    }

    /// Reads more; false at the end of the connection.
    pub async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.reserve(CHUNK);
        let read = timeout(self.patience, self.source.read_buf(&mut self.buffer)).await;
        let read = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(read > 0)
    }

    /// The next line; none at the end of the connection.
    pub async fn line(&mut self) -> io::Result<Option<Line>> {
        let mut too_long = false;
        loop {
            let end = self.waiting().iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line = self.waiting().get(..=end).unwrap_or_default().to_vec();
                self.take(end + 1);
                return Ok(Some(if too_long || line.len() > LONGEST {
                    Line::TooLong
                } else {
                    checked(line)
                }));
            }
            if self.waiting().len() > LONGEST {
                too_long = true;
                self.take(self.waiting().len());
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Input<S> {
    /// Answers; a client that does not read is given up as one that does not write.
    pub async fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let bytes = reply.to_bytes();
        let sent = async {
            self.source.write_all(&bytes).await?;
            self.source.flush().await
        };
        timeout(PATIENCE, sent).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Goes on with another connection, and gives the one before.
    pub fn replace(&mut self, source: S) -> S {
        std::mem::replace(&mut self.source, source)
    }

    /// Ends the connection, in TLS with a word, so that the client knows that nothing was cut off.
    pub async fn close(&mut self) {
        timeout(GOODBYE, self.source.shutdown()).await.ok();
    }
}

fn checked(line: Vec<u8>) -> Line {
    match line.strip_suffix(b"\r\n") {
        Some(text) if !text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) => Line::Whole(line),
        _ => Line::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<Line> {
        let mut input = Input::new(bytes);
        let mut lines = Vec::new();
        while let Some(line) = input.line().await.unwrap() {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn only_crlf_ends_a_command() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(lines(b"NOOP\r\nQUIT\r\n").await, [whole("NOOP\r\n"), whole("QUIT\r\n")]);
        assert_eq!(lines(b"NOOP\nQUIT\r\n").await, [Line::Broken, whole("QUIT\r\n")]);
        assert_eq!(lines(b"NO\rOP\r\n").await, [Line::Broken]);
        assert_eq!(lines(b"NO\0OP\r\n").await, [Line::Broken]);
    }

    #[tokio::test]
    async fn an_endless_line_is_not_kept() {
        let mut bytes = vec![b'a'; LONGEST * 10];
        bytes.extend_from_slice(b"\r\nQUIT\r\n");
        assert_eq!(lines(&bytes).await, [Line::TooLong, Line::Whole(b"QUIT\r\n".to_vec())]);
    }
}
