//! What a sender writes, before any protection.

use std::borrow::Cow;

use super::{
    address::Address,
    encode::unstructured,
    field::{Field, decode_text},
};
use crate::UnixTime;

/// A letter as its author left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The author.
    pub from: Address,
    /// The people addressed.
    pub to: Vec<Address>,
    /// The people who get a copy.
    pub cc: Vec<Address>,
    /// The people who get a copy that the others do not see.
    pub bcc: Vec<Address>,
    /// The real subject.
    pub subject: String,
    /// When it was written.
    pub date: UnixTime,
    /// The message id, with or without angle brackets.
    pub message_id: String,
    /// The ids of the messages this one answers.
    pub in_reply_to: Vec<String>,
    /// The ids of the conversation so far.
    pub references: Vec<String>,
    /// The text, with any line ends.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// The files that go with it.
    pub attachments: Vec<Attachment>,
}

/// A file that goes with a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// The file name.
    pub name: String,
    /// The media type, `application/octet-stream` when it is not one.
    pub media_type: String,
    /// The id by which the HTML shows it (RFC 2392); such a file is part of the text.
    pub content_id: Option<String>,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Why a draft cannot be written as a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// An address that a header field cannot carry.
    #[error("{0:?} is not an address that mail can be sent to")]
    Address(String),
    /// A date outside the years that RFC 5322 can write.
    #[error("the date {0} cannot be written")]
    Date(u64),
    /// An existing message whose header is longer than any real one.
    #[error("the header of the message is too large")]
    HeaderTooLarge,
    /// An existing message that is signed or encrypted already.
    #[error("the message is signed or encrypted already")]
    AlreadyProtected,
}

/// A header field ready to be written: 7-bit, on one line.
pub(crate) type WrittenField = (Cow<'static, str>, String);

impl Default for Draft {
    fn default() -> Self {
        Self {
            from: Address::new(""),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: String::new(),
            date: UnixTime(0),
            message_id: String::new(),
            in_reply_to: Vec::new(),
            references: Vec::new(),
            text: String::new(),
            html: None,
            attachments: Vec::new(),
        }
    }
}

impl<'d> From<&'d Draft> for Cow<'d, Draft> {
    fn from(draft: &'d Draft) -> Self {
        Cow::Borrowed(draft)
    }
}

impl From<Draft> for Cow<'_, Draft> {
    fn from(draft: Draft) -> Self {
        Cow::Owned(draft)
    }
}

impl Draft {
    /// The non-structural header fields (RFC 9787 1.1.1) that the recipients are to see.
    pub(crate) fn header(&self, keep_bcc: bool) -> Result<Vec<WrittenField>, ComposeError> {
        let mut fields: Vec<WrittenField> =
            vec![("From".into(), address_list(std::slice::from_ref(&self.from))?)];
        let mut add = |name: &'static str, value: String| {
            if !value.is_empty() {
                fields.push((name.into(), value));
            }
        };
        add("To", address_list(&self.to)?);
        add("Cc", address_list(&self.cc)?);
        if keep_bcc {
            add("Bcc", address_list(&self.bcc)?);
        }
        add("Subject", unstructured(&self.subject));
        add("Date", rfc5322_date(self.date)?);
        add("Message-ID", id_list(std::slice::from_ref(&self.message_id)));
        add("In-Reply-To", id_list(&self.in_reply_to));
        add("References", id_list(&self.references));
        Ok(fields)
    }
}

fn address_list(addresses: &[Address]) -> Result<String, ComposeError> {
    if let Some(bad) = addresses.iter().find(|address| !address.is_writable()) {
        return Err(ComposeError::Address(bad.email.clone()));
    }
    Ok(addresses.iter().map(Address::written).collect::<Vec<_>>().join(", "))
}

/// Writes message ids; what cannot be one is left out.
fn id_list(ids: &[String]) -> String {
    let ids = ids.iter().filter_map(|id| bare_id(id)).map(|id| format!("<{id}>"));
    ids.collect::<Vec<_>>().join(" ")
}

/// A message id without its angle brackets, if it can be written as one (RFC 5322 3.6.4).
pub(crate) fn bare_id(id: &str) -> Option<&str> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let fits = !id.is_empty() && id.len() <= 900;
    (fits && id.bytes().all(|byte| matches!(byte, b'!'..=b';' | b'=' | b'?'..=b'~'))).then_some(id)
}

/// The message ids of an identification field (RFC 5322 3.6.4), without their brackets.
pub(crate) fn parse_ids(field: &Field<'_>) -> Vec<String> {
    let value = decode_text(&field.unfolded());
    let mut ids: Vec<String> = Vec::new();
    for token in value.split(['<', '>', ' ', '\t', ',']).filter(|token| token.contains('@')) {
        if let Some(id) = bare_id(token).filter(|_| ids.len() < 1000) {
            ids.push(id.to_owned());
        }
    }
    ids
}

/// A date-time in UTC (RFC 5322 3.3), so that no time zone is told.
pub(crate) fn rfc5322_date(time: UnixTime) -> Result<String, ComposeError> {
    // The last second of the year 9999.
    let seconds = i64::try_from(time.0).ok().filter(|seconds| *seconds <= 253_402_300_799);
    let seconds = seconds.ok_or(ComposeError::Date(time.0))?;
    Ok(mail_parser::DateTime::from_timestamp(seconds).to_rfc822())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_utc() {
        assert_eq!(rfc5322_date(UnixTime(1_613_833_622)).unwrap(), "Sat, 20 Feb 2021 15:07:02 +0000");
        assert!(rfc5322_date(UnixTime(u64::MAX)).is_err());
    }

    #[test]
    fn ids_cannot_carry_anything_else() {
        let ids = ["<a@b>".to_owned(), "c@d".to_owned(), "x\r\nBcc: y@z".to_owned(), String::new()];
        assert_eq!(id_list(&ids), "<a@b> <c@d>");
        let field = Field { name: "References", raw: b" <a@b>\r\n <c@d> junk" };
        assert_eq!(parse_ids(&field), ["a@b", "c@d"]);
    }

    #[test]
    fn an_address_that_would_add_a_field_is_refused() {
        let draft = Draft { from: Address::new("a@b\r\nBcc: x@y"), ..Draft::default() };
        assert!(matches!(draft.header(false), Err(ComposeError::Address(_))));
    }
}
