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
