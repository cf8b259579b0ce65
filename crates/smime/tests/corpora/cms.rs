//! Messages of NSS, OpenSSL and RustCrypto.

use std::path::Path;

use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Certificate, DecryptError, Decrypted, DecryptionKey, KeyId, SignerError, Trust, UnixTime, VerifyError,
    block_on_ready,
};

use crate::support::corpus::{Tally, folder, installed};
use crate::support::{Folder, NOW};

fn decrypt(pkcs8: &[u8], certificate: Certificate, cms: &[u8]) -> Result<Decrypted, DecryptError> {
    let mut keyring = MemoryKeyring::new();
    let key = KeyId::new("key");
    keyring.insert_pkcs8(key.clone(), pkcs8).unwrap();
    block_on_ready(smime::decrypt(&RustCrypto, &keyring, &[DecryptionKey { key, certificate }], cms))
}

/// The key of a PEM file in PKCS#8, by way of OpenSSL.
fn pkcs8_of_pem(path: &Path) -> Vec<u8> {
    let folder = Folder::new();
    let file = path.display();
    folder.openssl(&format!("pkcs8 -topk8 -nocrypt -in {file} -outform DER -out key"));
    folder.read("key")
}

#[test]
fn judges_the_odd_messages_of_openssl() {
    if !installed(&["openssl"], "judges_the_odd_messages_of_openssl") {
        return;
    }
    let Some(folder) = folder("openssl-cms", "judges_the_odd_messages_of_openssl") else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let pem = |name: &str| Certificate::from_pem(&String::from_utf8(read(name)).unwrap()).unwrap();
    let trust = Trust { anchors: vec![pem("smime-certs/smroot.pem")], ..Trust::default() };
    let mut tally = Tally::new("OpenSSL, odd messages", &[]);
    for name in ["no_ct_attr.cms", "bad_signtime_attr.cms"] {
        let message = read(name);
        let verified = block_on_ready(smime::verify(&RustCrypto, &message, None, &trust, NOW));
        tally.case(name, || match verified {
            Ok(verified) => {
                assert!(verified.signers.iter().all(|signer| signer.verdict.is_err()));
            }
            Err(error) => assert!(matches!(error, VerifyError::Malformed | VerifyError::NoContent)),
        });
    }
    for (name, key, certificate) in [
        ("rsa-malformed.der", "smime-certs/smrsa1.pem", "smime-certs/smrsa1.pem"),
        ("ecdh-malformed.der", "ecdh-key.pem", "ecdh-cert.pem"),
    ] {
        let pkcs8 = pkcs8_of_pem(&folder.join(key));
        tally.case(name, || assert!(decrypt(&pkcs8, pem(certificate), &read(name)).is_err()));
    }
    let text = String::from_utf8(read("ciphertext_from_1_1_1.cms")).unwrap();
    let (_, body) = text.split_once("\n\n").unwrap();
    let cms = Folder::new();
    cms.write("body", body);
    let message = cms.openssl("base64 -d -in body");
    let pkcs8 = pkcs8_of_pem(&folder.join("smime-certs/smec3.pem"));
    let opened = decrypt(&pkcs8, pem("smime-certs/smec3.pem"), &message);
    tally.case("ciphertext_from_1_1_1.cms", || {
        let opened = opened.unwrap();
        assert!(opened.weak, "triple DES is not called encryption");
        assert!(!opened.content.is_empty());
    });
    tally.finish(5);
}

#[test]
fn reads_the_structures_of_rustcrypto() {
    let Some(folder) = folder("rustcrypto-cms", "reads_the_structures_of_rustcrypto") else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut tally = Tally::new("RustCrypto cms", &[]);
    for (name, certificates, signers, is_der) in
        [("cms_der.bin", 1, 1, true), ("cms_ber.bin", 1, 1, false), ("pkits.p7b", 2, 0, true)]
    {
        let message = read(name);
        let verified = block_on_ready(smime::verify(&RustCrypto, &message, None, &Trust::default(), NOW));
        tally.case(name, || {
            let verified = verified.unwrap();
            assert_eq!((verified.certificates.len(), verified.signers.len()), (certificates, signers));
            assert_eq!(smime::ber::to_der(&message).unwrap() == message, is_der, "DER stays as it is");
        });
    }
    let kem = "1.3.6.1.4.1.22554.5.6.1_ML-KEM-512-ipd_kemri_auth.der";
    tally.case(kem, || assert!(smime::is_enveloped(&read(kem))));
    // The SignerInfo of a message, alone.
    tally.case("signer_info_explicit_attrs.bin", || {
        let part = read("signer_info_explicit_attrs.bin");
        let alone = block_on_ready(smime::verify(&RustCrypto, &part, None, &Trust::default(), NOW));
        assert_eq!(alone.err(), Some(VerifyError::Malformed));
    });
    tally.case("digested_data.bin", || assert!(!smime::is_enveloped(&read("digested_data.bin"))));
    let reader = Certificate::from_der(&read("rsa_cert.der")).unwrap();
    let keys = [DecryptionKey { key: KeyId::new("none"), certificate: reader }];
    for name in ["enveloped_data_ktri.bin", "enveloped_data_kari.bin", "kms_ciphertext_for_recipient_1.ber"] {
        let message = read(name);
        let keyring = MemoryKeyring::new();
        let outcome = block_on_ready(smime::decrypt(&RustCrypto, &keyring, &keys, &message)).err();
        tally.case(name, || {
            assert!(smime::is_enveloped(&message));
            assert!(
                matches!(outcome, Some(DecryptError::NotARecipient | DecryptError::Failed)),
                "{outcome:?}"
            );
        });
    }
    tally.finish(9);
}

#[test]
fn names_the_algorithms_of_rfc_4134() {
    let Some(folder) = folder("rfc4134", "names_the_algorithms_of_rfc_4134") else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let certificates =
        ["CarlRSASelf.cer", "CarlDSSSelf.cer"].map(|name| Certificate::from_der(&read(name)).unwrap());
    let others = ["AliceRSASignByCarl.cer", "AliceDSSSignByCarlNoInherit.cer", "DianeRSASignByCarl.cer"]
        .map(|name| Certificate::from_der(&read(name)).unwrap());
    let trust = Trust { anchors: certificates.to_vec(), intermediates: others.to_vec(), ..Trust::default() };
    let content = read("ExContent.bin");
    let mut tally = Tally::new("RFC 4134, signed", &[]);
    for name in ["4.1.bin", "4.2.bin", "4.4.bin", "4.5.bin", "4.10.bin"] {
        let message = read(name);
        let now = UnixTime(1_000_000_000);
        let verified = block_on_ready(smime::verify(&RustCrypto, &message, None, &trust, now));
        tally.case(name, || {
            let verified = verified.unwrap();
            assert!(verified.content.starts_with(&content) || name == "4.10.bin");
            for signer in verified.signers {
                match signer.verdict {
                    Err(SignerError::WeakAlgorithm(_) | SignerError::UnsupportedAlgorithm(_)) => {}
                    verdict => panic!("{verdict:?}"),
                }
            }
        });
    }
    tally.finish(5);
}

#[test]
fn opens_the_old_encryption_of_rfc_4134_and_calls_it_weak() {
    let Some(folder) = folder("rfc4134", "opens_the_old_encryption_of_rfc_4134_and_calls_it_weak") else {
        return;
    };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let certificate = Certificate::from_der(&read("BobRSASignByCarl.cer")).unwrap();
    let opened = decrypt(&read("BobPrivRSAEncrypt.pri"), certificate, &read("5.1.bin"));
    let mut tally = Tally::new("RFC 4134, encrypted", &[]);
    tally.case("5.1.bin", || {
        let opened = opened.unwrap();
        assert_eq!(*opened.content, read("ExContent.bin"));
        assert!(opened.weak, "triple DES is not called encryption");
    });
    tally.finish(1);
}
