//! The operations that Wycheproof tests, on any provider and keyring: native ones and a browser's.

use serde_json::Value;
use smime::{
    ContentEncryption, Curve, Hash, KeyId, KeyKind, Keyring, Provider, RsaPadding, SignatureAlgorithm,
};

/// Makes keyrings of one key, whose name is [`id`].
#[allow(async_fn_in_trait, reason = "WebCrypto's futures are not Send, and native ones need no bound")]
pub trait Keys {
    type Keyring: Keyring;

    /// A keyring with this key (PKCS#8); None if it is refused.
    async fn keyring(&self, pkcs8: &[u8]) -> Option<Self::Keyring>;
}

pub fn id() -> KeyId {
    KeyId::new("key")
}

/// A test that went as Wycheproof says, or what was found instead; named by its number.
pub struct Judged {
    pub name: String,
    pub outcome: Result<(), String>,
}

/// Judges every test of a file, given its name and contents.
pub async fn judge(name: &str, file: &[u8], provider: &impl Provider, keys: &impl Keys) -> Vec<Judged> {
    let file: Value = serde_json::from_slice(file).unwrap();
    let mut judged = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        // The key of a group serves all its tests.
        let keyring = match group["privateKeyPkcs8"].as_str() {
            Some(_) => keys.keyring(&hex(&group["privateKeyPkcs8"])).await,
            None => None,
        };
        for test in group["tests"].as_array().unwrap() {
            let given = operate(name, group, test, keyring.as_ref(), provider, keys).await;
            let outcome = compare(test, given);
            judged.push(Judged { name: test["tcId"].to_string(), outcome });
        }
    }
    judged
}

fn compare(test: &Value, given: bool) -> Result<(), String> {
    let expected = match test["result"].as_str().unwrap() {
        "valid" => true,
        "invalid" => false,
        _ => return Ok(()),
    };
    if given == expected {
        return Ok(());
    }
    Err(format!("{} {}: {}", test["comment"], test["flags"], if given { "accepted" } else { "refused" }))
}

async fn operate<K: Keyring>(
    name: &str,
    group: &Value,
    test: &Value,
    keyring: Option<&K>,
    provider: &impl Provider,
    keys: &impl Keys,
) -> bool {
    match name {
        "ecdsa_secp256r1_sha256_test" => {
            verify(provider, SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256), group, test).await
        }
        "ed25519_test" => verify(provider, SignatureAlgorithm::Ed25519, group, test).await,
        "rsa_signature_2048_sha256_test" => {
            verify(provider, SignatureAlgorithm::RsaPkcs1(Hash::Sha256), group, test).await
        }
        "rsa_pss_2048_sha256_mgf1_32_test" | "rsa_pss_2048_sha256_mgf1_32_params_test" => {
            let salt_len = usize::try_from(group["sLen"].as_u64().unwrap()).unwrap();
            verify(provider, SignatureAlgorithm::RsaPss { hash: Hash::Sha256, salt_len }, group, test).await
        }
        "aes_gcm_test" => gcm(provider, test).await,
        "aes_cbc_pkcs5_test" => cbc(provider, test).await,
        "rsa_oaep_2048_sha1_mgf1sha1_test" => oaep(keyring, Hash::Sha1, test).await,
        "rsa_oaep_2048_sha256_mgf1sha256_test" => oaep(keyring, Hash::Sha256, test).await,
        "rsa_oaep_3072_sha512_mgf1sha512_test" => oaep(keyring, Hash::Sha512, test).await,
        "rsa_pkcs1_2048_test" => pkcs1(keyring, test).await,
        "ecdh_secp256r1_test" => ecdh(keys, test).await,
        "x25519_test" => x25519(keys, test).await,
        other => panic!("{other} is not run by a provider or a keyring"),
    }
}

pub fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("no hexadecimal: {value}"));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

async fn verify(
    provider: &impl Provider,
    algorithm: SignatureAlgorithm,
    group: &Value,
    test: &Value,
) -> bool {
    let spki = hex(&group["publicKeyDer"]);
    let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
    provider.verify(&spki, algorithm, &message, &signature).await.is_ok()
}

async fn gcm(provider: &impl Provider, test: &Value) -> bool {
    let (key, iv, tag) = (hex(&test["key"]), hex(&test["iv"]), hex(&test["tag"]));
    let cipher = match key.len() {
        16 => ContentEncryption::Aes128Gcm,
        24 => ContentEncryption::Aes192Gcm,
        _ => ContentEncryption::Aes256Gcm,
    };
    let (aad, ciphertext) = (hex(&test["aad"]), hex(&test["ct"]));
    let opened = provider.decrypt(cipher, &key, &iv, &aad, &ciphertext, &tag).await;
    opened.is_ok_and(|plaintext| plaintext == hex(&test["msg"]))
}

async fn cbc(provider: &impl Provider, test: &Value) -> bool {
    let (key, iv) = (hex(&test["key"]), hex(&test["iv"]));
    let cipher = match key.len() {
        16 => ContentEncryption::Aes128Cbc,
        24 => ContentEncryption::Aes192Cbc,
        _ => ContentEncryption::Aes256Cbc,
    };
    let opened = provider.decrypt(cipher, &key, &iv, &[], &hex(&test["ct"]), &[]).await;
    opened.is_ok_and(|plaintext| plaintext == hex(&test["msg"]))
}

async fn oaep<K: Keyring>(keyring: Option<&K>, hash: Hash, test: &Value) -> bool {
    let label = hex(&test["label"]);
    let padding = RsaPadding::Oaep { hash, mask: hash, label: &label };
    let unwrapped = keyring.unwrap().unwrap_rsa(&id(), padding, &hex(&test["ct"])).await;
    unwrapped.is_ok_and(|key| *key == hex(&test["msg"]))
}

/// With implicit rejection bad padding succeeds, with something that is not the message.
async fn pkcs1<K: Keyring>(keyring: Option<&K>, test: &Value) -> bool {
    let unwrapped = keyring.unwrap().unwrap_rsa(&id(), RsaPadding::Pkcs1v15, &hex(&test["ct"])).await;
    let message = hex(&test["msg"]);
    let given = unwrapped.is_ok_and(|key| *key == message);
    given && (test["result"] == "valid" || !message.is_empty())
}

async fn ecdh(keys: &impl Keys, test: &Value) -> bool {
    let spki = hex(&test["public"]);
    // An uncompressed point is the last 65 octets of its SubjectPublicKeyInfo, a compressed one the last
    // 33; anything else about it is for whoever reads certificates.
    let point_len = if spki.len() < 80 { 33 } else { 65 };
    let Some(at) = spki.len().checked_sub(point_len) else { return false };
    // Without a curve that is known by its name, as a certificate's key is read.
    if KeyKind::of(&spki) != KeyKind::Ec(Curve::P256) {
        return false;
    }
    let scalar = hex(&test["private"]);
    let digits = &scalar[scalar.len().saturating_sub(32)..];
    // RFC 5915 and 5958, without the public key.
    let head = [0x30, 65, 2, 1, 0, 0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8];
    let middle = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 39, 0x30, 37, 2, 1, 1, 4, 32];
    let pkcs8 = [&head[..], &middle, &vec![0; 32 - digits.len()], digits].concat();
    agree(keys, &pkcs8, &spki[at..], test).await
}

async fn x25519(keys: &impl Keys, test: &Value) -> bool {
    // RFC 8410 7: the key is an OCTET STRING in the OCTET STRING of PKCS#8.
    let head = [0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 34, 4, 32];
    let pkcs8 = [&head[..], &hex(&test["private"])].concat();
    agree(keys, &pkcs8, &hex(&test["public"]), test).await
}

async fn agree(keys: &impl Keys, pkcs8: &[u8], peer: &[u8], test: &Value) -> bool {
    let Some(keyring) = keys.keyring(pkcs8).await else { return false };
    let shared = keyring.agree(&id(), peer).await;
    shared.is_ok_and(|shared| *shared == hex(&test["shared"]))
}
