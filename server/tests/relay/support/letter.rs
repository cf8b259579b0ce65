use std::sync::OnceLock;

use sealpost::random;
use smime::issue::self_signed_root;
use smime::message::seal_at_door;
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{Certificate, KeyId, UnixTime, block_on_ready};

/// A letter in clear.
pub fn clear_letter(from: &str, to: &str, fields: &str, body: &str) -> Vec<u8> {
    format!("From: <{from}>\r\nTo: <{to}>\r\nSubject: {body}\r\n{fields}\r\n{body}\r\n").into_bytes()
}

/// A letter sealed to somebody's key, as a browser would upload it.
pub fn sealed_letter(from: &str, to: &str, fields: &str) -> Vec<u8> {
    let letter = clear_letter(from, to, fields, "nothing to see");
    block_on_ready(seal_at_door(&RustCrypto, &mut random::rng(), &letter, certificate(), None)).unwrap()
}

fn certificate() -> &'static Certificate {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    CERTIFICATE.get_or_init(|| {
        let (mut keyring, key) = (MemoryKeyring::new(), KeyId::new("somebody"));
        let spki = keyring.generate_p256(key.clone(), &mut random::rng()).unwrap();
        let until = UnixTime(4_000_000_000);
        block_on_ready(self_signed_root(&keyring, &key, &spki, "Somebody", [1; 16], UnixTime(0), until))
            .unwrap()
    })
}
