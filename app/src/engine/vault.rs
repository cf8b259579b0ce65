//! The vault: every private key of an account, sealed under a random vault key, kept by the relay as
//! an opaque blob. The vault key is wrapped once per way of unlocking it.

mod code;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use smime::{ContentEncryption, Provider};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::in_order;
use crate::json;

pub use code::RecoveryCode;

/// The longest vault that is read, and written.
const MAX_BYTES: usize = 256 * 1024;
/// Boxes that a vault has room for, each with years of renewals.
const MAX_BOXES: usize = 16;
const VERSION: u8 = 1;
const CIPHER: ContentEncryption = ContentEncryption::Aes256Gcm;
/// What [`super::super::web::crypto::hkdf_aes_key`] binds a key derived from a recovery code to.
pub const RECOVERY_INFO: &[u8] = b"sealpost vault recovery code 1";

/// 32 random bytes; wiped when dropped.
pub type VaultKey = Zeroizing<[u8; 32]>;

/// The vault as the relay keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vault {
    version: u8,
    /// The current box first. Starting afresh adds one and keeps the others, so that a recovery code
    /// found later still opens the mail of its time.
    pub boxes: Vec<KeyBox>,
}

/// The keys of one identity under one vault key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyBox {
    /// Names the box, so that a browser sees whether its keys are the current ones.
    pub id: String,
    /// The greatest is the current box's. Sealed with the keys: the relay, which holds the list, could
    /// otherwise make an old identity the current one by putting it first.
    number: u64,
    keys: Sealed,
    recovery: Option<Recovery>,
}

/// The vault key under a recovery code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recovery {
    salt: String,
    key: Sealed,
}

/// AES-256-GCM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sealed {
    nonce: String,
    sealed: String,
}

/// What a box holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The owner's keys, oldest first.
    pub generations: Vec<Generation>,
    /// Keys that only open mail: the one that the relay kept before the owner first signed in.
    pub former: Vec<StoredKey>,
}

/// One pair of key pairs; a renewal adds one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The signing pair.
    pub signing: StoredKey,
    /// The encryption pair.
    pub encryption: StoredKey,
}

/// A private key with what belongs to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct StoredKey {
    /// Its name in the keyring.
    pub id: String,
    /// The private key (PKCS#8, base64).
    pub pkcs8: String,
    /// The certificate request (PKCS#10, base64), signed once.
    pub request: String,
    /// The certificate and its issuers, once there is one (base64 of DER).
    pub chain: Vec<String>,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a vault or a box in it was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultError {
    /// It is no vault.
    Malformed,
    /// A newer program wrote it.
    Newer,
    /// The key or the code is another one, or the box was changed. Which of them is not told.
    Closed,
    /// It has no room for more.
    Full,
    /// The arithmetic failed.
    Platform,
}

/// 12 random bytes.
pub type Nonce = [u8; 12];

impl Vault {
    /// Reads a vault.
    pub fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        if bytes.len() > MAX_BYTES {
            return Err(VaultError::Malformed);
        }
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        // A newer program may have given the rest another shape.
        let Versioned { version } = json::read(bytes).ok_or(VaultError::Malformed)?;
        if version > u64::from(VERSION) {
            return Err(VaultError::Newer);
        }
        let mut vault: Self = json::read(bytes).ok_or(VaultError::Malformed)?;
        vault.sort();
        if vault.version == VERSION { Ok(vault) } else { Err(VaultError::Malformed) }
    }

    /// Writes a vault, if it will be read again.
    pub fn encode(&self) -> Result<Vec<u8>, VaultError> {
        let bytes = serde_json::to_vec(self).map_err(|_| VaultError::Malformed)?;
        if bytes.len() > MAX_BYTES { Err(VaultError::Full) } else { Ok(bytes) }
    }

    /// Puts a box in place of the one of the same name, or first.
    pub fn put(&mut self, sealed: KeyBox) {
        self.version = VERSION;
        self.boxes.retain(|other| other.id != sealed.id);
        self.boxes.insert(0, sealed);
        self.sort();
    }

    /// Whether there is no room for the keys of another start.
    pub fn is_full(&self) -> bool {
        self.boxes.len() >= MAX_BOXES
    }

    fn sort(&mut self) {
        self.boxes = in_order(std::mem::take(&mut self.boxes), |sealed| std::cmp::Reverse(sealed.number));
    }

    fn get(&self, id: &str) -> Option<&KeyBox> {
        self.boxes.iter().find(|sealed| sealed.id == id)
    }

    fn next_number(&self) -> u64 {
        self.boxes.iter().map(|sealed| sealed.number).max().unwrap_or(0).saturating_add(1)
    }
}

impl KeyBox {
    /// Seals keys for a vault. The recovery code of the box that is there goes on working: its vault key
    /// is the same.
    pub async fn seal(
        provider: &impl Provider,
        id: &str,
        key: &VaultKey,
        keys: &Keys,
        vault: &Vault,
        nonce: Nonce,
    ) -> Result<Self, VaultError> {
        let plain = Zeroizing::new(serde_json::to_vec(keys).map_err(|_| VaultError::Malformed)?);
        let earlier = vault.get(id);
        let number = earlier.map_or_else(|| vault.next_number(), |earlier| earlier.number);
        let keys = seal(provider, key, &keys_label(number, id), nonce, &plain).await?;
        let recovery = earlier.and_then(|earlier| earlier.recovery.clone());
        Ok(Self { id: id.to_owned(), number, keys, recovery })
    }

    /// Opens the keys.
    pub async fn open(&self, provider: &impl Provider, key: &VaultKey) -> Result<Keys, VaultError> {
        let plain = open(provider, key, &keys_label(self.number, &self.id), &self.keys).await?;
        serde_json::from_slice(&plain).map_err(|_| VaultError::Malformed)
    }

    /// Lets a recovery code unlock the box, and no earlier one. `wrapping` is derived from code and salt.
    pub async fn set_recovery(
        &mut self,
        provider: &impl Provider,
        key: &VaultKey,
        wrapping: &VaultKey,
        salt: &[u8],
        nonce: Nonce,
    ) -> Result<(), VaultError> {
        let key = seal(provider, wrapping, &label("recovery", &self.id), nonce, key.as_slice()).await?;
        self.recovery = Some(Recovery { salt: STANDARD.encode(salt), key });
        Ok(())
    }

    /// The salt that a recovery code is to be mixed with; none where there is no code.
    pub fn recovery_salt(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.recovery.as_ref()?.salt).ok()
    }

    /// The vault key, by what was derived from a recovery code.
    pub async fn recover(
        &self,
        provider: &impl Provider,
        wrapping: &VaultKey,
    ) -> Result<VaultKey, VaultError> {
        let wrapped = &self.recovery.as_ref().ok_or(VaultError::Closed)?.key;
        let plain = open(provider, wrapping, &label("recovery", &self.id), wrapped).await?;
        let key: [u8; 32] = plain.as_slice().try_into().map_err(|_| VaultError::Malformed)?;
        Ok(Zeroizing::new(key))
    }
}

fn keys_label(number: u64, id: &str) -> Vec<u8> {
    label(&format!("keys {number}"), id)
}

/// Binds a ciphertext to its place, so that the relay cannot swap one for another.
fn label(what: &str, id: &str) -> Vec<u8> {
    format!("sealpost vault {VERSION} {what} {id}").into_bytes()
}

async fn seal(
    provider: &impl Provider,
    key: &VaultKey,
    label: &[u8],
    nonce: Nonce,
    plain: &[u8],
) -> Result<Sealed, VaultError> {
    let sealed = provider.encrypt(CIPHER, key.as_slice(), &nonce, label, plain).await;
    let sealed = STANDARD.encode(sealed.map_err(|_| VaultError::Platform)?);
    Ok(Sealed { nonce: STANDARD.encode(nonce), sealed })
}

async fn open(
    provider: &impl Provider,
    key: &VaultKey,
    label: &[u8],
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let read = |text: &str| STANDARD.decode(text).map_err(|_| VaultError::Malformed);
    let (nonce, sealed) = (read(&sealed.nonce)?, read(&sealed.sealed)?);
    if nonce.len() != 12 {
        return Err(VaultError::Malformed);
    }
    let end = sealed.len().checked_sub(16).ok_or(VaultError::Malformed)?;
    let (ciphertext, tag) = sealed.split_at_checked(end).ok_or(VaultError::Malformed)?;
    let plain = provider.decrypt(CIPHER, key.as_slice(), &nonce, label, ciphertext, tag).await;
    plain.map(Zeroizing::new).map_err(|_| VaultError::Closed)
}

#[cfg(test)]
mod tests {
    use smime::block_on_ready;
    use smime::rustcrypto::RustCrypto;
    use zeroize::Zeroizing;

    use super::{Generation, KeyBox, Keys, MAX_BOXES, StoredKey, Vault, VaultError};

    fn keys() -> Keys {
        let key = |id: &str| StoredKey {
            id: id.into(),
            pkcs8: "secret".into(),
            request: String::new(),
            chain: vec![],
        };
        let generations = vec![Generation { signing: key("s"), encryption: key("e") }];
        Keys { generations, former: vec![key("f")] }
    }

    fn sealed_box(vault: &Vault, id: &str, fill: u8) -> KeyBox {
        let key = Zeroizing::new([fill; 32]);
        block_on_ready(KeyBox::seal(&RustCrypto, id, &key, &keys(), vault, [1; 12])).unwrap()
    }

    fn names(vault: &Vault) -> Vec<&str> {
        vault.boxes.iter().map(|sealed| sealed.id.as_str()).collect()
    }

    #[test]
    fn keys_come_back_by_the_vault_key_and_by_the_code_alone() {
        let key = Zeroizing::new([7; 32]);
        let wrapping = Zeroizing::new([9; 32]);
        let mut vault = Vault::default();
        let mut sealed = sealed_box(&vault, "a", 7);
        block_on_ready(sealed.set_recovery(&RustCrypto, &key, &wrapping, b"salt", [2; 12])).unwrap();
        vault.put(sealed);
        let vault = Vault::decode(&vault.encode().unwrap()).unwrap();
        let read = &vault.boxes[0];
        assert_eq!(block_on_ready(read.open(&RustCrypto, &key)).unwrap(), keys());
        assert_eq!(*block_on_ready(read.recover(&RustCrypto, &wrapping)).unwrap(), *key);
        let wrong = Zeroizing::new([8; 32]);
        assert_eq!(block_on_ready(read.open(&RustCrypto, &wrong)), Err(VaultError::Closed));
        assert_eq!(block_on_ready(read.recover(&RustCrypto, &key)).err(), Some(VaultError::Closed));
    }

    #[test]
    fn a_box_under_another_name_stays_closed() {
        let mut sealed = sealed_box(&Vault::default(), "a", 7);
        sealed.id = "b".into();
        let key = Zeroizing::new([7; 32]);
        assert_eq!(block_on_ready(sealed.open(&RustCrypto, &key)), Err(VaultError::Closed));
    }

    #[test]
    fn starting_afresh_keeps_the_boxes_that_are_lost_here() {
        let mut vault = Vault::default();
        for (name, fill) in [("old", 1), ("new", 2), ("old", 1), ("new", 2)] {
            vault.put(sealed_box(&vault, name, fill));
        }
        assert_eq!(names(&vault), ["new", "old"]);
        for start in 3..=MAX_BOXES {
            assert!(!vault.is_full(), "{start}");
            vault.put(sealed_box(&vault, &start.to_string(), 3));
        }
        assert!(vault.is_full() && names(&vault).contains(&"old"));
    }

    #[test]
    fn the_relay_cannot_make_an_old_box_the_current_one() {
        let mut vault = Vault::default();
        vault.put(sealed_box(&vault, "old", 1));
        vault.put(sealed_box(&vault, "new", 2));
        vault.boxes.reverse();
        let turned = Vault::decode(&vault.encode().unwrap()).unwrap();
        assert_eq!(names(&turned), ["new", "old"]);
        let mut old = turned.boxes[1].clone();
        old.number = 9;
        let key = Zeroizing::new([1; 32]);
        assert_eq!(block_on_ready(old.open(&RustCrypto, &key)), Err(VaultError::Closed));
        assert!(block_on_ready(turned.boxes[1].open(&RustCrypto, &key)).is_ok());
    }

    #[test]
    fn what_would_not_be_read_is_not_written() {
        let (mut vault, key) = (Vault::default(), Zeroizing::new([1; 32]));
        let mut many = keys();
        while vault.encode().is_ok() {
            assert!(Vault::decode(&vault.encode().unwrap()).is_ok() || vault.boxes.is_empty());
            many.former.extend(vec![keys().former[0].clone(); 200]);
            let sealed = KeyBox::seal(&RustCrypto, "a", &key, &many, &vault, [1; 12]);
            vault.put(block_on_ready(sealed).unwrap());
        }
        assert!(!vault.is_full());
        assert_eq!(vault.encode(), Err(VaultError::Full));
    }

    #[test]
    fn refuses_what_is_no_vault() {
        assert_eq!(Vault::decode(b"{}").err(), Some(VaultError::Malformed));
        assert_eq!(Vault::decode(br#"{"version":0,"boxes":[]}"#).err(), Some(VaultError::Malformed));
        assert_eq!(Vault::decode(br#"{"version":2,"crates":{}}"#).err(), Some(VaultError::Newer));
        assert_eq!(Vault::decode(&vec![b' '; 300 * 1024]).err(), Some(VaultError::Malformed));
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", keys()).contains("secret"));
    }
}
