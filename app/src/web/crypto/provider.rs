use futures::future::try_join_all;
use js_sys::{Array, Reflect};
use smime::rustcrypto::RustCrypto;
use smime::{
    Agreement, ContentEncryption, Curve, Hash, Provider, ProviderError, RsaPadding, SignatureAlgorithm,
};
use wasm_bindgen::prelude::*;
use web_sys::CryptoKey;
use zeroize::Zeroizing;

use super::pkcs1;
use super::primitives::{aes, derive, ec, hash_name, import, nist, params, subtle, wait, wait_bytes};
use super::public::{bad_key, check, platform, public};
use super::remembered;
use crate::web::buffers::take;

/// A call of WebCrypto goes to another thread and back, which takes longer than to digest as little as this here.
const SMALL: usize = 2048;

/// Public-key and symmetric arithmetic by WebCrypto, and by RustCrypto for the ciphers of old mail that
/// browsers lack. What is only ever written by others (AES-192) is not written.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebCrypto;

impl Provider for WebCrypto {
    async fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, ProviderError> {
        if data.len() <= SMALL {
            return RustCrypto.digest(hash, data).await;
        }
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
        if remembered::is_good(spki, algorithm, message, signature) {
            return Ok(());
        }
        check(spki, algorithm, message, signature).await?;
        remembered::keep_good(spki, algorithm, message, signature);
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
        let name = aes_name(cipher).ok_or(ProviderError::Unsupported)?;
        let key = aes_key(name, key, "encrypt").await?;
        let subtle = subtle().map_err(platform)?;
        let sealed = subtle.encrypt_with_object_and_u8_array(&aes(name, nonce, aad), &key, buffer);
        take(&wait(sealed).await.map_err(platform)?, buffer);
        Ok(())
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
        let Some(name) = aes_name(cipher).filter(|_| is_whole(cipher, tag)) else {
            return RustCrypto.decrypt_in_place(cipher, key, nonce, aad, buffer, tag).await;
        };
        let key = aes_key(name, key, "decrypt").await?;
        buffer.extend_from_slice(tag);
        let subtle = subtle().map_err(platform)?;
        let opened = subtle.decrypt_with_object_and_u8_array(&aes(name, nonce, aad), &key, buffer);
        take(&wait(opened).await.map_err(|_| ProviderError::BadCiphertext)?, buffer);
        Ok(())
    }

    async fn wrap_rsa(
        &self,
        spki: &[u8],
        padding: RsaPadding<'_>,
        key: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let hash = match padding {
            RsaPadding::Oaep { hash, mask, label: [] } if hash == mask => hash,
            RsaPadding::Pkcs1v15 => return pkcs1::wrap(spki, key),
            // Nobody asks for a label.
            RsaPadding::Oaep { .. } => return Err(ProviderError::Unsupported),
        };
        let algorithm = params(&[("name", "RSA-OAEP".into()), ("hash", hash_name(hash).into())]);
        let public = public("spki", spki, &format!("OAEP {hash:?}"), &algorithm, "encrypt").await?;
        let subtle = subtle().map_err(platform)?;
        wait_bytes(subtle.encrypt_with_object_and_u8_array(&algorithm, &public, key)).await.map_err(bad_key)
    }

    #[cfg(feature = "post-quantum")]
    fn encapsulates(&self) -> bool {
        true
    }

    #[cfg(feature = "post-quantum")]
    async fn encapsulate(
        &self,
        parameters: smime::MlKem,
        encapsulation_key: &[u8],
    ) -> Result<smime::Encapsulation, ProviderError> {
        smime::rustcrypto::encapsulate(parameters, encapsulation_key)
    }

    async fn agree_ephemeral(&self, curve: Curve, peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
        let (algorithm, coordinate) = match (curve, nist(curve)) {
            (_, Some((name, coordinate))) => (ec("ECDH", name), coordinate),
            (Curve::X25519, None) => (params(&[("name", "X25519".into())]), 32),
            _ => return Err(ProviderError::Unsupported),
        };
        let (private, point) = ephemeral(&algorithm).await?;
        let usage = format!("ECDH {curve:?}");
        let secrets = peers.iter().map(|peer| {
            let (algorithm, private, usage) = (&algorithm, &private, usage.as_str());
            async move {
                let peer = public("raw", peer, usage, algorithm, "").await?;
                derive(private, &peer, coordinate).await.map(Zeroizing::new).map_err(bad_key)
            }
        });
        Ok(Agreement { public: point, shared: try_join_all(secrets).await? })
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

/// WebCrypto takes 12 to 16 byte tags as 128 bits unless told; a shorter one must not pass as such.
const fn is_whole(cipher: ContentEncryption, tag: &[u8]) -> bool {
    !cipher.is_authenticated() || tag.len() == 16
}

async fn aes_key(name: &str, key: &[u8], usage: &str) -> Result<CryptoKey, ProviderError> {
    import("raw", key, &params(&[("name", name.into())]), false, &[usage]).await.map_err(bad_key)
}
