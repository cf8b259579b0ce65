//! Messages of NSS, Thunderbird and the post-quantum examples, natively; `messages.rs` also runs in the browser.

use std::path::PathBuf;

use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::suite::KeyringFactory;
use smime::{KeyId, block_on_ready};

use crate::messages::{self, Files};
use crate::support::corpus::folder;

struct InFolder(PathBuf);

impl Files for InFolder {
    async fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.0.join(path)).unwrap()
    }
}

struct InMemory;

impl KeyringFactory for InMemory {
    type Keyring = MemoryKeyring;

    async fn keyring(&self, keys: &[(KeyId, &[u8])]) -> MemoryKeyring {
        let mut keyring = MemoryKeyring::new();
        for (id, pkcs8) in keys {
            keyring.insert_pkcs8(id.clone(), pkcs8).unwrap();
        }
        keyring
    }
}

/// The folder of all corpora, if it has this one.
fn all(corpus: &str, test: &str) -> Option<InFolder> {
    Some(InFolder(folder(corpus, test)?.parent().unwrap().to_owned()))
}

#[test]
fn opens_what_nss_tests_exchange_with_openssl() {
    let Some(files) = all("nss-interop-openssl", "opens_what_nss_tests_exchange_with_openssl") else {
        return;
    };
    block_on_ready(messages::nss(&files, &RustCrypto, &InMemory, &[]));
}

#[test]
fn thunderbirds_messages_get_its_verdicts() {
    let Some(files) = all("thunderbird-smime", "thunderbirds_messages_get_its_verdicts") else { return };
    block_on_ready(messages::thunderbird(&files, &RustCrypto, &InMemory));
}

#[test]
fn post_quantum_messages_open_and_verify() {
    let test = "post_quantum_messages_open_and_verify";
    let corpora = ["rfc9881-ml-dsa-certs", "rfc9882-cms-ml-dsa", "rfc9936-cms-ml-kem"];
    if corpora.iter().any(|corpus| folder(corpus, test).is_none()) {
        return;
    }
    let Some(files) = all(corpora[0], test) else { return };
    block_on_ready(messages::post_quantum(&files, &RustCrypto, &InMemory));
}
