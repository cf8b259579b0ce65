//! Name constraints (RFC 5280 4.2.1.10).

use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{
    Certificate, EMAIL_ADDRESS, email_of, has_two_sides, name_attribute, oid, try_normalized_name,
};

/// An authority has at most this many constraints here, of either sort.
const MAX_SUBTREES: usize = 512;

const OTHER_NAME: u8 = tag::constructed(0);
const RFC822_NAME: u8 = tag::context(1);
const DNS_NAME: u8 = tag::context(2);
const DIRECTORY_NAME: u8 = tag::constructed(4);
const URI: u8 = tag::context(6);
const IP_ADDRESS: u8 = tag::context(7);

/// A name in a form in which it can be compared.
#[derive(Clone, Debug)]
enum Name {
    Mailbox(String),
    Host(String),
    Uri(String),
    Directory(Vec<u8>),
    Address(Vec<u8>),
    /// A form, or a name, that is not understood.
    Other,
}

impl Name {
    fn of(form: u8, value: &[u8]) -> Self {
        let text = || std::str::from_utf8(value).map(str::to_lowercase);
        match form {
            // A dot at the end of a domain changes nothing, and must not get around a constraint.
            RFC822_NAME => {
                text().map_or(Self::Other, |text| Self::Mailbox(text.trim_end_matches('.').to_owned()))
            }
            DNS_NAME => text().map_or(Self::Other, Self::Host),
            URI => text().map_or(Self::Other, Self::Uri),
            IP_ADDRESS => Self::Address(value.to_vec()),
            DIRECTORY_NAME => try_normalized_name(value).map_or(Self::Other, Self::Directory),
            _ => Self::Other,
        }
    }
}

/// A form of name and the base of a subtree.
#[derive(Clone, Debug)]
struct Subtree {
    form: u8,
    base: Name,
}

/// What the authorities of a path, taken together, may name.
#[derive(Clone, Debug, Default)]
pub(super) struct NameConstraints {
    /// One list per authority that permits something: a name must be in each of them.
    permitted: Vec<Vec<Subtree>>,
    excluded: Vec<Subtree>,
}

/// A name lies outside of what may be named, or is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forbidden;

impl From<Malformed> for Forbidden {
    fn from(_: Malformed) -> Self {
        Self
    }
}

impl NameConstraints {
    /// Adds those of another authority.
    pub(super) fn narrow(&mut self, authority: &Certificate) -> Result<(), Malformed> {
        let Some(der) = authority.extension(oid::NAME_CONSTRAINTS) else { return Ok(()) };
        let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
        if let Some(trees) = fields.optional(tag::constructed(0))? {
            self.permitted.push(subtrees(trees.reader())?);
        }
        if let Some(trees) = fields.optional(tag::constructed(1))? {
            self.excluded.extend(subtrees(trees.reader())?);
        }
        fields.end()
    }

    /// How many pairs of a name and a subtree [`Self::allow`] compares.
    pub(super) fn comparisons(&self, certificate: &Certificate) -> usize {
        let names = certificate.alternative_names().map_or(0, |names| names.len());
        self.subtrees() * (names + 1)
    }

    fn subtrees(&self) -> usize {
        self.excluded.len() + self.permitted.iter().map(Vec::len).sum::<usize>()
    }

    /// Checks every name of the certificate. What is malformed is not allowed.
    pub(super) fn allow(&self, certificate: &Certificate) -> Result<(), Forbidden> {
        if self.subtrees() == 0 {
            return Ok(());
        }
        let names = certificate.alternative_names()?;
        let subject = certificate.subject_der();
        if !asn1::single(subject, tag::SEQUENCE)?.value.is_empty() {
            self.allow_form(DIRECTORY_NAME, subject)?;
        }
        // RFC 5280 4.2.1.10 asks so only where no alternative name is a mail address; but the
        // addresses in the subject count for mail in any case.
        for email in name_attribute(subject, EMAIL_ADDRESS) {
            self.allow_form(RFC822_NAME, email.as_bytes())?;
        }
        names.iter().try_for_each(|name| self.allow_name(name))
    }

    fn allow_name(&self, name: &Tlv<'_>) -> Result<(), Forbidden> {
        if name.tag == OTHER_NAME
            && let Some(email) = email_of(name)?
        {
            // RFC 9598 6: constraints on mail addresses hold for these too.
            return self.allow_form(RFC822_NAME, email.as_bytes());
        }
        self.allow_form(name.tag, name.value)
    }

    fn allow_form(&self, form: u8, value: &[u8]) -> Result<(), Forbidden> {
        let name = Name::of(form, value);
        let of_form = |tree: &&Subtree| tree.form == form;
        let covers = |tree: &Subtree| covers(&tree.base, &name);
        let may_be = |tree: &Subtree| covers(tree).unwrap_or(true) || stands_for(&name, &tree.base);
        let excluded = self.excluded.iter().filter(of_form).any(may_be);
        let permitted = self.permitted.iter().all(|list| {
            let mut trees = list.iter().filter(of_form).peekable();
            trees.peek().is_none() || trees.any(|tree| covers(tree) == Some(true))
        });
        if permitted && !excluded { Ok(()) } else { Err(Forbidden) }
    }
}

fn subtrees(list: Reader<'_>) -> Result<Vec<Subtree>, Malformed> {
    list.all(MAX_SUBTREES)?.iter().map(subtree).collect()
}

fn subtree(element: &Tlv<'_>) -> Result<Subtree, Malformed> {
    let mut fields = element.reader();
    let base = fields.next()?;
    if let Some(minimum) = fields.optional(tag::context(0))? {
        // RFC 5280: minimum is zero and maximum absent; anything else is not understood.
        if minimum.value != [0] {
            return Err(Malformed);
        }
    }
    fields.end()?;
    Ok(Subtree { form: base.tag, base: Name::of(base.tag, base.value) })
}

/// Whether the name lies in the subtree; None if either is not understood.
fn covers(base: &Name, name: &Name) -> Option<bool> {
    match (base, name) {
        (Name::Mailbox(base), Name::Mailbox(mailbox)) => covers_mailbox(base, mailbox),
        // A period in front is for mail and URIs alone.
        (Name::Host(base), Name::Host(_)) if base.starts_with('.') => None,
        (Name::Host(base), Name::Host(host)) => {
            let is_host = !host.split('.').any(str::is_empty);
            is_host.then_some(covers_host(base, host, true))
        }
        (Name::Uri(base), Name::Uri(uri)) => covers_uri(base, uri),
        (Name::Address(base), Name::Address(address)) => covers_ip(base, address),
        (Name::Directory(base), Name::Directory(name)) => Some(name.starts_with(base)),
        _ => None,
    }
}

/// Whether a name with a wildcard, which RFC 5280 does not know, is used for some host of the subtree.
fn stands_for(name: &Name, base: &Name) -> bool {
    let (Name::Host(name), Name::Host(base)) = (name, base) else { return false };
    name.strip_prefix('*').is_some_and(|domain| domain.starts_with('.') && base.ends_with(domain))
}

/// `base` is a mailbox, a host, or with a leading dot any host in a domain.
fn covers_mailbox(base: &str, mailbox: &str) -> Option<bool> {
    let (_, host) = mailbox.rsplit_once('@').filter(|_| has_two_sides(mailbox))?;
    if base.contains('@') {
        // Local parts are compared without case too: constraints must not be evaded by it.
        return Some(base == mailbox);
    }
    Some(covers_host(base, host, false))
}

/// A leading dot demands one label more; without it, `deep` says if labels may be added.
fn covers_host(base: &str, host: &str, deep: bool) -> bool {
    if base.is_empty() {
        return true;
    }
    if base.starts_with('.') {
        return host.len() > base.len() && host.ends_with(base);
    }
    host == base || (deep && host.strip_suffix(base).is_some_and(|rest| rest.ends_with('.')))
}

fn covers_uri(base: &str, uri: &str) -> Option<bool> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    // RFC 5280: constraints on URIs are about host names; an address satisfies none.
    if host.is_empty() || host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    Some(covers_host(base, host, false))
}

/// Address and mask, each of 4 or 16 octets.
fn covers_ip(base: &[u8], address: &[u8]) -> Option<bool> {
    if !matches!(address.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return None;
    }
    if base.len() != address.len() * 2 {
        return Some(false);
    }
    let (network, mask) = base.split_at_checked(address.len())?;
    let mut octets = address.iter().zip(network).zip(mask);
    Some(octets.all(|((address, network), mask)| address & mask == network & mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_hosts_and_domains_are_told_apart() {
        assert_eq!(covers_mailbox("a@b.example", "a@b.example"), Some(true));
        assert_eq!(covers_mailbox("b.example", "a@b.example"), Some(true));
        assert_eq!(covers_mailbox("b.example", "a@x.b.example"), Some(false));
        assert_eq!(covers_mailbox(".b.example", "a@x.b.example"), Some(true));
        assert_eq!(covers_mailbox(".b.example", "a@b.example"), Some(false));
        for bad in ["no address", "a@c@b.example", "@b.example", "a@"] {
            assert_eq!(covers_mailbox("b.example", bad), None, "{bad}");
        }
        assert_eq!(covers_mailbox("b.example", "\"a@c\"@b.example"), Some(true));
    }

    #[test]
    fn hosts_end_at_labels() {
        assert!(covers_host("b.example", "a.b.example", true));
        assert!(!covers_host("b.example", "ab.example", true));
        let host = |name: &str| Name::Host(name.to_owned());
        assert_eq!(covers(&host(".b.example"), &host("a.b.example")), None);
        assert!(stands_for(&host("*.b.example"), &host("a.b.example")));
        assert!(!stands_for(&host("*.b.example"), &host("a.c.example")));
        assert_eq!(covers_uri("b.example", "https://u@b.example:8/x"), Some(true));
        assert_eq!(covers_uri("b.example", "https://10.0.0.1/"), None);
    }

    #[test]
    fn addresses_are_masked() {
        let network = [10, 0, 0, 0, 255, 0, 0, 0];
        assert_eq!(covers_ip(&network, &[10, 1, 2, 3]), Some(true));
        assert_eq!(covers_ip(&network, &[11, 1, 2, 3]), Some(false));
        assert_eq!(covers_ip(&network, &[1; 16]), Some(false));
    }
}
