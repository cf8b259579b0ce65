//! The header that a reader is shown, and how each field of it is protected (RFC 9788 4).

use std::collections::HashSet;

use mail_parser::{HeaderValue, parsers::MessageStream};

use super::{
    address::{Address, same_mailbox},
    draft::parse_ids,
    field::{Field, decode_text},
    mailboxes::{MAX_ADDRESSES, parse_address_list},
    protection::join_addresses,
    reference::Reference,
};
use crate::UnixTime;

/// Header fields as names and unfolded values.
pub(crate) type Pairs = Vec<(String, String)>;

/// How one header field is protected (RFC 9788 4.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldProtection {
    /// Bound into a valid signature.
    pub signed: bool,
    /// Only inside the encryption: removed or obscured outside.
    pub encrypted: bool,
}

impl FieldProtection {
    /// The stable name in machine-readable output, which is RFC 9788's.
    pub fn code(self) -> &'static str {
        match (self.signed, self.encrypted) {
            (false, false) => "unprotected",
            (true, false) => "signed-only",
            (false, true) => "encrypted-only",
            (true, true) => "signed-and-encrypted",
        }
    }
}

/// One header field of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField {
    /// The name as it was written.
    pub name: String,
    /// The value on one line, not decoded.
    pub value: String,
    /// How it is protected.
    pub protection: FieldProtection,
}

impl HeaderField {
    /// The value decoded, for a reader.
    pub fn text(&self) -> String {
        decode_text(&self.value)
    }
}

/// A `From` outside that is not the one inside, with no signature to settle it (RFC 9788 4.4).
///
/// A reader is to be warned and shown both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromMismatch {
    /// What the transport saw, which is shown as the author.
    pub outer: Vec<Address>,
    /// What the inside says.
    pub inner: Vec<Address>,
}

/// The header of a message: the protected one where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// The authors to be shown.
    pub from: Vec<Address>,
    /// The authors by the message's account, when somebody else signed: `from` is then who did.
    pub on_behalf_of: Vec<Address>,
    /// Whoever sent it for the authors.
    pub sender: Option<Address>,
    /// Where answers go, when not to the authors. Empty where a protected message has it outside only.
    pub reply_to: Vec<Address>,
    /// The people addressed.
    pub to: Vec<Address>,
    /// The people who got a copy.
    pub cc: Vec<Address>,
    /// The hidden recipients, in drafts and the sender's own copies.
    pub bcc: Vec<Address>,
    /// The subject, decoded.
    pub subject: String,
    /// The date that the author wrote.
    pub date: Option<UnixTime>,
    /// The message id, without brackets.
    pub message_id: Option<String>,
    /// The ids of the messages that this one answers.
    pub in_reply_to: Vec<String>,
    /// The ids of the conversation.
    pub references: Vec<String>,
    /// True if the fields come from inside the cryptographic protection.
    pub protected: bool,
    /// True if the message was encrypted, and yet the addresses that an answer would go to stood
    /// outside: whoever carried it could write them, so a reader is to be warned before answering.
    pub recipients_unprotected: bool,
    /// Set if outside and inside disagree about the author.
    pub from_mismatch: Option<FromMismatch>,
    /// All non-structural fields, in order.
    pub fields: Vec<HeaderField>,
    pub(crate) outer: Pairs,
}

impl Headers {
    /// The protection of the first field of that name.
    pub fn protection(&self, name: &str) -> FieldProtection {
        self.field(name).map(|field| field.protection).unwrap_or_default()
    }

    /// The first field of that name.
    pub fn field(&self, name: &str) -> Option<&HeaderField> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The decoded value of the first field of that name.
    pub fn text(&self, name: &str) -> Option<String> {
        self.field(name).map(HeaderField::text)
    }

    /// Where an answer goes: where there is a protection, only to addresses from inside of it
    /// (RFC 9788 4.4.4, 6.2) or to the author whom the signature proves. See also
    /// [`Self::recipients_unprotected`].
    pub fn reply_addresses(&self) -> &[Address] {
        match &self.from_mismatch {
            _ if !self.reply_to.is_empty() => &self.reply_to,
            Some(mismatch) => &mismatch.inner,
            // Outside of the signature, anybody could have written for whom the signer speaks.
            None if self.protected && !self.on_behalf_of.is_empty() => &self.on_behalf_of,
            None => &self.from,
        }
    }

    /// What an answer must not tell (RFC 9788 6.1), for [`super::Protection::reference`].
    pub fn reference(&self) -> Reference {
        let confidential = self.fields.iter().any(|field| field.protection.encrypted);
        if !confidential {
            return Reference::default();
        }
        let protected = self.fields.iter().map(|field| (field.name.clone(), field.value.clone()));
        let mut protected: Pairs = protected.collect();
        // A name out of the certificate stands in no field, and is as secret as the one it replaced.
        protected.extend(join_addresses(&self.from).map(|from| ("From".to_owned(), from)));
        Reference::new(protected, self.outer.clone())
    }

    /// Reads the typed fields out of `fields`.
    pub(crate) fn from_fields(fields: Vec<HeaderField>) -> Self {
        let mut headers = Self { fields, ..Self::default() };
        headers.from = headers.addresses("From");
        headers.sender = headers.addresses("Sender").into_iter().next();
        headers.reply_to = headers.addresses("Reply-To");
        headers.to = headers.addresses("To");
        headers.cc = headers.addresses("Cc");
        headers.bcc = headers.addresses("Bcc");
        headers.subject = headers.text("Subject").unwrap_or_default();
        headers.date = headers.field("Date").and_then(|field| Self::date_of(&field.value));
        headers.message_id = headers.ids("Message-ID").into_iter().next();
        headers.in_reply_to = headers.ids("In-Reply-To");
        headers.references = headers.ids("References");
        headers
    }

    fn addresses(&self, name: &str) -> Vec<Address> {
        let fields = self.fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        fields.flat_map(|field| parse_address_list(&field.value)).take(MAX_ADDRESSES).collect()
    }

    fn ids(&self, name: &str) -> Vec<String> {
        let field = self.field(name);
        field.map(|field| parse_ids(&Field { name, raw: field.value.as_bytes() })).unwrap_or_default()
    }

    /// A date-time (RFC 5322 3.3), leniently; `None` before 1970 or where it is none.
    pub(crate) fn date_of(value: &str) -> Option<UnixTime> {
        let line = format!("{value}\n");
        match MessageStream::new(line.as_bytes()).parse_date() {
            HeaderValue::DateTime(date) if date.is_valid() => {
                u64::try_from(date.to_timestamp()).ok().map(UnixTime)
            }
            _ => None,
        }
    }

    /// How many fields of that name there are.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count()
    }
}

/// The non-structural fields (RFC 9787 1.1.1) of a section, unfolded.
pub(crate) fn non_structural(fields: &[Field<'_>]) -> Pairs {
    let kept = fields.iter().filter(|field| {
        let name = field.name.to_ascii_lowercase();
        !name.starts_with("content-") && name != "mime-version"
    });
    kept.map(|field| (field.name.to_owned(), field.unfolded())).collect()
}

/// HeaderSetsFromMessage (RFC 9788 4.2.1): the protected fields, and the recorded outer ones.
pub(crate) fn header_sets(fields: Pairs) -> (Pairs, Pairs) {
    let (recorded, protected): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case("HP-Outer"));
    let recorded = recorded.iter().filter_map(|(_, value)| value.split_once(':'));
    (protected, recorded.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect())
}

/// Header fields to look others up in: a hostile header has thousands, so none is compared with each.
pub(crate) struct FieldSet(HashSet<(String, String)>);

impl FieldSet {
    pub(crate) fn new(list: &[(String, String)]) -> Self {
        Self(list.iter().map(|(name, value)| Self::key(name, value)).collect())
    }

    pub(crate) fn contains(&self, name: &str, value: &str) -> bool {
        self.0.contains(&Self::key(name, value))
    }

    /// Folding may have changed the white space inside of a value.
    fn key(name: &str, value: &str) -> (String, String) {
        (name.to_ascii_lowercase(), value.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Whether two lists of authors are the same mailboxes.
pub(crate) fn same_authors(one: &[Address], other: &[Address]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same_mailbox(&a.email, &b.email))
}
