//! Names and the bases of subtrees, in the forms of a GeneralName (RFC 5280 4.2.1.6).

use crate::asn1::tag;
use crate::certificate::{has_two_sides, try_normalized_name};

pub(super) const OTHER_NAME: u8 = tag::constructed(0);
pub(super) const RFC822_NAME: u8 = tag::context(1);
const DNS_NAME: u8 = tag::context(2);
pub(super) const DIRECTORY_NAME: u8 = tag::constructed(4);
const URI: u8 = tag::context(6);
const IP_ADDRESS: u8 = tag::context(7);

/// Longer names are not compared: a mailbox (RFC 5321 4.5.3.1) has 320 octets at most.
const MAX_NAME: usize = 320;

/// A name in a form in which it can be compared, read once: a pair of names is compared in the time that
/// [`Budget`](crate::path::Budget) counts for it.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Mailbox(Mailbox),
    /// A host; below a subtree, the base of hosts, mailboxes or URIs.
    Host(String),
    Directory(Vec<u8>),
    Address(Vec<u8>),
    /// A form, or a name, that is not understood.
    Other,
}

impl Name {
    /// A name of a certificate.
    pub(super) fn of(form: u8, value: &[u8]) -> Self {
        match form {
            RFC822_NAME => Mailbox::read(value).map_or(Self::Other, Self::Mailbox),
            DNS_NAME => host(value).map_or(Self::Other, Self::Host),
            URI => host_of_uri(value).and_then(host).map_or(Self::Other, Self::Host),
            _ => Self::of_any(form, value),
        }
    }

    /// The base of a subtree. What has a place in front of a domain is a mailbox; `@` alone is passed over, as OpenSSL
    /// does.
    pub(super) fn base(form: u8, value: &[u8]) -> Self {
        match (form, value) {
            (RFC822_NAME, [b'@', domain @ ..]) if !domain.is_empty() && !domain.contains(&b'@') => {
                domain_of_mail(domain).map_or(Self::Other, Self::Host)
            }
            (RFC822_NAME, _) if value.contains(&b'@') => {
                Mailbox::read(value).map_or(Self::Other, Self::Mailbox)
            }
            (RFC822_NAME, _) => domain_of_mail(value).map_or(Self::Other, Self::Host),
            (DNS_NAME | URI, []) => Self::Host(String::new()),
            // A period in front is for mail and URIs alone.
            (URI, [b'.', domain @ ..]) => {
                host(domain).map_or(Self::Other, |host| Self::Host(format!(".{host}")))
            }
            (DNS_NAME | URI, _) => host(value).map_or(Self::Other, Self::Host),
            _ => Self::of_any(form, value),
        }
    }

    fn of_any(form: u8, value: &[u8]) -> Self {
        match form {
            IP_ADDRESS => Self::Address(value.to_vec()),
            DIRECTORY_NAME => try_normalized_name(value).map_or(Self::Other, Self::Directory),
            _ => Self::Other,
        }
    }
}

/// A mail address, of which the domain alone is compared without case (RFC 5280 7.5).
#[derive(Clone, Debug)]
pub(super) struct Mailbox {
    local: String,
    /// In one case, for what is excluded.
    folded: String,
    host: String,
}

impl Mailbox {
    fn read(value: &[u8]) -> Option<Self> {
        let text =
            std::str::from_utf8(value).ok().filter(|text| text.len() <= MAX_NAME && has_two_sides(text))?;
        let (local, domain) = text.rsplit_once('@')?;
        Some(Self {
            local: local.to_owned(),
            folded: local.to_lowercase(),
            host: domain_of_mail(domain.as_bytes())?,
        })
    }
}

/// The domain of mail addresses, without the dot at its end, which changes nothing and must not get around a
/// constraint.
fn domain_of_mail(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= MAX_NAME)?;
    Some(text.trim_end_matches('.').to_ascii_lowercase())
}

/// A host of labels, none of which is empty.
fn host(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= MAX_NAME)?;
    let whole = !text.split('.').any(str::is_empty);
    whole.then(|| text.to_ascii_lowercase())
}

/// RFC 5280: constraints on URIs are about host names; an address satisfies none.
fn host_of_uri(value: &[u8]) -> Option<&[u8]> {
    let (_, rest) = std::str::from_utf8(value).ok()?.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let name = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = name.rsplit_once(':').map_or(name, |(host, _)| host);
    let is_name = !name.is_empty() && !name.starts_with('[') && name.parse::<std::net::Ipv4Addr>().is_err();
    is_name.then_some(name.as_bytes())
}

/// Whether a name of a form lies in the subtree; None if either is not understood.
pub(super) fn covers(form: u8, base: &Name, name: &Name) -> Option<bool> {
    match (base, name) {
        (Name::Mailbox(base), Name::Mailbox(name)) => {
            Some(base.local == name.local && base.host == name.host)
        }
        (Name::Host(base), Name::Mailbox(name)) => Some(covers_host(base, &name.host, false)),
        (Name::Host(base), Name::Host(host)) => Some(covers_host(base, host, form == DNS_NAME)),
        (Name::Address(base), Name::Address(address)) => covers_ip(base, address),
        (Name::Directory(base), Name::Directory(name)) => Some(name.starts_with(base)),
        _ => None,
    }
}

/// Whether a name outside of the subtree is used for one inside: a wildcard, which RFC 5280 does not know, for some
/// host; a mailbox for one whose local part is in another case, since few hosts tell them apart.
pub(super) fn stands_for(name: &Name, base: &Name) -> bool {
    match (name, base) {
        (Name::Host(name), Name::Host(base)) => {
            name.strip_prefix('*').is_some_and(|domain| domain.starts_with('.') && base.ends_with(domain))
        }
        (Name::Mailbox(name), Name::Mailbox(base)) => name.folded == base.folded && name.host == base.host,
        _ => false,
    }
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

    fn covered(form: u8, base: &str, name: &str) -> Option<bool> {
        covers(form, &Name::base(form, base.as_bytes()), &Name::of(form, name.as_bytes()))
    }

    #[test]
    fn mailboxes_hosts_and_domains_are_told_apart() {
        let covered = |base, name| covered(RFC822_NAME, base, name);
        assert_eq!(covered("a@b.example", "a@B.example."), Some(true));
        assert_eq!(covered("a@b.example", "A@b.example"), Some(false));
        assert_eq!(covered("b.example", "a@b.example"), Some(true));
        assert_eq!(covered("@b.example", "a@b.example"), Some(true));
        assert_eq!(covered("b.example", "a@x.b.example"), Some(false));
        assert_eq!(covered(".b.example", "a@x.b.example"), Some(true));
        assert_eq!(covered(".b.example", "a@b.example"), Some(false));
        for bad in ["no address", "a@c@b.example", "@b.example", "a@"] {
            assert_eq!(covered("b.example", bad), None, "{bad}");
        }
        for bad in ["a@c@b.example", "@c@b.example", "a@", "@"] {
            assert_eq!(covered(bad, "a@b.example"), None, "{bad}");
        }
        assert_eq!(covered("b.example", "\"a@c\"@b.example"), Some(true));
        // KELVIN SIGN is a k in small letters.
        assert_eq!(covered("k@b.example", "\u{212a}@b.example"), Some(false));
    }

    #[test]
    fn hosts_end_at_labels() {
        let covered_host = |base, name| covered(DNS_NAME, base, name);
        assert_eq!(covered_host("b.example", "a.B.example"), Some(true));
        assert_eq!(covered_host("b.example", "ab.example"), Some(false));
        assert_eq!(covered_host(".b.example", "a.b.example"), None);
        for bad in ["a..b.example", "a.b.example.", ""] {
            assert_eq!(covered_host("b.example", bad), None, "{bad}");
        }
        assert_eq!(covered_host("b.example.", "a.b.example"), None);
        assert_eq!(covered_host("", "a.b.example"), Some(true));
        assert_eq!(covered(URI, ".b.example", "https://a.b.example/"), Some(true));
        assert_eq!(covered(URI, "b.example", "https://b.example../"), None);
        let host = |name: &str| Name::Host(name.to_owned());
        assert!(stands_for(&host("*.b.example"), &host("a.b.example")));
        assert!(!stands_for(&host("*.b.example"), &host("a.c.example")));
        assert_eq!(covered(URI, "b.example", "https://u@b.example:8/x"), Some(true));
        assert_eq!(covered(URI, "b.example", "https://a.b.example/"), Some(false));
        assert_eq!(covered(URI, "b.example", "https://10.0.0.1/"), None);
    }

    #[test]
    fn names_longer_than_any_can_be_are_not_compared() {
        let long = "a".repeat(MAX_NAME);
        for (form, name) in
            [(RFC822_NAME, format!("{long}@b.example")), (DNS_NAME, format!("{long}.b.example"))]
        {
            assert_eq!(covered(form, "b.example", &name), None);
        }
        assert_eq!(covered(URI, "b.example", &format!("https://{long}.b.example/")), None);
        assert_eq!(covered(URI, "b.example", &format!("https://b.example/{long}")), Some(true));
    }

    #[test]
    fn addresses_are_masked() {
        let network = [10, 0, 0, 0, 255, 0, 0, 0];
        assert_eq!(covers_ip(&network, &[10, 1, 2, 3]), Some(true));
        assert_eq!(covers_ip(&network, &[11, 1, 2, 3]), Some(false));
        assert_eq!(covers_ip(&network, &[1; 16]), Some(false));
    }
}
