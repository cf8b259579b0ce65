//! What a revocation list takes away from a signature, and what a timestamp may give back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests may panic")]

mod support;

use sha2::Digest;
use smime::issue::{Usage, Withdrawn, revocation_list};
use smime::path::{self, Purpose, Query};
use smime::rustcrypto::RustCrypto;
use smime::timestamp::{self, TimestampAuthority};
use smime::{
    Certificate, Curve, Hash, KeyId, Keyring, PathError, SignatureAlgorithm, SignedForm, Signer, SignerError,
    SignerVerdict, Trust, UnixTime, block_on_ready as ready, sign, verify,
};
use support::{NOW, World};

const ECDSA_SHA256: [u8; 12] = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const KEY_COMPROMISE: u8 = 1;
const SUPERSEDED: u8 = 4;
const REMOVE_FROM_CRL: u8 = 8;

/// 2026-05-31, the day before [`NOW`], at these hours.
fn yesterday(hour: u8) -> Vec<u8> {
    tlv(0x17, format!("260531{hour:02}0000Z").as_bytes())
}

fn at_yesterday(hour: u64) -> UnixTime {
    UnixTime(NOW.0 - 86_400 + hour * 3600)
}

/// DER of contents up to 64 KB.
fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let mut der = vec![tag];
    match length {
        [0, short @ 0..0x80] => der.push(short),
        [0, middle] => der.extend([0x81, middle]),
        [high, low] => der.extend([0x82, high, low]),
    }
    der.extend(contents);
    der
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn serial(certificate: &Certificate) -> Vec<u8> {
    let hex = certificate.serial_hex();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The distinguished name of the root that [`World`] makes.
fn root_name() -> Vec<u8> {
    name("Test Root 根")
}

fn name(common_name: &str) -> Vec<u8> {
    let name = sequence(&[&[6, 3, 0x55, 4, 3], &tlv(0x0c, common_name.as_bytes())]);
    sequence(&[&tlv(0x31, &name)])
}

/// An entry of a list, revoked at ten yesterday.
fn entry(serial: &[u8], extensions: &[&[u8]]) -> Vec<u8> {
    let extensions = if extensions.is_empty() { Vec::new() } else { sequence(extensions) };
    sequence(&[&tlv(2, serial), &yesterday(10), &extensions])
}

/// A critical extension of the arc id-ce.
fn critical(number: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&[6, 3, 0x55, 0x1d, number], &[1, 1, 0xff], &tlv(4, value)])
}

/// certificateIssuer (RFC 5280 5.3.3) with a directoryName.
fn certificate_issuer(name: &[u8]) -> Vec<u8> {
    critical(29, &sequence(&[&tlv(0xa4, name)]))
}

struct Case {
    world: World,
    signer: Signer,
    authority: TimestampAuthority,
}

impl Case {
    /// `None`, and the test counts as skipped, without openssl.
    fn new(test: &str) -> Option<Self> {
        let mut world = World::with(&["openssl"], test)?;
        let signer = world.signer("mallory", "P-256");
        let (key, certificate) = world.person("tsa", "P-256", Usage::TimestampAuthority);
        let authority =
            TimestampAuthority { signer: Signer { key, chain: vec![certificate], encryption: None } };
        Some(Self { world, signer, authority })
    }

    /// A list of the root, made at noon yesterday, that names what was revoked at ten.
    fn trust(&self, revoked: &[(&Certificate, u8)]) -> Trust {
        Trust { crls: vec![self.list(revoked, &[])], ..self.world.trust.clone() }
    }

    /// Such a list with these extensions.
    fn list(&self, revoked: &[(&Certificate, u8)], extensions: &[u8]) -> Vec<u8> {
        let entries = revoked.iter().map(|(certificate, reason)| {
            let reason = sequence(&[&[6, 3, 0x55, 0x1d, 21], &tlv(4, &[0x0a, 1, *reason])]);
            entry(&serial(certificate), &[&reason])
        });
        self.list_of(&entries.collect::<Vec<_>>(), extensions)
    }

    /// Such a list of these entries.
    fn list_of(&self, entries: &[Vec<u8>], extensions: &[u8]) -> Vec<u8> {
        let until = tlv(0x17, b"260701000000Z");
        let issuer = root_name();
        let entries = if entries.is_empty() { Vec::new() } else { sequence(&[&entries.concat()]) };
        let body = [&[2, 1, 1][..], &ECDSA_SHA256, &issuer, &yesterday(12), &until, &entries, extensions];
        let body = sequence(&body);
        let algorithm = SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256);
        let signature = ready(self.world.keyring.sign(&KeyId::new("root"), algorithm, &body)).unwrap();
        sequence(&[&body, &ECDSA_SHA256, &tlv(3, &[&[0][..], &signature].concat())])
    }

    /// Signs now, and has the authority stamp it as of another time.
    fn signed(&self, stamped_at: Option<UnixTime>) -> Vec<u8> {
        let keyring = &self.world.keyring;
        let mut signed =
            ready(sign(&RustCrypto, keyring, &self.signer, b"pay", SignedForm::Opaque, NOW)).unwrap();
        if let Some(at) = stamped_at {
            let digest = sha2::Sha256::digest(signed.signature()).to_vec();
            let request = timestamp::request(Hash::Sha256, &digest, 5);
            let response = ready(self.authority.respond(&RustCrypto, keyring, &request, 1, at)).unwrap();
            let trust = &self.world.trust;
            let token =
                ready(timestamp::check_response(&RustCrypto, &response, &digest, 5, trust, NOW)).unwrap();
            signed.attach_timestamp(token.der()).unwrap();
        }
        signed.to_der()
    }

    fn judge(&self, cms: &[u8], trust: &Trust) -> SignerVerdict {
        ready(verify(&RustCrypto, cms, None, trust, NOW)).unwrap().signers.remove(0)
    }

    fn signing(&self) -> &Certificate {
        &self.signer.chain[0]
    }
}

fn is_revoked(verdict: &SignerVerdict) -> bool {
    matches!(verdict.verdict, Err(SignerError::Path(PathError::Revoked { .. })))
}

#[test]
fn a_signature_stamped_before_the_revocation_stays_good() {
    let Some(case) = Case::new("a_signature_stamped_before_the_revocation_stays_good") else { return };
    let trust = case.trust(&[(case.signing(), KEY_COMPROMISE)]);
    assert!(case.judge(&case.signed(Some(at_yesterday(9))), &trust).verdict.is_ok());
    assert!(is_revoked(&case.judge(&case.signed(Some(at_yesterday(11))), &trust)));
    assert!(is_revoked(&case.judge(&case.signed(None), &trust)));
}

#[test]
fn what_a_delta_list_takes_off_hold_is_as_good_as_the_base_list_says() {
    const TEST: &str = "what_a_delta_list_takes_off_hold_is_as_good_as_the_base_list_says";
    let Some(case) = Case::new(TEST) else { return };
    // deltaCRLIndicator.
    let delta = tlv(0xa0, &sequence(&[&critical(27, &[2, 1, 1])]));
    let lifted = case.list(&[(case.signing(), REMOVE_FROM_CRL)], &delta);
    let revoked = case.list(&[(case.signing(), KEY_COMPROMISE)], &delta);
    let both = case.list(&[(case.signing(), REMOVE_FROM_CRL), (case.signing(), KEY_COMPROMISE)], &delta);
    let complete = case.list(&[(case.signing(), REMOVE_FROM_CRL)], &[]);
    let base = case.list(&[], &[]);
    let judged = |crls: &[&Vec<u8>]| {
        let crls = crls.iter().copied().cloned().collect();
        let trust = Trust { crls, revocation_required: true, ..case.world.trust.clone() };
        case.judge(&case.signed(None), &trust)
    };
    assert!(judged(&[&base, &lifted]).verdict.is_ok());
    assert!(is_revoked(&judged(&[&base, &revoked])));
    assert!(is_revoked(&judged(&[&base, &both])));
    // By itself it proves nothing, wherever it stands.
    for alone in [&lifted, &complete] {
        let verdict = judged(&[alone]).verdict;
        assert!(
            matches!(verdict, Err(SignerError::Path(PathError::RevocationUnknown { .. }))),
            "{verdict:?}"
        );
    }
}

#[test]
fn the_entries_of_an_indirect_list_are_those_of_the_issuer_that_was_named_last() {
    const TEST: &str = "the_entries_of_an_indirect_list_are_those_of_the_issuer_that_was_named_last";
    let Some(case) = Case::new(TEST) else { return };
    // issuingDistributionPoint with indirectCRL.
    let indirect = tlv(0xa0, &sequence(&[&critical(28, &sequence(&[&tlv(0x84, &[0xff])]))]));
    let (root, other) = (certificate_issuer(&root_name()), certificate_issuer(&name("Other")));
    let nobody = critical(29, &sequence(&[&tlv(0x82, b"other.example")]));
    let unknown = critical(99, &[5, 0]);
    let own = serial(case.signing());
    let judged = |entries: &[Vec<u8>]| {
        let crls = vec![case.list_of(entries, &indirect)];
        let trust = Trust { crls, revocation_required: true, ..case.world.trust.clone() };
        case.judge(&case.signed(None), &trust)
    };
    for good in [
        vec![],
        vec![entry(&own, &[&other])],
        vec![entry(&[9], &[&other]), entry(&own, &[])],
        // Nobody else need understand what is said of it.
        vec![entry(&[9], &[&other, &unknown])],
        vec![entry(&own, &[&unknown, &other])],
    ] {
        let verdict = judged(&good);
        assert!(verdict.verdict.is_ok(), "{:?} {good:02x?}", verdict.verdict);
    }
    for revoked in [
        vec![entry(&own, &[])],
        vec![entry(&own, &[&unknown])],
        vec![entry(&own, &[&nobody])],
        vec![entry(&[9], &[&other]), entry(&own, &[&root])],
        vec![entry(&[9], &[&other]), entry(&[10], &[&root]), entry(&own, &[])],
    ] {
        assert!(is_revoked(&judged(&revoked)), "{revoked:02x?}");
    }
    // Whose certificate that is cannot be told, nor whose those are that follow.
    for unusable in [vec![entry(&[9], &[&nobody])], vec![entry(&[9], &[&nobody]), entry(&own, &[])]] {
        let verdict = judged(&unusable).verdict;
        let is_unknown = matches!(verdict, Err(SignerError::Path(PathError::RevocationUnknown { .. })));
        assert!(is_unknown, "{verdict:?}");
    }
}

#[test]
fn a_stolen_authority_key_cannot_date_a_signature_back() {
    let Some(case) = Case::new("a_stolen_authority_key_cannot_date_a_signature_back") else { return };
    let tsa = &case.authority.signer.chain[0];
    let trust = case.trust(&[(case.signing(), KEY_COMPROMISE), (tsa, KEY_COMPROMISE)]);
    let verdict = case.judge(&case.signed(Some(at_yesterday(9))), &trust);
    assert!(is_revoked(&verdict));
    assert!(verdict.timestamp.unwrap().token.is_err());
}

#[test]
fn an_authority_that_was_replaced_keeps_what_it_stamped() {
    let Some(case) = Case::new("an_authority_that_was_replaced_keeps_what_it_stamped") else { return };
    let tsa = &case.authority.signer.chain[0];
    let trust = case.trust(&[(case.signing(), KEY_COMPROMISE), (tsa, SUPERSEDED)]);
    assert!(case.judge(&case.signed(Some(at_yesterday(9))), &trust).verdict.is_ok());
}

#[test]
fn a_later_list_proves_what_was_good_before() {
    let Some(case) = Case::new("a_later_list_proves_what_was_good_before") else { return };
    let trust = Trust { revocation_required: true, ..case.trust(&[]) };
    let verdict = case.judge(&case.signed(Some(at_yesterday(9))), &trust);
    assert!(verdict.verdict.is_ok(), "{:?}", verdict.verdict);
}

#[test]
fn the_list_of_an_authority_is_read_by_openssl_and_revokes_from_then_on() {
    let test = "the_list_of_an_authority_is_read_by_openssl_and_revokes_from_then_on";
    let Some(mut world) = World::with(&["openssl"], test) else { return };
    let (alice, bob) = (world.signer("alice", "P-256"), world.signer("bob", "P-256"));
    let withdrawn = [Withdrawn { serial: serial(&alice.chain[0]), since: at_yesterday(12) }];
    let list = |withdrawn: &[Withdrawn]| {
        ready(revocation_list(&world.keyring, &world.root, withdrawn, NOW, NOW.plus(86_400))).unwrap()
    };
    let (full, empty) = (list(&withdrawn), list(&[]));
    world.folder.write("empty.crl", &empty);
    world.folder.openssl("crl -in empty.crl -inform DER -CAfile root.pem -noout");
    world.folder.write("list.crl", &full);
    world.folder.openssl("crl -in list.crl -inform DER -CAfile root.pem -outform PEM -out list.pem");
    // OpenSSL refuses her by this list, and nobody else.
    let check = |name: &str| {
        let at = NOW.0 + 1;
        world.folder.run_openssl(&format!(
            "verify -attime {at} -crl_check -CRLfile list.pem -CAfile root.pem {name}.pem"
        ))
    };
    assert!(check("bob").status.success());
    assert!(String::from_utf8_lossy(&check("alice").stderr).contains("certificate revoked"));

    let validate = |leaf: &Certificate, lists: &[Vec<u8>], at| {
        let mut query = Query::new(Purpose::Signing, at);
        query.revocation_required = true;
        ready(path::validate(&RustCrypto, leaf, &world.trust.anchors, &[], lists, &query))
    };
    let lists = [full, empty];
    assert!(validate(&bob.chain[0], &lists, NOW).unwrap().is_revocation_known());
    assert!(validate(&alice.chain[0], &lists, at_yesterday(11)).is_ok());
    assert!(matches!(validate(&alice.chain[0], &lists, NOW), Err(PathError::Revoked { .. })));
    let later = NOW.plus(2 * 86_400);
    assert!(matches!(validate(&bob.chain[0], &lists, later), Err(PathError::RevocationUnknown { .. })));
    let query = Query::new(Purpose::Signing, later);
    let unasked =
        ready(path::validate(&RustCrypto, &bob.chain[0], &world.trust.anchors, &[], &lists, &query));
    assert!(!unasked.unwrap().is_revocation_known());
}
