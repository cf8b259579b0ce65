//! What a signature may say once alone (RFC 5652 11, RFC 8551 2.5, RFC 5035), signed by OpenSSL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use smime::rustcrypto::RustCrypto;
use smime::{Hash, Provider, SignerError, block_on_ready as ready, verify};
use support::der::{sequence, tlv};
use support::signed::{DATA, attribute, id_aa, pkcs9, signed};
use support::{NOW, World};

/// Whether the signature holds here and for OpenSSL.
fn verdicts(world: &World, attributes: Vec<Vec<u8>>) -> (Result<(), SignerError>, bool) {
    let folder = &world.folder;
    let certificate = support::pem(&String::from_utf8(folder.read("alice.pem")).unwrap());
    let cms = signed(b"As agreed.", &certificate, attributes, |attributes| {
        folder.write("attributes", attributes);
        folder.openssl("dgst -sha256 -sign alice.key attributes")
    });
    folder.write("signed", &cms);
    let openssl = folder.run_openssl(
        "cms -verify -inform DER -in signed -CAfile root.pem -purpose any -no_check_time -out content",
    );
    let verified = ready(verify(&RustCrypto, &cms, None, &world.trust, NOW)).unwrap();
    (verified.signers[0].verdict.clone().map(drop), openssl.status.success())
}

#[test]
fn an_attribute_that_has_one_answer_may_not_have_two() {
    let Some(mut world) = World::with(&["openssl"], "an_attribute_that_has_one_answer_may_not_have_two")
    else {
        return;
    };
    let certificate = world.signer("alice", "P-256").chain.remove(0);
    let time = |text: &[u8]| tlv(0x17, text);
    let (early, late) = (time(b"260101000000Z"), time(b"260102000000Z"));
    let aes = |last: u8| sequence(&[&sequence(&[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, last]])]);
    let named = |digest: &[u8]| sequence(&[&sequence(&[&sequence(&[&tlv(4, digest)])])]);
    let sha256 = named(&certificate.sha256());
    let sha1 = named(&ready(RustCrypto.digest(Hash::Sha1, certificate.der())).unwrap());
    let preferred = |id: u8| tlv(0x82, &[id]);
    for (name, oid, one, other) in [
        ("signingTime", &pkcs9(5)[..], &early, &late),
        ("smimeCapabilities", &pkcs9(15), &aes(2), &aes(42)),
        ("encryptionKeyPreference", &id_aa(11), &preferred(1), &preferred(2)),
        ("signingCertificate", &id_aa(12), &sha1, &sha1),
        ("signingCertificateV2", &id_aa(47), &sha256, &sha256),
    ] {
        assert_eq!(verdicts(&world, vec![attribute(oid, &[one])]), (Ok(()), true), "{name} once");
        for (how, attributes) in [
            ("twice", vec![attribute(oid, &[one]), attribute(oid, &[other])]),
            ("with two values", vec![attribute(oid, &[one, other])]),
            ("without a value", vec![attribute(oid, &[])]),
        ] {
            let (here, _) = verdicts(&world, attributes);
            assert_eq!(here, Err(SignerError::Malformed), "{name} {how}");
        }
    }
    // OpenSSL knows which of them are single, too.
    for (oid, value) in [(pkcs9(5), &early), (pkcs9(3), &DATA.to_vec())] {
        let twice = vec![attribute(&oid, &[value]), attribute(&oid, &[value])];
        assert_eq!(verdicts(&world, twice), (Err(SignerError::Malformed), false));
    }
}

#[test]
fn a_certificate_that_is_named_by_two_hashes_must_be_the_one_by_both() {
    const TEST: &str = "a_certificate_that_is_named_by_two_hashes_must_be_the_one_by_both";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let certificate = world.signer("alice", "P-256").chain.remove(0);
    let named = |digest: &[u8]| sequence(&[&sequence(&[&sequence(&[&tlv(4, digest)])])]);
    let sha256 = attribute(&id_aa(47), &[&named(&certificate.sha256())]);
    let sha1 = ready(RustCrypto.digest(Hash::Sha1, certificate.der())).unwrap();
    let both = |sha1: &[u8]| vec![sha256.clone(), attribute(&id_aa(12), &[&named(sha1)])];
    assert_eq!(verdicts(&world, both(&sha1)).0, Ok(()));
    assert_eq!(verdicts(&world, both(&[0; 20])).0, Err(SignerError::CertificateMismatch));
    // The first form is SHA-1's alone: in it the second form's is malformed.
    const SHA256: [u8; 13] = [0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let other = sequence(&[&sequence(&[&sequence(&[&SHA256, &tlv(4, &certificate.sha256())])])]);
    let named = |number| vec![attribute(&id_aa(number), &[&other])];
    assert_eq!(verdicts(&world, named(47)).0, Ok(()));
    assert_eq!(verdicts(&world, named(12)).0, Err(SignerError::Malformed));
}
