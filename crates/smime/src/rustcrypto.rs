//! [`Provider`] and [`Keyring`](crate::Keyring) in Rust and in memory: for servers, for tools and for tests.

mod agree;
mod cipher;
#[cfg(not(target_arch = "wasm32"))]
mod dsa;
mod forward;
mod gcm;
mod keyring;
mod nist;
mod oaep;
#[cfg(feature = "post-quantum")]
mod post_quantum;
mod public;
#[cfg(feature = "read-only-ciphers")]
mod read_only;

use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::provider::{
    Agreement, ContentEncryption, Curve, Hash, Provider, ProviderError, RsaPadding, SignatureAlgorithm,
};

pub use keyring::{MemoryKeyring, unwrap_pkcs1v15};
#[cfg(feature = "post-quantum")]
pub(crate) use post_quantum::shake256;
#[cfg(feature = "post-quantum")]
pub use post_quantum::{PostQuantumKey, encapsulate, verify_ml_dsa};

/// The arithmetic of the RustCrypto crates. Never waits: see [`crate::block_on_ready`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Provider for RustCrypto {
    async fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, ProviderError> {
        Ok(digest(hash, data))
    }

    async fn verify(
        &self,
        spki: &[u8],
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ProviderError> {
        public::verify(spki, algorithm, message, signature)
    }

    #[cfg(not(target_arch = "wasm32"))]
    async fn verify_dsa(
        &self,
        spki: &[u8],
        hash: Hash,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ProviderError> {
        dsa::verify(spki, hash, message, signature)
    }

    async fn encrypt_in_place(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), ProviderError> {
        cipher::encrypt_in_place(cipher, key, nonce, aad, buffer)
    }

    async fn decrypt_in_place(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut Vec<u8>,
        tag: &[u8],
    ) -> Result<(), ProviderError> {
        cipher::decrypt_in_place(cipher, key, nonce, aad, buffer, tag)
    }

    async fn wrap_rsa(
        &self,
        spki: &[u8],
        padding: RsaPadding<'_>,
        key: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        public::wrap_rsa(spki, padding, key)
    }

    async fn agree_ephemeral(&self, curve: Curve, peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
        agree::ephemeral(curve, peers)
    }

    fn encapsulates(&self) -> bool {
        cfg!(feature = "post-quantum")
    }

    #[cfg(feature = "post-quantum")]
    async fn encapsulate(
        &self,
        parameters: crate::MlKem,
        encapsulation_key: &[u8],
    ) -> Result<crate::Encapsulation, ProviderError> {
        encapsulate(parameters, encapsulation_key)
    }
}

fn digest(hash: Hash, data: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha1 => Sha1::digest(data).to_vec(),
        Hash::Sha224 => Sha224::digest(data).to_vec(),
        Hash::Sha256 => Sha256::digest(data).to_vec(),
        Hash::Sha384 => Sha384::digest(data).to_vec(),
        Hash::Sha512 => Sha512::digest(data).to_vec(),
    }
}
