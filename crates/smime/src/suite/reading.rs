//! What is read and not written by every implementation: made by OpenSSL, as `keys/README.md` says.

use super::World;
use crate::keyring::Keyring;
use crate::provider::{ContentEncryption, Curve, Hash, Provider, SignatureAlgorithm};

macro_rules! signed {
    ($name:literal) => {
        (
            include_bytes!(concat!("keys/", $name, ".spki")).as_slice(),
            include_bytes!(concat!("keys/", $name, ".sig")).as_slice(),
        )
    };
}

/// Signatures on larger curves, by Ed25519, and by a key that is bound to RSA-PSS.
pub async fn verifies_what_openssl_signed<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let cases = [
        (signed!("p384"), SignatureAlgorithm::Ecdsa(Curve::P384, Hash::Sha384)),
        (signed!("p521"), SignatureAlgorithm::Ecdsa(Curve::P521, Hash::Sha512)),
        (signed!("ed25519"), SignatureAlgorithm::Ed25519),
        (signed!("rsa-pss"), SignatureAlgorithm::RsaPss { hash: Hash::Sha256, salt_len: 32 }),
    ];
    for ((spki, signature), algorithm) in cases {
        let verified = world.provider.verify(spki, algorithm, b"message", signature).await;
        assert_eq!(verified, Ok(()), "{algorithm:?}");
        assert!(
            world.provider.verify(spki, algorithm, b"massage", signature).await.is_err(),
            "{algorithm:?}"
        );
    }
}

/// RFC 4055 3.3: signatures that are good arithmetic under a key, and not what its parameters allow.
pub async fn holds_pss_keys_to_their_parameters<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let bound = include_bytes!("keys/rsa-pss-sha384-48.spki").as_slice();
    let free = include_bytes!("keys/rsa-pss-free.spki").as_slice();
    let cases = [
        (include_bytes!("keys/rsa-pss-sha384-48.sig").as_slice(), Hash::Sha384, 48, true),
        (include_bytes!("keys/rsa-pss-sha384-60.sig").as_slice(), Hash::Sha384, 60, true),
        (include_bytes!("keys/rsa-pss-sha384-47.sig").as_slice(), Hash::Sha384, 47, false),
        (include_bytes!("keys/rsa-pss-sha256-48.sig").as_slice(), Hash::Sha256, 48, false),
    ];
    for (signature, hash, salt_len, allowed) in cases {
        let algorithm = SignatureAlgorithm::RsaPss { hash, salt_len };
        let verify = |spki| world.provider.verify(spki, algorithm, b"message", signature);
        assert_eq!(verify(free).await, Ok(()), "{algorithm:?}");
        assert_eq!(verify(bound).await.is_ok(), allowed, "{algorithm:?}");
    }
}

/// `printf 'Sealpost suite' | openssl enc`, with `-aes-192-cbc -K 07… -iv 09…` and `-des-ede3-cbc` likewise.
pub async fn reads_old_ciphers<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let cases = [
        (ContentEncryption::Aes192Cbc, 16, 0x4296_ff41_3294_f5a8_3c34_6f69_c456_b749_u128),
        (ContentEncryption::TripleDesCbc, 8, 0x9463_979e_b5f8_a6f6_802f_744b_f7b0_7cd2),
    ];
    for (cipher, block, ciphertext) in cases {
        let (key, iv) = (vec![7; cipher.key_len()], vec![9; block]);
        let opened = world.provider.decrypt(cipher, &key, &iv, b"", &ciphertext.to_be_bytes(), b"").await;
        assert_eq!(opened.as_deref(), Ok(b"Sealpost suite".as_slice()), "{cipher:?}");
    }
}
