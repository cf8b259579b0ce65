//! People with keys of every kind, made once.

use std::collections::HashMap;
use std::sync::OnceLock;

use smime::rustcrypto::MemoryKeyring;
use smime::{DecryptionKey, Signer, Trust};

use crate::support::World;

/// Kinds of keys that messages are sealed to.
pub const READERS: [&str; 5] = ["P-256", "P-384", "P-521", "x25519", "rsa"];
/// Kinds of keys that sign.
pub const SIGNERS: [&str; 5] = ["P-256", "P-384", "P-521", "ed25519", "rsa"];

/// Somebody of each kind.
pub struct People {
    pub keyring: MemoryKeyring,
    pub trust: Trust,
    readers: HashMap<&'static str, DecryptionKey>,
    signers: HashMap<&'static str, Signer>,
}

impl People {
    pub fn reader(&self, kind: &str) -> &DecryptionKey {
        &self.readers[kind]
    }

    pub fn signer(&self, kind: &str) -> &Signer {
        &self.signers[kind]
    }
}

/// The people; `None`, and the test counts as skipped, where there is no OpenSSL to make their keys.
pub fn people(test: &str) -> Option<&'static People> {
    static PEOPLE: OnceLock<Option<People>> = OnceLock::new();
    let make = || {
        let mut world = World::with(&["openssl"], test)?;
        let readers = READERS.map(|kind| (kind, world.reader(&format!("reader-{kind}"), kind)));
        let signers = SIGNERS.map(|kind| (kind, world.signer(&format!("signer-{kind}"), kind)));
        let (readers, signers) = (readers.into(), signers.into());
        Some(People { keyring: world.keyring, trust: world.trust, readers, signers })
    };
    PEOPLE.get_or_init(make).as_ref()
}
