//! What is learnt of people from their mail, and what is not.

use serde::{Deserialize, Serialize};
use smime::recipients::{Candidate, Capabilities, Offer, Reads, choose};
use smime::{Provider, Trust, UnixTime};

use super::candidate;
use crate::engine::trust::encoded;

/// Certificates that are kept of one person.
const MAX_LEARNT: usize = 8;

/// What was learnt of a person from their mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contact {
    /// The name in the newest certificate.
    pub(super) name: Option<String>,
    /// Chains, newest first (base64 of DER).
    pub(super) chains: Vec<Vec<String>>,
    /// What their program reads, as they said last.
    #[serde(default)]
    reads: Option<Announcement>,
}

/// What the programs of a person read, as signed mail of theirs said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Announcement {
    /// When it was said, in seconds since 1970.
    at: u64,
    /// [`Capabilities::identifiers`].
    identifiers: Vec<String>,
}

impl Contact {
    /// The certificates that were learnt, to choose from.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let reads = self.reads.as_ref().map_or(Reads::Unknown, |said| {
            Reads::Announced(Capabilities::from_identifiers(&said.identifiers))
        });
        self.chains.iter().filter_map(|chain| candidate(chain, reads.clone())).collect()
    }

    /// Takes in what mail offers for the address, if mail could be sealed to its certificate now; tells whether
    /// anything changed.
    ///
    /// A certificate that is still good makes room for no other: somebody who sends many would drive out the
    /// true one.
    pub(super) async fn learn(
        &mut self,
        provider: &impl Provider,
        address: &str,
        offer: &Offer,
        trust: &Trust,
        now: UnixTime,
    ) -> bool {
        let candidate = &offer.candidate;
        let leaf = encoded(&candidate.certificate);
        let known = self.chains.iter().any(|chain| chain.first() == Some(&leaf));
        if known {
            return self.hear(offer, now);
        }
        if !is_good(provider, address, candidate, trust, now).await {
            return false;
        }
        let chain = std::iter::once(leaf).chain(candidate.issuers.iter().map(encoded)).collect();
        let Some(kept) = self.with(chain, provider, address, trust, now).await else { return false };
        self.name = candidate.certificate.common_name();
        self.chains = kept;
        self.hear(offer, now);
        true
    }

    /// The chains with one more; `None` where there is no room.
    async fn with(
        &self,
        chain: Vec<String>,
        provider: &impl Provider,
        address: &str,
        trust: &Trust,
        now: UnixTime,
    ) -> Option<Vec<Vec<String>>> {
        let full = self.chains.len() >= MAX_LEARNT;
        let mut kept = vec![chain];
        for chain in &self.chains {
            let good = match candidate(chain, Reads::Unknown) {
                Some(candidate) if full => is_good(provider, address, &candidate, trust, now).await,
                Some(_) => true,
                None => false,
            };
            if good {
                kept.push(chain.clone());
            }
        }
        (kept.len() <= MAX_LEARNT).then_some(kept)
    }

    fn hear(&mut self, offer: &Offer, now: UnixTime) -> bool {
        let last = self.reads.as_ref().map(|known| UnixTime(known.at));
        let heard = offer.heard(last, now);
        let heard = heard.map(|(at, said)| Announcement { at: at.0, identifiers: said.identifiers() });
        let is_news = heard.is_some();
        self.reads = heard.or(self.reads.take());
        is_news
    }
}

async fn is_good(
    provider: &impl Provider,
    address: &str,
    candidate: &Candidate,
    trust: &Trust,
    now: UnixTime,
) -> bool {
    choose(provider, address, std::slice::from_ref(candidate), trust, now).await.is_ok()
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;
    use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
    use smime::recipients::{Candidate, Capabilities, Offer, Reads};
    use smime::rustcrypto::{MemoryKeyring, RustCrypto};
    use smime::{Certificate, ContentEncryption, KeyId, Trust, UnixTime, block_on_ready};

    use super::{Contact, MAX_LEARNT};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    struct Authority {
        keyring: MemoryKeyring,
        issuer: Issuer,
        issued: u8,
    }

    impl Authority {
        fn new() -> Self {
            let (mut keyring, key) = (MemoryKeyring::new(), KeyId::new("root"));
            let spki = keyring.generate_p256(key.clone(), &mut UnwrapErr(getrandom::SysRng)).unwrap();
            let (from, to) = (UnixTime(NOW.0 - 1000), UnixTime(NOW.0 + 1000));
            let root = self_signed_root(&keyring, &key, &spki, "Root", [1; 16], from, to);
            let certificate = block_on_ready(root).unwrap();
            Self { keyring, issuer: Issuer { key, certificate }, issued: 1 }
        }

        fn trust(&self) -> Trust {
            Trust { anchors: vec![self.issuer.certificate.clone()], ..Trust::default() }
        }

        fn certify(&mut self, emails: &[&str], usage: Usage, not_after: u64) -> Certificate {
            self.issued += 1;
            let key = KeyId::new(self.issued.to_string());
            let spki = self.keyring.generate_p256(key, &mut UnwrapErr(getrandom::SysRng)).unwrap();
            let profile = Profile {
                common_name: format!("Person {}", self.issued),
                organisation: None,
                emails: emails.iter().map(|email| (*email).to_owned()).collect(),
                usage,
                serial: [self.issued; 16],
                not_before: UnixTime(NOW.0 - 500),
                not_after: UnixTime(not_after),
            };
            block_on_ready(issue(&self.keyring, &self.issuer, &spki, &profile)).unwrap()
        }
    }

    fn offer(certificate: &Certificate, reads: Reads, at: u64) -> Offer {
        let candidate = Candidate { certificate: certificate.clone(), issuers: Vec::new(), reads };
        Offer { addresses: vec!["bob@x.example".into()], candidate, at: Some(UnixTime(at)) }
    }

    #[test]
    fn only_certificates_that_stand_up_are_learnt_with_the_name_in_them() {
        let (mut authority, mut stranger) = (Authority::new(), Authority::new());
        let bob = ["bob@x.example"];
        let expired = authority.certify(&bob, Usage::Encryption, NOW.0 - 1);
        let unknown = stranger.certify(&bob, Usage::Encryption, NOW.0 + 500);
        let other = authority.certify(&["eve@x.example"], Usage::Encryption, NOW.0 + 500);
        let good = authority.certify(&bob, Usage::Encryption, NOW.0 + 500);
        let (trust, mut contact) = (authority.trust(), Contact::default());
        for (certificate, learnt) in [(&expired, false), (&unknown, false), (&other, false), (&good, true)] {
            let offer = offer(certificate, Reads::Unknown, NOW.0);
            let learning = contact.learn(&RustCrypto, "bob@x.example", &offer, &trust, NOW);
            assert_eq!(block_on_ready(learning), learnt);
        }
        assert_eq!((contact.name, contact.chains.len()), (good.common_name(), 1));
    }

    #[test]
    fn junk_does_not_drive_out_a_good_certificate() {
        let mut authority = Authority::new();
        let bob = ["bob@x.example"];
        let trust = authority.trust();
        let mut contact = Contact::default();
        let mut learn = |certificate: &Certificate, now: u64| {
            let offer = offer(certificate, Reads::Unknown, now);
            block_on_ready(contact.learn(&RustCrypto, "bob@x.example", &offer, &trust, UnixTime(now)))
        };
        let good = authority.certify(&bob, Usage::Encryption, NOW.0 + 500);
        assert!(learn(&good, NOW.0));
        for _ in 1..MAX_LEARNT {
            assert!(learn(&authority.certify(&bob, Usage::Encryption, NOW.0 + 100), NOW.0));
        }
        // All are good: none makes room. Once some expired, they do.
        let newer = authority.certify(&bob, Usage::Encryption, NOW.0 + 500);
        assert!(!learn(&newer, NOW.0));
        assert!(!learn(&authority.certify(&bob, Usage::Signing, NOW.0 + 500), NOW.0 + 200));
        assert!(learn(&newer, NOW.0 + 200));
        assert_eq!(contact.chains.len(), 2);
        assert_eq!(contact.name, newer.common_name());
    }

    #[test]
    fn what_somebody_said_last_of_their_program_counts_and_nothing_from_the_future() {
        let mut authority = Authority::new();
        let good = authority.certify(&["bob@x.example"], Usage::Encryption, NOW.0 + 500);
        let (trust, mut contact) = (authority.trust(), Contact::default());
        let says = |cipher| Reads::Announced(Capabilities { ciphers: vec![cipher], oaep: true });
        let (gcm, cbc) = (says(ContentEncryption::Aes256Gcm), says(ContentEncryption::Aes256Cbc));
        for (said, at, counts) in [
            (Reads::Unknown, 100, Reads::Unknown),
            (gcm.clone(), 50, gcm.clone()),
            (cbc.clone(), 40, gcm.clone()),
            (cbc.clone(), 60, cbc.clone()),
            (Reads::Unknown, 70, cbc.clone()),
            (gcm.clone(), 1001, cbc.clone()),
        ] {
            let offer = offer(&good, said, NOW.0 - 1000 + at);
            block_on_ready(contact.learn(&RustCrypto, "bob@x.example", &offer, &trust, NOW));
            // As it is stored.
            contact = serde_json::from_str(&serde_json::to_string(&contact).unwrap()).unwrap();
            assert_eq!(contact.candidates()[0].reads, counts, "{at}");
        }
        let before = r#"{"name":null,"chains":[]}"#;
        assert_eq!(serde_json::from_str::<Contact>(before).unwrap(), Contact::default());
    }
}
