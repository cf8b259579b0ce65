//! What the engine need not do twice while it lives: importing a public key, and checking a signature that
//! was found good.
//!
//! Both outcomes depend on nothing but the bytes they are kept under, all of which are compared, so that
//! remembering them weakens no check. A signature that was not good is never remembered. Certificates gain
//! most: those of an authority and of frequent correspondents come with every message.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::thread::LocalKey;

use smime::SignatureAlgorithm;
use web_sys::CryptoKey;

/// Enough for the authorities and correspondents of a day; a letter to very many is no reason to keep them all.
const MOST: usize = 64;
/// Signed attributes and certificates are shorter; contents are not kept.
const LONGEST: usize = 4096;

type List<K, V> = RefCell<VecDeque<(K, V)>>;

thread_local! {
    static KEYS: List<(String, Vec<u8>), CryptoKey> = RefCell::default();
    static SIGNATURES: List<Good, ()> = RefCell::default();
}

/// A signature that was checked and holds.
#[derive(PartialEq, Eq)]
struct Good {
    spki: Vec<u8>,
    algorithm: SignatureAlgorithm,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// The public key that was imported from these bytes for this use.
pub(super) fn key(usage: &str, bytes: &[u8]) -> Option<CryptoKey> {
    find(&KEYS, |(known, from)| known == usage && from == bytes)
}

/// Remembers an imported public key.
pub(super) fn keep_key(usage: &str, bytes: &[u8], key: &CryptoKey) {
    keep(&KEYS, (usage.to_owned(), bytes.to_vec()), key.clone());
}

/// Whether exactly this signature was found good before.
pub(super) fn is_good(spki: &[u8], algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
    let same = |good: &Good| {
        good.signature == signature
            && good.spki == spki
            && good.algorithm == algorithm
            && good.message == message
    };
    find(&SIGNATURES, same).is_some()
}

/// Remembers a signature that was found good.
pub(super) fn keep_good(spki: &[u8], algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) {
    if message.len() > LONGEST {
        return;
    }
    let good =
        Good { spki: spki.to_vec(), algorithm, message: message.to_vec(), signature: signature.to_vec() };
    keep(&SIGNATURES, good, ());
}

/// Finds an entry and makes it the youngest.
fn find<K, V: Clone>(list: &'static LocalKey<List<K, V>>, is_it: impl Fn(&K) -> bool) -> Option<V> {
    list.with_borrow_mut(|list| {
        let at = list.iter().position(|(key, _)| is_it(key))?;
        let entry = list.remove(at)?;
        let value = entry.1.clone();
        list.push_front(entry);
        Some(value)
    })
}

fn keep<K, V>(list: &'static LocalKey<List<K, V>>, key: K, value: V) {
    list.with_borrow_mut(|list| {
        list.truncate(MOST - 1);
        list.push_front((key, value));
    });
}

#[cfg(test)]
mod tests {
    use smime::{Curve, Hash, SignatureAlgorithm};

    use super::{LONGEST, MOST, is_good, keep_good};

    const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256);

    #[test]
    fn a_signature_is_good_for_nothing_but_what_it_was_checked_with() {
        keep_good(b"key", P256, b"message", b"signature");
        assert!(is_good(b"key", P256, b"message", b"signature"));
        let other = SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha384);
        assert!(!is_good(b"kez", P256, b"message", b"signature"));
        assert!(!is_good(b"key", other, b"message", b"signature"));
        assert!(!is_good(b"key", P256, b"messag", b"esignature"));
        assert!(!is_good(b"key", P256, b"message", b"signaturf"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        keep_good(b"key", P256, &vec![0; LONGEST + 1], b"s");
        assert!(!is_good(b"key", P256, &vec![0; LONGEST + 1], b"s"));
        for number in 0..=MOST {
            keep_good(b"key", P256, &number.to_be_bytes(), b"s");
        }
        assert!(!is_good(b"key", P256, &0_usize.to_be_bytes(), b"s"));
        assert!(is_good(b"key", P256, &1_usize.to_be_bytes(), b"s"));
        assert!(is_good(b"key", P256, &MOST.to_be_bytes(), b"s"));
    }
}
