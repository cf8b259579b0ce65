//! Addresses as people type them.

use crate::protocol::{Address, Draft, Failure};

/// More recipients in one letter are refused: the relay's limit.
pub const MAX_RECIPIENTS: usize = 1000;

/// Whether something can be an address that a header field and an SMTP envelope carry.
///
/// Only dot-atoms with a domain: anything else could end the field early.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |part: &str, also: &str| {
        let labels = part.split('.');
        let fits = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
        !part.is_empty() && labels.into_iter().all(|label| !label.is_empty() && label.chars().all(fits))
    };
    text.len() <= 254 && local.len() <= 64 && atom(local, "!#$%&'*+-/=?^_`{|}~") && atom(domain, "-")
}

/// Who gets which copy of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// Those who see each other: one copy for all.
    pub open: Vec<String>,
    /// Those nobody sees: a copy each.
    pub hidden: Vec<String>,
}

impl Copies {
    /// Sorts a letter's recipients; everybody gets it once, openly if in doubt.
    pub fn of(draft: &Draft) -> Result<Self, Failure> {
        let bad = all(draft).filter(|address| !is_address(&address.email));
        let bad: Vec<String> = bad.map(|address| address.email.clone()).collect();
        if !bad.is_empty() {
            return Err(Failure::NotAnAddress { addresses: bad });
        }
        let mut copies = Self { open: Vec::new(), hidden: Vec::new() };
        for address in draft.to.iter().chain(&draft.cc) {
            if !contains(&copies.open, &address.email) {
                copies.open.push(address.email.clone());
            }
        }
        for address in &draft.bcc {
            if !contains(&copies.open, &address.email) && !contains(&copies.hidden, &address.email) {
                copies.hidden.push(address.email.clone());
            }
        }
        match copies.open.len() + copies.hidden.len() {
            0 => Err(Failure::NoRecipients),
            many if many > MAX_RECIPIENTS => {
                Err(Failure::RelayRefused { reason: "tooManyRecipients".into() })
            }
            _ => Ok(copies),
        }
    }

    /// Everybody.
    pub fn all(&self) -> Vec<String> {
        self.open.iter().chain(&self.hidden).cloned().collect()
    }

    /// The envelopes: the open copy first, where anybody gets it.
    pub fn envelopes(&self) -> Vec<Vec<String>> {
        let open = (!self.open.is_empty()).then(|| self.open.clone());
        open.into_iter().chain(self.hidden.iter().map(|address| vec![address.clone()])).collect()
    }
}

fn all(draft: &Draft) -> impl Iterator<Item = &Address> {
    draft.to.iter().chain(&draft.cc).chain(&draft.bcc)
}

fn contains(list: &[String], address: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(address))
}

#[cfg(test)]
mod tests {
    use super::{Copies, is_address};
    use crate::protocol::{Address, Draft, Failure};

    fn people(addresses: &[&str]) -> Vec<Address> {
        addresses.iter().map(|email| Address { name: None, email: (*email).into() }).collect()
    }

    #[test]
    fn addresses_that_could_break_a_header_are_refused() {
        for good in ["a@b.example", "o'neil+x@sub-1.example", "a.b@localhost"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["", "a", "a@", "@b", "a b@c", "a@b\r\nBcc: x@y", "a@b>", "<a@b>", "a,b@c", "a@b..c", "a@b@c d"]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn everybody_gets_the_letter_once_and_hidden_ones_apart() {
        let draft = Draft {
            to: people(&["a@x.example", "b@x.example"]),
            cc: people(&["A@X.example", "c@x.example"]),
            bcc: people(&["c@x.example", "d@x.example", "e@x.example", "D@x.example"]),
            ..Draft::default()
        };
        let copies = Copies::of(&draft).unwrap();
        assert_eq!(copies.open, ["a@x.example", "b@x.example", "c@x.example"]);
        assert_eq!(copies.hidden, ["d@x.example", "e@x.example"]);
        assert_eq!(copies.envelopes().len(), 3);
        let only_hidden = Copies { open: vec![], hidden: vec!["d@x.example".into()] };
        assert_eq!(only_hidden.envelopes(), [["d@x.example"]]);
    }

    #[test]
    fn a_letter_to_nobody_or_to_no_address_is_refused() {
        assert_eq!(Copies::of(&Draft::default()), Err(Failure::NoRecipients));
        let draft = Draft { to: people(&["a@x.example", "nobody"]), ..Draft::default() };
        assert_eq!(Copies::of(&draft), Err(Failure::NotAnAddress { addresses: vec!["nobody".into()] }));
    }
}
