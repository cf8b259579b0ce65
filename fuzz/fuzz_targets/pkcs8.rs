//! Private keys: what is taken in can be written and taken in again.
#![no_main]

use fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use smime::KeyId;
use smime::rustcrypto::MemoryKeyring;

fuzz_target!(|data: &[u8]| {
    let (mut keyring, key, copy) = (MemoryKeyring::new(), KeyId::new("key"), KeyId::new("copy"));
    if bounded(data, 200, 1 << 20, || keyring.insert_pkcs8(key.clone(), data)).is_err() {
        return;
    }
    let spki = keyring.spki(&key).expect("a key that was taken in has a public half");
    let written = keyring.pkcs8(&key).expect("a key that was taken in can be written");
    keyring.insert_pkcs8(copy.clone(), &written).expect("and taken in again");
    assert_eq!(keyring.spki(&copy).as_ref(), Ok(&spki));
    assert_eq!(keyring.pkcs8(&copy).as_deref(), Ok(&*written));
});
