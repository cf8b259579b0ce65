//! What hostile certificates cost: counted by what the arithmetic is asked to do, not by a clock.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests may panic and speak"
)]

mod support;

use std::cell::Cell;
use std::time::Instant;

use smime::evidence::Evidence;
use smime::issue::{Profile, Usage, issue};
use smime::message::{Status, open};
use smime::path::{Purpose, Query, validate};
use smime::recipients::{Candidate, NoneChosen, Reads, Unfit, choose};
use smime::rustcrypto::{MemoryKeyring, RustCrypto};
use smime::{
    Agreement, Certificate, ContentEncryption, Curve, Hash, KeyId, KeyKind, Keyring, PathError, Provider,
    ProviderError, RsaPadding, SignatureAlgorithm, SignerError, Trust, UnixTime, block_on_ready as ready,
    verify,
};
use support::der::{sequence, tlv};
use support::{NOW, World, rng};

/// What one message or path may cost, in microseconds of the machine that the costs below are from.
const LIMIT: u64 = 50_000;

const ECDSA_SHA256: [u8; 12] = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const RSA: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// Counts what verifying and digesting costs; can do nothing else.
#[derive(Default)]
struct Counting {
    spent: Cell<u64>,
    checks: Cell<usize>,
}

impl Counting {
    fn spend(&self, cost: u64) {
        self.spent.set(self.spent.get() + cost);
    }
}

impl Provider for Counting {
    async fn digest(&self, hash: Hash, data: &[u8]) -> Result<Vec<u8>, ProviderError> {
        self.spend(data.len() as u64 / 800);
        RustCrypto.digest(hash, data).await
    }

    async fn verify(
        &self,
        spki: &[u8],
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ProviderError> {
        self.checks.set(self.checks.get() + 1);
        let check = match KeyKind::of(spki) {
            // 52 for 2048 bits and the exponent 65537; the largest exponent that is tried at all,
            // of 33 bits, took less than twice as long.
            KeyKind::Rsa { bits } => (bits as u64).pow(2) * 52 * 2 / 2048_u64.pow(2),
            KeyKind::Ec(Curve::P256) => 142,
            _ => 486,
        };
        self.spend(check + message.len() as u64 / 800);
        RustCrypto.verify(spki, algorithm, message, signature).await
    }

    async fn encrypt_in_place(
        &self,
        _: ContentEncryption,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &mut Vec<u8>,
    ) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported)
    }

    async fn decrypt_in_place(
        &self,
        _: ContentEncryption,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &mut Vec<u8>,
        _: &[u8],
    ) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported)
    }

    async fn wrap_rsa(&self, _: &[u8], _: RsaPadding, _: &[u8]) -> Result<Vec<u8>, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    async fn agree_ephemeral(&self, _: Curve, _: &[&[u8]]) -> Result<Agreement, ProviderError> {
        Err(ProviderError::Unsupported)
    }
}

/// DER of contents below 16 MB.
fn name(common: &str) -> Vec<u8> {
    sequence(&[&tlv(0x31, &sequence(&[&[6, 3, 0x55, 4, 3], &tlv(0x0c, common.as_bytes())]))])
}

fn extension(number: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&[6, 3, 0x55, 0x1d, number], &tlv(4, value)])
}

/// The oid 1.3.6.1.4.1 and two numbers.
fn oid(one: u8, other: u8) -> Vec<u8> {
    tlv(6, &[0x2b, 6, 1, 4, 1, 0x81, one & 0x7f, 0x81, other & 0x7f])
}

struct Forge {
    keyring: MemoryKeyring,
    serial: u32,
}

impl Forge {
    fn new() -> Self {
        Self { keyring: MemoryKeyring::new(), serial: 1_000_000 }
    }

    fn key(&mut self, key: &str) -> Vec<u8> {
        self.keyring.generate_p256(KeyId::new(key), &mut rng()).unwrap()
    }

    /// A certificate, signed if there is a key.
    fn certificate(
        &mut self,
        subject: &str,
        spki: &[u8],
        issuer: (&str, Option<&str>),
        extensions: &[Vec<u8>],
    ) -> Certificate {
        self.serial += 1;
        let validity = sequence(&[&tlv(0x17, b"200101000000Z"), &tlv(0x17, b"400101000000Z")]);
        let serial = tlv(2, &[&[1][..], &self.serial.to_be_bytes()].concat());
        let extensions = tlv(0xa3, &sequence(&[&extensions.concat()]));
        let (issuer, key) = issuer;
        let body = sequence(&[
            &tlv(0xa0, &[2, 1, 2]),
            &serial,
            &ECDSA_SHA256,
            &name(issuer),
            &validity,
            &name(subject),
            spki,
            &extensions,
        ]);
        let algorithm = SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256);
        let signature = key.map_or_else(
            || vec![1, 2, 3],
            |key| ready(self.keyring.sign(&KeyId::new(key), algorithm, &body)).unwrap(),
        );
        let signature = tlv(3, &[&[0][..], &signature].concat());
        Certificate::from_der(&sequence(&[&body, &ECDSA_SHA256, &signature])).unwrap()
    }
}

fn authority() -> Vec<u8> {
    extension(19, &sequence(&[&[1, 1, 0xff]]))
}

/// What asking for a path costs, and its outcome.
fn path(
    test: &str,
    leaf: &Certificate,
    anchors: &[Certificate],
    others: &[Certificate],
) -> Result<usize, PathError> {
    let counting = Counting::default();
    let started = Instant::now();
    let outcome = ready(validate(&counting, leaf, anchors, others, &[], &Query::new(Purpose::Signing, NOW)));
    let (took, spent) = (started.elapsed(), counting.spent.get());
    println!("{test}: {spent} counted, {} checks, {took:?} on the clock", counting.checks.get());
    assert!(spent <= LIMIT, "{test} cost {spent}");
    outcome.map(|path| path.certificates().len())
}

#[test]
fn thousands_of_certificates_of_one_name_cost_little() {
    let mut forge = Forge::new();
    let spki = forge.key("root");
    let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
    let spki = forge.key("office");
    let others = (0..5000).map(|_| forge.certificate("Office", &spki, ("Root", None), &[authority()]));
    let mut others = others.collect::<Vec<_>>();
    let leaf = forge.key("leaf");
    let leaf = forge.certificate("Leaf", &leaf, ("Office", Some("office")), &[]);
    let outcome = path("one name", &leaf, std::slice::from_ref(&root), &others);
    assert_eq!(outcome, Err(PathError::BudgetExceeded));
    // Among as many as honest messages carry, the right one is found.
    others.truncate(20);
    others.push(forge.certificate("Office", &spki, ("Root", Some("root")), &[authority()]));
    let outcome = path("twenty of one name", &leaf, &[root], &others);
    assert_eq!(outcome, Ok(3));
}

#[test]
fn deep_chains_and_circles_cost_little() {
    let mut forge = Forge::new();
    let spki = forge.key("root");
    let root = forge.certificate("0", &spki, ("0", Some("root")), &[authority()]);
    let mut others = Vec::new();
    for depth in 1..300 {
        // Each is above the one before it, and below it too.
        let (one, other) = (depth.to_string(), (depth - 1).to_string());
        let spki = forge.key("office");
        others.push(forge.certificate(&one, &spki, (&other, None), &[authority()]));
        others.push(forge.certificate(&other, &spki, (&one, None), &[authority()]));
    }
    let spki = forge.key("leaf");
    let leaf = forge.certificate("Leaf", &spki, ("299", None), &[]);
    assert_eq!(path("a deep chain", &leaf, &[root], &others), Err(PathError::BudgetExceeded));
}

#[test]
fn a_certificate_that_costs_all_of_its_budget_is_not_in_the_way_of_a_good_one() {
    let mut forge = Forge::new();
    let spki = forge.key("root");
    let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
    let emails = extension(17, &sequence(&[&tlv(0x81, b"bob@b.example")]));
    let spki = forge.key("bob");
    let bob = forge.certificate("Bob", &spki, ("Root", Some("root")), std::slice::from_ref(&emails));
    // Authorities that might each have certified any of the others.
    let circle = (0..7).map(|_| {
        let spki = forge.key("circle");
        forge.certificate("Circle", &spki, ("Circle", None), &[authority()])
    });
    let circle = circle.collect::<Vec<_>>();
    // Of two of one date, the digest says which is looked at first.
    let hostile = std::iter::repeat_with(|| {
        forge.certificate("Bob", &spki, ("Circle", None), std::slice::from_ref(&emails))
    });
    let hostile = hostile.filter(|one| one.sha256() > bob.sha256()).take(3).map(|certificate| Candidate {
        certificate,
        issuers: circle.clone(),
        reads: Reads::Unknown,
    });
    let mut known = hostile.collect::<Vec<_>>();
    known.push(Candidate { certificate: bob.clone(), issuers: Vec::new(), reads: Reads::Unknown });
    let trust = Trust { anchors: vec![root], ..Trust::default() };
    let counting = Counting::default();
    let chosen = ready(choose(&counting, "bob@b.example", &known, &trust, NOW)).unwrap();
    assert_eq!(chosen.certificate(), &bob);
    let reasons = chosen.passed_over().iter().map(|one| one.reason.code()).collect::<Vec<_>>();
    assert_eq!(reasons, ["budget-exceeded"; 3]);
    // More than a few are not checked, and those that are not valid are not counted among them.
    let mut many = [known.clone(), vec![known[0].clone(), known[1].clone()]].concat();
    many.sort_by_key(|one| one.certificate == bob);
    let late = UnixTime(NOW.0 + 20_000 * 86_400);
    let none = ready(choose(&counting, "bob@b.example", &many, &trust, late)).unwrap_err();
    let NoneChosen::Unfit(reasons) = none else { panic!("{none:?}") };
    assert!(reasons.iter().all(|one| one.reason.code() == "expired"), "{reasons:?}");
    let none = ready(choose(&counting, "bob@b.example", &many, &trust, NOW)).unwrap_err();
    let NoneChosen::Unfit(reasons) = none else { panic!("{none:?}") };
    assert_eq!(reasons.iter().filter(|one| one.reason == Unfit::NotChecked).count(), 2);
}

/// A leaf, its root, and nine authorities in between, each twice if there are to be many ways. Every
/// policy is mapped to one, and that one to every policy.
fn tower(width: u8, ways: usize) -> (Certificate, [Certificate; 1], Vec<Certificate>) {
    let mut forge = Forge::new();
    let spki = forge.key("0");
    let root = forge.certificate("0", &spki, ("0", Some("0")), &[authority()]);
    let policies = |level: u8| {
        let policies = (0..width).map(move |number| sequence(&[&oid(level, number)]));
        extension(32, &sequence(&[&policies.collect::<Vec<_>>().concat()]))
    };
    let mut others = Vec::new();
    for level in 1..10_u8 {
        let mappings = (0..width).map(|number| {
            let (from, to) = if level.is_multiple_of(2) { (0, number) } else { (number, 0) };
            sequence(&[&oid(level, from), &oid(level + 1, to)])
        });
        let mappings = extension(33, &sequence(&[&mappings.collect::<Vec<_>>().concat()]));
        let (key, above) = (level.to_string(), (level - 1).to_string());
        let spki = forge.key(&key);
        for _ in 0..ways {
            let extensions = [authority(), policies(level), mappings.clone()];
            others.push(forge.certificate(&key, &spki, (&above, Some(&above)), &extensions));
        }
    }
    // Its purpose is wrong, so that every way through is tried.
    let usage = sequence(&[&tlv(6, &[0x2b, 6, 1, 5, 5, 7, 3, 1])]);
    let spki = forge.key("leaf");
    let leaf = forge.certificate("Leaf", &spki, ("9", Some("9")), &[policies(10), extension(37, &usage)]);
    (leaf, [root], others)
}

#[test]
fn policies_that_multiply_cost_little() {
    let (leaf, root, others) = tower(127, 2);
    assert_eq!(path("policies", &leaf, &root, &others), Err(PathError::BudgetExceeded));
    // With as many as honest authorities name, what is refused is the purpose.
    let (leaf, root, others) = tower(20, 1);
    assert_eq!(path("some policies", &leaf, &root, &others), Err(PathError::WrongUsage));
}

#[test]
fn thousands_of_name_constraints_cost_little() {
    for (trees, names, outcome) in
        [(512, 1000, Err(PathError::BudgetExceeded)), (512, 300, Ok(3)), (512, 50, Ok(3))]
    {
        let mut forge = Forge::new();
        let spki = forge.key("root");
        let root = forge.certificate("Root", &spki, ("Root", Some("root")), &[authority()]);
        let tree = |number: usize| sequence(&[&tlv(0x81, format!("b{number}.example").as_bytes())]);
        let permitted = (0..trees).map(|number| if number == 7 { tree(0) } else { tree(number + 1) });
        let permitted = tlv(0xa0, &permitted.collect::<Vec<_>>().concat());
        let excluded = (0..trees).map(|number| tree(number + 9999));
        let excluded = tlv(0xa1, &excluded.collect::<Vec<_>>().concat());
        let constraints = extension(30, &sequence(&[&permitted, &excluded]));
        let spki = forge.key("office");
        let offices = [(); 3].map(|()| {
            forge.certificate("Office", &spki, ("Root", Some("root")), &[authority(), constraints.clone()])
        });
        let name = |number: usize| tlv(0x81, format!("person.{number}@b0.example").as_bytes());
        let names = sequence(&[&(0..names).map(name).collect::<Vec<_>>().concat()]);
        let spki = forge.key("leaf");
        let leaf = forge.certificate("Leaf", &spki, ("Office", Some("office")), &[extension(17, &names)]);
        assert_eq!(path("name constraints", &leaf, &[root], &offices), outcome);
    }
}

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
