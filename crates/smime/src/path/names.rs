//! Name constraints (RFC 5280 4.2.1.10).

use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{Certificate, EMAIL_ADDRESS, email_of, name_attribute, oid, try_normalized_name};

/// An authority has at most this many constraints here, of either sort.
const MAX_SUBTREES: usize = 512;

const OTHER_NAME: u8 = tag::constructed(0);
const RFC822_NAME: u8 = tag::context(1);
const DNS_NAME: u8 = tag::context(2);
const DIRECTORY_NAME: u8 = tag::constructed(4);
const URI: u8 = tag::context(6);
const IP_ADDRESS: u8 = tag::context(7);

/// A form of name and the base of a subtree.
#[derive(Clone, Debug)]
struct Subtree {
    form: u8,
    base: Vec<u8>,
}

/// What the authorities of a path, taken together, may name.
#[derive(Clone, Debug, Default)]
pub(super) struct NameConstraints {
    /// One list per authority that permits something: a name must be in each of them.
    permitted: Vec<Vec<Subtree>>,
    excluded: Vec<Subtree>,
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

    /// True if every name of the certificate is allowed. What is malformed is not.
    pub(super) fn allow(&self, certificate: &Certificate) -> bool {
        if self.permitted.is_empty() && self.excluded.is_empty() {
            return true;
        }
        self.allow_names(certificate).unwrap_or(false)
    }

    fn allow_names(&self, certificate: &Certificate) -> Result<bool, Malformed> {
        let subject = certificate.subject_der();
        let is_named = !asn1::single(subject, tag::SEQUENCE)?.value.is_empty();
        if is_named && !self.allow_form(DIRECTORY_NAME, subject) {
            return Ok(false);
        }
        let names = certificate.alternative_names()?;
        if !names.iter().any(|name| name.tag == RFC822_NAME) {
            // RFC 5280 4.2.1.10: then the addresses in the subject are meant.
            let emails = name_attribute(subject, EMAIL_ADDRESS);
            if !emails.iter().all(|email| self.allow_form(RFC822_NAME, email.as_bytes())) {
                return Ok(false);
            }
        }
        for name in &names {
            if !self.allow_name(name)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn allow_name(&self, name: &Tlv<'_>) -> Result<bool, Malformed> {
        if name.tag == OTHER_NAME
            && let Some(email) = email_of(name)?
        {
            // RFC 9598 6: constraints on mail addresses hold for these too.
            return Ok(self.allow_form(RFC822_NAME, email.as_bytes()));
        }
        Ok(self.allow_form(name.tag, name.value))
    }

    fn allow_form(&self, form: u8, name: &[u8]) -> bool {
        let of_form = |tree: &&Subtree| tree.form == form;
        let excluded = self.excluded.iter().filter(of_form).any(|tree| covers(tree, name).unwrap_or(true));
        let permitted = self.permitted.iter().all(|list| {
            let mut trees = list.iter().filter(of_form).peekable();
            trees.peek().is_none() || trees.any(|tree| covers(tree, name) == Some(true))
        });
        permitted && !excluded
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
    Ok(Subtree { form: base.tag, base: base.value.to_vec() })
}

/// Whether the name lies in the subtree; None if the form or the name is not understood.
fn covers(tree: &Subtree, name: &[u8]) -> Option<bool> {
    match tree.form {
        RFC822_NAME => covers_mailbox(&lower(&tree.base)?, std::str::from_utf8(name).ok()?),
        DNS_NAME => {
            let host = lower(name)?;
            let is_host = !host.split('.').any(str::is_empty);
            is_host.then_some(covers_host(&lower(&tree.base)?, &host, true))
        }
        URI => covers_uri(&lower(&tree.base)?, &lower(name)?),
        IP_ADDRESS => covers_ip(&tree.base, name),
        DIRECTORY_NAME => {
            let base = try_normalized_name(&tree.base).ok()?;
            Some(try_normalized_name(name).ok()?.starts_with(&base))
        }
        _ => None,
    }
}

fn lower(name: &[u8]) -> Option<String> {
    Some(std::str::from_utf8(name).ok()?.to_lowercase())
}

/// `base` is a mailbox, a host, or with a leading dot any host in a domain.
fn covers_mailbox(base: &str, mailbox: &str) -> Option<bool> {
    let (local, host) = mailbox.rsplit_once('@')?;
    let host = host.to_lowercase();
    if let Some((base_local, base_host)) = base.rsplit_once('@') {
        // Local parts are compared without case: constraints must not be evaded by it.
        return Some(base_local == local.to_lowercase() && base_host == host);
    }
    Some(covers_host(base, &host, false))
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
        assert_eq!(covers_mailbox("a@b.example", "A@B.example"), Some(true));
        assert_eq!(covers_mailbox("b.example", "a@b.example"), Some(true));
        assert_eq!(covers_mailbox("b.example", "a@x.b.example"), Some(false));
        assert_eq!(covers_mailbox(".b.example", "a@x.b.example"), Some(true));
        assert_eq!(covers_mailbox(".b.example", "a@b.example"), Some(false));
        assert_eq!(covers_mailbox("b.example", "no address"), None);
    }

    #[test]
    fn hosts_end_at_labels() {
        assert!(covers_host("b.example", "a.b.example", true));
        assert!(!covers_host("b.example", "ab.example", true));
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
