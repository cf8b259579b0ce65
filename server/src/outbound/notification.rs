//! Delivery status notifications (RFC 3464, RFC 6533): what a sender is told of the fate of a message.

use super::parameters::Parameters;
use super::reason::Trouble;
use super::transport::Accepted;
use crate::clock::{Millis, mail_date, now};
use crate::config::Config;
use crate::report::{StatusNotification, one_line};
use crate::store::Queued;

/// What a returned header may hold at most.
const HEADER: usize = 16 * 1024;

/// What became of a message.
#[derive(Debug, Clone, Copy)]
pub enum Fate<'a> {
    /// It will not be delivered.
    Failed(&'a Trouble),
    /// It still waits, until then at most.
    Delayed(&'a Trouble, Millis),
    /// A server has it that tells no more (RFC 3461 5.2.2).
    Relayed(&'a Accepted),
}

impl Fate<'_> {
    /// When it is told of, as NOTIFY names it (RFC 3461 4.1).
    pub fn notify(self) -> &'static str {
        match self {
            Self::Failed(_) => "FAILURE",
            Self::Delayed(..) => "DELAY",
            Self::Relayed(_) => "SUCCESS",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Delayed(..) => "delayed",
            Self::Relayed(_) => "relayed",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Failed(_) => "Undelivered mail returned to sender",
            Self::Delayed(..) => "Your mail is delayed",
            Self::Relayed(_) => "Your mail was passed on",
        }
    }

    fn reply(&self) -> &str {
        match self {
            Self::Failed(trouble) | Self::Delayed(trouble, _) => &trouble.reply,
            Self::Relayed(accepted) => &accepted.reply,
        }
    }

    fn host(&self) -> Option<&str> {
        match self {
            Self::Failed(trouble) | Self::Delayed(trouble, _) => trouble.host.as_deref(),
            Self::Relayed(accepted) => Some(&accepted.host),
        }
    }

    fn sentence(self, recipient: &str) -> String {
        match self {
            Self::Failed(_) => format!("Your message could not be delivered to <{recipient}>."),
            Self::Delayed(_, until) => format!(
                "Your message to <{recipient}> could not be delivered yet.\r\n\
                 It is tried until {}; there is nothing to do.",
                mail_date(until)
            ),
            Self::Relayed(_) => format!(
                "Your message to <{recipient}> was passed on to a server\r\n\
                 that does not tell what becomes of it."
            ),
        }
    }
}

/// Writes the notification; of the message it returns the outer header only, which the relay knows anyway.
pub fn write(config: &Config, queued: &Queued, fate: Fate<'_>, message: &[u8]) -> Vec<u8> {
    let sentence = fate.sentence(&queued.outgoing.recipient);
    StatusNotification {
        to: &queued.outgoing.mail_from,
        subject: fate.subject(),
        words: &format!("{sentence}\r\nThe other server said: {}", one_line(fate.reply())),
        about: None,
        fields: &fields(config.host(), queued, fate),
        header: Some(&String::from_utf8_lossy(header(message))),
    }
    .write(config)
}

/// The fields of the message and, after an empty line, those of the recipient (RFC 3464 2.2, 2.3).
fn fields(host: &str, queued: &Queued, fate: Fate<'_>) -> String {
    let asked = Parameters::of(&queued.outgoing).unwrap_or_default();
    let recipient = &queued.outgoing.recipient;
    let reply = one_line(fate.reply());
    let mut lines = vec![format!("Reporting-MTA: dns; {host}")];
    // RFC 3461 6.3: the envelope id is decoded again.
    lines.extend(
        asked.envid.as_deref().map(|envid| format!("Original-Envelope-Id: {}", one_line(&unxtext(envid)))),
    );
    lines.push(format!("Arrival-Date: {}", mail_date(queued.queued_at)));
    lines.push(String::new());
    if let Some((kind, address)) = asked.orcpt.as_deref().and_then(|orcpt| orcpt.split_once(';')) {
        lines.push(format!("Original-Recipient: {kind}; {}", one_line(&unxtext(address))));
    }
    let kind = if recipient.is_ascii() { "rfc822" } else { "utf-8" };
    lines.push(format!("Final-Recipient: {kind}; {recipient}"));
    lines.push(format!("Action: {}", fate.action()));
    lines.push(format!("Status: {}", status_code(&reply, fate)));
    lines.extend(fate.host().map(|host| format!("Remote-MTA: dns; {host}")));
    lines.push(format!("Diagnostic-Code: smtp; {reply}"));
    lines.push(format!("Last-Attempt-Date: {}", mail_date(now())));
    if let Fate::Delayed(_, until) = fate {
        lines.push(format!("Will-Retry-Until: {}", mail_date(until)));
    }
    lines.into_iter().map(|line| line + "\r\n").collect()
}

/// Undoes xtext (RFC 3461 4): `+2B` for what may not stand as it is.
pub fn unxtext(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        let hex = |octet: Option<u8>| {
            octet.and_then(|octet| char::from(octet).to_digit(16)).and_then(|digit| u8::try_from(digit).ok())
        };
        if octet != b'+' {
            octets.push(octet);
        } else if let (Some(high), Some(low)) = (hex(rest.next()), hex(rest.next())) {
            octets.push(high << 4 | low);
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// The header of a message, without the empty line.
fn header(message: &[u8]) -> &[u8] {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n").map_or(message.len(), |at| at + 2);
    message.get(..end.min(HEADER)).unwrap_or(message)
}

/// The enhanced status code (RFC 3463) in a reply, or one that fits its class.
fn status_code(reply: &str, fate: Fate<'_>) -> String {
    let class = match fate {
        Fate::Failed(_) => '5',
        Fate::Delayed(..) => '4',
        Fate::Relayed(_) => '2',
    };
    let is_status = |word: &&str| {
        let mut parts = word.split('.');
        let numbers = parts
            .by_ref()
            .take(3)
            .filter(|part| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()));
        numbers.count() == 3 && parts.next().is_none()
    };
    let found = reply.split_ascii_whitespace().nth(1).filter(is_status);
    // A message that was given up has failed for good, whatever the last server said.
    found
        .and_then(|found| found.split_once('.'))
        .map_or_else(|| format!("{class}.0.0"), |(_, rest)| format!("{class}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Reason;

    #[test]
    fn the_status_is_taken_from_the_reply_and_its_class_from_the_fate() {
        let trouble = Trouble::from(Reason::Unreachable);
        let failed = Fate::Failed(&trouble);
        assert_eq!(status_code("550 5.1.1 no such user", failed), "5.1.1");
        assert_eq!(status_code("550 go away", failed), "5.0.0");
        assert_eq!(status_code("451 4.4.1 no server", failed), "5.4.1");
        assert_eq!(status_code("451 4.4.1 no server", Fate::Delayed(&trouble, 0)), "4.4.1");
    }

    #[test]
    fn the_returned_header_has_no_body() {
        assert_eq!(header(b"A: 1\r\nB: 2\r\n\r\nbody"), b"A: 1\r\nB: 2\r\n");
    }

    #[test]
    fn xtext_is_undone() {
        assert_eq!(unxtext("a+2Bb+3D"), "a+b=");
        assert_eq!(unxtext("a+2"), "a");
    }
}
