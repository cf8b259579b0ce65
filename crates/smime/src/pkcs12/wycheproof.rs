//! Wycheproof, for keys and ciphertexts under passwords.

use serde_json::Value;

use super::pbe::{self, Scheme};
use super::pbkdf;
use crate::algorithm::Identifier;
use crate::asn1::Reader;
use crate::wycheproof::{hex, run};

fn read(identifier: &[u8]) -> Identifier<'_> {
    Identifier::read(Reader::new(identifier).sequence().unwrap()).unwrap()
}

#[test]
fn keys_under_passwords_are_as_wycheproof_says() {
    run("keys_under_passwords_are_as_wycheproof_says", "pbkdf2_hmacsha256_test", 60, |test| {
        let derivation = pbkdf::pbkdf2_identifier(&hex(&test["salt"]), iterations(test));
        let length = usize::try_from(test["dkLen"].as_u64().unwrap()).unwrap();
        let key = pbkdf::pbkdf2_key(&read(&derivation), &hex(&test["password"]), length);
        key.is_ok_and(|key| *key == hex(&test["dk"]))
    });
}

#[test]
fn ciphertexts_under_passwords_are_as_wycheproof_says() {
    run("ciphertexts_under_passwords_are_as_wycheproof_says", "pbes2_hmacsha256_aes_256_test", 84, |test| {
        let salt = hex(&test["salt"]);
        let identifier = pbe::pbes2_identifier(&salt, &hex(&test["iv"]), iterations(test));
        let scheme = Scheme::read(&read(&identifier)).unwrap();
        let opened = scheme.decrypt(&hex(&test["password"]), &hex(&test["ct"]));
        opened.is_some_and(|opened| *opened == hex(&test["msg"]))
    });
}

fn iterations(test: &Value) -> u32 {
    u32::try_from(test["iterationCount"].as_u64().unwrap()).unwrap()
}
