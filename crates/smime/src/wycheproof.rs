//! Wycheproof, for the arithmetic that no provider or keyring stands between.

use serde_json::Value;

use crate::asn1::write;
use crate::corpus::{Tally, folder};
use crate::key_agreement::hkdf;
use crate::key_wrap::KeyWrap;
use crate::keyring::{KeyId, Keyring};
use crate::provider::Hash;
use crate::ready::block_on_ready;
use crate::rustcrypto::MemoryKeyring;

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Runs every test of a file; `operate` says whether the operation gave what the test says.
pub(crate) fn run(test: &str, name: &str, expected: usize, operate: impl Fn(&Value) -> bool) {
    let Some(corpus) = folder("wycheproof", test) else { return };
    let file = std::fs::read(corpus.join(name).with_extension("json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let mut tally = Tally::new(&format!("Wycheproof {name}"), &[]);
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let given = operate(test);
            let right = match test["result"].as_str().unwrap() {
                "valid" => given,
                "invalid" => !given,
                _ => true,
            };
            let outcome = if right { Ok(()) } else { Err(format!("{} {}", test["comment"], test["flags"])) };
            tally.judge(&test["tcId"].to_string(), outcome);
        }
    }
    tally.finish(expected);
}

#[test]
fn keys_are_wrapped_as_wycheproof_says() {
    run("keys_are_wrapped_as_wycheproof_says", "aes_wrap_test", 165, |test| {
        let (kek, key, wrapped) = (hex(&test["key"]), hex(&test["msg"]), hex(&test["ct"]));
        let Some(wrap) = KeyWrap::for_key(kek.len()) else { return false };
        let written = test["result"] != "valid" || wrap.wrap(&kek, &key).is_some_and(|made| made == wrapped);
        written && wrap.unwrap(&kek, &wrapped).is_some_and(|opened| *opened == key)
    });
}

#[test]
fn keys_are_derived_as_wycheproof_says() {
    run("keys_are_derived_as_wycheproof_says", "hkdf_sha256_test", 86, |test| {
        let mut key = vec![0; usize::try_from(test["size"].as_u64().unwrap()).unwrap()];
        let (salt, secret, info) = (hex(&test["salt"]), hex(&test["ikm"]), hex(&test["info"]));
        let derived = hkdf(Hash::Sha256, Some(&salt), &secret, &info, &mut key);
        derived.is_some() && key == hex(&test["okm"])
    });
}

#[cfg(feature = "post-quantum")]
#[test]
fn secrets_are_decapsulated_as_wycheproof_says() {
    let (test, file) = ("secrets_are_decapsulated_as_wycheproof_says", "mlkem_768_semi_expanded_decaps_test");
    run(test, file, 9, |test| {
        let (_, oid) = crate::certificate::ML_KEM_OIDS.map(|(oid, parameters)| (parameters, oid))[1];
        let pkcs8 = write::sequence(&[
            &write::integer(0),
            &write::algorithm(oid, &[]),
            &write::octets(&write::octets(&hex(&test["dk"]))),
        ]);
        let (mut keyring, id) = (MemoryKeyring::new(), KeyId::new("key"));
        if keyring.insert_pkcs8(id.clone(), &pkcs8).is_err() {
            return false;
        }
        let shared = block_on_ready(keyring.decapsulate(&id, &hex(&test["c"])));
        shared.is_ok_and(|shared| *shared == hex(&test["K"]))
    });
}

/// SM3 belongs to the Chinese suite, which this crate names and does not have.
#[test]
fn what_wycheproof_says_of_sm3_is_left_out() {
    let Some(corpus) = folder("wycheproof", "what_wycheproof_says_of_sm3_is_left_out") else { return };
    let file: Value =
        serde_json::from_slice(&std::fs::read(corpus.join("hmac_sm3_test.json")).unwrap()).unwrap();
    let mut tally = Tally::new("Wycheproof hmac_sm3_test", &[]);
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            tally.leave_out(&test["tcId"].to_string(), "no algorithm of S/MIME here uses SM3");
        }
    }
    tally.finish(174);
}
