//! Seals and opens for `cargo xtask bench smime`, with the engine's own WebCrypto and keyring.
//!
//! It sets the global function `sealpostBench`, which takes the RSA keys (`signing` and `encryption`, each
//! with `pkcs8` and `spki`) and promises a `Bench`.

use std::cell::RefCell;

use app::web::clock;
use app::web::crypto::{KeyUse, WebCrypto, WebKeyring, random, rng};
use app::web::database::Database;
use js_sys::{Object, Reflect, Uint8Array};
use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
use smime::message::{self, Address, Attachment, Draft, SealOptions};
use smime::{Certificate, ContentEncryption, DecryptionKey, KeyId, SignedForm, Signer, Trust, UnixTime};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

const DAY: u64 = 86_400;
const ADDRESS: &str = "bench@sealpost.example";

fn main() {
    let start = Closure::<dyn Fn(JsValue) -> js_sys::Promise>::new(|rsa| {
        future_to_promise(async move { Ok(Bench::new(&rsa).await?.into()) })
    });
    set(&js_sys::global(), "sealpostBench", &start.into_js_value());
}

/// Everything that is measured of Sealpost.
#[wasm_bindgen]
pub struct Bench {
    keyring: WebKeyring,
    issuer: Issuer,
    people: [Person; 2],
    trust: Trust,
    crowd: RefCell<Vec<Certificate>>,
}

/// One who signs and reads, with keys of one kind.
struct Person {
    signer: Signer,
    reader: DecryptionKey,
}

#[wasm_bindgen]
impl Bench {
    /// Signs `content` (opaque) and encrypts the result to one recipient.
    pub async fn seal(&self, kind: &str, cipher: &str, content: &[u8]) -> Result<Uint8Array, JsError> {
        let person = self.person(kind)?;
        let signed = self.sign(person, content).await?;
        let recipients = std::slice::from_ref(&person.reader.certificate);
        let sealed = smime::encrypt(&WebCrypto, &mut rng(), &signed, recipients, named(cipher)?).await?;
        Ok(sealed.as_slice().into())
    }

    /// Decrypts and verifies, the signer's path to the root included; gives the length of the content.
    pub async fn open(&self, kind: &str, sealed: &[u8]) -> Result<usize, JsError> {
        let keys = std::slice::from_ref(&self.person(kind)?.reader);
        let decrypted = smime::decrypt(&WebCrypto, &self.keyring, keys, sealed).await?;
        let verified = smime::verify(&WebCrypto, &decrypted.content, None, &self.trust, clock::now()).await?;
        match verified.signers.first() {
            Some(signer) if signer.verdict.is_ok() => Ok(verified.content.len()),
            _ => Err(JsError::new("not verified")),
        }
    }

    /// Seals a whole letter with one attachment, as the engine does before it uploads.
    pub async fn seal_letter(&self, file: Uint8Array) -> Result<Uint8Array, JsError> {
        let person = self.person("P-256")?;
        let length = file.length() as usize;
        let mut data = Vec::with_capacity(Attachment::room(length));
        data.resize(length, 0);
        file.copy_to(&mut data);
        let attachment = Attachment { name: "bench.bin".into(), data, ..Attachment::default() };
        let draft = Draft {
            from: Address::new(ADDRESS),
            to: vec![Address::new(ADDRESS)],
            subject: "Bench".into(),
            date: clock::now(),
            message_id: "bench@sealpost.example".into(),
            text: "See the attachment.".into(),
            attachments: vec![attachment],
            ..Draft::default()
        };
        let (options, signer) = (SealOptions::default(), &person.signer);
        let signed =
            message::sign_draft(&WebCrypto, &self.keyring, draft, signer, &options, async |_| None).await?;
        let recipients = std::slice::from_ref(&person.reader.certificate);
        let sealed = signed.into_encrypted(&WebCrypto, &mut rng(), recipients, &options).await?;
        Ok(sealed.as_slice().into())
    }

    /// Opens a whole letter; gives the length of its attachment.
    pub async fn open_letter(&self, letter: Uint8Array) -> Result<usize, JsError> {
        let keys = std::slice::from_ref(&self.person("P-256")?.reader);
        let bytes = letter.to_vec();
        drop(letter);
        let opened =
            message::open(&WebCrypto, &self.keyring, keys, &self.trust, &bytes, clock::now()).await?;
        if opened.status != message::Status::Confidential {
            return Err(JsError::new("not verified"));
        }
        Ok(opened.attachments().map(|part| part.data.len()).sum())
    }

    /// Makes certificates for recipients, from their SubjectPublicKeyInfos; gives how many there are.
    pub async fn invite(&self, spkis: Vec<Uint8Array>) -> Result<usize, JsError> {
        let mut crowd = Vec::with_capacity(spkis.len());
        for (number, spki) in spkis.into_iter().enumerate() {
            let profile = profile(&self.issuer, &format!("Recipient {number}"), Usage::Encryption)?;
            crowd.push(issue(&self.keyring, &self.issuer, &spki.to_vec(), &profile).await?);
        }
        let invited = crowd.len();
        self.crowd.replace(crowd);
        Ok(invited)
    }

    /// Signs and encrypts to everybody who was invited; gives the length of the result.
    pub async fn seal_to_all(&self, content: &[u8]) -> Result<usize, JsError> {
        let signed = self.sign(self.person("P-256")?, content).await?;
        let crowd = self.crowd.borrow().clone();
        let cipher = ContentEncryption::Aes256Gcm;
        Ok(smime::encrypt(&WebCrypto, &mut rng(), &signed, &crowd, cipher).await?.len())
    }

    /// The pages of this program's memory, in bytes; it never shrinks, so that this is the most there was.
    pub fn memory(&self) -> u32 {
        let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
        memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length()
    }
}

impl Bench {
    async fn new(rsa: &JsValue) -> Result<Self, JsError> {
        let name = format!("bench-{}", u64::from_be_bytes(random().ok_or_else(no_randomness)?));
        let database =
            Database::open(&name).await.map_err(|failure| JsError::new(&format!("{failure:?}")))?;
        let keyring =
            WebKeyring::open(database).await.map_err(|failure| JsError::new(&format!("{failure:?}")))?;
        let (root, now) = (KeyId::new("root"), clock::now());
        let spki = make(&keyring, &root, KeyUse::Signing).await?;
        let (from, to) = (UnixTime(now.0 - DAY), UnixTime(now.0 + DAY));
        let certificate = self_signed_root(&keyring, &root, &spki, "Bench root", serial()?, from, to).await?;
        let trust = Trust { anchors: vec![certificate.clone()], ..Trust::default() };
        let issuer = Issuer { key: root, certificate };
        let people = [Person::elliptic(&keyring, &issuer).await?, Person::rsa(&keyring, &issuer, rsa).await?];
        Ok(Self { keyring, issuer, people, trust, crowd: RefCell::default() })
    }

    async fn sign(&self, person: &Person, content: &[u8]) -> Result<Vec<u8>, JsError> {
        let (signer, now) = (&person.signer, clock::now());
        let signed = smime::sign(&WebCrypto, &self.keyring, signer, content, SignedForm::Opaque, now).await?;
        Ok(signed.to_der())
    }

    fn person(&self, kind: &str) -> Result<&Person, JsError> {
        let [elliptic, rsa] = &self.people;
        match kind {
            "P-256" => Ok(elliptic),
            "RSA-2048" => Ok(rsa),
            _ => Err(JsError::new("no such keys")),
        }
    }
}

impl Person {
    async fn elliptic(keyring: &WebKeyring, issuer: &Issuer) -> Result<Self, JsError> {
        let (signing, encryption) = (KeyId::new("signing"), KeyId::new("encryption"));
        let signs = make(keyring, &signing, KeyUse::Signing).await?;
        let reads = make(keyring, &encryption, KeyUse::Encryption).await?;
        Self::certified(keyring, issuer, (signing, &signs), (encryption, &reads)).await
    }

    async fn rsa(keyring: &WebKeyring, issuer: &Issuer, given: &JsValue) -> Result<Self, JsError> {
        let (signing, encryption) = (KeyId::new("rsa-signing"), KeyId::new("rsa-encryption"));
        let (mut spkis, halves) = (Vec::new(), [("signing", &signing), ("encryption", &encryption)]);
        for (half, id) in halves {
            let pair = field(given, half)?;
            let bytes = |name| field(&pair, name).map(|value| Uint8Array::new(&value).to_vec());
            keyring.insert_pkcs8(id, &bytes("pkcs8")?).await?;
            spkis.push(bytes("spki")?);
        }
        let [signs, reads] = spkis.as_slice() else { return Err(JsError::new("a key is missing")) };
        Self::certified(keyring, issuer, (signing, signs), (encryption, reads)).await
    }

    async fn certified(
        keyring: &WebKeyring,
        issuer: &Issuer,
        (signing, signs): (KeyId, &[u8]),
        (encryption, reads): (KeyId, &[u8]),
    ) -> Result<Self, JsError> {
        let leaf = issue(keyring, issuer, signs, &profile(issuer, "Signer", Usage::Signing)?).await?;
        let signer = Signer { key: signing, chain: vec![leaf], encryption: None };
        let certificate =
            issue(keyring, issuer, reads, &profile(issuer, "Reader", Usage::Encryption)?).await?;
        Ok(Self { signer, reader: DecryptionKey { key: encryption, certificate } })
    }
}

async fn make(keyring: &WebKeyring, id: &KeyId, usage: KeyUse) -> Result<Vec<u8>, JsError> {
    let made = WebKeyring::generate_p256().await?;
    keyring.insert(id, &made.pkcs8, usage).await?;
    Ok(made.spki)
}

fn profile(issuer: &Issuer, name: &str, usage: Usage) -> Result<Profile, JsError> {
    Ok(Profile {
        common_name: name.to_owned(),
        organisation: None,
        emails: vec![ADDRESS.to_owned()],
        usage,
        serial: serial()?,
        not_before: issuer.certificate.not_before(),
        not_after: issuer.certificate.not_after(),
    })
}

fn named(cipher: &str) -> Result<ContentEncryption, JsError> {
    match cipher {
        "GCM" => Ok(ContentEncryption::Aes256Gcm),
        "CBC" => Ok(ContentEncryption::Aes256Cbc),
        _ => Err(JsError::new("no such cipher")),
    }
}

fn serial() -> Result<[u8; 16], JsError> {
    random().ok_or_else(no_randomness)
}

fn no_randomness() -> JsError {
    JsError::new("no randomness")
}

fn field(object: &JsValue, name: &str) -> Result<JsValue, JsError> {
    Reflect::get(object, &name.into()).map_err(|_| JsError::new("a key is missing"))
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}
