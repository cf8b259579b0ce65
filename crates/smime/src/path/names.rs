//! Name constraints (RFC 5280 4.2.1.10).

mod name;

use self::name::{DIRECTORY_NAME, Name, OTHER_NAME, RFC822_NAME, covers, stands_for};
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{Certificate, EMAIL_ADDRESS, email_of, is_general_name, name_attribute, oid};

/// An authority has at most this many constraints here, of either sort.
const MAX_SUBTREES: usize = 512;

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
        let addresses = name_attribute(certificate.subject_der(), EMAIL_ADDRESS).len();
        self.subtrees() * (names + addresses + 1)
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
            // RFC 9598 6: constraints on mail addresses hold for these too, beside those on other names.
            self.allow_form(RFC822_NAME, email.as_bytes())?;
        }
        self.allow_form(name.tag, name.value)
    }

    fn allow_form(&self, form: u8, value: &[u8]) -> Result<(), Forbidden> {
        let name = Name::of(form, value);
        let of_form = |tree: &&Subtree| tree.form == form;
        let covers = |tree: &Subtree| covers(form, &tree.base, &name);
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
    if !is_general_name(base.tag) {
        return Err(Malformed);
    }
    Ok(Subtree { form: base.tag, base: Name::base(base.tag, base.value) })
}
