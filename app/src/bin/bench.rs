//! Seals and opens for `cargo xtask bench crypto`, with the engine's own WebCrypto and keyring.
//!
//! It sets the global function `sealpostBench`, which promises an object of two functions: `seal`
//! takes a Uint8Array and promises the sealed one, `open` promises the length of what was sealed.

use std::rc::Rc;

use app::web::clock;
use app::web::crypto::{KeyUse, WebCrypto, WebKeyring, random, rng};
use app::web::database::Database;
use js_sys::{Object, Promise, Reflect, Uint8Array};
use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
use smime::{Certificate, ContentEncryption, DecryptionKey, KeyId, SignedForm, Signer, Trust, UnixTime};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

const DAY: u64 = 86_400;

fn main() {
    let start =
        Closure::once_into_js(|| future_to_promise(async { Ok(object(Rc::new(Bench::new().await?))) }));
    set(&js_sys::global(), "sealpostBench", &start);
}

struct Bench {
    keyring: WebKeyring,
    signer: Signer,
    recipient: DecryptionKey,
    trust: Trust,
}

impl Bench {
    async fn new() -> Result<Self, JsError> {
        let database =
            Database::open("bench").await.map_err(|failure| JsError::new(&format!("{failure:?}")))?;
        let keyring =
            WebKeyring::open(database).await.map_err(|failure| JsError::new(&format!("{failure:?}")))?;
        let (root, now) = (KeyId::new("root"), clock::now());
        let spki = make(&keyring, &root, KeyUse::Signing).await?;
        let (from, to) = (UnixTime(now.0 - DAY), UnixTime(now.0 + DAY));
        let certificate = self_signed_root(&keyring, &root, &spki, "Bench root", serial()?, from, to).await?;
        let issuer = Issuer { key: root, certificate: certificate.clone() };
        let (key, leaf) = person(&keyring, &issuer, "signing", Usage::Signing).await?;
        let signer = Signer { key, chain: vec![leaf], encryption: None };
        let (key, leaf) = person(&keyring, &issuer, "encryption", Usage::Encryption).await?;
        let recipient = DecryptionKey { key, certificate: leaf };
        let trust = Trust { anchors: vec![certificate], ..Trust::default() };
        Ok(Self { keyring, signer, recipient, trust })
    }

    async fn seal(&self, content: &[u8]) -> Result<Vec<u8>, JsError> {
        let now = clock::now();
        let signed =
            smime::sign(&WebCrypto, &self.keyring, &self.signer, content, SignedForm::Opaque, now).await?;
        let recipients = std::slice::from_ref(&self.recipient.certificate);
        let cipher = ContentEncryption::Aes256Gcm;
        let signed = signed.to_der();
        Ok(smime::encrypt(&WebCrypto, &mut rng(), &signed, recipients, cipher).await?)
    }

    async fn open(&self, sealed: &[u8]) -> Result<usize, JsError> {
        let keys = std::slice::from_ref(&self.recipient);
        let decrypted = smime::decrypt(&WebCrypto, &self.keyring, keys, sealed).await?;
        let verified = smime::verify(&WebCrypto, &decrypted.content, None, &self.trust, clock::now()).await?;
        match verified.signers.first() {
            Some(signer) if signer.verdict.is_ok() => Ok(verified.content.len()),
            _ => Err(JsError::new("not verified")),
        }
    }
}

async fn make(keyring: &WebKeyring, id: &KeyId, usage: KeyUse) -> Result<Vec<u8>, JsError> {
    let made = WebKeyring::generate_p256().await?;
    keyring.insert(id, &made.pkcs8, usage).await?;
    Ok(made.spki)
}

async fn person(
    keyring: &WebKeyring,
    issuer: &Issuer,
    name: &str,
    usage: Usage,
) -> Result<(KeyId, Certificate), JsError> {
    let key = KeyId::new(name);
    let key_use = if usage == Usage::Encryption { KeyUse::Encryption } else { KeyUse::Signing };
    let spki = make(keyring, &key, key_use).await?;
    let profile = Profile {
        common_name: name.to_owned(),
        organisation: None,
        emails: vec!["bench@sealpost.example".to_owned()],
        usage,
        serial: serial()?,
        not_before: issuer.certificate.not_before(),
        not_after: issuer.certificate.not_after(),
    };
    let certificate = issue(keyring, issuer, &spki, &profile).await?;
    Ok((key, certificate))
}

fn serial() -> Result<[u8; 16], JsError> {
    random().ok_or_else(|| JsError::new("no randomness"))
}

fn object(bench: Rc<Bench>) -> JsValue {
    let opening = Rc::clone(&bench);
    let seal = Closure::<dyn Fn(Uint8Array) -> Promise>::new(move |content: Uint8Array| {
        let bench = Rc::clone(&bench);
        future_to_promise(async move {
            let sealed = bench.seal(&content.to_vec()).await?;
            Ok(Uint8Array::from(sealed.as_slice()).into())
        })
    });
    let open = Closure::<dyn Fn(Uint8Array) -> Promise>::new(move |sealed: Uint8Array| {
        let bench = Rc::clone(&opening);
        future_to_promise(async move { Ok(bench.open(&sealed.to_vec()).await?.into()) })
    });
    let object = Object::new();
    set(&object, "seal", &seal.into_js_value());
    set(&object, "open", &open.into_js_value());
    object.into()
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}
