//! The keys of an account in this browser: what is known of them besides the private keys themselves.

use serde::{Deserialize, Serialize};
use smime::{Certificate, DecryptionKey, KeyId, Signer};

use super::trust::certificate;
use super::vault::{Generation, StoredKey};

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
    /// Both certificates are there.
    pub fn is_certified(&self) -> bool {
        self.generations
            .last()
            .is_some_and(|pairs| !pairs.signing.chain.is_empty() && !pairs.encryption.chain.is_empty())
    }

    /// The name and the address in the newest certificate of one's own.
    pub fn name_and_address(&self) -> Option<(String, String)> {
        let certificate = self.signer()?.chain.into_iter().next()?;
        let address = certificate.emails().into_iter().next()?;
        Some((certificate.common_name().unwrap_or_else(|| address.clone()), address))
    }

    /// Who signs: the newest keys.
    pub fn signer(&self) -> Option<Signer> {
        let pairs = self.generations.last()?;
        let chain = pairs.signing.certificates();
        let encryption = pairs.encryption.certificates().into_iter().next();
        (!chain.is_empty()).then(|| Signer { key: KeyId::new(&pairs.signing.id), chain, encryption })
    }

    /// The chain of the certificate that others seal to, leaf first.
    pub fn encryption_chain(&self) -> Vec<Certificate> {
        self.generations.last().map(|pairs| pairs.encryption.certificates()).unwrap_or_default()
    }

    /// What opens this account's mail, newest first.
    pub fn decryption_keys(&self) -> Vec<DecryptionKey> {
        self.generations.iter().rev().filter_map(|pairs| pairs.encryption.decryption_key()).collect()
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
    fn ones_own_name_and_address_come_from_the_newest_certificate() {
        let empty = KeyRecord { id: "e".into(), chain: vec![] };
        let mut identity = Identity { box_id: String::new(), vault_key: vec![], generations: vec![] };
        assert_eq!(identity.name_and_address(), None);
        for name in ["Alice Old", "Alice 林爱"] {
            identity.generations.push(Pairs { signing: certified(name), encryption: empty.clone() });
        }
        let own = ("Alice 林爱".to_owned(), "alice@x.example".to_owned());
        assert_eq!(identity.name_and_address(), Some(own));
    }
}
