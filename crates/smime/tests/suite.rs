//! The suite on RustCrypto and on AWS-LC.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "tests may panic, speak, and be tables"
)]

use smime::aws_lc::{AwsLc, AwsLcKeyring};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::suite::{self, KeyringFactory};
use smime::{KeyId, Provider, block_on_ready, by_rust_crypto};

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

struct InAwsLc;

impl KeyringFactory for InAwsLc {
    type Keyring = AwsLcKeyring;

    async fn keyring(&self, keys: &[(KeyId, &[u8])]) -> AwsLcKeyring {
        let mut keyring = AwsLcKeyring::new();
        for (id, pkcs8) in keys {
            keyring.insert_pkcs8(id.clone(), pkcs8).expect("a key of the suite");
        }
        keyring
    }
}

#[test]
fn aws_lc_passes_the_suite() {
    block_on_ready(suite::run(&AwsLc, &InAwsLc));
}

/// Only what an implementation must have: no encapsulation.
struct Least;

impl Provider for Least {
    by_rust_crypto!(digest, verify, encrypt_in_place, decrypt_in_place, wrap_rsa, agree_ephemeral);
}

#[test]
fn a_provider_of_no_more_than_it_must_have_passes_the_suite() {
    block_on_ready(suite::run(&Least, &InMemory));
}

#[test]
fn the_verbs_can_run_on_threads() {
    fn assert_send<T: Send>(_: &T) {}
    assert_send(&suite::run(&RustCrypto, &InMemory));
    assert_send(&suite::run(&AwsLc, &InAwsLc));
}
