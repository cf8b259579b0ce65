//! The people who signed in here before, by the address that they typed.
//!
//! What this browser pinned and holds is found by address. The relay alone says whose session it is, so an
//! address that nobody typed opens nothing: otherwise a relay could give an account another name, and its
//! pins would seem never to have been set.

use serde::{Deserialize, Serialize};
use smime::message::same_mailbox;

/// More people than this on one browser are not remembered.
const MAX_KNOWN: usize = 64;

/// Addresses in lower case, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Known(Vec<String>);

/// Why an account is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// Nobody who uses this browser typed the address.
    NeverTyped,
    /// The relay names another address than the one that was typed.
    AnotherAddress,
}

/// The name under which what belongs to an address is stored.
pub fn key(address: &str) -> String {
    address.trim().to_lowercase()
}

impl Known {
    /// Whether the account of an address is opened; `typed` is what was just signed in with.
    pub fn admits(&self, address: &str, typed: Option<&str>) -> Result<(), NotAdmitted> {
        match typed {
            Some(typed) if same_mailbox(typed.trim(), address) => Ok(()),
            Some(_) => Err(NotAdmitted::AnotherAddress),
            None if self.0.contains(&key(address)) => Ok(()),
            None => Err(NotAdmitted::NeverTyped),
        }
    }

    /// Remembers an address; tells whether that changed anything.
    pub fn remember(&mut self, address: &str) -> bool {
        let address = key(address);
        if self.0.contains(&address) {
            return false;
        }
        self.0.insert(0, address);
        self.0.truncate(MAX_KNOWN);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, NotAdmitted};

    #[test]
    fn an_account_opens_under_the_address_that_was_typed_alone() {
        let mut known = Known::default();
        assert_eq!(known.admits("alice@x.example", None), Err(NotAdmitted::NeverTyped));
        assert_eq!(known.admits("alice@x.example", Some(" Alice@X.example ")), Ok(()));
        assert_eq!(
            known.admits("alice2@x.example", Some("alice@x.example")),
            Err(NotAdmitted::AnotherAddress)
        );
        assert!(known.remember("Alice@x.example"));
        assert!(!known.remember("alice@x.example"));
        assert_eq!(known.admits("alice@x.example", None), Ok(()));
        assert_eq!(known.admits("bob@x.example", None), Err(NotAdmitted::NeverTyped));
        assert_eq!(known.admits("bob@x.example", Some("bob@x.example")), Ok(()));
    }
}
