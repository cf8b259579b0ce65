#[cfg(feature = "imported-keys")]
mod imported;

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Object, Reflect, Uint8Array};
use smime::{Curve, Hash, KeyId, Keyring, KeyringError, RsaPadding, SignatureAlgorithm};
use wasm_bindgen::prelude::*;
use web_sys::CryptoKey;
use zeroize::Zeroizing;

use super::ecdsa;
use super::primitives::{
    Refused, aes, derive, ec, hash_name, import, params, random, subtle, wait, wait_bytes,
};
use crate::protocol::Failure;
use crate::web::database::{Database, Store};

/// What a P-256 key does here; a CryptoKey is bound to one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// ECDSA signatures.
    Signing,
    /// ECDH key agreement.
    Encryption,
}

/// A fresh P-256 pair, for the vault and for its certificate request.
pub struct Generated {
    /// The private key in PKCS#8.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// The public key as SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
}

/// The private keys of one account, as non-extractable CryptoKeys in IndexedDB.
///
/// Keys from elsewhere may be for what WebCrypto lacks (RSA for RSAES-PKCS1-v1_5, ML-DSA, ML-KEM): their PKCS#8 is
/// kept too, encrypted under the [`DeviceKey`], and unwrapped only while it is used for that.
pub struct WebKeyring {
    database: Database,
    device: DeviceKey,
    /// Reading a key from IndexedDB takes longer than using it.
    cache: RefCell<HashMap<KeyId, Object>>,
}

impl WebKeyring {
    /// The keyring of an account.
    pub async fn open(database: Database) -> Result<Self, Failure> {
        let device = DeviceKey::open(&database).await?;
        Ok(Self { database, device, cache: RefCell::default() })
    }

    /// Encrypts secrets that this browser keeps for itself.
    pub fn device(&self) -> &DeviceKey {
        &self.device
    }

    /// Makes a P-256 pair; nothing is kept until [`Self::insert`].
    pub async fn generate_p256() -> Result<Generated, KeyringError> {
        let subtle = subtle().map_err(failed)?;
        let uses = Array::of2(&"sign".into(), &"verify".into());
        let pair = subtle.generate_key_with_object(&ec("ECDSA", "P-256"), true, &uses);
        let pair = wait(pair).await.map_err(failed)?;
        let private = field(&pair, "privateKey")?;
        let public = field(&pair, "publicKey")?;
        let pkcs8 = wait(subtle.export_key("pkcs8", &private)).await.map_err(failed)?;
        let buffer = Uint8Array::new(&pkcs8);
        let pkcs8 = Zeroizing::new(buffer.to_vec());
        buffer.fill(0, 0, buffer.length());
        let spki = wait_bytes(subtle.export_key("spki", &public)).await.map_err(failed)?;
        Ok(Generated { pkcs8, spki })
    }

    /// Takes in a P-256 key for one use; afterwards it cannot be taken out again.
    pub async fn insert(&self, id: &KeyId, pkcs8: &[u8], usage: KeyUse) -> Result<(), KeyringError> {
        let record = Object::new();
        import_ec(&record, pkcs8, usage).await.map_err(|_| KeyringError::Malformed)?;
        self.keep(id, record).await
    }

    /// Holds a P-256 key for one use until the keyring is dropped; nothing is stored.
    pub async fn hold(&self, id: &KeyId, pkcs8: &[u8], usage: KeyUse) -> Result<(), KeyringError> {
        let record = Object::new();
        import_ec(&record, pkcs8, usage).await.map_err(|_| KeyringError::Malformed)?;
        self.cache.borrow_mut().insert(id.clone(), record);
        Ok(())
    }

    /// Lets go of a key that is held.
    pub fn let_go(&self, id: &KeyId) {
        self.cache.borrow_mut().remove(id);
    }

    async fn keep(&self, id: &KeyId, record: Object) -> Result<(), KeyringError> {
        let entry = [(id.as_str(), JsValue::from(&record))];
        self.database.put(Store::Keys, &entry).await.map_err(|_| KeyringError::Failed)?;
        self.cache.borrow_mut().insert(id.clone(), record);
        Ok(())
    }

    async fn record(&self, id: &KeyId) -> Result<Object, KeyringError> {
        if let Some(record) = self.cache.borrow().get(id) {
            return Ok(record.clone());
        }
        let stored = self.database.value(Store::Keys, id.as_str()).await;
        let record: Object = stored
            .map_err(|_| KeyringError::Failed)?
            .ok_or(KeyringError::UnknownKey)?
            .dyn_into()
            .map_err(|_| KeyringError::Malformed)?;
        self.cache.borrow_mut().insert(id.clone(), record.clone());
        Ok(record)
    }
}

impl Keyring for WebKeyring {
    async fn sign(
        &self,
        key: &KeyId,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        let record = self.record(key).await?;
        let SignatureAlgorithm::Ecdsa(Curve::P256, hash) = algorithm else {
            #[cfg(feature = "imported-keys")]
            return self.sign_imported(&record, algorithm, message).await;
            #[cfg(not(feature = "imported-keys"))]
            return Err(KeyringError::Unsupported);
        };
        let private = field(&record, "ECDSA")?;
        let subtle = subtle().map_err(failed)?;
        let signed = subtle.sign_with_object_and_u8_array(&ecdsa_with(hash), &private, message);
        let signature = wait_bytes(signed).await.map_err(failed)?;
        ecdsa::der_from_raw(&signature).ok_or(KeyringError::Failed)
    }

    #[cfg(feature = "imported-keys")]
    async fn unwrap_rsa(
        &self,
        key: &KeyId,
        padding: RsaPadding<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.unwrap_imported(&self.record(key).await?, padding, wrapped).await
    }

    #[cfg(not(feature = "imported-keys"))]
    async fn unwrap_rsa(
        &self,
        _: &KeyId,
        _: RsaPadding<'_>,
        _: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        Err(KeyringError::Unsupported)
    }

    async fn agree(&self, key: &KeyId, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let record = self.record(key).await?;
        #[cfg(feature = "imported-keys")]
        let (private, algorithm, length) = imported::for_agreement(&record)?;
        #[cfg(not(feature = "imported-keys"))]
        let (private, algorithm, length) = (field(&record, "ECDH")?, ec("ECDH", "P-256"), 32);
        let peer = import("raw", peer, &algorithm, false, &[]).await.map_err(failed)?;
        derive(&private, &peer, length).await.map(Zeroizing::new).map_err(failed)
    }

    #[cfg(all(feature = "imported-keys", feature = "post-quantum"))]
    async fn decapsulate(&self, key: &KeyId, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let record = self.record(key).await?;
        self.post_quantum(&record).await?.decapsulate(ciphertext)
    }
}

/// A non-extractable AES key of this browser: what is sealed under it opens nowhere else.
#[derive(Clone)]
pub struct DeviceKey(CryptoKey);

/// Length of a GCM nonce in bytes.
const NONCE: usize = 12;

impl DeviceKey {
    async fn open(database: &Database) -> Result<Self, Failure> {
        if let Some(key) = database.value(Store::Records, "device").await? {
            return key.dyn_into().map(Self).map_err(|_| Failure::StorageUnavailable);
        }
        let uses = Array::of2(&"encrypt".into(), &"decrypt".into());
        let algorithm = params(&[("name", "AES-GCM".into()), ("length", 256.into())]);
        let made = subtle().map_err(storage)?.generate_key_with_object(&algorithm, false, &uses);
        let key = wait(made).await.map_err(storage)?;
        let key = database.settle(Store::Records, "device", &key).await?;
        key.dyn_into().map(Self).map_err(|_| Failure::StorageUnavailable)
    }

    /// Seals a secret: nonce, then ciphertext and tag.
    pub async fn seal(&self, secret: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE] = random()?;
        let algorithm = aes("AES-GCM", &nonce, b"");
        let sealed = subtle().ok()?.encrypt_with_object_and_u8_array(&algorithm, &self.0, secret);
        Some([nonce.as_slice(), &wait_bytes(sealed).await.ok()?].concat())
    }

    /// Opens what [`Self::seal`] made.
    pub async fn open_sealed(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE)?;
        let algorithm = aes("AES-GCM", nonce, b"");
        let opened = subtle().ok()?.decrypt_with_object_and_u8_array(&algorithm, &self.0, ciphertext);
        wait_bytes(opened).await.ok().map(Zeroizing::new)
    }
}

async fn import_ec(record: &Object, pkcs8: &[u8], usage: KeyUse) -> Result<(), Refused> {
    let (name, operation) = match usage {
        KeyUse::Signing => ("ECDSA", "sign"),
        KeyUse::Encryption => ("ECDH", "deriveBits"),
    };
    let key = import("pkcs8", pkcs8, &ec(name, "P-256"), false, &[operation]).await?;
    set(record, name, &key);
    Ok(())
}

/// Each padding and hash is an import of its own: a CryptoKey is bound to both.
fn ecdsa_with(hash: Hash) -> Object {
    params(&[("name", "ECDSA".into()), ("hash", hash_name(hash).into())])
}

fn set(record: &Object, name: &str, value: &JsValue) {
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(record, &name.into(), value);
}

fn field<T: JsCast>(record: &JsValue, name: &str) -> Result<T, KeyringError> {
    let value = Reflect::get(record, &name.into()).map_err(|_| KeyringError::Malformed)?;
    value.dyn_into().map_err(|_| KeyringError::WrongKind)
}

fn failed(_: Refused) -> KeyringError {
    KeyringError::Failed
}

fn storage(_: Refused) -> Failure {
    Failure::StorageUnavailable
}
