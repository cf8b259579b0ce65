//! Mail addresses: what a field names, what a certificate is compared with, how one is written.

use idna::punycode;

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

/// Whether two addr-specs name the same mailbox (RFC 9788 4.4.5): ASCII letters compare without case, domains as
/// A-labels.
pub fn same_mailbox(one: &str, other: &str) -> bool {
    let same = !one.is_empty() && one.eq_ignore_ascii_case(other);
    if same || (one.is_ascii() && other.is_ascii()) {
        return same;
    }
    let (Some((local, domain)), Some((other_local, other_domain))) =
        (one.rsplit_once('@'), other.rsplit_once('@'))
    else {
        return false;
    };
    local.eq_ignore_ascii_case(other_local)
        && ascii_domain(domain).is_some_and(|domain| ascii_domain(other_domain) == Some(domain))
}

/// A domain with its U-labels as A-labels (RFC 5891 4.4), ASCII in lower case; `None` if one of them is too long.
///
/// Other letters stay as they are: in lower case, some would be those of another domain.
fn ascii_domain(domain: &str) -> Option<String> {
    let labels = domain.split('.').map(|label| match label.to_ascii_lowercase() {
        label if label.is_ascii() => Some(label),
        // RFC 5890 2.3.2.1: an A-label has at most 63 characters, and is no shorter than its U-label.
        label if label.chars().count() > 63 => None,
        label => punycode::encode_str(&label).map(|encoded| format!("xn--{encoded}")),
    });
    labels.collect::<Option<Vec<_>>>().map(|labels| labels.join("."))
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
    fn domains_are_the_same_in_unicode_and_in_ascii() {
        // RFC 3492 7.1 (B), and what DNS has.
        assert!(same_mailbox("A@他们为什么不说中文.example", "a@xn--ihqwcrb4cv8a8dqg056pqjye.EXAMPLE"));
        assert!(same_mailbox("a@Bücher.example", "a@bücher.example"));
        assert!(same_mailbox("ü@bücher.example", "ü@xn--bcher-kva.example"));
        for (one, other) in [
            ("a@bücher.example", "b@xn--bcher-kva.example"),
            ("a@bücher.example", "a@bucher.example"),
            ("ü@x.example", "u@x.example"),
            ("ü", "xn--tda"),
            // KELVIN SIGN, and a final sigma where IDNA has another.
            ("a@ban\u{212a}.example", "a@bank.example"),
            ("a@ΛΟΓΟΣ.example", "a@λογος.example"),
            ("", ""),
        ] {
            assert!(!same_mailbox(one, other), "{one} {other}");
        }
        let endless = format!("a@{}", "ü".repeat(100_000));
        assert!(same_mailbox(&endless, &endless) && !same_mailbox(&endless, "a@x.example"));
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
