//! The browser's WebCrypto as `smime`'s [`Provider`](smime::Provider) and [`Keyring`](smime::Keyring).

mod ecdsa;
mod keyring;
mod pkcs1;
mod primitives;
mod provider;
mod public;
mod remembered;

pub use keyring::{DeviceKey, Generated, KeyUse, WebKeyring};
pub use primitives::{hkdf_aes_key, random, rng};
pub use provider::WebCrypto;
