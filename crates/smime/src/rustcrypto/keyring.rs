mod private_key;

use std::collections::HashMap;
use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::certificate::KeyKind;
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::{Curve, RsaPadding, SignatureAlgorithm};
use private_key::PrivateKey;
pub use private_key::unwrap_pkcs1v15;

/// Private keys in memory; they are wiped when the keyring is dropped.
#[derive(Default)]
pub struct MemoryKeyring {
    keys: HashMap<KeyId, PrivateKey>,
}

impl MemoryKeyring {
    /// A keyring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a private key in PKCS#8 (RFC 5958): RSA, P-256, P-384, P-521, X25519, Ed25519, ML-DSA
    /// or ML-KEM.
    pub fn insert_pkcs8(&mut self, id: KeyId, der: &[u8]) -> Result<(), KeyringError> {
        self.keys.insert(id, PrivateKey::from_pkcs8(der)?);
        Ok(())
    }

    /// Makes a P-256 key and gives its SubjectPublicKeyInfo.
    pub fn generate_p256(&mut self, id: KeyId, rng: &mut impl CryptoRng) -> Result<Vec<u8>, KeyringError> {
        self.insert(id, PrivateKey::generate(KeyKind::Ec(Curve::P256), rng)?)
    }

    /// Makes a key of a kind and gives its SubjectPublicKeyInfo. RSA is slow: seconds without optimisation.
    ///
    /// Kinds that this keyring does not have are [`KeyringError::Unsupported`].
    pub fn generate(
        &mut self,
        id: KeyId,
        kind: KeyKind,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, KeyringError> {
        self.insert(id, PrivateKey::generate(kind, rng)?)
    }

    /// Makes an RSA key and gives its SubjectPublicKeyInfo. Slow: seconds without optimisation.
    pub fn generate_rsa(
        &mut self,
        id: KeyId,
        bits: usize,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, KeyringError> {
        self.insert(id, PrivateKey::generate(KeyKind::Rsa { bits }, rng)?)
    }

    /// The SubjectPublicKeyInfo of a key.
    pub fn spki(&self, id: &KeyId) -> Result<Vec<u8>, KeyringError> {
        self.key(id)?.spki()
    }

    /// The PKCS#8 of a key, to be kept safe by the caller.
    pub fn pkcs8(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.key(id)?.pkcs8()
    }

    fn insert(&mut self, id: KeyId, key: PrivateKey) -> Result<Vec<u8>, KeyringError> {
        let spki = key.spki()?;
        self.keys.insert(id, key);
        Ok(spki)
    }

    fn key(&self, id: &KeyId) -> Result<&PrivateKey, KeyringError> {
        self.keys.get(id).ok_or(KeyringError::UnknownKey)
    }
}

impl fmt::Debug for MemoryKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

impl Keyring for MemoryKeyring {
    async fn sign(
        &self,
        key: &KeyId,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        self.key(key)?.sign(algorithm, message)
    }

    async fn unwrap_rsa(
        &self,
        key: &KeyId,
        padding: RsaPadding<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.key(key)?.unwrap_rsa(padding, wrapped)
    }

    async fn agree(&self, key: &KeyId, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.key(key)?.agree(peer)
    }

    async fn decapsulate(&self, key: &KeyId, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.key(key)?.decapsulate(ciphertext)
    }
}
