//! Private keys, and beside each RSA key what AWS-LC makes of it: one form for signing and one for decryption, since
//! it has no single type for both, and the key in Rust for what it does not do.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{self, RsaSignatureEncoding};
use zeroize::Zeroizing;

use super::oaep;
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::{Hash, RsaPadding, SignatureAlgorithm};
use crate::rustcrypto::MemoryKeyring;

/// [`MemoryKeyring`] with RSA by AWS-LC; keys are wiped when the keyring is dropped.
#[derive(Default)]
pub struct AwsLcKeyring {
    keys: MemoryKeyring,
    rsa: HashMap<KeyId, Rsa>,
}

/// An RSA key that AWS-LC takes, for either use.
struct Rsa {
    signing: KeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl AwsLcKeyring {
    /// A keyring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a private key in PKCS#8, of the kinds that [`MemoryKeyring::insert_pkcs8`] takes.
    pub fn insert_pkcs8(&mut self, id: KeyId, der: &[u8]) -> Result<(), KeyringError> {
        self.keys.insert_pkcs8(id.clone(), der)?;
        match Rsa::from_pkcs8(der) {
            Some(key) => self.rsa.insert(id, key),
            None => self.rsa.remove(&id),
        };
        Ok(())
    }

    /// The SubjectPublicKeyInfo of a key.
    pub fn spki(&self, id: &KeyId) -> Result<Vec<u8>, KeyringError> {
        self.keys.spki(id)
    }
}

impl fmt::Debug for AwsLcKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.fmt(f)
    }
}

impl Keyring for AwsLcKeyring {
    async fn sign(
        &self,
        key: &KeyId,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        match self.rsa.get(key).zip(encoding(algorithm)) {
            Some((rsa, encoding)) => rsa.sign(encoding, message),
            None => self.keys.sign(key, algorithm, message).await,
        }
    }

    async fn unwrap_rsa(
        &self,
        key: &KeyId,
        padding: RsaPadding<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let Some((rsa, (algorithm, label))) = self.rsa.get(key).zip(oaep(padding)) else {
            return self.keys.unwrap_rsa(key, padding, wrapped).await;
        };
        let mut room = Zeroizing::new(vec![0; rsa.decrypting.min_output_size()]);
        let unwrapped = rsa.decrypting.decrypt(algorithm, wrapped, &mut room, Some(label));
        unwrapped.map(|key| Zeroizing::new(key.to_vec())).map_err(|_| KeyringError::Failed)
    }

    async fn agree(&self, key: &KeyId, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.keys.agree(key, peer).await
    }

    async fn decapsulate(&self, key: &KeyId, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.keys.decapsulate(key, ciphertext).await
    }
}

impl Rsa {
    /// None for what AWS-LC does not take: other kinds, keys bound to RSA-PSS, keys below 2048 bits.
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let signing = KeyPair::from_pkcs8(der).ok()?;
        let decrypting = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(der).ok()?).ok()?;
        Some(Self { signing, decrypting })
    }

    fn sign(&self, encoding: &'static RsaSignatureEncoding, message: &[u8]) -> Result<Vec<u8>, KeyringError> {
        let mut made = vec![0; self.signing.public_modulus_len()];
        let signed = self.signing.sign(encoding, &SystemRandom::new(), message, &mut made);
        signed.map(|()| made).map_err(|_| KeyringError::Failed)
    }
}

const fn encoding(algorithm: SignatureAlgorithm) -> Option<&'static RsaSignatureEncoding> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(Hash::Sha256) => Some(&signature::RSA_PKCS1_SHA256),
        SignatureAlgorithm::RsaPkcs1(Hash::Sha384) => Some(&signature::RSA_PKCS1_SHA384),
        SignatureAlgorithm::RsaPkcs1(Hash::Sha512) => Some(&signature::RSA_PKCS1_SHA512),
        SignatureAlgorithm::RsaPss { hash: Hash::Sha256, salt_len: 32 } => Some(&signature::RSA_PSS_SHA256),
        SignatureAlgorithm::RsaPss { hash: Hash::Sha384, salt_len: 48 } => Some(&signature::RSA_PSS_SHA384),
        SignatureAlgorithm::RsaPss { hash: Hash::Sha512, salt_len: 64 } => Some(&signature::RSA_PSS_SHA512),
        _ => None,
    }
}
