use std::net::IpAddr;

use crate::clock::{mail_date, now};

/// RFC 5321 6.3: more Received fields than this are a loop.
const MOST_HOPS: usize = 50;

/// The trace field (RFC 5321 4.4) for a message of a client that introduced itself with `hello`.
pub fn field(hello: Option<(&str, &str)>, peer: IpAddr, own: &str) -> Vec<u8> {
    let (host, protocol) = hello.unwrap_or(("unknown", "SMTP"));
    // What a client calls itself must not break out of the field.
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
    let host = if host.len() <= 255 && host.chars().all(plain) { host } else { "unknown" };
    let date = mail_date(now());
    format!("Received: from {host} ([{peer}])\r\n by {own} with {protocol}; {date}\r\n").into_bytes()
}

/// Whether the message has passed so many servers that it goes in circles.
pub fn is_circling(message: &[u8]) -> bool {
    let header = message.split(|byte| *byte == b'\n').take_while(|line| !matches!(*line, b"\r" | b""));
    let is_trace = |line: &&[u8]| line.get(..9).is_some_and(|name| name.eq_ignore_ascii_case(b"Received:"));
    header.filter(is_trace).count() > MOST_HOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_write_into_the_header() {
        let field = field(Some(("x\r\nBcc: y", "ESMTP")), [127, 0, 0, 1].into(), "own.example");
        let text = String::from_utf8(field).unwrap();
        assert!(
            text.starts_with("Received: from unknown ([127.0.0.1])\r\n by own.example with ESMTP; "),
            "{text}"
        );
    }

    #[test]
    fn only_the_header_is_counted() {
        let body = format!("To: a\r\n\r\n{}", "Received: x\r\n".repeat(60));
        assert!(!is_circling(body.as_bytes()));
        assert!(is_circling("Received: x\r\n".repeat(51).as_bytes()));
    }
}
