use std::collections::HashMap;
use std::fmt;

use getrandom::SysRng;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::elliptic_curve::Generate;
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rand_core::CryptoRng;
use rsa::{Pkcs1v15Encrypt, Pss};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::{agree, digest, oaep, public};
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::{Curve, Hash, RsaPadding, SignatureAlgorithm};

/// Private keys in memory; they are wiped when the keyring is dropped.
#[derive(Default)]
pub struct MemoryKeyring {
    keys: HashMap<KeyId, PrivateKey>,
}

// Both kinds wipe themselves when dropped.
enum PrivateKey {
    P256(p256::SecretKey),
    Rsa(Box<rsa::PrivateKey>),
}

impl MemoryKeyring {
    /// A keyring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a private key in PKCS#8 (RFC 5958).
    pub fn insert_pkcs8(&mut self, id: KeyId, der: &[u8]) -> Result<(), KeyringError> {
        let key = if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
            PrivateKey::P256(key)
        } else if let Ok(key) = rsa::PrivateKey::from_pkcs8_der(der) {
            PrivateKey::Rsa(Box::new(key))
        } else {
            return Err(KeyringError::Malformed);
        };
        self.keys.insert(id, key);
        Ok(())
    }

    /// Makes a P-256 key and gives its SubjectPublicKeyInfo.
    pub fn generate_p256(&mut self, id: KeyId, rng: &mut impl CryptoRng) -> Result<Vec<u8>, KeyringError> {
        self.keys.insert(id.clone(), PrivateKey::P256(p256::SecretKey::generate_from_rng(rng)));
        self.spki(&id)
    }

    /// Makes an RSA key and gives its SubjectPublicKeyInfo. Slow: seconds without optimisation.
    pub fn generate_rsa(
        &mut self,
        id: KeyId,
        bits: usize,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, KeyringError> {
        let key = rsa::PrivateKey::new(rng, bits).map_err(|_| KeyringError::Unsupported)?;
        self.keys.insert(id.clone(), PrivateKey::Rsa(Box::new(key)));
        self.spki(&id)
    }

    /// The SubjectPublicKeyInfo of a key.
    pub fn spki(&self, id: &KeyId) -> Result<Vec<u8>, KeyringError> {
        let spki = match self.key(id)? {
            PrivateKey::P256(key) => key.public_key().to_public_key_der(),
            PrivateKey::Rsa(key) => key.to_public_key().to_public_key_der(),
        };
        Ok(spki.map_err(|_| KeyringError::Failed)?.into_vec())
    }

    /// The PKCS#8 of a key, to be kept safe by the caller.
    pub fn pkcs8(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let pkcs8 = match self.key(id)? {
            PrivateKey::P256(key) => key.to_pkcs8_der(),
            PrivateKey::Rsa(key) => key.to_pkcs8_der(),
        };
        Ok(Zeroizing::new(pkcs8.map_err(|_| KeyringError::Failed)?.as_bytes().to_vec()))
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
        match (self.key(key)?, algorithm) {
            (PrivateKey::P256(key), SignatureAlgorithm::Ecdsa(Curve::P256, hash)) => {
                let signature: p256::ecdsa::DerSignature = p256::ecdsa::SigningKey::from(key)
                    .sign_prehash(&digest(hash, message))
                    .map_err(|_| KeyringError::Failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            (PrivateKey::Rsa(key), algorithm) => sign_rsa(key, algorithm, message),
            _ => Err(KeyringError::WrongKind),
        }
    }

    async fn unwrap_rsa(
        &self,
        key: &KeyId,
        padding: RsaPadding,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let PrivateKey::Rsa(key) = self.key(key)? else { return Err(KeyringError::WrongKind) };
        let unwrapped = match padding {
            RsaPadding::Pkcs1v15 => key.decrypt_blinded(&mut SysRng, Pkcs1v15Encrypt, wrapped),
            RsaPadding::Oaep(label, mgf) => oaep::unwrap(key, label, mgf, wrapped),
        };
        unwrapped.map(Zeroizing::new).map_err(|_| KeyringError::Failed)
    }

    async fn agree(&self, key: &KeyId, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        match self.key(key)? {
            PrivateKey::P256(key) => agree::p256_shared(key, peer).ok_or(KeyringError::Failed),
            PrivateKey::Rsa(_) => Err(KeyringError::WrongKind),
        }
    }
}

fn sign_rsa(
    key: &rsa::PrivateKey,
    algorithm: SignatureAlgorithm,
    message: &[u8],
) -> Result<Vec<u8>, KeyringError> {
    let rng = &mut SysRng;
    let signature = match algorithm {
        SignatureAlgorithm::RsaPkcs1(hash) => {
            key.sign_with_rng(rng, public::pkcs1(hash), &digest(hash, message))
        }
        SignatureAlgorithm::RsaPss { hash, salt_len } => {
            let digest = digest(hash, message);
            match hash {
                Hash::Sha1 => key.sign_with_rng(rng, Pss::<Sha1>::new_with_salt(salt_len), &digest),
                Hash::Sha256 => key.sign_with_rng(rng, Pss::<Sha256>::new_with_salt(salt_len), &digest),
                Hash::Sha384 => key.sign_with_rng(rng, Pss::<Sha384>::new_with_salt(salt_len), &digest),
                Hash::Sha512 => key.sign_with_rng(rng, Pss::<Sha512>::new_with_salt(salt_len), &digest),
            }
        }
        _ => return Err(KeyringError::WrongKind),
    };
    signature.map_err(|_| KeyringError::Failed)
}
