//! What is left of RFC 4134: every file that is no signature and no encryption of its own.

use smime::path::{PathError, Purpose, Query, validate};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Certificate, KeyId, KeyKind, KeyringError, SignerError, Trust, UnixTime, VerifyError,
    block_on_ready as ready,
};

use crate::support::corpus::{Tally, folder};

/// 2001-09-09, when the certificates were valid.
const THEN: UnixTime = UnixTime(1_000_000_000);

#[test]
fn every_other_file_of_rfc_4134_is_read_and_refused_by_name() {
    let Some(folder) = folder("rfc4134", "every_other_file_of_rfc_4134_is_read_and_refused_by_name") else {
        return;
    };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let certificate = |name: &str| Certificate::from_der(&read(name)).unwrap();
    let mut tally = Tally::new("RFC 4134, the rest", &[]);
    for name in ["3.1.bin", "3.2.bin", "6.0.bin"] {
        tally.case(name, || {
            let message = read(name);
            assert!(!smime::is_enveloped(&message));
            let outcome = ready(smime::verify(&RustCrypto, &message, None, &Trust::default(), THEN));
            assert_eq!(outcome.err(), Some(VerifyError::Malformed), "neither signed nor encrypted");
        });
    }
    tally.case("4.8.eml", || {
        let root = certificate("CarlDSSSelf.cer");
        let trust = Trust { anchors: vec![root], ..Trust::default() };
        let (keyring, message) = (MemoryKeyring::new(), read("4.8.eml"));
        let opened = smime::message::open(&RustCrypto, &keyring, &[], &trust, &message, THEN);
        let opened = ready(opened).unwrap();
        assert_eq!(opened.status, smime::message::Status::Unprotected, "DSA with SHA-1 proves nothing");
    });
    for name in ["AliceRSASignByCarl.cer", "BobRSASignByCarl.cer", "DianeRSASignByCarl.cer"] {
        tally.case(name, || {
            let person = certificate(name);
            assert!(matches!(person.key_kind(), KeyKind::Rsa { bits: 1016..=1024 }));
            let outcome = under(&person, &certificate("CarlRSASelf.cer"), Purpose::Any);
            assert!(matches!(outcome, Err(PathError::WeakAlgorithm { .. })), "{outcome:?}");
        });
    }
    for name in ["AliceDSSSignByCarlNoInherit.cer", "DianeDSSSignByCarlInherit.cer"] {
        tally.case(name, || {
            let person = certificate(name);
            assert_eq!(person.key_kind(), KeyKind::Named("DSA"));
            let outcome = under(&person, &certificate("CarlDSSSelf.cer"), Purpose::Signing);
            assert!(matches!(outcome, Err(PathError::UnsupportedAlgorithm { .. })), "{outcome:?}");
        });
    }
    for (name, kind) in [("CarlRSASelf.cer", None), ("CarlDSSSelf.cer", Some("DSA"))] {
        tally.case(name, || match kind {
            Some(kind) => assert_eq!(certificate(name).key_kind(), KeyKind::Named(kind)),
            None => assert!(matches!(certificate(name).key_kind(), KeyKind::Rsa { .. })),
        });
    }
    for name in ["AlicePrivDSSSign.pri", "CarlPrivDSSSign.pri", "DianePrivDSSSign.pri"] {
        tally.case(name, || assert_eq!(spki_of(&read(name)), Err(KeyringError::Unsupported)));
    }
    for (key, name) in [
        ("AlicePrivRSASign.pri", "AliceRSASignByCarl.cer"),
        ("BobPrivRSAEncrypt.pri", "BobRSASignByCarl.cer"),
        ("CarlPrivRSASign.pri", "CarlRSASelf.cer"),
        ("DianePrivRSASignEncrypt.pri", "DianeRSASignByCarl.cer"),
    ] {
        tally.case(key, || assert_eq!(spki_of(&read(key)).unwrap(), certificate(name).spki()));
    }
    tally.finish(18);
}

fn under(person: &Certificate, root: &Certificate, purpose: Purpose) -> Result<(), PathError> {
    let query = Query::new(purpose, THEN);
    ready(validate(&RustCrypto, person, std::slice::from_ref(root), &[], &[], &query)).map(drop)
}

fn spki_of(pkcs8: &[u8]) -> Result<Vec<u8>, KeyringError> {
    let (mut keyring, id) = (MemoryKeyring::new(), KeyId::new("key"));
    keyring.insert_pkcs8(id.clone(), pkcs8)?;
    keyring.spki(&id)
}

/// RFC 4134 4.1 to 4.5: each signer is named with what is wrong with it.
#[test]
fn the_signers_of_rfc_4134_are_refused_by_name() {
    let Some(folder) = folder("rfc4134", "the_signers_of_rfc_4134_are_refused_by_name") else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let certificate = |name: &str| Certificate::from_der(&read(name)).unwrap();
    let dsa = || Err(SignerError::UnsupportedAlgorithm("DSA with SHA-1".into()));
    let weak = || Err(SignerError::WeakAlgorithm("RSA below 2048 bits"));
    let mut tally = Tally::new("RFC 4134, reasons", &[]);
    for (name, expected) in [
        ("4.1.bin", vec![dsa()]),
        ("4.2.bin", vec![weak()]),
        ("4.4.bin", vec![dsa()]),
        ("4.5.bin", vec![weak()]),
        ("4.10.bin", vec![dsa()]),
    ] {
        tally.case(name, || {
            let intermediates =
                vec![certificate("AliceDSSSignByCarlNoInherit.cer"), certificate("DianeRSASignByCarl.cer")];
            let trust = Trust { intermediates, ..Trust::default() };
            let message = read(name);
            let verified = ready(smime::verify(&RustCrypto, &message, None, &trust, THEN)).unwrap();
            let verdicts = verified.signers.into_iter().map(|signer| signer.verdict.map(drop));
            assert_eq!(verdicts.collect::<Vec<_>>(), expected);
        });
    }
    tally.finish(5);
}
