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
