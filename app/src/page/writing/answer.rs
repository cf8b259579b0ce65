//! Whom an answer is for, and why it may leave out what it answers.

use std::collections::HashSet;

use crate::protocol::{Account, Address, Message, Status};

/// A header can name any number of people; the engine refuses a letter to so many, and says so.
const MOST: usize = 1001;

/// Whom an answer is for.
pub(crate) struct Addressees {
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// Those it is not for unless its writer says so: they stood outside of the seal, where whoever carried the message
    /// could write them (RFC 9788 6.2).
    pub outside: Vec<Address>,
}

impl Addressees {
    /// Of an answer to the sender alone or to all.
    pub(crate) fn new(message: &Message, me: &Account, all: bool) -> Self {
        let mine = |address: &Address| address.email.eq_ignore_ascii_case(&me.address);
        let from_me = message.from.iter().any(mine);
        // Answering one's own letter goes on to those it was for.
        let mut to = match (from_me, message.reply_to.is_empty()) {
            (true, _) => message.to.clone(),
            (false, true) => message.from.clone(),
            (false, false) => message.reply_to.clone(),
        };
        let mut cc = Vec::new();
        if all {
            let others = if from_me { &[][..] } else { &message.to };
            cc = others.iter().chain(&message.cc).filter(|address| !mine(address)).cloned().collect();
        }
        let mut outside = Vec::new();
        if message.recipients_unprotected {
            if from_me {
                outside.append(&mut to);
            }
            outside.append(&mut cc);
        }
        unique(&mut to, &[]);
        unique(&mut cc, &to);
        unique(&mut outside, &to);
        Self { to, cc, outside }
    }
}

/// Why an answer does not quote what it answers: whoever copied the ciphertext into a message of their own would get it
/// back in clear. Passing it on to others is the reader's own decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unquoted {
    /// It was encrypted weakly (RFC 9787 6.5).
    Weak,
    /// No signature tells that who is answered wrote it.
    Unsigned,
}

impl Unquoted {
    /// None where it is quoted.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        match message.status {
            _ if message.weak => Some(Self::Weak),
            Status::EncryptedUnverified => Some(Self::Unsigned),
            _ => None,
        }
    }
}

/// What an answer leaves out, of which its writer is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Omitted {
    pub quote: Option<Unquoted>,
    /// See [`Addressees::outside`].
    pub addresses: Vec<Address>,
}

impl Omitted {
    /// Of an answer to the sender alone or to all.
    pub(crate) fn new(message: &Message, me: &Account, all: bool) -> Self {
        Self { quote: Unquoted::of(message), addresses: Addressees::new(message, me, all).outside }
    }
}

/// Keeps each address once, and none that is among `taken`.
fn unique(addresses: &mut Vec<Address>, taken: &[Address]) {
    let mut seen: HashSet<String> = taken.iter().map(|address| address.email.to_ascii_lowercase()).collect();
    addresses.retain(|address| seen.insert(address.email.to_ascii_lowercase()));
    addresses.truncate(MOST);
}

#[cfg(test)]
mod tests {
    use super::{Addressees, MOST};
    use crate::page::writing::letter::tests::{bob, emails};
    use crate::page::writing::quote::tests::{address, message};

    #[test]
    fn an_answer_goes_by_itself_to_nobody_whom_a_carrier_could_write() {
        let mut message = message();
        message.recipients_unprotected = true;
        message.to = vec![address("bob@example.org"), address("dan@example.org")];
        message.cc = vec![address("mallory@evil.example"), address("ALICE@example.org")];
        let all = Addressees::new(&message, &bob(), true);
        assert_eq!((emails(&all.to), emails(&all.cc)), (vec!["alice@example.org"], vec![]));
        assert_eq!(emails(&all.outside), ["dan@example.org", "mallory@evil.example"]);
        assert!(Addressees::new(&message, &bob(), false).outside.is_empty());
        // Nor do those whom one's own letter is said to be for.
        message.from = vec![address("bob@example.org")];
        let own = Addressees::new(&message, &bob(), false);
        assert_eq!((own.to.len(), own.outside.len()), (0, 2));
    }

    #[test]
    fn an_answer_takes_no_more_people_than_the_engine_refuses() {
        let mut message = message();
        message.to = (0..100_000).map(|n| address(&format!("{n}@example.org"))).collect();
        assert_eq!(Addressees::new(&message, &bob(), true).cc.len(), MOST);
    }
}
