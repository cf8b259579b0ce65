//! [`RustCrypto`] and [`MemoryKeyring`](crate::rustcrypto::MemoryKeyring) with the RSA arithmetic of AWS-LC, which
//! is several times as fast.
//!
//! What AWS-LC does not have, or refuses, is still computed in Rust: keys below 2048 bits or beyond 8192, SHA-1,
//! SHA-224, salts of other lengths than the hash's, OAEP with two hashes, and every decryption by
//! RSAES-PKCS1-v1_5, which AWS-LC does not reject implicitly.

mod keyring;

use aws_lc_rs::rsa::{OaepAlgorithm, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{ParsedPublicKey, RsaParameters};
use aws_lc_rs::{rsa, signature};

use crate::by_rust_crypto;
use crate::certificate::{KeyKind, key_octets};
use crate::provider::{Hash, Provider, ProviderError, RsaPadding, SignatureAlgorithm};
use crate::rustcrypto::RustCrypto;

pub use keyring::AwsLcKeyring;

/// [`RustCrypto`] with RSA by AWS-LC. Never waits: see [`crate::block_on_ready`].
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Provider for AwsLc {
    by_rust_crypto!(digest, verify_dsa, encrypt_in_place, decrypt_in_place, agree_ephemeral, encapsulate);

    async fn verify(
        &self,
        spki: &[u8],
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ProviderError> {
        match public_key(spki, algorithm) {
            Some(key) => key.verify_sig(message, signature).map_err(|_| ProviderError::BadSignature),
            None => RustCrypto.verify(spki, algorithm, message, signature).await,
        }
    }

    async fn wrap_rsa(
        &self,
        spki: &[u8],
        padding: RsaPadding<'_>,
        key: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        match wrap_oaep(spki, padding, key) {
            Some(wrapped) => Ok(wrapped),
            None => RustCrypto.wrap_rsa(spki, padding, key).await,
        }
    }

    fn encapsulates(&self) -> bool {
        RustCrypto.encapsulates()
    }
}

/// The key, if it is one that AWS-LC verifies such signatures with: its verdict is then the last.
fn public_key(spki: &[u8], algorithm: SignatureAlgorithm) -> Option<ParsedPublicKey> {
    let algorithm = match (KeyKind::of(spki), algorithm) {
        (KeyKind::Rsa { bits: 2048..=8192 }, SignatureAlgorithm::RsaPkcs1(hash)) => pkcs1(hash)?,
        (
            kind @ (KeyKind::Rsa { bits: 2048..=8192 } | KeyKind::RsaPss { bits: 2048..=8192, .. }),
            SignatureAlgorithm::RsaPss { hash, salt_len },
        ) if kind.allows_pss(hash, salt_len) => pss(hash, salt_len)?,
        _ => return None,
    };
    ParsedPublicKey::new(algorithm, key_octets(spki).ok()?).ok()
}

const fn pkcs1(hash: Hash) -> Option<&'static RsaParameters> {
    match hash {
        Hash::Sha256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Hash::Sha384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Hash::Sha512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Hash::Sha1 | Hash::Sha224 => None,
    }
}

/// AWS-LC's parameters fix the salt at the length of the hash.
const fn pss(hash: Hash, salt_len: usize) -> Option<&'static RsaParameters> {
    match (hash, salt_len) {
        (Hash::Sha256, 32) => Some(&signature::RSA_PSS_2048_8192_SHA256),
        (Hash::Sha384, 48) => Some(&signature::RSA_PSS_2048_8192_SHA384),
        (Hash::Sha512, 64) => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

/// AWS-LC's name of a padding, and the label.
const fn oaep(padding: RsaPadding<'_>) -> Option<(&'static OaepAlgorithm, &[u8])> {
    let RsaPadding::Oaep { hash, mask, label } = padding else { return None };
    let algorithm = match (hash, mask) {
        (Hash::Sha1, Hash::Sha1) => &rsa::OAEP_SHA1_MGF1SHA1,
        (Hash::Sha256, Hash::Sha256) => &rsa::OAEP_SHA256_MGF1SHA256,
        (Hash::Sha384, Hash::Sha384) => &rsa::OAEP_SHA384_MGF1SHA384,
        (Hash::Sha512, Hash::Sha512) => &rsa::OAEP_SHA512_MGF1SHA512,
        _ => return None,
    };
    Some((algorithm, label))
}

fn wrap_oaep(spki: &[u8], padding: RsaPadding<'_>, key: &[u8]) -> Option<Vec<u8>> {
    let (algorithm, label) = oaep(padding)?;
    let KeyKind::Rsa { bits: 2048..=8192 } = KeyKind::of(spki) else { return None };
    let public = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(spki).ok()?).ok()?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let length = public.encrypt(algorithm, key, &mut wrapped, Some(label)).ok()?.len();
    wrapped.truncate(length);
    Some(wrapped)
}
