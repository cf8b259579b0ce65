//! The keys of an account in this browser: what is known of them besides the private keys themselves.

use serde::{Deserialize, Serialize};
use smime::{Certificate, DecryptionKey, KeyId, Signer, UnixTime};

use super::trust::certificate;
use super::vault::{Generation, StoredKey};

/// So many seconds before a certificate ends its owner is told (RFC 9787 8.2.2: a month).
pub const MONTH: u64 = 30 * 86_400;

/// The current keys of this browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The box of the vault that holds the same keys.
    pub box_id: String,
    /// The vault key under this browser's device key.
    pub vault_key: Vec<u8>,
    /// Every generation of keys, oldest first.
    pub generations: Vec<Pairs>,
}

/// One signing pair and one encryption pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// The signing pair.
    pub signing: KeyRecord,
    /// The encryption pair.
    pub encryption: KeyRecord,
}

/// What belongs to a private key of the keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its name in the keyring.
    pub id: String,
    /// Its certificate and the issuers, once there is one (base64 of DER).
    pub chain: Vec<String>,
}

impl Identity {
    /// There are keys with both certificates.
    pub fn is_certified(&self) -> bool {
        self.current().is_some()
    }

    /// The newest keys wait for a certificate.
    pub fn is_begun(&self) -> bool {
        self.generations.last().is_some_and(|pairs| !pairs.is_certified())
    }

    /// When the first of both certificates, or of those that vouch for them, ends, if that is within so many seconds.
    pub fn ending(&self, now: UnixTime, within: u64) -> Option<UnixTime> {
        let pairs = self.current()?;
        let end = |key: &KeyRecord| key.certificates().iter().map(Certificate::not_after).min();
        Some(end(&pairs.signing)?.min(end(&pairs.encryption)?)).filter(|end| *end < now.plus(within))
    }

    /// Takes over what the vault has more. Nothing that is certified goes: a relay can give an older vault back. Keys
    /// that wait for a certificate do so in the vault; where that has them no more, the renewal is begun anew.
    pub fn join(&mut self, generations: &[Generation]) {
        let is_kept = |known: &Pairs| generations.iter().any(|pairs| pairs.signing.id == known.signing.id);
        self.generations.retain(|known| known.is_certified() || is_kept(known));
        for pairs in generations.iter().map(Pairs::from) {
            match self.generations.iter_mut().find(|known| known.signing.id == pairs.signing.id) {
                Some(known) if known.is_certified() => {}
                Some(known) => *known = pairs,
                None => self.generations.push(pairs),
            }
        }
    }

    /// The newest keys that are certified.
    fn current(&self) -> Option<&Pairs> {
        self.generations.iter().rev().find(|pairs| pairs.is_certified())
    }

    /// The name and the address in the newest certificate of one's own.
    pub fn name_and_address(&self) -> Option<(String, String)> {
        let certificate = self.signer()?.chain.into_iter().next()?;
        let address = certificate.emails().into_iter().next()?;
        Some((certificate.common_name().unwrap_or_else(|| address.clone()), address))
    }

    /// Who signs: the newest keys that are certified.
    pub fn signer(&self) -> Option<Signer> {
        let pairs = self.current()?;
        let chain = pairs.signing.certificates();
        let encryption = pairs.encryption.certificates().into_iter().next();
        (!chain.is_empty()).then(|| Signer { key: KeyId::new(&pairs.signing.id), chain, encryption })
    }

    /// The chain of the certificate that others seal to, leaf first.
    pub fn encryption_chain(&self) -> Vec<Certificate> {
        self.current().map(|pairs| pairs.encryption.certificates()).unwrap_or_default()
    }

    /// What opens this account's mail, newest first.
    pub fn decryption_keys(&self) -> Vec<DecryptionKey> {
        self.generations.iter().rev().filter_map(|pairs| pairs.encryption.decryption_key()).collect()
    }
}

impl Pairs {
    fn is_certified(&self) -> bool {
        !self.signing.chain.is_empty() && !self.encryption.chain.is_empty()
    }
}

impl KeyRecord {
    /// Its certificates, leaf first; what cannot be read is left out.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.chain.iter().filter_map(|text| certificate(text)).collect()
    }

    /// As a key that opens mail.
    pub fn decryption_key(&self) -> Option<DecryptionKey> {
        let certificate = self.certificates().into_iter().next()?;
        Some(DecryptionKey { key: KeyId::new(&self.id), certificate })
    }
}

impl From<&StoredKey> for KeyRecord {
    fn from(key: &StoredKey) -> Self {
        Self { id: key.id.clone(), chain: key.chain.clone() }
    }
}

impl From<&Generation> for Pairs {
    fn from(generation: &Generation) -> Self {
        Self { signing: (&generation.signing).into(), encryption: (&generation.encryption).into() }
    }
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;
    use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
    use smime::rustcrypto::MemoryKeyring;
    use smime::{KeyId, UnixTime, block_on_ready};

    use super::{Identity, KeyRecord, Pairs};
    use crate::engine::trust::encoded;
    use crate::engine::vault::{Generation, StoredKey};

    fn certified(name: &str) -> KeyRecord {
        let (mut keyring, root, key) = (MemoryKeyring::new(), KeyId::new("root"), KeyId::new("key"));
        let root_spki = keyring.generate_p256(root.clone(), &mut UnwrapErr(getrandom::SysRng)).unwrap();
        let spki = keyring.generate_p256(key, &mut UnwrapErr(getrandom::SysRng)).unwrap();
        let (from, to) = (UnixTime(1_800_000_000), UnixTime(1_800_001_000));
        let authority = self_signed_root(&keyring, &root, &root_spki, "Root", [1; 16], from, to);
        let certificate = block_on_ready(authority).unwrap();
        let issuer = Issuer { key: root, certificate };
        let profile = Profile {
            common_name: name.into(),
            organisation: None,
            emails: vec!["alice@x.example".into()],
            usage: Usage::Signing,
            serial: [2; 16],
            not_before: from,
            not_after: to,
        };
        let certificate = block_on_ready(issue(&keyring, &issuer, &spki, &profile)).unwrap();
        KeyRecord { id: "key".into(), chain: vec![encoded(&certificate)] }
    }

    #[test]
    fn certificates_end_soon_a_month_before_the_first_of_them_does() {
        let (key, empty) = (certified("Alice"), KeyRecord { id: "e".into(), chain: vec![] });
        let end = UnixTime(1_800_001_000);
        let identity = |encryption: &KeyRecord| {
            let generations = vec![Pairs { signing: key.clone(), encryption: encryption.clone() }];
            Identity { box_id: String::new(), vault_key: vec![], generations }
        };
        assert_eq!(identity(&key).ending(UnixTime(end.0 - super::MONTH), super::MONTH), None);
        assert_eq!(identity(&key).ending(UnixTime(end.0 - super::MONTH + 1), super::MONTH), Some(end));
        assert_eq!(identity(&key).ending(end.plus(1), super::MONTH), Some(end));
        assert_eq!(identity(&empty).ending(end, super::MONTH), None);
    }

    #[test]
    fn ones_own_name_and_address_come_from_the_newest_certificate() {
        let mut identity = Identity { box_id: String::new(), vault_key: vec![], generations: vec![] };
        assert_eq!(identity.name_and_address(), None);
        for name in ["Alice Old", "Alice 林爱"] {
            identity.generations.push(Pairs { signing: certified(name), encryption: certified(name) });
        }
        let own = ("Alice 林爱".to_owned(), "alice@x.example".to_owned());
        assert_eq!(identity.name_and_address(), Some(own));
    }

    fn generation(name: &str, chain: &[String]) -> Generation {
        let key = |part: &str| StoredKey {
            id: format!("{name} {part}"),
            pkcs8: String::new(),
            request: String::new(),
            chain: chain.to_vec(),
        };
        Generation { signing: key("signing"), encryption: key("encryption") }
    }

    #[test]
    fn keys_that_wait_for_a_certificate_sign_nothing_yet() {
        let chain = certified("Alice").chain;
        let (old, new) = (generation("old", &chain), generation("new", &[]));
        let mut identity = Identity { box_id: String::new(), vault_key: vec![], generations: vec![] };
        identity.join(&[old.clone(), new]);
        assert!(identity.is_begun() && identity.is_certified());
        assert_eq!(identity.signer().unwrap().key, KeyId::new("old signing"));
        identity.join(&[old, generation("new", &chain)]);
        assert!(!identity.is_begun());
        assert_eq!(identity.signer().unwrap().key, KeyId::new("new signing"));
    }

    #[test]
    fn an_older_vault_takes_no_keys_away() {
        let chain = certified("Alice").chain;
        let (old, new) = (generation("old", &chain), generation("new", &chain));
        let mut identity = Identity { box_id: String::new(), vault_key: vec![], generations: vec![] };
        identity.join(&[old.clone(), new]);
        let before = identity.clone();
        identity.join(&[old]);
        identity.join(&[generation("old", &[]), generation("new", &[])]);
        assert_eq!(identity, before);
    }

    #[test]
    fn a_renewal_that_an_older_vault_does_not_know_is_begun_no_more() {
        let old = generation("old", &certified("Alice").chain);
        let mut identity = Identity { box_id: String::new(), vault_key: vec![], generations: vec![] };
        identity.join(&[old.clone(), generation("new", &[])]);
        assert!(identity.is_begun());
        identity.join(std::slice::from_ref(&old));
        assert!(identity.is_certified() && !identity.is_begun());
        // The relay gives the newer vault back after all.
        identity.join(&[old, generation("new", &[])]);
        assert!(identity.is_begun());
    }
}
