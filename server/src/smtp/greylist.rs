//! Greylisting (RFC 6647): a stranger's first attempt is put off, for programs that only spread junk do not come again.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::authority::{Authority, OpenAuthorityError};
use crate::clock::{Millis, now};
use crate::config::Inbound;
use crate::store::{self, Store, StoreError};

const DAY: Millis = 24 * 60 * 60 * 1000;
/// How long a sender may take to come again, after the delay: some wait for hours (RFC 5321 4.5.4.1).
const RETURN: Millis = 2 * DAY;

/// Puts strangers off, and remembers those that came again.
#[derive(Debug, Clone)]
pub struct Greylist {
    key: Hmac<Sha256>,
    delay: Millis,
    memory: Millis,
}

/// Under what an attempt is remembered: keyed hashes, which tell nobody who wrote to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// Of the network alone.
    pub network: String,
    /// Of network, sender and recipient.
    pub triple: String,
}

impl Greylist {
    /// As the operator wants it.
    pub fn open(authority: &Authority, inbound: &Inbound) -> Result<Self, OpenAuthorityError> {
        let key = authority.greylist_key()?;
        let key = Hmac::new_from_slice(&*key).map_err(|_| smime::KeyringError::Malformed)?;
        let delay = Millis::from(inbound.greylist_delay_seconds) * 1000;
        Ok(Self { key, delay, memory: Millis::from(inbound.greylist_days) * DAY })
    }

    fn mark(&self, parts: &[&str]) -> String {
        let mut mac = self.key.clone();
        for part in parts {
            // The length keeps two lists apart that are the same text together.
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        crate::base64_url(&mac.finalize().into_bytes())
    }

    /// Under what mail from there is remembered.
    pub fn marks(&self, peer: IpAddr, mail_from: &str, recipient: &str) -> Marks {
        let network = network(peer).to_string();
        // Whatever case counts where he writes from: a stranger who comes again need not spell alike.
        let (mail_from, recipient) = (mail_from.to_lowercase(), recipient.to_lowercase());
        Marks { triple: self.mark(&[&network, &mail_from, &recipient]), network: self.mark(&[&network]) }
    }

    /// Notes an attempt; gives how long the sender has to wait, if he has to.
    pub async fn wait(&self, store: &Store, marks: &Marks) -> Result<Option<Millis>, StoreError> {
        let now = now();
        let mut connection = store.read().await?;
        let open_at = store::open_at(&mut connection, [&marks.network, &marks.triple], now).await?;
        drop(connection);
        if let Some(open_at) = open_at {
            return Ok((open_at > now).then_some(open_at - now));
        }
        let (mark, open_at) = (marks.triple.clone(), now + self.delay);
        let note = store.write(move |tx| {
            Box::pin(async move { store::put_mark(tx, &mark, now, open_at, open_at + RETURN).await })
        });
        note.await.map_err(|error: StoreError| error)?;
        Ok(Some(self.delay))
    }

    /// Remembers a sender whose mail was taken: its whole network if nothing speaks against the mail.
    pub async fn remember(&self, store: &Store, marks: impl Iterator<Item = &Marks>, is_suspicious: bool) {
        let name = |marks: &Marks| if is_suspicious { marks.triple.clone() } else { marks.network.clone() };
        let (names, now): (BTreeSet<String>, _) = (marks.map(name).collect(), now());
        if names.is_empty() {
            return;
        }
        let until = now + self.memory;
        let renew = store
            .write(move |tx| Box::pin(async move { store::renew_marks(tx, &names, now, until).await }))
            .await;
        if let Err(error) = renew.map_err(|error: StoreError| error) {
            // The mail is taken all the same; its sender waits once more next time.
            tracing::error!(%error, "a sender could not be remembered");
        }
    }
}

/// The network whose hosts retry for each other.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(peer) => IpAddr::from(Ipv4Addr::from_bits(peer.to_bits() >> 8 << 8)),
        IpAddr::V6(peer) => IpAddr::from(Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_differ_by_network_sender_and_recipient_and_by_the_key() {
        let greylist =
            |key: u8| Greylist { key: Hmac::new_from_slice(&[key; 32]).unwrap(), delay: 0, memory: 0 };
        let (own, other) = (greylist(1), greylist(2));
        let marks = |peer: &str, from, to| own.marks(peer.parse().unwrap(), from, to);
        let first = marks("192.0.2.1", "a@b.example", "c@d.example");
        assert_eq!(first, marks("192.0.2.200", "A@b.example", "c@D.example"));
        assert_eq!(first, marks("::ffff:192.0.2.9", "a@b.example", "c@d.example"));
        assert_eq!(marks("2001:db8::1", "", "c").network, marks("2001:db8::2:1", "x", "y").network);
        for different in [
            marks("192.0.3.1", "a@b.example", "c@d.example"),
            marks("192.0.2.1", "", "c@d.example"),
            marks("192.0.2.1", "a@b.examplec", "@d.example"),
            other.marks("192.0.2.1".parse().unwrap(), "a@b.example", "c@d.example"),
        ] {
            assert_ne!(first.triple, different.triple);
        }
    }
}
