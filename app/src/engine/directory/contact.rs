//! What is learnt of people from signed mail, and what is not.

use serde::{Deserialize, Serialize};
use smime::message::{SignerReport, same_mailbox};
use smime::{Certificate, Provider, Trust, UnixTime};

use crate::engine::addresses::is_address;
use crate::engine::recipients::{Candidate, Source, choose};
use crate::engine::trust::{certificate, encoded};

/// Certificates that are kept of one person.
const MAX_LEARNT: usize = 8;
/// Certificates of a chain that are kept.
const MAX_CHAIN: usize = 8;
/// Addresses that are learnt from one certificate.
const MAX_ADDRESSES: usize = 4;

/// What was learnt of a person from signed mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contact {
    /// The name in the newest certificate.
    pub(super) name: Option<String>,
    /// Chains, newest first (base64 of DER).
    pub(super) chains: Vec<Vec<String>>,
}

/// How to write to a signer: the chain of their certificate for encryption, leaf first, and the addresses it
/// may be learnt for, which are the signer's own. Nobody vouches for somebody else.
pub(super) fn offered(
    signer: &SignerReport,
    certificates: &[Certificate],
) -> Option<(Vec<String>, Vec<Certificate>)> {
    let encryption = to_write_to(signer, certificates).filter(|_| signer.valid)?;
    let own = |address: &String| signer.emails.iter().any(|email| same_mailbox(email, address));
    let addresses = encryption.emails().into_iter().filter(|address| is_address(address) && own(address));
    let above = certificates.iter().filter(|one| *one != encryption && !is_leaf(one));
    let chain = std::iter::once(encryption).chain(above).take(MAX_CHAIN).cloned();
    Some((addresses.take(MAX_ADDRESSES).collect(), chain.collect()))
}

impl Contact {
    /// Takes a certificate in that mail to the address could be sealed to now; tells whether it did.
    ///
    /// One that is still good makes room for no other: somebody who sends many would drive out the true one.
    pub(super) async fn learn(
        &mut self,
        provider: &impl Provider,
        address: &str,
        chain: &[Certificate],
        trust: &Trust,
        now: UnixTime,
    ) -> bool {
        let Some(leaf) = chain.first() else { return false };
        let known = encoded(leaf);
        if self.chains.iter().any(|chain| chain.first() == Some(&known)) {
            return false;
        }
        if !is_good(provider, address, chain.to_vec(), trust, now).await {
            return false;
        }
        let mut kept = Vec::with_capacity(self.chains.len() + 1);
        kept.push(chain.iter().map(encoded).collect());
        let full = self.chains.len() >= MAX_LEARNT;
        for chain in &self.chains {
            let read = chain.iter().filter_map(|text| certificate(text)).collect();
            if !full || is_good(provider, address, read, trust, now).await {
                kept.push(chain.clone());
            }
        }
        if kept.len() > MAX_LEARNT {
            return false;
        }
        self.name = leaf.common_name();
        self.chains = kept;
        true
    }
}

async fn is_good(
    provider: &impl Provider,
    address: &str,
    chain: Vec<Certificate>,
    trust: &Trust,
    now: UnixTime,
) -> bool {
    let candidate = Candidate { chain, source: Source::Message };
    choose(provider, address, &[candidate], trust, now).await.is_ok()
}

/// The certificate to write to a signer under (RFC 8551 2.5.3.1): the one they ask for, otherwise one in
/// the message that names the same subject and is for encryption.
fn to_write_to<'a>(signer: &'a SignerReport, certificates: &'a [Certificate]) -> Option<&'a Certificate> {
    let own = signer.certificate.as_ref()?;
    let for_encryption = |one: &&Certificate| one.can_encrypt() && one.subject() == own.subject();
    signer.encryption.as_ref().or_else(|| std::iter::once(own).chain(certificates).find(for_encryption))
}

/// Certificates of people name an address; those of authorities do not.
fn is_leaf(certificate: &Certificate) -> bool {
    !certificate.emails().is_empty()
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;
    use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
    use smime::message::SignerReport;
    use smime::rustcrypto::{MemoryKeyring, RustCrypto};
    use smime::{Certificate, KeyId, Trust, UnixTime, block_on_ready};

    use super::{Contact, MAX_LEARNT, offered};

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

    fn signer(certificate: &Certificate, encryption: &Certificate) -> SignerReport {
        SignerReport {
            emails: certificate.emails(),
            subject: certificate.subject(),
            name: certificate.common_name(),
            issuer: certificate.issuer(),
            valid: true,
            reason: None,
            signed_at: None,
            timestamp: None,
            certificate: Some(certificate.clone()),
            encryption: Some(encryption.clone()),
            capabilities: Capabilities::default(),
            role: None,
        }
    }

    #[test]
    fn nobody_vouches_for_the_keys_of_somebody_else() {
        let mut authority = Authority::new();
        let signing = authority.certify(&["eve@x.example"], Usage::Signing, NOW.0 + 500);
        let mixed = ["eve@x.example", "bob@x.example"];
        let encryption = authority.certify(&mixed, Usage::Encryption, NOW.0 + 500);
        let mut signer = signer(&signing, &encryption);
        let (addresses, chain) = offered(&signer, &[]).unwrap();
        assert_eq!(addresses, ["eve@x.example"]);
        assert_eq!(chain, [encryption]);
        signer.valid = false;
        assert_eq!(offered(&signer, &[]), None);
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
            let chain = std::slice::from_ref(certificate);
            let learning = contact.learn(&RustCrypto, "bob@x.example", chain, &trust, NOW);
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
            let chain = std::slice::from_ref(certificate);
            block_on_ready(contact.learn(&RustCrypto, "bob@x.example", chain, &trust, UnixTime(now)))
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
}
