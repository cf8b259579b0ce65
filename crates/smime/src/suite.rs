//! The tests that every [`Provider`](crate::Provider) and [`Keyring`](crate::Keyring) must pass.

use crate::keyring::{KeyId, Keyring};

/// Makes a keyring that holds the given keys (PKCS#8).
#[allow(async_fn_in_trait, reason = "WebCrypto's futures are not Send, and native ones need no bound")]
pub trait KeyringFactory {
    /// The keyring under test.
    type Keyring: Keyring;

    /// A keyring with these keys.
    async fn keyring(&self, keys: &[(KeyId, &[u8])]) -> Self::Keyring;
}
