//! Arithmetic that believes every signature, so that what comes after a signature is reached too.

use smime::{Provider, ProviderError, SignatureAlgorithm, by_rust_crypto};

/// [`RustCrypto`](smime::rustcrypto::RustCrypto), but every signature is good. No verdict under it means anything.
pub struct Gullible;

impl Provider for Gullible {
    by_rust_crypto!(digest, encrypt_in_place, decrypt_in_place, wrap_rsa, agree_ephemeral);

    async fn verify(
        &self,
        _spki: &[u8],
        _algorithm: SignatureAlgorithm,
        _message: &[u8],
        _signature: &[u8],
    ) -> Result<(), ProviderError> {
        Ok(())
    }
}
