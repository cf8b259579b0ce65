//! A provider that counts.

use std::cell::Cell;

use smime::rustcrypto::RustCrypto;
use smime::{
    ContentEncryption, Curve, Hash, KeyKind, Provider, ProviderError, SignatureAlgorithm, by_rust_crypto,
};

/// What one message or path may cost, in microseconds of the machine that the costs below are from.
pub const LIMIT: u64 = 50_000;

/// Counts what reading costs: verifying, digesting and decrypting. What is written, nobody hostile decides.
#[derive(Default)]
pub struct Counting {
    pub spent: Cell<u64>,
    pub checks: Cell<usize>,
}

impl Counting {
    fn spend(&self, cost: u64) {
        self.spent.set(self.spent.get() + cost);
    }
}

impl Provider for Counting {
    by_rust_crypto!(encrypt_in_place, wrap_rsa, agree_ephemeral);

    async fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, ProviderError> {
        self.spend(data.len() as u64 / 800);
        RustCrypto.digest(hash, data).await
    }

    async fn verify(
        &self,
        spki: &[u8],
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ProviderError> {
        self.checks.set(self.checks.get() + 1);
        let check = match KeyKind::of(spki) {
            // 52 for 2048 bits and the exponent 65537; the largest exponent that is tried at all,
            // of 33 bits, took less than twice as long.
            KeyKind::Rsa { bits } => (bits as u64).pow(2) * 52 * 2 / 2048_u64.pow(2),
            KeyKind::Ec(Curve::P256) => 142,
            _ => 486,
        };
        self.spend(check + message.len() as u64 / 800);
        RustCrypto.verify(spki, algorithm, message, signature).await
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
        self.spend(buffer.len() as u64 / 800);
        RustCrypto.decrypt_in_place(cipher, key, nonce, aad, buffer, tag).await
    }
}
