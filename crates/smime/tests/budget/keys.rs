//! Keys that are slow to use, and much that is signed.

use std::time::Instant;

use smime::evidence::Evidence;
use smime::issue::{Profile, Usage, issue};
use smime::message::{Status, open};
use smime::recipients::{Candidate, Reads, Unfit, choose};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{Hash, PathError, Provider, SignerError, Trust, block_on_ready as ready, verify};

use crate::forge::{ECDSA_SHA256, Forge, RSA, authority, extension, oid};
use crate::support::counting::{Counting, LIMIT};
use crate::support::der::{sequence, tlv};
use crate::support::{NOW, World};

#[test]
fn keys_that_are_slow_to_use_cost_little() {
    let Some(mut world) = World::with(&["openssl"], "keys_that_are_slow_to_use_cost_little") else { return };
    // Two hundred certificates that all may be the signer's, whose real one is left out.
    let signer = world.signer("alice", "rsa").chain.remove(0);
    let hex = signer.serial_hex();
    // Without the octet of the sign that half of all random numbers need.
    let serial = u128::from_str_radix(hex.strip_prefix("00").unwrap_or(&hex), 16).unwrap().to_be_bytes();
    let mut bag = String::new();
    for (number, (modulus, exponent)) in
        [(1024, 5), (1024, 4096), (12_500, 3), (30_000, 30_000)].into_iter().cycle().take(200).enumerate()
    {
        let mut modulus = vec![0xc1_u8; modulus];
        modulus[9] = number as u8;
        let exponent = [vec![1_u8; exponent]].concat();
        let key = sequence(&[&tlv(2, &[&[0][..], &modulus].concat()), &tlv(2, &exponent)]);
        let spki = sequence(&[&RSA, &tlv(3, &[&[0][..], &key].concat())]);
        let profile = Profile {
            common_name: "Mallory".into(),
            organisation: None,
            emails: vec!["alice@example.org".into()],
            usage: Usage::Signing,
            serial,
            not_before: NOW,
            not_after: NOW.plus(9999),
        };
        bag.push_str(&ready(issue(&world.keyring, &world.root, &spki, &profile)).unwrap().to_pem());
    }
    world.folder.write("bag.pem", bag);
    world.folder.write("plain", "x");
    world.folder.openssl(
        "cms -sign -binary -nodetach -nocerts -in plain -signer alice.pem -inkey alice.key -certfile bag.pem \
         -outform DER -out cms",
    );
    let cms = world.folder.read("cms");
    let counting = Counting::default();
    let started = Instant::now();
    let verified = ready(verify(&counting, &cms, None, &world.trust, NOW)).unwrap();
    println!("slow keys: {} counted, {:?} on the clock", counting.spent.get(), started.elapsed());
    assert!(counting.spent.get() <= LIMIT, "{}", counting.spent.get());
    assert!(counting.checks.get() > 0, "at least one was tried");
    let found = &verified.signers[0].verdict;
    assert!(
        matches!(found, Err(SignerError::BadSignature | SignerError::Path(PathError::BudgetExceeded))),
        "{found:?}"
    );
}

/// id-data, id-signedData, contentType, messageDigest.
const DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const CONTENT_TYPE: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
/// id-aa-ets-certValues.
const CERTIFICATE_VALUES: [u8; 13] = [6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 23];
const SHA256: [u8; 13] = [0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// A SignedData by the holder of the key identifier 7, whose signature is wrong.
fn signed_data(content: &[u8], certificates: &[u8], attributes: &[Vec<u8>], unsigned: &[u8]) -> Vec<u8> {
    signed_data_with(&ECDSA_SHA256, content, certificates, attributes, unsigned)
}

fn signed_data_with(
    algorithm: &[u8],
    content: &[u8],
    certificates: &[u8],
    attributes: &[Vec<u8>],
    unsigned: &[u8],
) -> Vec<u8> {
    let signed = if attributes.is_empty() { Vec::new() } else { tlv(0xa0, &attributes.concat()) };
    let signature = tlv(4, &sequence(&[&[2, 1, 1], &[2, 1, 1]]));
    let signer = sequence(&[
        &[2, 1, 3],
        &tlv(0x80, &[7]),
        &SHA256,
        &signed,
        algorithm,
        &signature,
        &if unsigned.is_empty() { Vec::new() } else { tlv(0xa1, unsigned) },
    ]);
    let content = sequence(&[&DATA, &tlv(0xa0, &tlv(4, content))]);
    let certificates = tlv(0xa0, certificates);
    let body = sequence(&[&[2, 1, 3], &tlv(0x31, &SHA256), &content, &certificates, &tlv(0x31, &signer)]);
    sequence(&[&SIGNED_DATA, &tlv(0xa0, &body)])
}

fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[oid, &tlv(0x31, value)])
}

#[test]
fn a_key_too_large_to_be_computed_with_is_called_unsupported_and_gets_no_mail() {
    let mut forge = Forge::new();
    let spki = forge.key("root");
    let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
    let rsa = |octets: usize| {
        let key = sequence(&[&tlv(2, &[vec![0], vec![0xc1; octets]].concat()), &tlv(2, &[1, 0, 1])]);
        sequence(&[&RSA, &tlv(3, &[&[0][..], &key].concat())])
    };
    let emails = extension(17, &sequence(&[&tlv(0x81, b"bob@b.example")]));
    let extensions = [emails, extension(14, &tlv(4, &[7]))];
    let bob = forge.key("bob");
    let bob = forge.certificate("Bob", &bob, ("Root", Some("root")), &extensions);
    let mut by = |octets: usize| forge.certificate("Bob", &rsa(octets), ("Root", Some("root")), &extensions);
    let found = [1024, 1025].map(|octets| {
        let cms = signed_data_with(&RSA, b"x", by(octets).der(), &[], &[]);
        ready(verify(&RustCrypto, &cms, None, &Trust::default(), NOW)).unwrap().signers.remove(0).verdict
    });
    assert_eq!(found[0], Err(SignerError::BadSignature));
    assert!(matches!(found[1], Err(SignerError::UnsupportedAlgorithm(_))), "{:?}", found[1]);

    let large = std::iter::repeat_with(|| by(2048)).find(|one| one.sha256() > bob.sha256()).unwrap();
    assert!(!large.can_encrypt() && by(1024).can_encrypt());
    let known = [&large, &bob].map(|certificate| Candidate {
        certificate: certificate.clone(),
        issuers: Vec::new(),
        reads: Reads::Unknown,
    });
    let trust = Trust { anchors: vec![root], ..Trust::default() };
    let chosen = ready(choose(&RustCrypto, "bob@b.example", &known, &trust, NOW)).unwrap();
    assert_eq!(chosen.certificate(), &bob);
    assert_eq!(chosen.passed_over()[0].reason, Unfit::Unsupported);
}

#[test]
fn many_keys_for_a_signature_over_much_cost_little() {
    let mut forge = Forge::new();
    let spki = forge.key("mallory");
    let identifier = extension(14, &tlv(4, &[7]));
    let certificates = (0..200).flat_map(|_| {
        forge.certificate("Mallory", &spki, ("Root", None), std::slice::from_ref(&identifier)).der().to_vec()
    });
    let certificates = certificates.collect::<Vec<_>>();
    let (long, short) = (vec![b'x'; 1_000_000], b"x".to_vec());
    let digest = ready(RustCrypto.digest(Hash::Sha256, &short)).unwrap();
    let attributes = [
        attribute(&CONTENT_TYPE, &DATA),
        attribute(&MESSAGE_DIGEST, &tlv(4, &digest)),
        attribute(&oid(1, 1), &tlv(4, &long)),
    ];
    for (test, cms) in [
        ("a long content", signed_data(&long, &certificates, &[], &[])),
        ("long attributes", signed_data(&short, &certificates, &attributes, &[])),
    ] {
        let counting = Counting::default();
        let verified = ready(verify(&counting, &cms, None, &Trust::default(), NOW)).unwrap();
        let (spent, checks) = (counting.spent.get(), counting.checks.get());
        println!("{test}: {spent} counted, {checks} checks");
        assert!(spent <= LIMIT, "{test} cost {spent}");
        assert!(checks > 1, "as many are tried as there is time for");
        assert_eq!(verified.signers[0].verdict, Err(SignerError::BadSignature));
    }
}

#[test]
fn certificates_beside_a_signature_are_as_many_as_in_a_message() {
    let mut forge = Forge::new();
    let spki = forge.key("mallory");
    let certificate = forge.certificate("Mallory", &spki, ("Root", None), &[]);
    let values = sequence(&[&certificate.der().repeat(64)]).repeat(64);
    let cms = signed_data(b"x", &[], &[], &attribute(&CERTIFICATE_VALUES, &values));
    assert_eq!(Evidence::from_der(&cms).unwrap().certificates.len(), 256);
}

#[test]
fn all_layers_of_a_message_cost_no_more_than_one() {
    let mut forge = Forge::new();
    let spki = forge.key("mallory");
    let identifier = extension(14, &tlv(4, &[7]));
    let certificates = (0..250).flat_map(|_| {
        forge.certificate("Mallory", &spki, ("Root", None), std::slice::from_ref(&identifier)).der().to_vec()
    });
    let certificates = certificates.collect::<Vec<_>>();
    let mut message = b"Content-Type: text/plain\r\n\r\nx\r\n".to_vec();
    for _ in 0..7 {
        let cms = signed_data(&message, &certificates, &[], &[]);
        message = b"From: a@example.org\r\nContent-Type: application/pkcs7-mime\r\n\
            Content-Transfer-Encoding: binary\r\n\r\n"
            .to_vec();
        message.extend(cms);
    }
    let counting = Counting::default();
    let opened =
        ready(open(&counting, &MemoryKeyring::new(), &[], &Trust::default(), &message, NOW)).unwrap();
    let (spent, layers) = (counting.spent.get(), opened.layers.len());
    println!("{layers} layers: {spent} counted, {} checks", counting.checks.get());
    assert!(spent <= LIMIT, "{spent}");
    assert_eq!((layers, opened.status), (7, Status::Unprotected));
}
