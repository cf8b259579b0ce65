use futures::future::try_join_all;
use js_sys::{Array, Reflect, Uint8Array};
use smime::rustcrypto::RustCrypto;
use smime::{
    Agreement, ContentEncryption, Curve, Hash, Provider, ProviderError, RsaPadding, SignatureAlgorithm,
};
use wasm_bindgen::prelude::*;
use web_sys::CryptoKey;
use zeroize::Zeroizing;

use super::ecdsa;
use super::primitives::{aes, derive, ec, hash_name, import, nist, params, subtle, wait, wait_bytes};

/// Public-key and symmetric arithmetic by WebCrypto, and by RustCrypto for the ciphers of old mail that
/// browsers lack. What is only ever written by others (PKCS#1 v1.5 encryption, AES-192) is not written.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebCrypto;

impl Provider for WebCrypto {
    async fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let subtle = subtle().map_err(platform)?;
        wait_bytes(subtle.digest_with_str_and_u8_array(hash_name(hash), data)).await.map_err(platform)
    }

    async fn verify(
        &self,
        spki: &[u8],
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ProviderError> {
        match algorithm {
            SignatureAlgorithm::Ecdsa(curve, hash) if nist(curve).is_some() => {
                verify_ecdsa(spki, curve, hash, message, signature).await
            }
            SignatureAlgorithm::RsaPkcs1(hash) => {
                let name = params(&[("name", "RSASSA-PKCS1-v1_5".into())]);
                verify_with(spki, &name, hash, message, signature).await
            }
            SignatureAlgorithm::RsaPss { hash, salt_len } => {
                let salt = u32::try_from(salt_len).map_err(|_| ProviderError::BadSignature)?;
                let name = params(&[("name", "RSA-PSS".into()), ("saltLength", salt.into())]);
                verify_with(spki, &name, hash, message, signature).await
            }
            SignatureAlgorithm::Ed25519 => {
                let name = params(&[("name", "Ed25519".into())]);
                let key = import("spki", spki, &name, false, &["verify"]).await.map_err(bad_key)?;
                check(&name, &key, message, signature).await
            }
            _ => Err(ProviderError::Unsupported),
        }
    }

    async fn encrypt(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let name = aes_name(cipher).ok_or(ProviderError::Unsupported)?;
        let key = aes_key(name, key, "encrypt").await?;
        let subtle = subtle().map_err(platform)?;
        let sealed = subtle.encrypt_with_object_and_u8_array(&aes(name, nonce, aad), &key, plaintext);
        wait_bytes(sealed).await.map_err(platform)
    }

    async fn decrypt(
        &self,
        cipher: ContentEncryption,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let Some(name) = aes_name(cipher) else {
            return RustCrypto.decrypt(cipher, key, nonce, aad, ciphertext, tag).await;
        };
        // WebCrypto takes 12 to 16 byte tags as 128 bits unless told; a shorter one must not pass as such.
        if cipher.is_authenticated() && tag.len() != 16 {
            return RustCrypto.decrypt(cipher, key, nonce, aad, ciphertext, tag).await;
        }
        let key = aes_key(name, key, "decrypt").await?;
        let joined = join(ciphertext, tag)?;
        let subtle = subtle().map_err(platform)?;
        let opened = subtle.decrypt_with_object_and_js_u8_array(&aes(name, nonce, aad), &key, &joined);
        wait_bytes(opened).await.map_err(|_| ProviderError::BadCiphertext)
    }

    async fn wrap_rsa(&self, spki: &[u8], padding: RsaPadding, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let hash = match padding {
            RsaPadding::Oaep(label, mask) if label == mask => label,
            _ => return Err(ProviderError::Unsupported),
        };
        let algorithm = params(&[("name", "RSA-OAEP".into()), ("hash", hash_name(hash).into())]);
        let public = import("spki", spki, &algorithm, false, &["encrypt"]).await.map_err(bad_key)?;
        let subtle = subtle().map_err(platform)?;
        wait_bytes(subtle.encrypt_with_object_and_u8_array(&algorithm, &public, key)).await.map_err(bad_key)
    }

    async fn agree_ephemeral(&self, curve: Curve, peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
        let (algorithm, coordinate) = match (curve, nist(curve)) {
            (_, Some((name, coordinate))) => (ec("ECDH", name), coordinate),
            (Curve::X25519, None) => (params(&[("name", "X25519".into())]), 32),
            _ => return Err(ProviderError::Unsupported),
        };
        let (private, public) = ephemeral(&algorithm).await?;
        let secrets = peers.iter().map(|peer| {
            let (algorithm, private) = (&algorithm, &private);
            async move {
                let peer = import("raw", peer, algorithm, false, &[]).await.map_err(bad_key)?;
                derive(private, &peer, coordinate).await.map(Zeroizing::new).map_err(bad_key)
            }
        });
        Ok(Agreement { public, shared: try_join_all(secrets).await? })
    }
}

async fn verify_ecdsa(
    spki: &[u8],
    curve: Curve,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    let (name, coordinate) = nist(curve).ok_or(ProviderError::Unsupported)?;
    let raw = ecdsa::raw_from_der(signature, coordinate).ok_or(ProviderError::BadSignature)?;
    let key = import("spki", spki, &ec("ECDSA", name), false, &["verify"]).await.map_err(bad_key)?;
    let algorithm = params(&[("name", "ECDSA".into()), ("hash", hash_name(hash).into())]);
    check(&algorithm, &key, message, &raw).await
}

async fn verify_with(
    spki: &[u8],
    algorithm: &js_sys::Object,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    // An RSA key is bound to a hash when it is imported, and ignores the one given later.
    let _ = Reflect::set(algorithm, &"hash".into(), &hash_name(hash).into());
    let key = import("spki", spki, algorithm, false, &["verify"]).await.map_err(bad_key)?;
    check(algorithm, &key, message, signature).await
}

async fn check(
    algorithm: &js_sys::Object,
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

async fn ephemeral(algorithm: &js_sys::Object) -> Result<(CryptoKey, Vec<u8>), ProviderError> {
    let subtle = subtle().map_err(platform)?;
    let uses = Array::of1(&"deriveBits".into());
    // Public keys are always extractable; the private one is not.
    let pair = wait(subtle.generate_key_with_object(algorithm, false, &uses)).await.map_err(platform)?;
    let half = |name: &str| Reflect::get(&pair, &name.into()).ok()?.dyn_into::<CryptoKey>().ok();
    let (private, public) = half("privateKey").zip(half("publicKey")).ok_or(ProviderError::Platform)?;
    let public = wait_bytes(subtle.export_key("raw", &public)).await.map_err(platform)?;
    Ok((private, public))
}

/// The browser's name for the cipher; none where browsers lack it.
const fn aes_name(cipher: ContentEncryption) -> Option<&'static str> {
    match cipher {
        ContentEncryption::Aes256Gcm | ContentEncryption::Aes128Gcm => Some("AES-GCM"),
        ContentEncryption::Aes256Cbc | ContentEncryption::Aes128Cbc => Some("AES-CBC"),
        _ => None,
    }
}

async fn aes_key(name: &str, key: &[u8], usage: &str) -> Result<CryptoKey, ProviderError> {
    import("raw", key, &params(&[("name", name.into())]), false, &[usage]).await.map_err(bad_key)
}

/// Puts ciphertext and tag together on JavaScript's side, which saves a copy in wasm memory.
fn join(ciphertext: &[u8], tag: &[u8]) -> Result<Uint8Array, ProviderError> {
    let [body, end] = [ciphertext, tag].map(|part| u32::try_from(part.len()));
    let (body, end) = body.ok().zip(end.ok()).ok_or(ProviderError::BadCiphertext)?;
    let total = body.checked_add(end).ok_or(ProviderError::BadCiphertext)?;
    let joined = Uint8Array::new_with_length(total);
    joined.subarray(0, body).copy_from(ciphertext);
    joined.subarray(body, total).copy_from(tag);
    Ok(joined)
}

fn platform(_: super::primitives::Refused) -> ProviderError {
    ProviderError::Platform
}

fn bad_key(_: super::primitives::Refused) -> ProviderError {
    ProviderError::BadKey
}
