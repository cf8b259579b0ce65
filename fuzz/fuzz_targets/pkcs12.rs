//! PKCS#12 files: nothing opens whose MAC nobody made.
#![no_main]

use fuzz::{bounded, seeds};
use libfuzzer_sys::fuzz_target;
use smime::pkcs12::open;

fuzz_target!(|data: &[u8]| {
    // Key derivation is bounded in time, not here: scrypt is not taken, PBKDF2 holds nothing.
    let opened = bounded(data, 50, 1 << 20, || open(data, seeds::PASSWORD));
    let Ok(contents) = opened else { return };
    assert!(contents.keys.len() <= 4 && contents.certificates.len() <= 16);
    for key in &contents.keys {
        assert!(key.certificate.is_none_or(|index| index < contents.certificates.len()));
    }
});
