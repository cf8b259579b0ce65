//! What only a browser can show: WebCrypto and IndexedDB behind the traits of `smime`.
#![cfg(target_arch = "wasm32")]

use app::engine::trust::hex;
use app::engine::vault::RECOVERY_INFO;
use app::protocol::Failure;
use app::web::charset;
use app::web::crypto::{KeyUse, WebCrypto, WebKeyring, hkdf_aes_key, random};
use app::web::database::{Database, Store};
use smime::suite::{self, KeyringFactory};
use smime::{Curve, Hash, KeyId, Keyring, KeyringError, SignatureAlgorithm};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const P256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256);

/// A name that no earlier run has used.
fn fresh() -> String {
    hex(&random::<8>().expect("the browser has randomness"))
}

async fn keyring(name: &str) -> WebKeyring {
    let database = Database::open(name).await.expect("the database opens");
    WebKeyring::open(database).await.expect("the keyring opens")
}

struct InIndexedDb;

impl KeyringFactory for InIndexedDb {
    type Keyring = WebKeyring;

    async fn keyring(&self, keys: &[(KeyId, &[u8])]) -> WebKeyring {
        let keyring = keyring(&fresh()).await;
        for (id, pkcs8) in keys {
            keyring.insert_pkcs8(id, pkcs8).await.expect("the key is taken in");
        }
        keyring
    }
}

#[wasm_bindgen_test]
async fn webcrypto_and_indexeddb_pass_the_suite() {
    suite::run(&WebCrypto, &InIndexedDb).await;
}

#[wasm_bindgen_test]
async fn keys_outlive_the_page_and_have_one_use() {
    let name = fresh();
    let made = WebKeyring::generate_p256().await.expect("a pair is made");
    let (signing, encryption) = (KeyId::new("s"), KeyId::new("e"));
    let first = keyring(&name).await;
    first.insert(&signing, &made.pkcs8, KeyUse::Signing).await.expect("taken in");
    first.insert(&encryption, &made.pkcs8, KeyUse::Encryption).await.expect("taken in");
    drop(first);
    let again = keyring(&name).await;
    assert!(again.sign(&signing, P256, b"x").await.is_ok());
    assert_eq!(again.sign(&encryption, P256, b"x").await, Err(KeyringError::WrongKind));
    assert_eq!(again.sign(&KeyId::new("none"), P256, b"x").await, Err(KeyringError::UnknownKey));
}

#[wasm_bindgen_test]
async fn what_is_sealed_to_a_device_opens_there_after_reopening_and_nowhere_else() {
    let name = fresh();
    let sealed = keyring(&name).await.device().seal(b"secret").await.expect("sealed");
    let again = keyring(&name).await;
    assert_eq!(again.device().open_sealed(&sealed).await.expect("opens").as_slice(), b"secret");
    assert!(keyring(&fresh()).await.device().open_sealed(&sealed).await.is_none());
    assert!(again.device().open_sealed(b"short").await.is_none());
}

#[wasm_bindgen_test]
async fn two_tabs_settle_on_one_value() {
    let name = fresh();
    let (one, two) =
        (Database::open(&name).await.expect("opens"), Database::open(&name).await.expect("opens"));
    assert_eq!(one.settle(Store::Records, "x", &"a".into()).await, Ok("a".into()));
    assert_eq!(two.settle(Store::Records, "x", &"b".into()).await, Ok("a".into()));
}

#[wasm_bindgen_test]
async fn a_database_of_a_newer_program_is_left_alone() {
    let name = fresh();
    let factory = idb::Factory::new().expect("there is IndexedDB");
    let newer = factory.open(&format!("sealpost-{name}"), Some(1_000)).expect("asked").await.expect("opens");
    newer.close();
    assert_eq!(Database::open(&name).await.err(), Some(Failure::StorageNewer));
}

#[wasm_bindgen_test]
async fn a_recovery_code_gives_one_key_per_salt() {
    let one = hkdf_aes_key(b"code", b"salt", RECOVERY_INFO).await.expect("derived");
    assert_eq!(hkdf_aes_key(b"code", b"salt", RECOVERY_INFO).await, Some(one));
    assert_ne!(hkdf_aes_key(b"code", b"tlas", RECOVERY_INFO).await, Some(one));
    assert_ne!(hkdf_aes_key(b"edoc", b"salt", RECOVERY_INFO).await, Some(one));
}

#[wasm_bindgen_test]
fn old_charsets_are_read() {
    assert_eq!(charset::decode("gb2312", b"\xc4\xe3\xba\xc3").as_deref(), Some("你好"));
    assert_eq!(charset::decode("no-such", b"x"), None);
}
