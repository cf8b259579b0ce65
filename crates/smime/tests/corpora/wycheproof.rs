//! Wycheproof, on both native providers and keyrings; `operations.rs` also runs in the browser.

use smime::aws_lc::{AwsLc, AwsLcKeyring};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{Provider, block_on_ready as ready};

use crate::support::corpus::{Tally, folder};
use crate::wycheproof_operations::{Keys, id, judge};

struct InMemory;

impl Keys for InMemory {
    type Keyring = MemoryKeyring;

    async fn keyring(&self, pkcs8: &[u8]) -> Option<MemoryKeyring> {
        let mut keyring = MemoryKeyring::new();
        keyring.insert_pkcs8(id(), pkcs8).ok()?;
        Some(keyring)
    }
}

struct InAwsLc;

impl Keys for InAwsLc {
    type Keyring = AwsLcKeyring;

    async fn keyring(&self, pkcs8: &[u8]) -> Option<AwsLcKeyring> {
        let mut keyring = AwsLcKeyring::new();
        keyring.insert_pkcs8(id(), pkcs8).ok()?;
        Some(keyring)
    }
}

/// RFC 8017 7.1.2 3g: the first octet of an OAEP block is zero, and rsa 0.10.0 does not look at it.
const OAEP: [(&str, &str); 1] = [(
    "23",
    "rsa 0.10.0 does not look at the first octet of the block; no key comes out that was not put in",
)];

/// Name and number of tests of a file, and the tests that are argued.
type File = (&'static str, usize, &'static [(&'static str, &'static str)]);

fn run(test: &str, files: &[File]) {
    run_on("", &RustCrypto, &InMemory, test, files);
}

fn run_on(suffix: &str, provider: &impl Provider, keys: &impl Keys, test: &str, files: &[File]) {
    let Some(corpus) = folder("wycheproof", test) else { return };
    for (name, expected, argued) in files {
        let file = std::fs::read(corpus.join(name).with_extension("json")).unwrap();
        let mut tally = Tally::new(&format!("Wycheproof {name}{suffix}"), argued);
        for judged in ready(judge(name, &file, provider, keys)) {
            tally.judge(&judged.name, judged.outcome);
        }
        tally.finish(*expected);
    }
}

#[test]
fn signatures_are_judged_as_wycheproof_says() {
    run(
        "signatures_are_judged_as_wycheproof_says",
        &[
            ("ecdsa_secp256r1_sha256_test", 484, &[]),
            ("rsa_signature_2048_sha256_test", 259, &[]),
            ("rsa_pss_2048_sha256_mgf1_32_test", 108, &[]),
            ("rsa_pss_2048_sha256_mgf1_32_params_test", 108, &[]),
            ("ed25519_test", 151, &[]),
        ],
    );
}

#[test]
fn ciphers_give_what_wycheproof_says() {
    run("ciphers_give_what_wycheproof_says", &[("aes_gcm_test", 316, &[]), ("aes_cbc_pkcs5_test", 216, &[])]);
}

#[test]
fn wrapped_keys_come_out_as_wycheproof_says() {
    run(
        "wrapped_keys_come_out_as_wycheproof_says",
        &[
            ("rsa_oaep_2048_sha1_mgf1sha1_test", 36, &OAEP),
            ("rsa_oaep_2048_sha256_mgf1sha256_test", 37, &OAEP),
            ("rsa_oaep_3072_sha512_mgf1sha512_test", 33, &OAEP),
            ("rsa_pkcs1_2048_test", 67, &[]),
        ],
    );
}

#[test]
fn rsa_by_aws_lc_does_as_wycheproof_says() {
    run_on(
        " by AWS-LC",
        &AwsLc,
        &InAwsLc,
        "rsa_by_aws_lc_does_as_wycheproof_says",
        &[
            ("rsa_signature_2048_sha256_test", 259, &[]),
            ("rsa_pss_2048_sha256_mgf1_32_test", 108, &[]),
            ("rsa_pss_2048_sha256_mgf1_32_params_test", 108, &[]),
            ("rsa_oaep_2048_sha1_mgf1sha1_test", 36, &[]),
            ("rsa_oaep_2048_sha256_mgf1sha256_test", 37, &[]),
            ("rsa_oaep_3072_sha512_mgf1sha512_test", 33, &[]),
            ("rsa_pkcs1_2048_test", 67, &[]),
        ],
    );
}

#[test]
fn agreements_give_what_wycheproof_says() {
    run(
        "agreements_give_what_wycheproof_says",
        &[("ecdh_secp256r1_test", 612, &[]), ("x25519_test", 518, &[])],
    );
}
