//! Calls of `crypto.subtle`, each one line to its caller.

use getrandom::SysRng;
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use rand_core::{CryptoRng, UnwrapErr};
use smime::{Curve, Hash};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey, SubtleCrypto};

/// The browser refused or failed. WebCrypto tells no causes apart, and for decryption must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl From<JsValue> for Refused {
    fn from(_: JsValue) -> Self {
        Self
    }
}

fn crypto() -> Result<Crypto, Refused> {
    // `Window` and `WorkerGlobalScope` both have it; `Crypto` is missing outside secure contexts.
    Reflect::get(&js_sys::global(), &"crypto".into())?.dyn_into().map_err(|_| Refused)
}

pub(super) fn subtle() -> Result<SubtleCrypto, Refused> {
    let subtle = crypto()?.subtle();
    if subtle.is_undefined() { Err(Refused) } else { Ok(subtle) }
}

/// The browser's random source, for what is sealed.
///
/// It panics where the browser has none, and such a browser has no WebCrypto either.
pub fn rng() -> impl CryptoRng {
    UnwrapErr(SysRng)
}

/// Fills an array from the browser's random source.
pub fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    crypto().ok()?.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(bytes)
}

/// A dictionary for an algorithm's parameters.
pub(super) fn params(entries: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in entries {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object
}

pub(super) fn bytes(data: &[u8]) -> JsValue {
    Uint8Array::from(data).into()
}

pub(super) async fn wait(promise: Result<Promise, JsValue>) -> Result<JsValue, Refused> {
    Ok(JsFuture::from(promise?).await?)
}

pub(super) async fn wait_bytes(promise: Result<Promise, JsValue>) -> Result<Vec<u8>, Refused> {
    Ok(Uint8Array::new(&wait(promise).await?).to_vec())
}

pub(super) const fn hash_name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SHA-1",
        // Browsers lack it, and say so.
        Hash::Sha224 => "SHA-224",
        Hash::Sha256 => "SHA-256",
        Hash::Sha384 => "SHA-384",
        Hash::Sha512 => "SHA-512",
    }
}

/// Name and length of a coordinate in bytes; none for curves WebCrypto calls otherwise.
pub(super) const fn nist(curve: Curve) -> Option<(&'static str, usize)> {
    match curve {
        Curve::P256 => Some(("P-256", 32)),
        Curve::P384 => Some(("P-384", 48)),
        Curve::P521 => Some(("P-521", 66)),
        _ => None,
    }
}

pub(super) fn ec(algorithm: &str, curve: &str) -> Object {
    params(&[("name", algorithm.into()), ("namedCurve", curve.into())])
}

pub(super) async fn import(
    format: &str,
    data: &[u8],
    algorithm: &Object,
    extractable: bool,
    uses: &[&str],
) -> Result<CryptoKey, Refused> {
    let uses: Array = uses.iter().map(|name| JsValue::from_str(name)).collect();
    let data = Uint8Array::from(data);
    let key = wait(subtle()?.import_key_with_object(format, &data, algorithm, extractable, &uses)).await;
    // Key material should not wait for the garbage collector.
    data.fill(0, 0, data.length());
    key?.dyn_into().map_err(|_| Refused)
}

/// AES parameters for WebCrypto.
pub(super) fn aes(name: &str, nonce: &[u8], aad: &[u8]) -> Object {
    let object = params(&[("name", name.into()), ("iv", bytes(nonce))]);
    if name == "AES-GCM" {
        let _ = Reflect::set(&object, &"additionalData".into(), &bytes(aad));
    }
    object
}

/// The ECDH secret of a private key and a public one.
pub(super) async fn derive(
    private: &CryptoKey,
    public: &CryptoKey,
    coordinate: usize,
) -> Result<Vec<u8>, Refused> {
    let name = Reflect::get(private.algorithm()?.as_ref(), &"name".into())?;
    let algorithm = params(&[("name", name), ("public", public.into())]);
    let bits = u32::try_from(coordinate * 8).map_err(|_| Refused)?;
    // P-521 has 521 bits; WebCrypto gives the 66 bytes when asked for 528.
    wait_bytes(subtle()?.derive_bits_with_object(&algorithm, private, bits)).await
}

/// An AES-256-GCM key out of a secret of full entropy (HKDF-SHA-256, RFC 5869), for sealing keys.
pub async fn hkdf_aes_key(secret: &[u8], salt: &[u8], info: &[u8]) -> Option<[u8; 32]> {
    let base = import("raw", secret, &params(&[("name", "HKDF".into())]), false, &["deriveBits"]).await;
    let algorithm = params(&[
        ("name", "HKDF".into()),
        ("hash", "SHA-256".into()),
        ("salt", bytes(salt)),
        ("info", bytes(info)),
    ]);
    let derived = subtle().ok()?.derive_bits_with_object(&algorithm, &base.ok()?, 256);
    wait_bytes(derived).await.ok()?.try_into().ok()
}
