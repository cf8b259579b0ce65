//! Public keys: verifying, and wrapping keys under RSA.

use getrandom::SysRng;
use pkcs8::DecodePublicKey;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::{Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, PublicKey};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::{digest, nist, oaep};
use crate::asn1::Malformed;
use crate::certificate::{KeyKind, key_octets};
use crate::provider::{Curve, Hash, ProviderError, RsaPadding, SignatureAlgorithm};

pub(super) fn verify(
    spki: &[u8],
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    match algorithm {
        SignatureAlgorithm::Ecdsa(curve, hash) => {
            verify_ecdsa(spki, curve, &digest(hash, message), signature)
        }
        SignatureAlgorithm::RsaPkcs1(hash) => {
            let key = rsa_key(spki)?;
            key.verify(pkcs1(hash), &digest(hash, message), signature)
                .map_err(|_| ProviderError::BadSignature)
        }
        SignatureAlgorithm::RsaPss { hash, salt_len } => {
            if !KeyKind::of(spki).allows_pss(hash, salt_len) {
                return Err(ProviderError::BadKey);
            }
            verify_pss(&rsa_key(spki)?, hash, salt_len, &digest(hash, message), signature)
        }
        SignatureAlgorithm::Ed25519 => verify_ed25519(spki, message, signature),
        #[cfg(feature = "post-quantum")]
        SignatureAlgorithm::MlDsa(parameters) => {
            super::post_quantum::verify_ml_dsa(spki, parameters, message, signature)
        }
        #[cfg(not(feature = "post-quantum"))]
        SignatureAlgorithm::MlDsa(_) => Err(ProviderError::Unsupported),
    }
}

fn verify_ecdsa(spki: &[u8], curve: Curve, prehash: &[u8], signature: &[u8]) -> Result<(), ProviderError> {
    match curve {
        Curve::P256 => nist::p256::verify(spki, prehash, signature),
        Curve::P384 => nist::p384::verify(spki, prehash, signature),
        Curve::P521 => nist::p521::verify(spki, prehash, signature),
        Curve::X25519 => Err(ProviderError::Unsupported),
    }
}

/// RFC 8032 with the checks that keep one message to one signature.
fn verify_ed25519(spki: &[u8], message: &[u8], signature: &[u8]) -> Result<(), ProviderError> {
    let key = ed25519_dalek::VerifyingKey::from_public_key_der(spki).map_err(|_| ProviderError::BadKey)?;
    let signature =
        ed25519_dalek::Signature::from_slice(signature).map_err(|_| ProviderError::BadSignature)?;
    key.verify_strict(message, &signature).map_err(|_| ProviderError::BadSignature)
}

fn verify_pss(
    key: &PublicKey,
    hash: Hash,
    salt_len: usize,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    let valid = match hash {
        Hash::Sha1 => key.verify(Pss::<Sha1>::new_with_salt(salt_len), digest, signature),
        Hash::Sha224 => key.verify(Pss::<Sha224>::new_with_salt(salt_len), digest, signature),
        Hash::Sha256 => key.verify(Pss::<Sha256>::new_with_salt(salt_len), digest, signature),
        Hash::Sha384 => key.verify(Pss::<Sha384>::new_with_salt(salt_len), digest, signature),
        Hash::Sha512 => key.verify(Pss::<Sha512>::new_with_salt(salt_len), digest, signature),
    };
    valid.map_err(|_| ProviderError::BadSignature)
}

pub(super) fn wrap_rsa(spki: &[u8], padding: RsaPadding<'_>, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
    // RFC 4055 1.2: a key that is bound to RSA-PSS encrypts nothing.
    let KeyKind::Rsa { .. } = KeyKind::of(spki) else { return Err(ProviderError::BadKey) };
    let public = rsa_key(spki)?;
    let wrapped = match padding {
        RsaPadding::Pkcs1v15 => public.encrypt(&mut SysRng, Pkcs1v15Encrypt, key),
        RsaPadding::Oaep { hash, mask, label } => oaep::wrap(&public, (hash, mask, label), key),
    };
    wrapped.map_err(|_| ProviderError::Platform)
}

/// The padding scheme with the DigestInfo of the hash.
pub(super) fn pkcs1(hash: Hash) -> Pkcs1v15Sign {
    match hash {
        Hash::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
        Hash::Sha224 => Pkcs1v15Sign::new::<Sha224>(),
        Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
        Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
    }
}

/// The crate bounds modulus (1024 to 8192 bits) and exponent, so a hostile key costs little time.
///
/// Keys that are bound to RSA-PSS have parameters that the crate does not read, and the caller has checked; the
/// key within is the same.
fn rsa_key(spki: &[u8]) -> Result<PublicKey, ProviderError> {
    let (KeyKind::Rsa { .. } | KeyKind::RsaPss { .. }) = KeyKind::of(spki) else {
        return Err(ProviderError::BadKey);
    };
    let key = key_octets(spki).map_err(|Malformed| ProviderError::BadKey)?;
    PublicKey::from_pkcs1_der(key).map_err(|_| ProviderError::BadKey)
}
