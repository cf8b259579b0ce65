//! Who reads a message, and how it is sealed so that all of them can.

use smime::message::SealOptions;
use smime::recipients::{Chosen, agree};
use smime::{Certificate, KeyKind};

use super::{Resolved, keep};
use crate::engine::account::Account;
use crate::engine::addresses::Copies;
use crate::protocol::Failure;

/// The readers of one message: never none.
pub(super) struct Readers<'r> {
    /// Where it goes.
    pub(super) addresses: Vec<String>,
    chosen: Vec<&'r Chosen>,
}

/// The messages that a letter becomes, the open one first. Those whose programs open no message that has key
/// agreement for anybody get another than the rest.
pub(super) fn messages<'r>(copies: &Copies, resolved: &'r Resolved) -> Result<Vec<Readers<'r>>, Failure> {
    let mut messages = Vec::new();
    for addresses in copies.envelopes() {
        let found = chosen(&addresses, resolved)?;
        let (transport, any): (Vec<_>, Vec<_>) =
            addresses.into_iter().zip(found).partition(|(_, one)| one.by_transport_alone());
        for readers in [any, transport].into_iter().filter(|readers| !readers.is_empty()) {
            let (addresses, chosen) = readers.into_iter().unzip();
            messages.push(Readers { addresses, chosen });
        }
    }
    Ok(messages)
}

impl Readers<'_> {
    /// Whether the sender is among those whom it is sealed to.
    ///
    /// That hangs on the other readers alone, and not on whether the sender keeps another message: otherwise it
    /// would tell who has hidden readers.
    pub(super) fn sender_reads(&self, account: &Account) -> Result<bool, Failure> {
        Ok(self.beside(&keep::own_certificate(account)?))
    }

    fn beside(&self, own: &Certificate) -> bool {
        let transport = matches!(own.key_kind(), KeyKind::Rsa { .. });
        transport || !self.chosen.iter().any(|one| one.by_transport_alone())
    }

    /// Their certificates, in this order, and the sender's own; and what all of them read.
    pub(super) fn sealing(&self, account: &Account) -> Result<(Vec<Certificate>, SealOptions), Failure> {
        let agreement = agree(self.chosen.iter().copied());
        let (cipher, transport) = (agreement.cipher, agreement.transport);
        let mut certificates: Vec<_> = self.chosen.iter().map(|one| one.certificate().clone()).collect();
        let own = keep::own_certificate(account)?;
        if self.beside(&own) && !certificates.contains(&own) {
            certificates.push(own);
        }
        Ok((certificates, SealOptions { cipher, transport, ..SealOptions::default() }))
    }
}

/// The certificates of these readers, in this order.
pub fn chosen<'r>(addresses: &[String], resolved: &'r Resolved) -> Result<Vec<&'r Chosen>, Failure> {
    let find = |address: &String| match resolved.get(&address.to_ascii_lowercase()) {
        Some(Ok(chosen)) => Ok(chosen),
        _ => Err(Failure::RecipientWithoutCertificate { addresses: vec![address.clone()] }),
    };
    addresses.iter().map(find).collect()
}
