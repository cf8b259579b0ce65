//! Mail addresses: what a field names, what a certificate is compared with, how one is written.

use super::{encode::phrase, field::Field, mailboxes::parse_address_list};

/// A mailbox (RFC 5322 3.4): a display name, if there is one, and an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The display name, decoded.
    pub name: Option<String>,
    /// The address, `local@domain`.
    pub email: String,
}

impl Address {
    /// An address without a display name.
    pub fn new(email: impl Into<String>) -> Self {
        Self { name: None, email: email.into() }
    }

    /// An address with a display name.
    pub fn named(name: impl Into<String>, email: impl Into<String>) -> Self {
        Self { name: Some(name.into()), email: email.into() }
    }

    /// The form in which a header field carries it: 7-bit, the name quoted or encoded.
    pub(crate) fn written(&self) -> String {
        match self.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => format!("{} <{}>", phrase(name), self.email),
            None => self.email.clone(),
        }
    }

    /// Whether the address can stand in a header field and in an SMTP command as it is.
    ///
    /// Only ASCII dot-atoms and domain literals are written: anything else could end the field early.
    pub(crate) fn is_writable(&self) -> bool {
        let Some((local, domain)) = self.email.rsplit_once('@') else { return false };
        let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
        let part = |part: &str, also: &[u8]| {
            !part.is_empty() && part.bytes().all(|byte| atom(byte) || also.contains(&byte))
        };
        self.email.len() <= 320 && part(local, b"") && part(domain, b"[]:")
    }
}

/// Whether two addr-specs name the same mailbox (RFC 9788 4.4.5): ASCII letters compare without case.
pub fn same_mailbox(one: &str, other: &str) -> bool {
    !one.is_empty() && one.eq_ignore_ascii_case(other)
}

/// The mailboxes of an address field; groups are flattened.
pub(crate) fn parse_addresses(field: &Field<'_>) -> Vec<Address> {
    parse_address_list(&field.unfolded())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_groups_are_read() {
        let list = parse_address_list("Alice <a@x.example>, friends: b@x.example, \"C, D\" <c@x.example>;");
        let emails: Vec<&str> = list.iter().map(|address| address.email.as_str()).collect();
        assert_eq!(emails, ["a@x.example", "b@x.example", "c@x.example"]);
        assert_eq!(list[2].name.as_deref(), Some("C, D"));
        assert!(parse_address_list("undisclosed-recipients:;").is_empty());
    }

    #[test]
    fn an_address_in_a_display_name_stays_a_name() {
        let list = parse_address_list("\"alice@good.example\" <mallory@evil.example>");
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].email, "mallory@evil.example");
    }

    #[test]
    fn what_would_break_a_header_is_not_writable() {
        for bad in ["a", "a@", "@b", "a b@c", "a@b\r\nBcc: x@y", "a@b>", "é@b", "a,b@c"] {
            assert!(!Address::new(bad).is_writable(), "{bad}");
        }
        assert!(Address::new("o'neil+x@sub.example").is_writable());
    }

    #[test]
    fn written_addresses_are_read_back() {
        for name in ["Alice", "林爱", "Doe, John \"Jack\" \\", "a@b.example", "=?utf-8?q?x?=", "ünï <x>"]
        {
            let address = Address::named(name, "x@y.example");
            assert!(address.written().is_ascii());
            assert_eq!(parse_address_list(&address.written()), std::slice::from_ref(&address));
        }
    }
}
