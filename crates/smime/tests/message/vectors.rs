//! Public S/MIME messages: RFC 9788, the older protected headers, Thunderbird.

use std::{fs, path::Path};

use smime::{
    Certificate, DecryptionKey, KeyId, Trust, UnixTime, block_on_ready,
    message::{Opened, SealOptions, SignerFault, Status, open},
    pkcs12,
    rustcrypto::{MemoryKeyring, RustCrypto},
};

use crate::{
    corpus::{Tally, folder},
    people::base64_decode,
};

/// 2021-02-20T15:30:00Z, when the messages of RFC 9788 were signed.
const FEBRUARY_2021: UnixTime = UnixTime(1_613_835_000);
/// 2019-12-01T00:00:00Z.
const DECEMBER_2019: UnixTime = UnixTime(1_575_158_400);

fn certificate(path: &Path) -> Certificate {
    Certificate::from_pem(&fs::read_to_string(path).unwrap()).unwrap()
}

fn pem_body(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap();
    let body = text.split("-----BEGIN").nth(1).unwrap().split("-----").nth(1).unwrap();
    base64_decode(body)
}

/// Keys of PKCS#12 files, for decryption.
fn reader(files: &[(Vec<u8>, &str)]) -> (MemoryKeyring, Vec<DecryptionKey>) {
    let (mut keyring, mut keys) = (MemoryKeyring::new(), Vec::new());
    for (pfx, password) in files {
        let contents = pkcs12::open(pfx, password).unwrap();
        for key in &contents.keys {
            let id = KeyId::new(format!("key {}", keys.len()));
            keyring.insert_pkcs8(id.clone(), &key.pkcs8).unwrap();
            let certificate = contents.certificates[key.certificate.unwrap()].clone();
            keys.push(DecryptionKey { key: id, certificate });
        }
    }
    (keyring, keys)
}

fn open_at(
    reader: &(MemoryKeyring, Vec<DecryptionKey>),
    root: &Path,
    message: &Path,
    now: UnixTime,
) -> Opened {
    let trust = Trust { anchors: vec![certificate(root)], ..Trust::default() };
    let message = fs::read(message).unwrap();
    block_on_ready(open(&RustCrypto, &reader.0, &reader.1, &trust, &message, now)).unwrap()
}

fn bob_of_rfc_9216(keys: &Path) -> (MemoryKeyring, Vec<DecryptionKey>) {
    let (mut keyring, id) = (MemoryKeyring::new(), KeyId::new("bob"));
    keyring
        .insert_pkcs8(id.clone(), &pem_body(&keys.join("5.4-Bob-s-Decryption-Private-Key-Material.pem")))
        .unwrap();
    let certificate = certificate(&keys.join("5.3-Bob-s-Encryption-End-Entity-Certificate.pem"));
    (keyring, vec![DecryptionKey { key: id, certificate }])
}

const ROOT_9216: &str = "3.1-RSA-Certification-Authority-Root-Certificate.pem";

#[test]
fn the_signed_messages_of_rfc_9788_show_what_was_signed() {
    const TEST: &str = "the_signed_messages_of_rfc_9788_show_what_was_signed";
    let Some(messages) = folder("rfc9788", TEST) else { return };
    let Some(keys) = folder("rfc9216", TEST) else { return };
    let mut tally = Tally::new("RFC 9788, signed", &[]);
    for name in ["smime-multipart-hp", "smime-one-part-hp"] {
        tally.case(name, || shows_what_was_signed(&messages, &keys, name));
    }
    tally.finish(2);
}

fn shows_what_was_signed(messages: &Path, keys: &Path, name: &str) {
    let nobody = (MemoryKeyring::new(), Vec::new());
    let path = messages.join(format!("{name}.eml"));
    let opened = open_at(&nobody, &keys.join(ROOT_9216), &path, FEBRUARY_2021);
    assert_eq!(opened.status, Status::Verified, "{name}: {:?}", opened.signers[0].reason);
    assert_eq!(opened.headers.subject, name);
    assert_eq!(opened.headers.text("User-Agent").as_deref(), Some("Sample MUA Version 1.0"));
    for field in ["Subject", "From", "To", "Date", "Message-ID", "User-Agent"] {
        assert_eq!(opened.headers.protection(field).code(), "signed-only", "{field}");
    }
    // Whatever is done to the fields outside, what is shown stays.
    let text = fs::read_to_string(&path).unwrap();
    let forged = text.replacen(&format!("Subject: {name}"), "Subject: Forged", 1);
    let trust = Trust { anchors: vec![certificate(&keys.join(ROOT_9216))], ..Trust::default() };
    let again =
        block_on_ready(open(&RustCrypto, &nobody.0, &[], &trust, forged.as_bytes(), FEBRUARY_2021)).unwrap();
    assert_eq!((again.status, again.headers.subject.as_str()), (Status::Verified, name));
}

#[test]
fn the_sealed_message_of_rfc_9788_hides_its_subject_only() {
    const TEST: &str = "the_sealed_message_of_rfc_9788_hides_its_subject_only";
    let Some(messages) = folder("rfc9788", TEST) else { return };
    let Some(keys) = folder("rfc9216", TEST) else { return };
    let mut tally = Tally::new("RFC 9788, signed and encrypted", &[]);
    tally.case("smime-signed-enc-hp-baseline", || hides_its_subject_only(&messages, &keys));
    tally.finish(1);
}

fn hides_its_subject_only(messages: &Path, keys: &Path) {
    let bob = bob_of_rfc_9216(keys);
    let path = messages.join("smime-signed-enc-hp-baseline.eml");
    let opened = open_at(&bob, &keys.join(ROOT_9216), &path, FEBRUARY_2021);
    assert_eq!(opened.status, Status::Confidential, "{:?}", opened.signers);
    assert_eq!(opened.headers.subject, "smime-signed-enc-hp-baseline");
    let hidden = opened.headers.fields.iter().filter(|field| field.protection.encrypted);
    assert_eq!(hidden.map(|field| field.name.as_str()).collect::<Vec<_>>(), ["Subject"]);
    assert!(opened.headers.fields.iter().all(|field| field.protection.signed));
    assert!(opened.text().unwrap().starts_with("This is the\r\nsmime-signed-enc-hp-baseline"));
    let answer = smime::message::Draft {
        from: opened.headers.to[0].clone(),
        to: opened.headers.from.clone(),
        subject: format!("Re: {}", opened.headers.subject),
        date: FEBRUARY_2021,
        message_id: "answer@example".to_owned(),
        ..Default::default()
    };
    let options = SealOptions { reference: Some(opened.headers.reference()), ..SealOptions::default() };
    let to = [certificate(&keys.join("4.3-Alice-s-Encryption-End-Entity-Certificate.pem"))];
    let sealed = block_on_ready(smime::message::seal(
        &RustCrypto,
        &bob.0,
        &mut crate::people::rng(),
        &answer,
        None,
        &to,
        &options,
        async |_: &[u8]| None,
    ));
    let sealed = String::from_utf8(sealed.unwrap()).unwrap();
    assert!(!sealed.contains("smime-signed-enc") && sealed.contains("Subject: [...]"));
}

#[test]
fn the_older_protected_headers_are_read() {
    const TEST: &str = "the_older_protected_headers_are_read";
    let Some(corpus) = folder("protected-headers-v1", TEST) else { return };
    let root = corpus.join("sample-ca.pem");
    let nobody = (MemoryKeyring::new(), Vec::new());
    let mut tally = Tally::new("protected-headers=\"v1\"", &[]);
    tally.case("smime-multipart-signed.eml", || {
        let signed = open_at(&nobody, &root, &corpus.join("smime-multipart-signed.eml"), DECEMBER_2019);
        assert_eq!(signed.status, Status::Verified, "{:?}", signed.signers[0].reason);
        assert!(signed.headers.protected);
        assert_eq!(signed.headers.subject, "The FooCorp contract");
    });
    let bob = reader(&[(pem_body(&corpus.join("bob.p12")), "bob")]);
    tally.case("smime-enc+legacy-disp.eml", || {
        let sealed = open_at(&bob, &root, &corpus.join("smime-enc+legacy-disp.eml"), DECEMBER_2019);
        assert_eq!(sealed.headers.subject, "BarCorp contract signed, let's go!");
        assert!(sealed.text().unwrap().starts_with("Hi Bob!"), "{:?}", sealed.text());
        assert_eq!(sealed.parts.len(), 1);
        // It was encrypted with triple DES, which is not called encryption.
        assert!(sealed.weak);
        assert_eq!(sealed.status, Status::Unprotected);
    });
    tally.finish(2);
}

/// Tests of PKITS with DSA, which is named as unsupported and counts as no signature.
const DSA: [(&str, &str); 2] =
    [("valid_dsa_signatures_test4", NO_DSA), ("valid_dsa_parameter_inheritance_test5", NO_DSA)];
const NO_DSA: &str =
    "valid as a path (4.1); RFC 8551 2.2 has no DSA any more and B.1 no SHA-1, so the message is called weak";
/// 2015-06-01T00:00:00Z.
const JUNE_2015: UnixTime = UnixTime(1_433_116_800);

#[test]
fn signers_of_pkits_are_trusted_exactly_when_their_paths_are() {
    const TEST: &str = "signers_of_pkits_are_trusted_exactly_when_their_paths_are";
    let Some(corpus) = folder("pkits-4.1-4.8", TEST) else { return };
    let read_all = |folder: &str| -> Vec<Vec<u8>> {
        let entries = fs::read_dir(corpus.join(folder)).unwrap();
        entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    };
    let root = fs::read(corpus.join("certs/TrustAnchorRootCertificate.crt")).unwrap();
    let trust = Trust {
        anchors: vec![Certificate::from_der(&root).unwrap()],
        crls: read_all("crls"),
        revocation_required: true,
        ..Trust::default()
    };
    let table = fs::read_to_string(corpus.join("expected.tsv")).unwrap();
    let mut tally = Tally::new("PKITS 4.1 to 4.8, as signed messages", &DSA);
    // Other inputs of RFC 5280 6.1.1 than the default ones are for the path alone.
    for row in
        table.lines().skip(1).map(|row| row.split('\t').collect::<Vec<_>>()).filter(|row| row[5] == "{}")
    {
        let messages: Vec<_> = row[4].split(',').filter(|name| !name.is_empty()).collect();
        if messages.is_empty() {
            continue;
        }
        let valid = row[6] == "VALID";
        tally.case(row[1], || {
            for name in &messages {
                let message = fs::read(corpus.join("smime").join(name)).unwrap();
                shows_whom_nist_trusts(&message, &trust, valid, name);
            }
        });
    }
    tally.finish(90);
}

fn shows_whom_nist_trusts(message: &[u8], trust: &Trust, valid: bool, name: &str) {
    let keyring = MemoryKeyring::new();
    let opened = block_on_ready(open(&RustCrypto, &keyring, &[], trust, message, JUNE_2015)).unwrap();
    let reason = opened.signers.first().and_then(|signer| signer.reason.clone());
    // Few of its certificates have an address, so that nothing ties the others to an author; that is said
    // only of a signature whose path is good.
    let good = matches!(reason, None | Some(SignerFault::NoAddress | SignerFault::FromMismatch));
    assert!(good || opened.status == Status::Unprotected, "{name}");
    assert!(reason != Some(SignerFault::NoAddress) || opened.status == Status::Unprotected, "{name}");
    assert_eq!(good, valid, "{name}: {reason:?}");
}
