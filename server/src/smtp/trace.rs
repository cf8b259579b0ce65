use std::net::IpAddr;

use super::wire::Secured;
use crate::clock::{mail_date, now};
use crate::outer;

/// RFC 5321 6.3: more Received fields than this are a loop.
const MOST_HOPS: usize = 50;

/// How a message came from one server to the next.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    /// What the client calls itself.
    pub hello: &'a str,
    /// Whether it said EHLO.
    pub extended: bool,
    /// Whether it speaks LMTP.
    pub lmtp: bool,
    /// Whether the message is an internationalised one (RFC 6531).
    pub utf8: bool,
    /// The TLS that was agreed on.
    pub tls: Option<Secured>,
    /// From where; none from a program on this host.
    pub peer: Option<IpAddr>,
}

impl Hop<'_> {
    /// The protocol's name (RFC 3848, RFC 6531 3.7.3).
    fn protocol(&self) -> String {
        let base = match (self.lmtp, self.utf8, self.extended) {
            (true, false, _) => "LMTP",
            (true, true, _) => "UTF8LMTP",
            (false, true, _) => "UTF8SMTP",
            (false, false, true) => "ESMTP",
            (false, false, false) => return "SMTP".to_owned(),
        };
        format!("{base}{}", if self.tls.is_some() { "S" } else { "" })
    }
}

/// The trace field (RFC 5321 4.4), with the cipher suite where there is TLS (RFC 8314 4.3).
pub fn field(hop: &Hop<'_>, own: &str) -> Vec<u8> {
    // What a client calls itself must not break out of the field.
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
    let host = if hop.hello.len() <= 255 && hop.hello.chars().all(plain) { hop.hello } else { "unknown" };
    let peer = hop.peer.map_or_else(|| "local".to_owned(), |peer| format!("[{peer}]"));
    let tls = hop.tls.map_or_else(String::new, |tls| format!("\r\n tls {} ({})", tls.suite(), tls.version()));
    let (protocol, date) = (hop.protocol(), mail_date(now()));
    format!("Received: from {host} ({peer})\r\n by {own} with {protocol}{tls}; {date}\r\n").into_bytes()
}

/// The message without findings that pretend to be those of this host (RFC 8601 5); none when it has none.
pub fn without_results_of(own: &str, message: &[u8]) -> Option<Vec<u8>> {
    outer::without(message, |field| {
        outer::is_named(field, "Authentication-Results") && authserv_id(field).eq_ignore_ascii_case(own)
    })
}

/// Whose findings a field of Authentication-Results tells (RFC 8601 2.2).
fn authserv_id(field: &[u8]) -> String {
    let field = String::from_utf8_lossy(field);
    let value = field.split_once(':').map_or("", |(_, value)| value);
    let (mut depth, mut escaped, mut id) = (0_usize, false, String::new());
    for c in value.chars() {
        match c {
            c if escaped => {
                escaped = false;
                // RFC 5322 3.2.1: it stands for itself.
                id.extend((depth == 0).then_some(c));
            }
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => break,
            c if depth == 0 => id.push(if c == '"' { ' ' } else { c }),
            _ => {}
        }
    }
    id.split_whitespace().next().unwrap_or_default().to_owned()
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
        let peer = Some([127, 0, 0, 1].into());
        let hop = Hop { hello: "x\r\nBcc: y", extended: true, lmtp: false, utf8: false, tls: None, peer };
        let field = field(&hop, "own.example");
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

    #[test]
    fn findings_in_the_name_of_this_host_are_taken_away() {
        for forged in [
            "Authentication-Results: mx.own.example; spf=pass\r\n",
            "authentication-results :\r\n\tMX.Own.Example 1; spf=pass\r\n dkim=pass\r\n",
            "Authentication-Results: (a; (b\\)) c) \"mx.own.example\"; none\r\n",
            "Authentication-Results: \"mx\\.own.example\"; dmarc=pass header.from=bank.example\r\n",
        ] {
            let message = format!("To: a\r\n{forged}Subject: b\r\n\r\n{forged}");
            let kept = without_results_of("mx.own.example", message.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(kept).unwrap(), format!("To: a\r\nSubject: b\r\n\r\n{forged}"));
        }
        let other =
            b"Authentication-Results: mx.other.example; dmarc=pass header.from=mx.own.example\r\n\r\n";
        assert_eq!(without_results_of("mx.own.example", other), None);
    }
}
