//! The suite on RustCrypto.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "tests may panic, speak, and be tables"
)]

use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::suite::{self, KeyringFactory};
use smime::{KeyId, block_on_ready};

struct InMemory;

impl KeyringFactory for InMemory {
    type Keyring = MemoryKeyring;

    async fn keyring(&self, keys: &[(KeyId, &[u8])]) -> MemoryKeyring {
        let mut keyring = MemoryKeyring::new();
        for (id, pkcs8) in keys {
            keyring.insert_pkcs8(id.clone(), pkcs8).expect("a key of the suite");
        }
        keyring
    }
}

#[test]
fn rustcrypto_passes_the_suite() {
    block_on_ready(suite::run(&RustCrypto, &InMemory));
}

#[test]
fn the_verbs_can_run_on_threads() {
    fn assert_send<T: Send>(_: &T) {}
    assert_send(&suite::run(&RustCrypto, &InMemory));
}
