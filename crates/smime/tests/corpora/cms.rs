//! Messages of NSS, OpenSSL and RustCrypto.

use std::path::Path;

use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Certificate, DecryptError, Decrypted, DecryptionKey, KeyId, SignerError, Trust, UnixTime, VerifyError,
    block_on_ready, pkcs12,
};

use crate::support::corpus::{folder, installed};
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
fn opens_what_nss_tests_exchange_with_openssl() {
    let Some(folder) = folder("nss-interop-openssl", "opens_what_nss_tests_exchange_with_openssl") else {
        return;
    };
    let plaintext = std::fs::read(folder.join("plaintext-alice.txt")).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".env") {
            continue;
        }
        let file = if name.starts_with("fran-ec") { "Fran-ec.p12" } else { "Fran.p12" };
        let contents = pkcs12::open(&std::fs::read(folder.join(file)).unwrap(), "nss").unwrap();
        let key = &contents.keys[0];
        let certificate = contents.certificates[key.certificate.unwrap()].clone();
        let opened = decrypt(&key.pkcs8, certificate, &std::fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let unix = String::from_utf8(opened.content.to_vec()).unwrap().replace("\r\n", "\n");
        // One of the messages was made from another text.
        let other = "This is a test message to Fran.\n";
        assert!(unix.as_bytes() == plaintext || unix == other, "{name}: {unix}");
        count += 1;
    }
    println!("nss-interop: {count} messages");
    assert_eq!(count, 8);
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
    for name in ["no_ct_attr.cms", "bad_signtime_attr.cms"] {
        let message = read(name);
        let verified = block_on_ready(smime::verify(&RustCrypto, &message, None, &trust, NOW));
        match verified {
            Ok(verified) => {
                for signer in verified.signers {
                    assert!(signer.verdict.is_err(), "{name}");
                }
            }
            Err(error) => assert!(matches!(error, VerifyError::Malformed | VerifyError::NoContent), "{name}"),
        }
    }
    for (name, key, certificate) in [
        ("rsa-malformed.der", "smime-certs/smrsa1.pem", "smime-certs/smrsa1.pem"),
        ("ecdh-malformed.der", "ecdh-key.pem", "ecdh-cert.pem"),
    ] {
        let pkcs8 = pkcs8_of_pem(&folder.join(key));
        assert!(decrypt(&pkcs8, pem(certificate), &read(name)).is_err(), "{name}");
    }
    let text = String::from_utf8(read("ciphertext_from_1_1_1.cms")).unwrap();
    let (_, body) = text.split_once("\n\n").unwrap();
    let cms = Folder::new();
    cms.write("body", body);
    let message = cms.openssl("base64 -d -in body");
    let pkcs8 = pkcs8_of_pem(&folder.join("smime-certs/smec3.pem"));
    let opened = decrypt(&pkcs8, pem("smime-certs/smec3.pem"), &message);
    let opened = opened.unwrap();
    assert!(opened.weak, "triple DES is not called encryption");
    assert!(!opened.content.is_empty());
}

#[test]
fn reads_the_structures_of_rustcrypto() {
    let Some(folder) = folder("rustcrypto-cms", "reads_the_structures_of_rustcrypto") else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let der = read("cms_der.bin");
    assert_eq!(smime::ber::to_der(&der).unwrap(), der, "DER stays as it is");
    let ber = read("cms_ber.bin");
    assert_ne!(smime::ber::to_der(&ber).unwrap(), ber);
    for (name, certificates, signers) in [("cms_der.bin", 1, 1), ("cms_ber.bin", 1, 1), ("pkits.p7b", 2, 0)] {
        let message = read(name);
        let verified =
            block_on_ready(smime::verify(&RustCrypto, &message, None, &Trust::default(), NOW)).unwrap();
        assert_eq!((verified.certificates.len(), verified.signers.len()), (certificates, signers), "{name}");
    }
    for name in [
        "enveloped_data_kari.bin",
        "enveloped_data_ktri.bin",
        "1.3.6.1.4.1.22554.5.6.1_ML-KEM-512-ipd_kemri_auth.der",
    ] {
        assert!(smime::is_enveloped(&read(name)), "{name}");
    }
    assert!(!smime::is_enveloped(&read("digested_data.bin")));
    let reader = Certificate::from_der(&read("rsa_cert.der")).unwrap();
    let keys = [DecryptionKey { key: KeyId::new("none"), certificate: reader }];
    for name in ["enveloped_data_ktri.bin", "enveloped_data_kari.bin"] {
        let message = read(name);
        let keyring = MemoryKeyring::new();
        let outcome = block_on_ready(smime::decrypt(&RustCrypto, &keyring, &keys, &message)).err();
        assert!(matches!(outcome, Some(DecryptError::NotARecipient | DecryptError::Failed)), "{outcome:?}");
    }
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
    for (name, detached) in
        [("4.1.bin", None), ("4.2.bin", None), ("4.4.bin", None), ("4.5.bin", None), ("4.10.bin", None)]
    {
        let message = read(name);
        let detached: Option<&[u8]> = detached;
        let verified =
            block_on_ready(smime::verify(&RustCrypto, &message, detached, &trust, UnixTime(1_000_000_000)))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(verified.content.starts_with(&content) || name == "4.10.bin", "{name}");
        for signer in verified.signers {
            match signer.verdict {
                Err(SignerError::WeakAlgorithm(_) | SignerError::UnsupportedAlgorithm(_)) => {}
                verdict => panic!("{name}: {verdict:?}"),
            }
        }
    }
}

#[test]
fn opens_the_old_encryption_of_rfc_4134_and_calls_it_weak() {
    let Some(folder) = folder("rfc4134", "opens_the_old_encryption_of_rfc_4134_and_calls_it_weak") else {
        return;
    };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let certificate = Certificate::from_der(&read("BobRSASignByCarl.cer")).unwrap();
    let opened = decrypt(&read("BobPrivRSAEncrypt.pri"), certificate, &read("5.1.bin")).unwrap();
    assert_eq!(*opened.content, read("ExContent.bin"));
    assert!(opened.weak, "triple DES is not called encryption");
}
