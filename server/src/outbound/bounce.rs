use crate::base64_url;
use crate::clock::{mail_date, now};
use crate::config::Config;
use crate::random;
use crate::store::Queued;

/// What a returned header may hold at most.
const HEADER: usize = 16 * 1024;

/// A delivery status notification (RFC 3464) for the sender.
///
/// Of the message it returns the outer header only, which the relay knows anyway.
pub fn notification(config: &Config, queued: &Queued, reason: &str, message: &[u8]) -> Vec<u8> {
    let host = config.host();
    let boundary = base64_url(&random::bytes::<18>());
    let recipient = &queued.outgoing.recipient;
    let reason = one_line(reason);
    let status = status_code(&reason);
    let header = String::from_utf8_lossy(header(message)).into_owned();
    format!(
        "From: Mail Delivery System <mailer-daemon@{domain}>\r\n\
         To: <{sender}>\r\n\
         Subject: Undelivered mail returned to sender\r\n\
         Date: {date}\r\n\
         Message-ID: <{id}@{host}>\r\n\
         Auto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"{boundary}\"\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         \r\n\
         Your message could not be delivered to <{recipient}>.\r\n\
         The other server said: {reason}\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: message/delivery-status\r\n\
         \r\n\
         Reporting-MTA: dns; {host}\r\n\
         Arrival-Date: {arrived}\r\n\
         \r\n\
         Final-Recipient: rfc822; {recipient}\r\n\
         Action: failed\r\n\
         Status: {status}\r\n\
         Diagnostic-Code: smtp; {reason}\r\n\
         \r\n\
         --{boundary}\r\n\
         Content-Type: text/rfc822-headers\r\n\
         \r\n\
         {header}\r\n\
         --{boundary}--\r\n",
        domain = config.domain,
        sender = queued.outgoing.mail_from,
        date = mail_date(now()),
        arrived = mail_date(queued.queued_at),
        id = base64_url(&random::bytes::<16>()),
    )
    .into_bytes()
}

/// The header of a message, without the empty line.
fn header(message: &[u8]) -> &[u8] {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n").map_or(message.len(), |at| at + 2);
    message.get(..end.min(HEADER)).unwrap_or_default()
}

/// What another server says must not break out of its line.
fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(500).collect()
}

/// The enhanced status code (RFC 3463) in a reply, or the general one.
fn status_code(reply: &str) -> &str {
    let enhanced = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 3
            && matches!(parts.first(), Some(&("4" | "5")))
            && parts
                .iter()
                .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    reply.split_whitespace().take(2).find(enhanced).unwrap_or("5.0.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_taken_from_the_reply() {
        assert_eq!(status_code("550 5.1.1 no such user"), "5.1.1");
        assert_eq!(status_code("550 go away"), "5.0.0");
    }

    #[test]
    fn a_reply_stays_on_its_line() {
        assert_eq!(one_line("550 a\r\nb"), "550 a  b");
    }

    #[test]
    fn the_returned_header_has_no_body() {
        assert_eq!(header(b"A: 1\r\nB: 2\r\n\r\nbody"), b"A: 1\r\nB: 2\r\n");
    }
}
