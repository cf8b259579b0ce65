//! Authenticated encryption that is read and not written, as another implementation writes it: see
//! `authenticated/make.py`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Certificate, ContentEncryption, DecryptError, DecryptionKey, EncryptError, KeyId, Secret,
    block_on_ready as ready,
};

const CONTENT: &[u8] = "Content-Type: text/plain; charset=utf-8\r\n\r\nSealed 印信\r\n".as_bytes();
const SECRET: Secret<'_> = Secret::Key { identifier: &[1, 2, 3], key: &[0x5a; 32] };

const MESSAGES: [(&[u8], ContentEncryption); 8] = [
    (include_bytes!("authenticated/aes-128-ccm-nonce-12-tag-16.der"), ContentEncryption::Aes128Ccm),
    (include_bytes!("authenticated/aes-128-ccm-nonce-7-tag-12.der"), ContentEncryption::Aes128Ccm),
    (include_bytes!("authenticated/aes-192-ccm-nonce-13-tag-14.der"), ContentEncryption::Aes192Ccm),
    (include_bytes!("authenticated/aes-256-ccm-nonce-12-tag-12.der"), ContentEncryption::Aes256Ccm),
    (include_bytes!("authenticated/aes-256-ccm-nonce-13-tag-16.der"), ContentEncryption::Aes256Ccm),
    (include_bytes!("authenticated/chacha20-poly1305-plain.der"), ContentEncryption::ChaCha20Poly1305),
    (include_bytes!("authenticated/chacha20-poly1305-attributes.der"), ContentEncryption::ChaCha20Poly1305),
    // RFC 9709: the key is bound to the cipher.
    (include_bytes!("authenticated/aes-256-gcm-derived.der"), ContentEncryption::Aes256Gcm),
];

#[test]
fn ciphers_that_are_not_written_are_read() {
    for (message, expected) in MESSAGES {
        let (content, cipher) = ready(smime::decrypt_with_secret(&RustCrypto, SECRET, message)).unwrap();
        assert_eq!((content.as_slice(), cipher), (CONTENT, expected));
        assert!(cipher.is_authenticated() && !cipher.is_weak());
    }
}

#[test]
fn no_octet_of_them_can_be_changed_unseen() {
    for (message, cipher) in MESSAGES {
        for at in 0..message.len() {
            let mut changed = message.to_vec();
            changed[at] ^= 1;
            // Versions and the type of the content within are nobody's to vouch for.
            if let Ok((content, _)) = ready(smime::decrypt_with_secret(&RustCrypto, SECRET, &changed)) {
                assert_eq!(*content, CONTENT, "{cipher:?} octet {at}");
            }
        }
    }
}

#[test]
fn a_key_bound_to_its_cipher_opens_no_other_that_somebody_on_the_way_made_of_it() {
    const CERTIFICATE: &[u8] = include_bytes!("authenticated/recipient.der");
    let mut keyring = MemoryKeyring::new();
    let (key, certificate) = (KeyId::new("key"), Certificate::from_der(CERTIFICATE).unwrap());
    keyring.insert_pkcs8(key.clone(), include_bytes!("authenticated/recipient-key.der")).unwrap();
    let keys = [DecryptionKey { key, certificate }];
    let open = |message: &'static [u8]| {
        ready(smime::decrypt(&RustCrypto, &keyring, &keys, message)).map(|opened| opened.content.to_vec())
    };
    let plain: &[u8] = include_bytes!("authenticated/transported-unbound.der");
    let bound: &[u8] = include_bytes!("authenticated/transported-bound.der");
    for message in [plain, bound] {
        assert_eq!(open(message).as_deref(), Ok(CONTENT));
    }
    // What RFC 9709 is for: whoever knows how the content begins writes another one under the same key.
    let forged = include_bytes!("authenticated/transported-unbound-rewrapped.der");
    assert_eq!(open(forged).as_deref(), Ok(&b"Forged.\r\n"[..]));
    let forged = include_bytes!("authenticated/transported-bound-rewrapped.der");
    assert_eq!(open(forged), Err(DecryptError::Failed));
    let forged = include_bytes!("authenticated/transported-bound-rewrapped-bound.der");
    assert_eq!(open(forged), Err(DecryptError::Failed));
}

#[test]
fn what_is_only_read_is_not_written_and_what_is_unknown_is_named() {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let spki = MemoryKeyring::new().generate(KeyId::new("key"), smime::KeyKind::X25519, &mut rng).unwrap();
    assert_eq!(smime::KeyKind::of(&spki), smime::KeyKind::X25519);
    for cipher in [ContentEncryption::Aes256Ccm, ContentEncryption::ChaCha20Poly1305] {
        let sealed = ready(smime::encrypt(&RustCrypto, &mut rng, CONTENT, &[], cipher));
        assert_eq!(sealed, Err(EncryptError::NoRecipients));
    }
    // The identifier of AES-128-CCM becomes one that nobody has.
    let message = MESSAGES[0].0;
    let ccm = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 7];
    let at = message.windows(ccm.len()).position(|window| window == ccm).unwrap();
    let mut changed = message.to_vec();
    changed[at + 8] = 0x7f;
    let refused = ready(smime::decrypt_with_secret(&RustCrypto, SECRET, &changed));
    assert_eq!(refused.err(), Some(DecryptError::Unsupported("2.16.840.1.101.3.4.1.127".into())));
}
