//! Public corpora of what does arithmetic, through WebCrypto and IndexedDB. The test runner serves the
//! folder of corpora beside the test.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::too_many_lines,
    reason = "tests may panic, and be tables"
)]

#[path = "../../crates/smime/tests/corpora/messages.rs"]
mod messages;
#[path = "../../crates/smime/tests/corpora/wycheproof/operations.rs"]
mod operations;
#[path = "../../crates/smime/tests/support/tally.rs"]
mod tally;

use app::engine::trust::hex;
use app::web::crypto::{WebCrypto, WebKeyring, random};
use app::web::database::Database;
use js_sys::{ArrayBuffer, Uint8Array};
use messages::Files;
use operations::{Keys, id, judge};
use smime::KeyId;
use smime::suite::KeyringFactory;
use tally::Tally;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Response, WorkerGlobalScope};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A file of the corpora.
async fn read(path: &str) -> Vec<u8> {
    let worker: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response: Response =
        JsFuture::from(worker.fetch_with_str(&format!("/{path}"))).await.unwrap().unchecked_into();
    assert!(response.ok(), "{path} is not served");
    let buffer = JsFuture::from(response.array_buffer().unwrap()).await.unwrap();
    Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()).to_vec()
}

/// One keyring whose one key is overwritten: a database for each of thousands of tests takes minutes.
struct InIndexedDb(String);

impl InIndexedDb {
    fn new() -> Self {
        Self(hex(&random::<8>().unwrap()))
    }
}

impl Keys for InIndexedDb {
    type Keyring = WebKeyring;

    async fn keyring(&self, pkcs8: &[u8]) -> Option<WebKeyring> {
        let database = Database::open(&self.0).await.ok()?;
        let keyring = WebKeyring::open(database).await.ok()?;
        keyring.insert_pkcs8(&id(), pkcs8).await.ok()?;
        Some(keyring)
    }
}

struct Served;

impl Files for Served {
    async fn read(&self, path: &str) -> Vec<u8> {
        read(path).await
    }
}

impl KeyringFactory for InIndexedDb {
    type Keyring = WebKeyring;

    async fn keyring(&self, keys: &[(KeyId, &[u8])]) -> WebKeyring {
        let keyring = WebKeyring::open(Database::open(&self.0).await.unwrap()).await.unwrap();
        for (id, pkcs8) in keys {
            keyring.insert_pkcs8(id, pkcs8).await.unwrap();
        }
        keyring
    }
}

#[wasm_bindgen_test]
async fn opens_what_nss_tests_exchange_with_openssl() {
    let reason = "WebCrypto's RSA-OAEP has one hash for the label and the mask";
    let argued = [("fran-oaep-sha256mgf_ossl.env", reason), ("fran-oaep-sha512mgf_ossl.env", reason)];
    messages::nss(&Served, &WebCrypto, &InIndexedDb::new(), &argued).await;
}

#[wasm_bindgen_test]
async fn thunderbirds_messages_get_its_verdicts() {
    messages::thunderbird(&Served, &WebCrypto, &InIndexedDb::new()).await;
}

#[wasm_bindgen_test]
async fn post_quantum_messages_open_and_verify() {
    messages::post_quantum(&Served, &WebCrypto, &InIndexedDb::new()).await;
}

async fn wycheproof(name: &str, expected: usize, argued: &[(&str, &str)]) {
    let file = read(&format!("wycheproof/{name}.json")).await;
    let mut tally = Tally::new(&format!("Wycheproof {name}"), argued);
    for judged in judge(name, &file, &WebCrypto, &InIndexedDb::new()).await {
        tally.judge(&judged.name, judged.outcome);
    }
    tally.finish(expected);
}

#[wasm_bindgen_test]
async fn ecdsa_signatures_are_judged_as_wycheproof_says() {
    wycheproof("ecdsa_secp256r1_sha256_test", 484, &[]).await;
}

#[wasm_bindgen_test]
async fn rsa_signatures_are_judged_as_wycheproof_says() {
    wycheproof("rsa_signature_2048_sha256_test", 259, &[]).await;
    wycheproof("rsa_pss_2048_sha256_mgf1_32_test", 108, &[]).await;
    wycheproof("rsa_pss_2048_sha256_mgf1_32_params_test", 108, &[]).await;
}

#[wasm_bindgen_test]
async fn ed25519_signatures_are_judged_as_wycheproof_says() {
    wycheproof("ed25519_test", 151, &[]).await;
}

#[wasm_bindgen_test]
async fn ciphers_give_what_wycheproof_says() {
    wycheproof("aes_gcm_test", 316, &[]).await;
    wycheproof("aes_cbc_pkcs5_test", 216, &[]).await;
}

#[wasm_bindgen_test]
async fn wrapped_keys_come_out_as_wycheproof_says() {
    wycheproof("rsa_oaep_2048_sha1_mgf1sha1_test", 36, &[]).await;
    wycheproof("rsa_oaep_2048_sha256_mgf1sha256_test", 37, &[]).await;
    wycheproof("rsa_oaep_3072_sha512_mgf1sha512_test", 33, &[]).await;
    wycheproof("rsa_pkcs1_2048_test", 67, &[]).await;
}

#[wasm_bindgen_test]
async fn agreements_give_what_wycheproof_says() {
    wycheproof("ecdh_secp256r1_test", 612, &[]).await;
    wycheproof("x25519_test", 518, &[]).await;
}
