//! The suites that are written here, by name, and what is done with each.

use smime::rustcrypto::RustCrypto;
use smime::{
    Certificate, ContentEncryption, Curve, DecryptionKey, Hash, KeyId, KeyTransport, SignOptions,
    SignatureAlgorithm, SignedForm, Signer, block_on_ready as ready,
};

use crate::support::{NOW, World, rng};

pub const PLAIN: &[u8] = "Content-Type: text/plain; charset=utf-8\r\n\r\nSealed 印信\r\n".as_bytes();

/// A content cipher with its name and object identifier.
pub type Cipher = (ContentEncryption, &'static str, &'static str);

/// The content ciphers that are written.
pub const CIPHERS: [Cipher; 6] = [
    (ContentEncryption::Aes128Cbc, "aes-128-cbc", "2.16.840.1.101.3.4.1.2"),
    (ContentEncryption::Aes192Cbc, "aes-192-cbc", "2.16.840.1.101.3.4.1.22"),
    (ContentEncryption::Aes256Cbc, "aes-256-cbc", "2.16.840.1.101.3.4.1.42"),
    (ContentEncryption::Aes128Gcm, "aes-128-gcm", "2.16.840.1.101.3.4.1.6"),
    (ContentEncryption::Aes192Gcm, "aes-192-gcm", "2.16.840.1.101.3.4.1.26"),
    (ContentEncryption::Aes256Gcm, "aes-256-gcm", "2.16.840.1.101.3.4.1.46"),
];

/// A kind of recipient: its name, its key, and how an RSA key is used.
pub type Recipient = (&'static str, &'static str, KeyTransport);

/// The kinds of recipients that OpenSSL has had for long.
pub const RECIPIENTS: [Recipient; 5] = [
    ("RSA PKCS#1 v1.5", "rsa", KeyTransport::Pkcs1v15),
    ("RSA-OAEP", "rsa", KeyTransport::Oaep),
    ("P-256", "P-256", KeyTransport::Oaep),
    ("P-384", "P-384", KeyTransport::Oaep),
    ("P-521", "P-521", KeyTransport::Oaep),
];

/// The kinds that newer programs have.
pub const NEWER_RECIPIENTS: [Recipient; 3] = [
    ("ML-KEM-512", "ML-KEM-512", KeyTransport::Oaep),
    ("ML-KEM-768", "ML-KEM-768", KeyTransport::Oaep),
    ("ML-KEM-1024", "ML-KEM-1024", KeyTransport::Oaep),
];

/// A kind of signature: its name, its key, and the algorithm unless the key has but one.
pub type Signing = (&'static str, &'static str, Option<SignatureAlgorithm>);

const fn pss(hash: Hash, salt_len: usize) -> Option<SignatureAlgorithm> {
    Some(SignatureAlgorithm::RsaPss { hash, salt_len })
}

const fn ecdsa(curve: Curve, hash: Hash) -> Option<SignatureAlgorithm> {
    Some(SignatureAlgorithm::Ecdsa(curve, hash))
}

/// The kinds of signatures that programs have had for long.
pub const SIGNATURES: [Signing; 10] = [
    ("RSA with SHA-256", "rsa", Some(SignatureAlgorithm::RsaPkcs1(Hash::Sha256))),
    ("RSA with SHA-384", "rsa", Some(SignatureAlgorithm::RsaPkcs1(Hash::Sha384))),
    ("RSA with SHA-512", "rsa", Some(SignatureAlgorithm::RsaPkcs1(Hash::Sha512))),
    ("RSA-PSS with SHA-256", "rsa", pss(Hash::Sha256, 32)),
    ("RSA-PSS with SHA-384", "rsa", pss(Hash::Sha384, 48)),
    ("RSA-PSS with SHA-512", "rsa", pss(Hash::Sha512, 64)),
    ("ECDSA P-256 with SHA-256", "P-256", ecdsa(Curve::P256, Hash::Sha256)),
    ("ECDSA P-256 with SHA-512", "P-256", ecdsa(Curve::P256, Hash::Sha512)),
    ("ECDSA P-384 with SHA-384", "P-384", ecdsa(Curve::P384, Hash::Sha384)),
    ("ECDSA P-521 with SHA-512", "P-521", ecdsa(Curve::P521, Hash::Sha512)),
];

/// The kinds that newer programs have.
pub const NEWER_SIGNATURES: [Signing; 4] = [
    ("Ed25519", "Ed25519", None),
    ("ML-DSA-44", "ML-DSA-44", None),
    ("ML-DSA-65", "ML-DSA-65", None),
    ("ML-DSA-87", "ML-DSA-87", None),
];

/// The forms of a signature.
pub const FORMS: [(SignedForm, &str); 2] =
    [(SignedForm::Opaque, "opaque"), (SignedForm::Detached, "detached")];

/// The file name of a key's owner.
pub fn owner(usage: &str, key: &str) -> String {
    format!("{usage}-{}", key.to_lowercase())
}

/// A reader with a key of a kind, made once.
pub fn reader(world: &mut World, key: &str) -> DecryptionKey {
    let name = owner("reads", key);
    match known(world, &name) {
        Some((key, certificate)) => DecryptionKey { key, certificate },
        None => world.reader(&name, key),
    }
}

/// A signer with a key of a kind, made once.
pub fn signer(world: &mut World, key: &str) -> Signer {
    let name = owner("signs", key);
    match known(world, &name) {
        Some((key, certificate)) => Signer { key, chain: vec![certificate], encryption: None },
        None => world.signer(&name, key),
    }
}

fn known(world: &World, name: &str) -> Option<(KeyId, Certificate)> {
    let pem = std::fs::read_to_string(world.folder.path(&format!("{name}.pem"))).ok()?;
    Some((KeyId::new(name), Certificate::from_pem(&pem).unwrap()))
}

/// Seals the text to a reader.
pub fn encrypt(reader: &DecryptionKey, cipher: ContentEncryption, transport: KeyTransport) -> Vec<u8> {
    let recipients = std::slice::from_ref(&reader.certificate);
    ready(smime::encrypt_with(&RustCrypto, &mut rng(), PLAIN, recipients, cipher, &[transport])).unwrap()
}

/// Checks that a reader opens what somebody sealed, and to the same text.
pub fn opens(world: &World, reader: &DecryptionKey, sealed: &[u8]) {
    assert!(smime::is_enveloped(sealed));
    let keys = std::slice::from_ref(reader);
    let opened = ready(smime::decrypt(&RustCrypto, &world.keyring, keys, sealed)).unwrap();
    assert_eq!(*opened.content, PLAIN);
}

/// Signs the text.
pub fn sign(
    world: &World,
    signer: &Signer,
    algorithm: Option<SignatureAlgorithm>,
    form: SignedForm,
) -> Vec<u8> {
    let options = SignOptions { algorithm, ..SignOptions::default() };
    let signed = ready(smime::sign_with(&RustCrypto, &world.keyring, signer, PLAIN, form, NOW, &options));
    signed.unwrap().to_der()
}

/// Checks that a signature of somebody is good here, and not over another text.
pub fn verifies(world: &World, signed: &[u8], detached: bool, signers: usize) {
    let content = detached.then_some(PLAIN);
    let verified = ready(smime::verify(&RustCrypto, signed, content, &world.trust, NOW)).unwrap();
    assert_eq!(verified.content, PLAIN);
    assert_eq!(verified.signers.len(), signers);
    for signer in &verified.signers {
        assert!(signer.verdict.is_ok(), "{:?}", signer.verdict);
        assert_eq!(signer.emails.len(), 1);
    }
    let other = [PLAIN, b"."].concat();
    if detached {
        let changed = ready(smime::verify(&RustCrypto, signed, Some(&other), &world.trust, NOW)).unwrap();
        assert!(changed.signers.iter().all(|signer| signer.verdict.is_err()));
    }
}
