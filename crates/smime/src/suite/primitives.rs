//! The arithmetic, one operation at a time.

use super::{Key, World};
use crate::certificate::key_octets;
use crate::keyring::Keyring;
use crate::provider::{
    ContentEncryption, Curve, Hash, MlKem, Provider, ProviderError, RsaPadding, SignatureAlgorithm,
};

/// Digests of "abc" (FIPS 180-4).
pub async fn digests_as_everybody_does<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let known = [
        (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Hash::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            Hash::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];
    for (hash, expected) in known {
        let digest = world.provider.digest(hash, b"abc").await.expect("a digest");
        let hex = digest.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        assert_eq!(hex, expected, "{hash:?}");
        assert_eq!(digest.len(), hash.digest_len());
    }
}

/// Every length around a block, and every kind of change.
pub async fn encrypts_and_detects_changes<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let provider = world.provider;
    let ciphers = [
        ContentEncryption::Aes256Gcm,
        ContentEncryption::Aes128Gcm,
        ContentEncryption::Aes256Cbc,
        ContentEncryption::Aes128Cbc,
    ];
    for cipher in ciphers {
        let key = vec![7; cipher.key_len()];
        let nonce = vec![9; if cipher.is_authenticated() { 12 } else { 16 }];
        let aad: &[u8] = if cipher.is_authenticated() { b"aad" } else { b"" };
        for length in [0, 1, 15, 16, 17, 1000] {
            let plaintext = vec![5; length];
            let sealed = provider.encrypt(cipher, &key, &nonce, aad, &plaintext).await.expect("encrypts");
            let tag_len = if cipher.is_authenticated() { 16 } else { 0 };
            let (ciphertext, tag) = sealed.split_at(sealed.len() - tag_len);
            let opened = provider.decrypt(cipher, &key, &nonce, aad, ciphertext, tag).await;
            assert_eq!(opened.as_ref(), Ok(&plaintext), "{cipher:?} {length}");
            let mut buffer = plaintext.clone();
            let in_place = provider.encrypt_in_place(cipher, &key, &nonce, aad, &mut buffer).await;
            assert_eq!((in_place, &buffer), (Ok(()), &sealed), "{cipher:?} {length}");
            buffer.truncate(sealed.len() - tag_len);
            let in_place = provider.decrypt_in_place(cipher, &key, &nonce, aad, &mut buffer, tag).await;
            assert_eq!((in_place, buffer), (Ok(()), plaintext), "{cipher:?} {length}");
            if cipher.is_authenticated() {
                let mut changed = tag.to_vec();
                changed.iter_mut().take(1).for_each(|octet| *octet ^= 1);
                for (aad, tag) in [(aad, changed.as_slice()), (b"other".as_slice(), tag)] {
                    let opened = provider.decrypt(cipher, &key, &nonce, aad, ciphertext, tag).await;
                    assert_eq!(opened, Err(ProviderError::BadCiphertext), "{cipher:?} {length}");
                }
            } else {
                let cut = ciphertext.split_at(ciphertext.len() - 1).0;
                let opened = provider.decrypt(cipher, &key, &nonce, aad, cut, tag).await;
                assert_eq!(opened, Err(ProviderError::BadCiphertext), "{cipher:?} {length}");
            }
        }
    }
}

/// RFC 5084 3.2: a tag of 12 to 15 octets is the beginning of the whole one (NIST SP 800-38D 7.1); fewer are refused.
pub async fn opens_gcm_with_shorter_tags<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let (provider, cipher, key, nonce) = (world.provider, ContentEncryption::Aes256Gcm, [7; 32], [9; 12]);
    let sealed = provider.encrypt(cipher, &key, &nonce, b"aad", b"plaintext").await.expect("encrypts");
    let (ciphertext, whole) = sealed.split_at(sealed.len() - 16);
    for length in 0..=16 {
        let mut tag = whole.split_at(length).0.to_vec();
        let opened = provider.decrypt(cipher, &key, &nonce, b"aad", ciphertext, &tag).await;
        assert_eq!(opened.is_ok_and(|opened| opened == b"plaintext"), length >= 12, "{length}");
        tag.iter_mut().rev().take(1).for_each(|octet| *octet ^= 1);
        let changed = provider.decrypt(cipher, &key, &nonce, b"aad", ciphertext, &tag).await;
        assert_eq!(changed, Err(ProviderError::BadCiphertext), "{length}");
    }
}

/// A wrong padding shows when all has been decrypted: none of that is left behind.
pub async fn leaves_no_plaintext_after_a_wrong_padding<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let (provider, block) = (world.provider, [0xff; 16]);
    for cipher in [ContentEncryption::Aes256Cbc, ContentEncryption::Aes128Cbc] {
        let key = vec![7; cipher.key_len()];
        let mut buffer =
            provider.encrypt(cipher, &key, &[9; 16], b"", &block.repeat(2)).await.expect("encrypts");
        buffer.truncate(2 * block.len());
        let opened = provider.decrypt_in_place(cipher, &key, &[9; 16], b"", &mut buffer, b"").await;
        assert_eq!(opened, Err(ProviderError::BadCiphertext));
        assert!(!buffer.windows(block.len()).any(|window| window == block), "{cipher:?}");
    }
}

/// A provider says that it encapsulates if, and only if, it does.
pub async fn says_whether_it_encapsulates<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let key = key_octets(world.ml_kem.spki).expect("a key");
    let made = world.provider.encapsulate(MlKem::Set512, key).await;
    assert_eq!(made.err(), (!world.provider.encapsulates()).then_some(ProviderError::Unsupported));
}

/// Signatures of the keyring hold by the provider, and for nothing else.
pub async fn signs_and_detects_changes<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let cases = [
        (&world.signing, SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256)),
        (&world.signing, SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha512)),
        (&world.rsa, SignatureAlgorithm::RsaPkcs1(Hash::Sha256)),
        (&world.rsa, SignatureAlgorithm::RsaPkcs1(Hash::Sha384)),
        (&world.rsa, SignatureAlgorithm::RsaPkcs1(Hash::Sha512)),
        (&world.rsa, SignatureAlgorithm::RsaPss { hash: Hash::Sha256, salt_len: 32 }),
        (&world.rsa, SignatureAlgorithm::RsaPss { hash: Hash::Sha512, salt_len: 20 }),
    ];
    for (Key { id, spki, .. }, algorithm) in cases {
        let signature = world.keyring.sign(id, algorithm, b"message").await.expect("signs");
        let verify = |message, signature| world.provider.verify(spki, algorithm, message, signature);
        assert_eq!(verify(b"message", &signature).await, Ok(()), "{algorithm:?}");
        assert_eq!(verify(b"massage", &signature).await, Err(ProviderError::BadSignature));
        let mut changed = signature.clone();
        changed.iter_mut().rev().take(1).for_each(|octet| *octet ^= 1);
        assert_eq!(verify(b"message", &changed).await, Err(ProviderError::BadSignature));
        assert_eq!(verify(b"message", b"").await, Err(ProviderError::BadSignature));
        let other = if spki.len() > 200 { &world.signing } else { &world.encryption };
        let foreign = world.provider.verify(other.spki, algorithm, b"message", &signature).await;
        assert!(foreign.is_err(), "{algorithm:?}");
    }
}

/// A key wrapped under the public key comes out of the keyring, and a changed one does not.
pub async fn wraps_and_unwraps_under_rsa<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let oaep = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512].map(RsaPadding::oaep);
    let Key { id, spki, .. } = &world.rsa;
    for padding in oaep.into_iter().chain([RsaPadding::Pkcs1v15]) {
        let mut wrapped = world.provider.wrap_rsa(spki, padding, b"content key").await.expect("wraps");
        let unwrapped = world.keyring.unwrap_rsa(id, padding, &wrapped).await.expect("unwraps");
        assert_eq!(unwrapped.as_slice(), b"content key", "{padding:?}");
        wrapped.iter_mut().rev().take(1).for_each(|octet| *octet ^= 1);
        let changed = world.keyring.unwrap_rsa(id, padding, &wrapped).await;
        match padding {
            // Another key may come out of it, so that the answer tells nothing of the padding.
            RsaPadding::Pkcs1v15 => {
                assert!(changed.is_err() || changed.is_ok_and(|key| *key != b"content key"))
            }
            RsaPadding::Oaep { .. } => assert!(changed.is_err(), "{padding:?}"),
        }
    }
}

/// RFC 8017 7.2.1: the padding is random, never zero, and at least eight octets.
pub async fn pads_as_pkcs1_does<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let Key { id, spki, .. } = &world.rsa;
    let wrap = |spki, key| world.provider.wrap_rsa(spki, RsaPadding::Pkcs1v15, key);
    let mut seen = Vec::new();
    // A padding of 221 or more octets that nobody kept from being zero would end early in most of these.
    let keys: [&[u8]; 5] = [&[], &[7], &[7; 16], &[7; 24], &[7; 32]];
    for key in keys.repeat(4) {
        let wrapped = wrap(spki, key).await.expect("wraps");
        assert_eq!(wrapped.len(), 256);
        let unwrapped = world.keyring.unwrap_rsa(id, RsaPadding::Pkcs1v15, &wrapped).await;
        assert_eq!(unwrapped.expect("unwraps").as_slice(), key);
        assert!(!seen.contains(&wrapped), "each is another");
        seen.push(wrapped);
    }
    assert!(wrap(spki, &[7; 245]).await.is_ok());
    assert!(wrap(spki, &[7; 246]).await.is_err());
    assert_eq!(wrap(world.encryption.spki, b"key").await, Err(ProviderError::BadKey));
}

/// Both sides of an agreement have the same secret; a point off the curve gives none.
pub async fn agrees_on_secrets<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let others = world.agreeing.iter().map(|(curve, key)| (*curve, key));
    for (curve, key) in others.chain([(Curve::P256, &world.encryption)]) {
        let point = key_octets(key.spki).expect("a point");
        let agreement = world.provider.agree_ephemeral(curve, &[point, point]).await.expect("agrees");
        assert_eq!(agreement.shared.len(), 2);
        let shared = world.keyring.agree(&key.id, &agreement.public).await.expect("agrees");
        assert!(agreement.shared.iter().all(|secret| *secret == shared), "{curve:?}");
        let again = world.provider.agree_ephemeral(curve, &[point]).await.expect("agrees");
        assert_ne!(again.public, agreement.public, "an ephemeral key is used once");
        let mut bad = agreement.public;
        match curve {
            // RFC 7748 6.1: a point of small order, with which everybody has the same secret.
            Curve::X25519 => bad.fill(0),
            _ => bad.iter_mut().rev().take(1).for_each(|octet| *octet ^= 1),
        }
        assert!(world.keyring.agree(&key.id, &bad).await.is_err(), "{curve:?}");
        assert!(world.provider.agree_ephemeral(curve, &[&bad]).await.is_err(), "{curve:?}");
    }
}
