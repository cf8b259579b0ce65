//! Answering without telling: the one-time header policy of RFC 9788 6.1.

use std::collections::{HashMap, HashSet};

use super::{
    address::Address,
    draft::{Draft, parse_ids},
    field::Field,
    headers::Pairs,
    mailboxes::parse_address_list,
    protection::join_addresses,
};

/// What a message kept confidential in its header, for the answer to it (RFC 9788 6.1.2).
///
/// RFC 9788 compares whole fields as a reply would fill them in. Here single mailboxes and message ids
/// are compared instead, so that the answer may be changed by hand, and hides at least as much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    protected: Pairs,
    outer: Pairs,
    also: Option<Box<Self>>,
}

impl Reference {
    /// From the two lists of HeaderSetsFromMessage (RFC 9788 4.2.1).
    pub(crate) fn new(protected: Pairs, outer: Pairs) -> Self {
        Self { protected, outer, also: None }
    }

    /// Hides what either hides.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let also = match self.also {
            Some(also) => also.and(other),
            None => other,
        };
        Self { also: Some(Box::new(also)), ..self }
    }

    /// For an answer to a message that is not at hand: each mailbox and message id that the answer repeats may have
    /// been confidential.
    pub fn unknown(answer: &Draft) -> Self {
        let people: Vec<_> =
            std::iter::once(&answer.from).chain(&answer.to).chain(&answer.cc).cloned().collect();
        let ids = answer.in_reply_to.iter().chain(&answer.references).map(|id| format!("<{id}>"));
        let ids = ("References".to_owned(), ids.collect::<Vec<_>>().join(" "));
        let people = join_addresses(&people).map(|people| ("To".to_owned(), people));
        Self::new(people.into_iter().chain([ids]).collect(), Pairs::new())
    }

    /// The value that may stand outside an answer in place of `value`; `None` removes the field.
    pub(crate) fn outer_value(&self, name: &str, value: &str) -> Option<String> {
        let shown = match name {
            "From" => self.shown_addresses(value, true),
            "To" | "Cc" | "Reply-To" | "Sender" => self.shown_addresses(value, false),
            "Message-ID" | "In-Reply-To" | "References" => self.shown_ids(value),
            _ => Some(value.to_owned()),
        };
        shown.and_then(|shown| match &self.also {
            Some(also) => also.outer_value(name, &shown),
            None => Some(shown),
        })
    }

    fn shown_addresses(&self, value: &str, keep_all: bool) -> Option<String> {
        let (protected, outer) = (Known::new(&self.protected), Known::new(&self.outer));
        let list = parse_address_list(value);
        let shown = list.iter().filter_map(|address| {
            let secret = protected.knows(&address.email) && !outer.knows(&address.email);
            match secret {
                // RFC 9788 3.1.1: the address in From never changes, only the name may go.
                true if keep_all => Some(Address::new(address.email.clone())),
                true => None,
                false => Some(shown_name(address, &protected, &outer)),
            }
        });
        let shown: Vec<Address> = shown.collect();
        if shown == list { Some(value.to_owned()) } else { join_addresses(&shown) }
    }

    fn shown_ids(&self, value: &str) -> Option<String> {
        let (protected, outer) = (ids(&self.protected), ids(&self.outer));
        let list = parse_ids(&Field { name: "References", raw: value.as_bytes() });
        let shown: Vec<String> = list
            .iter()
            .filter(|id| !protected.contains(*id) || outer.contains(*id))
            .map(|id| format!("<{id}>"))
            .collect();
        (!shown.is_empty()).then(|| shown.join(" "))
    }
}

/// The addresses of a header; there can be thousands, so they are looked up and not compared.
struct Known {
    whole: HashSet<Address>,
    by_mailbox: HashMap<String, Address>,
}

impl Known {
    fn new(fields: &[(String, String)]) -> Self {
        let (mut whole, mut by_mailbox) = (HashSet::new(), HashMap::new());
        for address in addresses(fields) {
            let mailbox = address.email.to_ascii_lowercase();
            if !mailbox.is_empty() {
                by_mailbox.entry(mailbox).or_insert_with(|| address.clone());
            }
            whole.insert(address);
        }
        Self { whole, by_mailbox }
    }

    fn knows(&self, email: &str) -> bool {
        self.by_mailbox.contains_key(&email.to_ascii_lowercase())
    }
}

/// A display name that only the inside carried gives way to the one that the outside carried.
fn shown_name(address: &Address, protected: &Known, outer: &Known) -> Address {
    let secret =
        address.name.is_some() && protected.whole.contains(address) && !outer.whole.contains(address);
    if !secret {
        return address.clone();
    }
    let same = outer.by_mailbox.get(&address.email.to_ascii_lowercase());
    same.cloned().unwrap_or_else(|| Address::new(address.email.clone()))
}

fn addresses(fields: &[(String, String)]) -> Vec<Address> {
    let names = ["From", "To", "Cc", "Bcc", "Reply-To", "Sender", "Mail-Followup-To"];
    let values = fields.iter().filter(|(name, _)| names.iter().any(|known| name.eq_ignore_ascii_case(known)));
    values.flat_map(|(_, value)| parse_address_list(value)).collect()
}

fn ids(fields: &[(String, String)]) -> HashSet<String> {
    let names = ["Message-ID", "In-Reply-To", "References"];
    let values = fields.iter().filter(|(name, _)| names.iter().any(|known| name.eq_ignore_ascii_case(known)));
    values.flat_map(|(name, value)| parse_ids(&Field { name, raw: value.as_bytes() })).collect()
}

#[cfg(test)]
mod tests {
    use super::Reference;

    fn hiding(to: &str, outer: &str) -> Reference {
        let field = |value: &str| vec![("To".to_owned(), value.to_owned())];
        Reference::new(field(to), field(outer))
    }

    #[test]
    fn what_one_hides_no_other_shows() {
        let (letter, kept) =
            (hiding("", "a@x.example, b@x.example"), hiding("a@x.example, c@x.example", "c@x.example"));
        let value = "a@x.example, b@x.example, c@x.example, d@x.example";
        let shown = Some("b@x.example, c@x.example, d@x.example".to_owned());
        assert_eq!(letter.clone().and(kept.clone()).outer_value("To", value), shown);
        let third = hiding("d@x.example", "");
        let shown = Some("b@x.example, c@x.example".to_owned());
        assert_eq!(kept.and(letter).and(third).outer_value("To", value), shown);
    }
}
