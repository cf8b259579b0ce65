//! What hostile certificates cost, and what weak or foreign ones are good for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests may panic")]

mod support;

use smime::issue::{Profile, Usage, issue};
use smime::path::{Purpose, Query, validate};
use smime::request::{self, RequestError};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Certificate, KeyId, PathError, SignedForm, Signer, SignerError, VerifyError, block_on_ready as ready,
    sign, verify,
};
use support::authority::clock;
use support::der::{sequence, split, tlv};
use support::work::work;
use support::{NOW, World, rng};

const ECDSA_SHA256: [u8; 12] = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// DER of contents below 16 MB.
fn name(common: &str) -> Vec<u8> {
    sequence(&[&tlv(0x31, &sequence(&[&[6, 3, 0x55, 4, 3], &tlv(0x0c, common.as_bytes())]))])
}

/// A certificate that nobody signed.
fn certificate(subject: &[u8], issuer: &[u8], serial: u32, spki: &[u8]) -> Certificate {
    let validity = sequence(&[&tlv(0x17, b"200101000000Z"), &tlv(0x17, b"400101000000Z")]);
    let serial = [&[1][..], &serial.to_be_bytes()].concat();
    let version = tlv(0xa0, &[2, 1, 2]);
    let body = sequence(&[&version, &tlv(2, &serial), &ECDSA_SHA256, issuer, &validity, subject, spki]);
    Certificate::from_der(&sequence(&[&body, &ECDSA_SHA256, &tlv(3, &[0, 1, 2, 3])])).unwrap()
}

/// The SignedData with its only signer repeated.
fn with_signers(cms: &[u8], times: usize) -> Vec<u8> {
    let inside = split(cms).0;
    let after_type = split(inside).1;
    let content_type = &inside[..inside.len() - after_type.len()];
    let signed = split(split(after_type).0).0;
    let (mut rest, mut last) = (signed, signed);
    while !rest.is_empty() {
        last = rest;
        rest = split(rest).1;
    }
    let before = &signed[..signed.len() - last.len()];
    let signers = tlv(0x31, &split(last).0.repeat(times));
    sequence(&[content_type, &tlv(0xa0, &sequence(&[before, &signers]))])
}

fn signed(keyring: &MemoryKeyring, signer: &Signer) -> Vec<u8> {
    ready(sign(&RustCrypto, keyring, signer, b"x", SignedForm::Opaque, NOW)).unwrap().to_der()
}

#[test]
fn a_maze_of_issuers_with_long_names_is_left_soon() {
    let world = World::new();
    let (mut keyring, key) = (MemoryKeyring::new(), KeyId::new("k"));
    let spki = keyring.generate_p256(key.clone(), &mut rng()).unwrap();
    let names: Vec<Vec<u8>> = (0..14).map(|index| name(&format!("{index:02}{}", "Ä".repeat(1000)))).collect();
    let mut chain = vec![certificate(&name("leaf"), &names[0], 9, &spki)];
    let pairs = (0..14).flat_map(|one| (0..14).map(move |other| (one, other)));
    for (serial, (one, other)) in (100_u32..).zip(pairs.filter(|(one, other)| one != other)).take(180) {
        let mut key = spki.clone();
        let end = key.len() - 4;
        key[end..].copy_from_slice(&serial.to_be_bytes());
        chain.push(certificate(&names[one], &names[other], serial, &key));
    }
    let cms = signed(&keyring, &Signer { key, chain, encryption: None });
    let too_many = with_signers(&cms, 9);
    let judge = |signers| {
        let cms = with_signers(&cms, signers);
        let took = work(|| {
            let verdicts = ready(verify(&RustCrypto, &cms, None, &world.trust, NOW)).unwrap().signers;
            let exhausted = SignerError::Path(PathError::BudgetExceeded);
            assert!(verdicts.iter().all(|verdict| verdict.verdict.as_ref().err() == Some(&exhausted)));
        });
        println!("a maze: {took:?} for {signers}");
        took
    };
    // All signers have one budget.
    assert!(judge(8) < judge(1) * 4);
    assert_eq!(
        ready(verify(&RustCrypto, &too_many, None, &world.trust, NOW)).unwrap_err(),
        VerifyError::TooMany
    );
}

/// Seven times seven paths of names, without identifiers of keys, of which the last alone has the right signatures.
#[test]
fn a_path_is_found_where_many_authorities_have_the_same_name() {
    let Some(mut world) =
        World::with(&["openssl"], "a_path_is_found_where_many_authorities_have_the_same_name")
    else {
        return;
    };
    world.authority("ca");
    let folder = &world.folder;
    folder.write(
        "extensions",
        "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n",
    );
    let issue = |name: &str, subject: &str, above: &str| {
        folder.openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
        folder.openssl(&format!("req -new -key {name}.key -subj {subject} -out {name}.csr"));
        folder.openssl(&format!(
            "x509 -req -in {name}.csr -CA {above}.pem -CAkey {above}.key -set_serial 5 -days 30 \
             -extfile extensions -out {name}.pem"
        ));
        Certificate::from_pem(&String::from_utf8(folder.read(&format!("{name}.pem"))).unwrap()).unwrap()
    };
    let mut between = Vec::new();
    for index in 0..7 {
        between.push(issue(&format!("upper{index}"), "/CN=upper", "ca"));
        between.push(issue(&format!("lower{index}"), "/CN=lower", &format!("upper{index}")));
    }
    let leaf = issue("leaf", "/CN=leaf", "lower6");
    let root = Certificate::from_pem(&String::from_utf8(folder.read("ca.pem")).unwrap()).unwrap();
    let query = Query::new(Purpose::Any, clock());
    ready(validate(&RustCrypto, &leaf, &[root], &between, &[], &query)).unwrap();
}

#[test]
fn a_preference_for_somebody_elses_certificate_counts_for_nothing() {
    let Some(mut world) =
        World::with(&["openssl"], "a_preference_for_somebody_elses_certificate_counts_for_nothing")
    else {
        return;
    };
    let signer = world.signer("alice", "P-256");
    let others = world.reader("mallory", "P-256").certificate;
    let own = world.certify("alice", &world.folder.read("alice.spki"), Usage::Encryption, NOW.plus(9999));
    for (encryption, counts) in [(others, false), (own, true)] {
        let signer = Signer { encryption: Some(encryption.clone()), ..signer.clone() };
        let cms = signed(&world.keyring, &signer);
        let verdict = ready(verify(&RustCrypto, &cms, None, &world.trust, NOW)).unwrap().signers.remove(0);
        assert!(verdict.verdict.is_ok(), "{:?}", verdict.verdict);
        assert_eq!(verdict.encryption, counts.then_some(encryption));
    }
}

#[test]
fn domains_of_addresses_are_ascii_and_end_without_a_dot() {
    let mut world = World::new();
    let spki = world.keyring.generate_p256(KeyId::new("x"), &mut rng()).unwrap();
    let given = ["lin@bücher.example", "林@b.example.", "a@b.example."].map(str::to_owned);
    let profile = Profile {
        common_name: "x".to_owned(),
        organisation: None,
        emails: given.to_vec(),
        usage: Usage::Signing,
        serial: [3; 16],
        not_before: NOW,
        not_after: NOW.plus(9999),
    };
    let certificate = ready(issue(&world.keyring, &world.root, &spki, &profile)).unwrap();
    assert_eq!(certificate.emails(), ["林@b.example", "a@b.example"]);
}

#[test]
fn what_is_no_address_is_none_though_a_certificate_names_it() {
    let mut world = World::new();
    let spki = world.keyring.generate_p256(KeyId::new("x"), &mut rng()).unwrap();
    let given = ["bob.example", "@b.example", "bob@", "a@b.example\r\nBcc: c", "bob@b.example"];
    let profile = Profile {
        common_name: "x".to_owned(),
        organisation: None,
        emails: given.map(str::to_owned).to_vec(),
        usage: Usage::Signing,
        serial: [3; 16],
        not_before: NOW,
        not_after: NOW.plus(9999),
    };
    let certificate = ready(issue(&world.keyring, &world.root, &spki, &profile)).unwrap();
    assert_eq!(certificate.emails(), ["bob@b.example"]);
}

#[test]
fn a_request_with_a_weak_key_or_hash_is_refused() {
    let Some(world) = World::with(&["openssl"], "a_request_with_a_weak_key_or_hash_is_refused") else {
        return;
    };
    let folder = &world.folder;
    for (key, hash, weak) in [("1024", "sha256", true), ("2048", "sha1", true), ("2048", "sha256", false)] {
        folder.openssl(&format!(
            "req -new -newkey rsa:{key} -nodes -{hash} -keyout k.key -subj /emailAddress=a@a.example -outform DER -out k.req"
        ));
        let outcome = ready(request::verify(&RustCrypto, &folder.read("k.req")));
        assert_eq!(outcome.err(), weak.then_some(RequestError::TooWeak), "{key} {hash}");
    }
}
