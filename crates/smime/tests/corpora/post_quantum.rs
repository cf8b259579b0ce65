//! The examples of RFC 9881 and 9882 (ML-DSA), RFC 9935 and 9936 (ML-KEM).

use std::path::Path;

use smime::path::{Purpose, Query, validate};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Certificate, ContentEncryption, DecryptionKey, KeyId, KeyKind, Keyring, KeyringError, MlDsa, MlKem,
    Provider, SignatureAlgorithm, Trust, UnixTime, block_on_ready as ready,
};

use crate::support::corpus::{Tally, folder};
use crate::support::pem;

fn key_of(path: &Path) -> Result<(MemoryKeyring, KeyId), KeyringError> {
    let mut keyring = MemoryKeyring::new();
    let id = KeyId::new("key");
    keyring.insert_pkcs8(id.clone(), &pem(&std::fs::read_to_string(path).unwrap()))?;
    Ok((keyring, id))
}

fn certificate(path: &Path) -> Certificate {
    Certificate::from_pem(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn hex(path: &Path) -> Vec<u8> {
    let text = std::fs::read_to_string(path).unwrap().split_whitespace().collect::<String>();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Counts the private keys of a folder: every form is the public key's, and bad ones are refused.
fn judge_keys(tally: &mut Tally, folder: &Path, name: &str, bad: &[u8]) {
    let public = pem(&std::fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap());
    for form in ["seed", "expanded", "both"] {
        tally.case(&format!("{name}-{form}.priv"), || {
            let (keyring, id) = key_of(&folder.join(format!("{name}-{form}.priv"))).unwrap();
            assert_eq!(keyring.spki(&id).unwrap(), public);
            let written = keyring.pkcs8(&id).unwrap();
            let original = std::fs::read_to_string(folder.join(format!("{name}-{form}.priv"))).unwrap();
            assert_eq!(*written, pem(&original));
        });
    }
    for number in bad {
        let file = format!("bad-{name}-{number}.priv");
        tally.case(&file, || assert_eq!(key_of(&folder.join(&file)).err(), Some(KeyringError::Malformed)));
    }
}

#[test]
fn ml_dsa_certificates_and_keys_are_those_of_rfc_9881() {
    const NAME: &str = "ML-DSA-44";
    let test = "ml_dsa_certificates_and_keys_are_those_of_rfc_9881";
    let Some(folder) = folder("rfc9881-ml-dsa-certs", test) else { return };
    let mut tally = Tally::new("rfc9881-ml-dsa-certs", &[]);
    judge_keys(&mut tally, &folder, NAME, &[1, 3]);
    let root = certificate(&folder.join("ML-DSA-44.crt"));
    tally.case("ML-DSA-44.pub", || {
        let public = pem(&std::fs::read_to_string(folder.join("ML-DSA-44.pub")).unwrap());
        assert_eq!(root.spki(), public);
        assert_eq!(root.key_kind(), KeyKind::MlDsa(MlDsa::Set44));
    });
    tally.case("ML-DSA-44.crt", || {
        // The outer SEQUENCE and the one that is signed have headers of four octets each.
        let der = root.der();
        let length = usize::from(u16::from_be_bytes([der[6], der[7]]));
        let (signed, signature) = (&der[4..8 + length], &der[der.len() - 2420..]);
        let algorithm = SignatureAlgorithm::MlDsa(MlDsa::Set44);
        let verify = |signed: &[u8]| ready(RustCrypto.verify(root.spki(), algorithm, signed, signature));
        assert_eq!(verify(signed), Ok(()));
        assert!(verify(&signed[1..]).is_err());
    });
    tally.finish(7);
}

#[test]
fn ml_dsa_signatures_hold_as_rfc_9882_says() {
    let Some(messages) = folder("rfc9882-cms-ml-dsa", "ml_dsa_signatures_hold_as_rfc_9882_says") else {
        return;
    };
    let Some(certificates) = folder("rfc9881-ml-dsa-certs", "ml_dsa_signatures_hold_as_rfc_9882_says") else {
        return;
    };
    let mut tally = Tally::new("rfc9882-cms-ml-dsa", &[]);
    let root = certificate(&certificates.join("ML-DSA-44.crt"));
    let trust = Trust { anchors: vec![root.clone()], ..Trust::default() };
    let cms = pem(&std::fs::read_to_string(messages.join("mldsa44-signed-attrs.pem")).unwrap());
    let now = UnixTime(1_780_272_000);
    let judge = |cms: &[u8]| ready(smime::verify(&RustCrypto, cms, None, &trust, now)).unwrap().signers;
    tally.case("mldsa44-signed-attrs.pem", || {
        let signers = judge(&cms);
        assert_eq!(signers.len(), 1);
        assert_eq!(signers[0].certificate.as_ref(), Some(&root));
        assert!(signers[0].verdict.is_ok(), "{:?}", signers[0].verdict);
    });
    tally.case("mldsa44-signed-attrs.pem with a bit of the signature flipped", || {
        let mut changed = cms.clone();
        let at = changed.len() - 100;
        changed[at] ^= 1;
        assert!(judge(&changed).iter().all(|signer| signer.verdict.is_err()));
    });
    tally.finish(2);
}

#[test]
fn ml_kem_certificates_and_keys_are_those_of_rfc_9935() {
    const NAME: &str = "ML-KEM-512";
    let test = "ml_kem_certificates_and_keys_are_those_of_rfc_9935";
    let Some(folder) = folder("rfc9935-ml-kem-certs", test) else { return };
    let mut tally = Tally::new("rfc9935-ml-kem-certs", &[]);
    judge_keys(&mut tally, &folder, NAME, &[1, 2, 3, 4]);
    let certificate = certificate(&folder.join("ML-KEM-512.crt"));
    tally.case("ML-KEM-512.pub", || {
        let public = pem(&std::fs::read_to_string(folder.join("ML-KEM-512.pub")).unwrap());
        assert_eq!(certificate.spki(), public);
    });
    tally.case("ML-KEM-512.crt", || {
        assert_eq!(certificate.key_kind(), KeyKind::MlKem(MlKem::Set512));
        assert!(certificate.can_encrypt() && !certificate.can_sign());
    });
    tally.finish(9);
}

#[test]
fn ml_kem_recipients_open_as_rfc_9936_says() {
    let Some(folder) = folder("rfc9936-cms-ml-kem", "ml_kem_recipients_open_as_rfc_9936_says") else {
        return;
    };
    let mut tally = Tally::new("rfc9936-cms-ml-kem", &[]);
    let reader = certificate(&folder.join("ML-KEM-512.pem"));
    let cms = pem(&std::fs::read_to_string(folder.join("ML-KEM-512.cms")).unwrap());
    for form in ["seed", "expanded", "both"] {
        let (keyring, id) = key_of(&folder.join(format!("ML-KEM-512-{form}.priv"))).unwrap();
        tally.case(&format!("ML-KEM-512.cms opened by ML-KEM-512-{form}.priv"), || {
            assert_eq!(keyring.spki(&id).unwrap(), reader.spki());
            let keys = [DecryptionKey { key: id.clone(), certificate: reader.clone() }];
            let opened = ready(smime::decrypt(&RustCrypto, &keyring, &keys, &cms)).unwrap();
            let plaintext = std::fs::read(folder.join("plaintext.txt")).unwrap();
            assert_eq!(opened.content.trim_ascii_end(), plaintext.trim_ascii_end());
            assert_eq!((opened.cipher, opened.weak), (ContentEncryption::Aes128Gcm, false));
        });
        tally.case(&format!("shared_secret.txt by ML-KEM-512-{form}.priv"), || {
            let shared = ready(keyring.decapsulate(&id, &hex(&folder.join("ciphertext.txt")))).unwrap();
            assert_eq!(*shared, hex(&folder.join("shared_secret.txt")));
        });
    }
    tally.case("ML-KEM-512.pub", || {
        let public = pem(&std::fs::read_to_string(folder.join("ML-KEM-512.pub")).unwrap());
        assert_eq!(reader.spki(), public);
    });
    tally.case("kek.txt", || {
        let mut kek = [0; 16];
        let info = hex(&folder.join("ori_info.txt"));
        let secret = hex(&folder.join("shared_secret.txt"));
        hkdf::Hkdf::<sha2::Sha256>::new(None, &secret).expand(&info, &mut kek).unwrap();
        assert_eq!(kek.as_slice(), hex(&folder.join("kek.txt")));
        // The derivation's input is that which the message's own fields give.
        assert!(cms.windows(11).any(|field| field == &info[2..13]));
    });
    tally.case("cek.txt", || {
        use aes_kw::KeyInit;
        let kek = aes_kw::AesKw::<aes::Aes128>::new_from_slice(&hex(&folder.join("kek.txt"))).unwrap();
        let mut key = [0; 16];
        kek.unwrap_key(&hex(&folder.join("encrypted_cek.txt")), &mut key).unwrap();
        assert_eq!(key.as_slice(), hex(&folder.join("cek.txt")));
    });
    tally.case("mldsa65RootCA.pem", || {
        let root = certificate(&folder.join("mldsa65RootCA.pem"));
        // Within the month for which the example was valid.
        let query = Query::new(Purpose::Encryption, UnixTime(1_742_500_000));
        ready(validate(&RustCrypto, &reader, &[root], &[], &[], &query)).unwrap();
    });
    tally.finish(10);
}
