use std::borrow::Cow;

use super::body::Refusal;
use super::data::Fault;
use crate::clock::Millis;
use crate::delivery::DeliverError;
use crate::directory::CertifyError;

/// An answer: code, enhanced status code (RFC 2034) and text; several lines for EHLO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<Cow<'static, str>>,
}

impl Reply {
    /// One line.
    pub fn new(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, lines: vec![text.into()] }
    }

    /// Several lines.
    pub fn lines(code: u16, lines: Vec<Cow<'static, str>>) -> Self {
        Self { code, lines }
    }

    /// An account keeps as much as it may (RFC 3463 3.3); its owner may make room until the next attempt.
    pub fn full() -> Self {
        Self::new(452, "4.2.2 the mailbox is full")
    }

    /// A stranger is to come again after a while (RFC 6647 5).
    pub fn greylisted(wait: Millis) -> Self {
        Self::new(451, format!("4.7.1 greylisted: come again in {} seconds", (wait + 999) / 1000))
    }

    /// Whether it tells of a failure of the client, who cannot help what is put off here.
    pub fn is_failure(&self) -> bool {
        self.code >= 400 && self.code != 451
    }

    /// The answer as it goes over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let last = self.lines.len().saturating_sub(1);
        for (place, line) in self.lines.iter().enumerate() {
            let mark = if place == last { ' ' } else { '-' };
            bytes.extend_from_slice(format!("{}{mark}{line}\r\n", self.code).as_bytes());
        }
        bytes
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooLarge => Self::new(552, "5.3.4 the message is too large"),
            Refusal::NoMemory => Self::new(452, "4.3.1 too much mail at the moment"),
            Refusal::Fault(Fault::BareLineEnd) => {
                Self::new(550, "5.6.0 lines must end with CRLF and nothing else")
            }
            Refusal::Fault(Fault::Nul) => Self::new(550, "5.6.0 NUL is not allowed"),
            Refusal::Fault(Fault::LongLine) => Self::new(550, "5.6.0 a line is too long"),
        }
    }
}

impl From<DeliverError> for Reply {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::Seal(_) => Self::new(554, "5.6.0 the message could not be sealed"),
            DeliverError::Key(CertifyError::Revoked) => {
                Self::new(451, "4.2.1 the mailbox has no key at the moment")
            }
            DeliverError::Full => Self::full(),
            error => {
                tracing::error!(%error, "a delivery failed");
                Self::new(451, "4.3.0 try again later")
            }
        }
    }
}
