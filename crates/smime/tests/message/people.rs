//! People with real keys and certificates, under a root of their own, at a fixed time.

use smime::{
    Certificate, DecryptionKey, KeyId, Signer, Trust, UnixTime, block_on_ready,
    issue::{Issuer, Profile, Usage, issue, self_signed_root},
    message::{Address, Draft, Opened, SealOptions, open, seal},
    rustcrypto::{MemoryKeyring, RustCrypto},
    timestamp::TimestampAuthority,
};

/// When everything here happens: 2026-01-01T00:00:00Z.
pub const NOW: UnixTime = UnixTime(1_767_225_600);
const YEAR: u64 = 365 * 86_400;

pub type Rng = rand_core::UnwrapErr<getrandom::SysRng>;

pub fn rng() -> Rng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// A root, Alice, Bob and Mallory, each with a signing and an encryption certificate.
pub struct World {
    pub keyring: MemoryKeyring,
    pub root: Certificate,
    pub people: Vec<Person>,
}

pub struct Person {
    name: String,
    pub signing: Certificate,
    pub encryption: Certificate,
}

impl World {
    pub fn new() -> Self {
        Self::under("Test Root")
    }

    /// A world of its own, under a root of that name.
    pub fn under(root_name: &str) -> Self {
        let mut keyring = MemoryKeyring::new();
        let root_key = KeyId::new("root");
        let spki = keyring.generate_p256(root_key.clone(), &mut rng()).unwrap();
        let root = block_on_ready(self_signed_root(
            &keyring,
            &root_key,
            &spki,
            root_name,
            [1; 16],
            UnixTime(NOW.0 - YEAR),
            UnixTime(NOW.0 + 10 * YEAR),
        ))
        .unwrap();
        let mut world = Self { keyring, root, people: Vec::new() };
        for email in ["alice@a.example", "bob@b.example", "mallory@evil.example"] {
            world.add(email, email.split('@').next().unwrap());
        }
        world
    }

    /// Adds a person; an empty address gives certificates without one.
    pub fn add(&mut self, email: &str, name: &str) {
        let signing = self.certify(email, name, Usage::Signing);
        let encryption = self.certify(email, name, Usage::Encryption);
        self.people.push(Person { name: name.to_owned(), signing, encryption });
    }

    /// A timestamp authority of this world.
    pub fn authority(&mut self) -> TimestampAuthority {
        let certificate = self.certify("tsa@a.example", "tsa", Usage::TimestampAuthority);
        let key = KeyId::new("tsa TimestampAuthority");
        TimestampAuthority { signer: Signer { key, chain: vec![certificate], encryption: None } }
    }

    fn certify(&mut self, email: &str, name: &str, usage: Usage) -> Certificate {
        let key = KeyId::new(format!("{name} {usage:?}"));
        let spki = self.keyring.generate_p256(key, &mut rng()).unwrap();
        let issuer = Issuer { key: KeyId::new("root"), certificate: self.root.clone() };
        let mut serial = [0; 16];
        getrandom::fill(&mut serial).unwrap();
        serial[0] = 1;
        let profile = Profile {
            common_name: if name == "alice" { "Alice Lin 林爱" } else { name }.to_owned(),
            organisation: None,
            emails: Some(email.to_owned()).filter(|email| !email.is_empty()).into_iter().collect(),
            usage,
            serial,
            not_before: UnixTime(NOW.0 - YEAR / 2),
            not_after: UnixTime(NOW.0 + YEAR),
        };
        block_on_ready(issue(&self.keyring, &issuer, &spki, &profile)).unwrap()
    }

    pub fn person(&self, name: &str) -> &Person {
        self.people.iter().find(|person| person.name == name).unwrap()
    }

    pub fn signer(&self, name: &str) -> Signer {
        let person = self.person(name);
        Signer {
            key: KeyId::new(format!("{} Signing", person.name)),
            chain: vec![person.signing.clone(), self.root.clone()],
            encryption: Some(person.encryption.clone()),
        }
    }

    pub fn keys(&self, name: &str) -> Vec<DecryptionKey> {
        let person = self.person(name);
        let key = KeyId::new(format!("{} Encryption", person.name));
        vec![DecryptionKey { key, certificate: person.encryption.clone() }]
    }

    pub fn trust(&self) -> Trust {
        let root = vec![self.root.clone()];
        Trust { anchors: root.clone(), timestamp_anchors: root, ..Trust::default() }
    }

    /// Seals from a signer (or nobody) to Bob.
    pub fn seal(&self, draft: &Draft, signer: Option<&str>, options: &SealOptions) -> Vec<u8> {
        let signer = signer.map(|name| self.signer(name));
        let recipients = [self.person("bob").encryption.clone()];
        block_on_ready(seal(
            &RustCrypto,
            &self.keyring,
            &mut rng(),
            draft,
            signer.as_ref(),
            &recipients,
            options,
            async |_: &[u8]| None,
        ))
        .unwrap()
    }

    /// Encrypts any entity to Bob and wraps it with the given outer fields.
    pub fn encrypt(&self, outer: &str, entity: &[u8]) -> Vec<u8> {
        let recipients = [self.person("bob").encryption.clone()];
        let cipher = smime::ContentEncryption::Aes256Gcm;
        let cms =
            block_on_ready(smime::encrypt(&RustCrypto, &mut rng(), entity, &recipients, cipher)).unwrap();
        let kind = "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m";
        let head = format!("{outer}Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        [head.as_bytes(), base64(&cms).as_bytes()].concat()
    }

    /// Signs any canonical entity as multipart/signed under the given outer fields.
    pub fn sign(&self, outer: &str, entity: &[u8], name: &str) -> Vec<u8> {
        let signer = self.signer(name);
        let form = smime::SignedForm::Detached;
        let signed =
            block_on_ready(smime::sign(&RustCrypto, &self.keyring, &signer, entity, form, NOW)).unwrap();
        let head = format!(
            "{outer}Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=sig\r\n\r\n--sig\r\n"
        );
        let tail = format!(
            "\r\n--sig\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--sig--\r\n",
            base64(&signed.to_der())
        );
        [head.as_bytes(), entity, tail.as_bytes()].concat()
    }

    /// Signs any entity into an opaque message under the given outer fields.
    pub fn sign_opaque(&self, outer: &str, entity: &[u8], name: &str) -> Vec<u8> {
        let signer = self.signer(name);
        let form = smime::SignedForm::Opaque;
        let signed =
            block_on_ready(smime::sign(&RustCrypto, &self.keyring, &signer, entity, form, NOW)).unwrap();
        let head = format!(
            "{outer}Content-Type: application/x-pkcs7-mime; smime-type=signed-data; name=\"smime.p7m\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        );
        [head.as_bytes(), base64(&signed.to_der()).as_bytes()].concat()
    }

    /// Opens as Bob.
    pub fn open(&self, message: &[u8]) -> Opened {
        self.try_open(message).unwrap()
    }

    pub fn try_open(&self, message: &[u8]) -> Result<Opened, smime::message::OpenError> {
        let (keys, trust) = (self.keys("bob"), self.trust());
        block_on_ready(open(&RustCrypto, &self.keyring, &keys, &trust, message, NOW))
    }
}

/// A letter from Alice to Bob.
pub fn letter() -> Draft {
    Draft {
        from: Address::named("Alice Lin 林爱", "alice@a.example"),
        to: vec![Address::named("Bob", "bob@b.example")],
        cc: vec![Address::named("Carol", "carol@c.example")],
        bcc: vec![Address::new("secret@s.example")],
        subject: "The real subject 真正的主题".to_owned(),
        date: NOW,
        message_id: "letter-1@a.example".to_owned(),
        text: "Dear Bob,\n\nFrom here on it is secret.\n".to_owned(),
        ..Draft::default()
    }
}

pub fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(bytes);
    text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap().to_owned() + "\r\n").collect()
}

pub fn base64_decode(text: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).unwrap()
}
