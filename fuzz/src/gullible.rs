//! Arithmetic that believes every signature, so that what comes after a signature is reached too.

use smime::rustcrypto::RustCrypto;
use smime::{Agreement, ContentEncryption, Hash, Provider, ProviderError, RsaPadding, SignatureAlgorithm};

/// [`RustCrypto`], but every signature is good. No verdict under it means anything.
pub struct Gullible;

impl Provider for Gullible {
    async fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, ProviderError> {
        RustCrypto.digest(hash, data).await
    }

    async fn verify(
        &self,
        _spki: &[u8],
        _algorithm: SignatureAlgorithm,
        _message: &[u8],
        _signature: &[u8],
    ) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn encrypt_in_place(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), ProviderError> {
        RustCrypto.encrypt_in_place(cipher, key, nonce, aad, buffer).await
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
        RustCrypto.decrypt_in_place(cipher, key, nonce, aad, buffer, tag).await
    }

    async fn wrap_rsa(&self, spki: &[u8], padding: RsaPadding, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
        RustCrypto.wrap_rsa(spki, padding, key).await
    }

    async fn agree_ephemeral(
        &self,
        curve: smime::Curve,
        peers: &[&[u8]],
    ) -> Result<Agreement, ProviderError> {
        RustCrypto.agree_ephemeral(curve, peers).await
    }
}
