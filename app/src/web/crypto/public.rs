//! Public keys, imported once, and what is done with them.

use js_sys::Object;
use smime::{ProviderError, SignatureAlgorithm};
use web_sys::CryptoKey;

use super::primitives::{Refused, ec, hash_name, import, nist, params, subtle, wait};
use super::{ecdsa, remembered};

/// Checks a signature by WebCrypto, every time.
pub(super) async fn check(
    spki: &[u8],
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    match algorithm {
        SignatureAlgorithm::Ecdsa(curve, hash) => {
            let (name, coordinate) = nist(curve).ok_or(ProviderError::Unsupported)?;
            let raw = ecdsa::raw_from_der(signature, coordinate).ok_or(ProviderError::BadSignature)?;
            let key = public("spki", spki, &format!("ECDSA {name}"), &ec("ECDSA", name), "verify").await?;
            let algorithm = params(&[("name", "ECDSA".into()), ("hash", hash_name(hash).into())]);
            check_with(&algorithm, &key, message, &raw).await
        }
        SignatureAlgorithm::RsaPkcs1(hash) => {
            let algorithm = params(&[("name", "RSASSA-PKCS1-v1_5".into()), ("hash", hash_name(hash).into())]);
            let key = public("spki", spki, &format!("PKCS1 {hash:?}"), &algorithm, "verify").await?;
            check_with(&algorithm, &key, message, signature).await
        }
        SignatureAlgorithm::RsaPss { hash, salt_len } => {
            if !smime::KeyKind::of(spki).allows_pss(hash, salt_len) {
                return Err(ProviderError::BadKey);
            }
            let salt = u32::try_from(salt_len).map_err(|_| ProviderError::BadSignature)?;
            // An RSA key is bound to a hash when it is imported, and ignores the one given later.
            let algorithm = params(&[
                ("name", "RSA-PSS".into()),
                ("saltLength", salt.into()),
                ("hash", hash_name(hash).into()),
            ]);
            let unbound = smime::without_pss_binding(spki);
            let spki = unbound.as_deref().unwrap_or(spki);
            let key = public("spki", spki, &format!("PSS {hash:?}"), &algorithm, "verify").await?;
            check_with(&algorithm, &key, message, signature).await
        }
        SignatureAlgorithm::Ed25519 => {
            let algorithm = params(&[("name", "Ed25519".into())]);
            let key = public("spki", spki, "Ed25519", &algorithm, "verify").await?;
            check_with(&algorithm, &key, message, signature).await
        }
        #[cfg(feature = "post-quantum")]
        SignatureAlgorithm::MlDsa(parameters) => {
            smime::rustcrypto::verify_ml_dsa(spki, parameters, message, signature)
        }
        _ => Err(ProviderError::Unsupported),
    }
}

/// Imports a public key, unless it was imported before for the same use.
pub(super) async fn public(
    format: &str,
    bytes: &[u8],
    usage: &str,
    algorithm: &Object,
    operation: &str,
) -> Result<CryptoKey, ProviderError> {
    if let Some(key) = remembered::key(usage, bytes) {
        return Ok(key);
    }
    let operations: &[&str] = if operation.is_empty() { &[] } else { &[operation] };
    let key = import(format, bytes, algorithm, false, operations).await.map_err(bad_key)?;
    remembered::keep_key(usage, bytes, &key);
    Ok(key)
}

async fn check_with(
    algorithm: &Object,
    key: &CryptoKey,
    message: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    let subtle = subtle().map_err(platform)?;
    let verdict = subtle.verify_with_object_and_u8_array_and_u8_array(algorithm, key, signature, message);
    match wait(verdict).await.map_err(platform)?.as_bool() {
        Some(true) => Ok(()),
        _ => Err(ProviderError::BadSignature),
    }
}

pub(super) fn platform(_: Refused) -> ProviderError {
    ProviderError::Platform
}

pub(super) fn bad_key(_: Refused) -> ProviderError {
    ProviderError::BadKey
}
