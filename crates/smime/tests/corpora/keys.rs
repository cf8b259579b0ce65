//! Keys and certificates: RFC 9216, MimeKit's PKCS#12 files, and kinds that are known by name alone.

use std::path::Path;

use smime::path::{PathError, Purpose, Query, validate};
use smime::pkcs12;
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{Certificate, KeyId, KeyKind, KeyringError, block_on_ready as ready, request};

use crate::support::corpus::{Tally, folder};
use crate::support::{NOW, pem};

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The SubjectPublicKeyInfo that goes with a private key.
fn spki_of(pkcs8: &[u8]) -> Result<Vec<u8>, KeyringError> {
    let (mut keyring, id) = (MemoryKeyring::new(), KeyId::new("key"));
    keyring.insert_pkcs8(id.clone(), pkcs8)?;
    keyring.spki(&id)
}

fn chains(
    leaf: &Certificate,
    root: &Certificate,
    between: &[Certificate],
    purpose: Purpose,
) -> Result<(), PathError> {
    let query = Query::new(purpose, NOW);
    ready(validate(&RustCrypto, leaf, std::slice::from_ref(root), between, &[], &query)).map(drop)
}

#[test]
fn the_people_of_rfc_9216_are_known() {
    let Some(folder) = folder("rfc9216", "the_people_of_rfc_9216_are_known") else { return };
    let file = |section: &str| {
        let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let named = |path: &std::path::PathBuf| {
            path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{section}-"))
        };
        text(&entries.into_iter().find(named).unwrap())
    };
    let certificate = |section: &str| Certificate::from_pem(&file(section)).unwrap();
    let mut tally = Tally::new("RFC 9216", &[]);
    let roots = [certificate("3.1"), certificate("6.1")];
    for (at, (root, key, cross)) in [("3.1", "3.2", "3.3"), ("6.1", "6.2", "6.3")].into_iter().enumerate() {
        let (own, other) = (&roots[at], &roots[1 - at]);
        tally.case(&format!("{root} root"), || assert_eq!(own.subject(), own.issuer()));
        tally.case(&format!("{key} secret key"), || {
            assert_eq!(spki_of(&pem(&file(key))).unwrap(), own.spki());
        });
        tally.case(&format!("{cross} cross certificate"), || {
            let cross = certificate(cross);
            assert_eq!((cross.spki(), cross.issuer()), (own.spki(), other.subject()));
        });
    }
    for (section, name, by) in [("4", "alice", 0), ("5", "bob", 0), ("7", "carlos", 1), ("8", "dana", 1)] {
        let (own, other) = (&roots[by], &roots[1 - by]);
        let cross = [certificate(["3.3", "6.3"][by])];
        for (number, purpose, key) in [("1", Purpose::Signing, "2"), ("3", Purpose::Encryption, "4")] {
            let person = certificate(&format!("{section}.{number}"));
            tally.case(&format!("{section}.{number} certificate of {name}"), || {
                assert_eq!(person.emails(), [format!("{name}@smime.example")]);
                assert_eq!(chains(&person, own, &[], purpose), Ok(()));
                assert_eq!(chains(&person, other, &cross, purpose), Ok(()), "by the cross certificate");
                assert!(chains(&person, other, &[], purpose).is_err());
            });
            tally.case(&format!("{section}.{key} key of {name}"), || {
                let pkcs8 = pem(&file(&format!("{section}.{key}")));
                assert_eq!(spki_of(&pkcs8).unwrap(), person.spki());
            });
        }
        tally.case(&format!("{section}.5 PKCS#12 file of {name}"), || {
            let pfx = pem(&file(&format!("{section}.5")));
            let contents = pkcs12::open(&pfx, name).unwrap();
            assert_eq!(contents.keys.len(), 2);
            for key in &contents.keys {
                let certificate = &contents.certificates[key.certificate.unwrap()];
                assert_eq!(spki_of(&key.pkcs8).unwrap(), certificate.spki());
            }
            assert_eq!(pkcs12::open(&pfx, "wrong").err(), Some(pkcs12::Pkcs12Error::WrongPassword));
        });
    }
    tally.finish(26);
}

/// RFC 5480 2.1.1 allows named curves alone.
const EXPLICIT: [(&str, &str); 1] =
    [("ec/smime.pfx", "its key spells out the parameters of P-384, which RFC 5480 2.1.1 forbids")];

#[test]
fn the_files_of_mimekit_open_and_their_chains_hold() {
    let Some(folder) = folder("mimekit", "the_files_of_mimekit_open_and_their_chains_hold") else { return };
    let folder = folder.join("smime");
    let mut tally = Tally::new("MimeKit, keys", &EXPLICIT);
    let open = |name: &str| pkcs12::open(&std::fs::read(folder.join(name)).unwrap(), "no.secret").unwrap();
    let root = open("certificate-authority.pfx").certificates.remove(0);
    for (name, certificates) in [
        ("certificate-authority.pfx", 1),
        ("rsa/smime.pfx", 4),
        ("ec/smime.pfx", 4),
        ("nochain/smime.pfx", 1),
        ("revokednochain/smime.pfx", 1),
    ] {
        tally.case(name, || {
            let contents = open(name);
            assert_eq!((contents.keys.len(), contents.certificates.len()), (1, certificates));
            let key = &contents.keys[0];
            let own = &contents.certificates[key.certificate.unwrap()];
            assert_eq!(spki_of(&key.pkcs8).unwrap(), own.spki());
            assert!(key.name.as_deref().is_some_and(|name| name.starts_with("MimeKit")));
            if certificates == 4 {
                let at = smime::UnixTime(own.not_before().0 + 60);
                let query = Query::new(Purpose::Signing, at);
                let roots = std::slice::from_ref(&root);
                let path = validate(&RustCrypto, own, roots, &contents.certificates, &[], &query);
                assert_eq!(ready(path).map(drop), Ok(()));
            }
        });
    }
    for (name, kind) in [
        ("smdh.pem", "Diffie-Hellman"),
        ("smdsa1.pem", "DSA"),
        ("smdsa2.pem", "DSA"),
        ("smdsa3.pem", "DSA"),
        ("smec2.pem", "K-283"),
    ] {
        tally.case(name, || {
            let text = text(&folder.join(name));
            assert_eq!(spki_of(&pem(&text)), Err(KeyringError::Unsupported));
            let certificate = Certificate::from_pem(&text).unwrap();
            assert_eq!(certificate.key_kind(), KeyKind::Named(kind));
            assert!(!certificate.can_sign() && !certificate.can_encrypt());
        });
    }
    for name in ["smrsa1.pem", "smrsa2.pem", "smrsa3.pem", "smec1.pem", "smroot.pem"] {
        tally.case(name, || {
            let text = text(&folder.join(name));
            let certificate = Certificate::from_pem(&text).unwrap();
            assert_eq!(spki_of(&pem(&text)).unwrap(), certificate.spki());
        });
    }
    tally.finish(15);
}

#[test]
fn keys_of_sm2_are_named_and_never_valid() {
    let Some(folder) = folder("gm-sm2-certs", "keys_of_sm2_are_named_and_never_valid") else { return };
    let mut tally = Tally::new("SM2 certificates", &[]);
    let certificate = |name: &str| Certificate::from_pem(&text(&folder.join(name))).unwrap();
    for name in ["sm2-ca-cert.pem", "sm2-root.crt", "sm2.pem"] {
        tally.case(name, || {
            let own = certificate(name);
            assert_eq!(own.key_kind(), KeyKind::Named("SM2"));
            assert!(!own.can_sign() && !own.can_encrypt());
        });
    }
    tally.case("sm2.pem under sm2-ca-cert.pem", || {
        let outcome = chains(&certificate("sm2.pem"), &certificate("sm2-ca-cert.pem"), &[], Purpose::Any);
        assert!(matches!(outcome, Err(PathError::UnsupportedAlgorithm { .. })), "{outcome:?}");
    });
    tally.case("sm2-csr.pem", || {
        let outcome = ready(request::verify(&RustCrypto, &pem(&text(&folder.join("sm2-csr.pem")))));
        assert_eq!(outcome.err(), Some(request::RequestError::UnsupportedKey));
    });
    tally.case("sm2-pub.key", || {
        assert_eq!(KeyKind::of(&pem(&text(&folder.join("sm2-pub.key")))), KeyKind::Named("SM2"));
    });
    for name in ["sm2.key", "sm2-root.key"] {
        tally.case(name, || {
            assert_eq!(spki_of(&pem(&text(&folder.join(name)))), Err(KeyringError::Unsupported));
        });
    }
    tally.finish(8);
}
