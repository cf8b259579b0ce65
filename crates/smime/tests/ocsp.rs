//! OCSP (RFC 6960): requests that OpenSSL answers, and what its answers prove.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use smime::issue::{Issuer, Usage};
use smime::path::{Purpose, Query, is_ocsp_response, ocsp_request, validate};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, PathError, UnixTime, block_on_ready as ready};
use support::authority::clock;
use support::{NOW, World};

const DAY: u64 = 86_400;

struct Case {
    world: World,
    authority: Issuer,
    alice: Certificate,
    request: Vec<u8>,
}

impl Case {
    fn new(test: &str) -> Option<Self> {
        let mut world = World::with(&["openssl"], test)?;
        let authority = world.authority("ca");
        let alice = world.below(&authority, "alice", Usage::Signing, NOW.plus(3000 * DAY)).certificate;
        let request = ocsp_request(&alice, &authority.certificate).unwrap();
        world.index(&[(&alice, None)]);
        Some(Self { world, authority, alice, request })
    }

    /// A responder that the authority or another certified, by OpenSSL, with these extensions.
    fn responder(&self, name: &str, authority: &str, extensions: &str) {
        let folder = &self.world.folder;
        folder.write("extensions", extensions.replace(';', "\n"));
        folder.openssl(&format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out {name}.key"));
        folder.openssl(&format!("req -new -key {name}.key -subj /CN={name} -out {name}.csr"));
        folder.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -set_serial 77 -days 30 \
             -extfile extensions -out {name}.pem"
        ));
    }

    fn judge(&self, evidence: &[Vec<u8>], at: UnixTime, required: bool) -> Result<(), PathError> {
        let query = Query { revocation_required: required, ..Query::new(Purpose::Signing, at) };
        let anchors = std::slice::from_ref(&self.authority.certificate);
        ready(validate(&RustCrypto, &self.alice, anchors, &[], evidence, &query)).map(|_| ())
    }

    fn unknown(&self) -> Result<(), PathError> {
        Err(PathError::RevocationUnknown { subject: self.alice.subject() })
    }

    fn revoked(&self) -> Result<(), PathError> {
        Err(PathError::Revoked { subject: self.alice.subject() })
    }
}

#[test]
fn openssl_answers_the_request_and_a_good_answer_is_enough() {
    let Some(case) = Case::new("openssl_answers_the_request_and_a_good_answer_is_enough") else { return };
    assert_eq!(case.judge(&[], NOW, true), case.unknown());
    for options in ["", "-resp_key_id", "-resp_no_certs", "-rmd sha384"] {
        let answer = case.world.answer(&case.request, "ca", "ca", options);
        assert!(is_ocsp_response(&answer));
        // An answer in force, and one that came later.
        assert_eq!(case.judge(std::slice::from_ref(&answer), clock(), true), Ok(()), "{options}");
        assert_eq!(case.judge(&[answer], NOW, true), Ok(()), "{options}");
    }
}

#[test]
fn certificates_are_named_by_sha_256_too() {
    let Some(case) = Case::new("certificates_are_named_by_sha_256_too") else { return };
    case.world.folder.openssl("ocsp -sha256 -issuer ca.pem -cert alice.pem -reqout asked -no_nonce");
    let answer = case.world.answer(&case.world.folder.read("asked"), "ca", "ca", "");
    assert_eq!(case.judge(&[answer], NOW, true), Ok(()));
    // With a nonce, which is an extension of the answer.
    case.world.folder.openssl("ocsp -sha1 -issuer ca.pem -cert alice.pem -reqout asked");
    let answer = case.world.answer(&case.world.folder.read("asked"), "ca", "ca", "");
    assert_eq!(case.judge(&[answer], NOW, true), Ok(()));
}

#[test]
fn a_revocation_counts_from_its_date_on() {
    let Some(case) = Case::new("a_revocation_counts_from_its_date_on") else { return };
    // 2026-06-01 is NOW.
    for (since, at, outcome) in [
        ("260531000000Z,keyCompromise", NOW, case.revoked()),
        ("260602000000Z,keyCompromise", NOW, Ok(())),
        ("260602000000Z", NOW.plus(2 * DAY), case.revoked()),
        ("260602000000Z,superseded", NOW.plus(2 * DAY), case.revoked()),
    ] {
        case.world.index(&[(&case.alice, Some(since))]);
        let answer = case.world.answer(&case.request, "ca", "ca", "");
        for required in [true, false] {
            assert_eq!(case.judge(std::slice::from_ref(&answer), at, required), outcome, "{since}");
        }
        // A list of before that names nobody does not help.
        case.world.index(&[]);
        let list = case.world.list("ca", "-crl_lastupdate 260501000000Z -crl_nextupdate 270501000000Z");
        assert_eq!(case.judge(std::slice::from_ref(&list), NOW, true), Ok(()));
        assert_eq!(case.judge(&[list, answer], at, true), outcome, "{since}");
    }
}

#[test]
fn an_answer_that_knows_nothing_or_is_too_old_proves_nothing() {
    let Some(case) = Case::new("an_answer_that_knows_nothing_or_is_too_old_proves_nothing") else { return };
    case.world.index(&[]);
    let answer = case.world.answer(&case.request, "ca", "ca", "");
    assert_eq!(case.judge(std::slice::from_ref(&answer), NOW, true), case.unknown());
    assert_eq!(case.judge(&[answer], NOW, false), Ok(()));
    case.world.index(&[(&case.alice, None)]);
    let answer = case.world.answer(&case.request, "ca", "ca", "");
    let late = clock().plus(8 * DAY);
    assert_eq!(case.judge(&[answer], late, true), case.unknown());
}

#[test]
fn delegated_responders_answer_only_with_the_issuers_leave() {
    let Some(mut case) = Case::new("delegated_responders_answer_only_with_the_issuers_leave") else { return };
    case.world.authority("other");
    let leave = "extendedKeyUsage=OCSPSigning;noCheck=ignored;keyUsage=digitalSignature";
    for (authority, extensions, outcome) in [
        ("ca", leave, Ok(())),
        ("ca", "extendedKeyUsage=OCSPSigning;noCheck=ignored", Ok(())),
        ("ca", "extendedKeyUsage=OCSPSigning;1.3.6.1.5.5.7.48.1.5=critical,DER:0500", Ok(())),
        // Nothing tells whether the responder itself was revoked.
        ("ca", "extendedKeyUsage=OCSPSigning", case.unknown()),
        ("ca", "extendedKeyUsage=emailProtection;noCheck=ignored", case.unknown()),
        ("ca", "extendedKeyUsage=anyExtendedKeyUsage;noCheck=ignored", case.unknown()),
        ("ca", "noCheck=ignored", case.unknown()),
        ("ca", "extendedKeyUsage=OCSPSigning;noCheck=ignored;keyUsage=keyEncipherment", case.unknown()),
        ("ca", "extendedKeyUsage=OCSPSigning;noCheck=ignored;1.2.3.4=critical,DER:0500", case.unknown()),
        ("other", leave, case.unknown()),
    ] {
        case.responder("responder", authority, extensions);
        for options in ["", "-resp_key_id"] {
            let answer = case.world.answer(&case.request, "ca", "responder", options);
            assert_eq!(case.judge(&[answer], NOW, true), outcome, "{authority} {extensions} {options}");
        }
    }
}

#[test]
fn what_a_responder_says_ends_with_its_certificate() {
    let Some(case) = Case::new("what_a_responder_says_ends_with_its_certificate") else { return };
    case.responder("responder", "ca", "extendedKeyUsage=OCSPSigning;noCheck=ignored");
    case.world.folder.openssl(
        "x509 -req -in responder.csr -CA ca.pem -CAkey ca.key -set_serial 78 -days 1 -extfile extensions \
         -out responder.pem",
    );
    // In force for seven days, by a key that may be anybody's after one.
    let answer = case.world.answer(&case.request, "ca", "responder", "");
    assert_eq!(case.judge(std::slice::from_ref(&answer), clock(), true), Ok(()));
    assert_eq!(case.judge(std::slice::from_ref(&answer), clock().plus(3 * DAY), true), case.unknown());
    // Of a time before, it stays true.
    assert_eq!(case.judge(&[answer], NOW, true), Ok(()));
}

#[test]
fn certificates_in_an_answer_are_paid_for() {
    let Some(case) = Case::new("certificates_in_an_answer_are_paid_for") else { return };
    // An answer of nobody's signature, with some megabytes of certificates that may be the responder's.
    case.responder("responder", "ca", "extendedKeyUsage=OCSPSigning");
    case.world.folder.write("long", format!("nsComment={}", "x".repeat(60_000)));
    case.world.folder.openssl(
        "x509 -req -in responder.csr -CA ca.pem -CAkey ca.key -set_serial 79 -days 1 -extfile long -out long.pem",
    );
    case.world.folder.write("bag.pem", case.world.folder.read("long.pem").repeat(60));
    let answer = case.world.answer(&case.request, "ca", "responder", "-rother bag.pem");
    assert!(answer.len() > 3_000_000, "{}", answer.len());
    let answers = vec![answer; 20];
    assert_eq!(case.judge(&answers, NOW, true), Err(PathError::BudgetExceeded));
}

#[test]
fn a_revoked_responder_proves_nothing() {
    let Some(case) = Case::new("a_revoked_responder_proves_nothing") else { return };
    case.responder("responder", "ca", "extendedKeyUsage=OCSPSigning");
    let answer = case.world.answer(&case.request, "ca", "responder", "");
    let responder = case.world.folder.read("responder.pem");
    let responder = Certificate::from_pem(std::str::from_utf8(&responder).unwrap()).unwrap();
    // At that time the answer is in force, and the list about the responder no longer.
    let at = clock().plus(3 * DAY);
    for (revoked, outcome) in [
        (None, Ok(())),
        (Some("260531000000Z,keyCompromise"), case.unknown()),
        // What a stolen key signed can carry any date.
        (Some("270531000000Z,keyCompromise"), case.unknown()),
        (Some("270531000000Z,superseded"), Ok(())),
    ] {
        case.world.index(&[(&responder, revoked)]);
        let list = case.world.list("ca", "-crldays 1");
        assert_eq!(case.judge(std::slice::from_ref(&list), at, true), case.unknown());
        assert_eq!(case.judge(&[list, answer.clone()], at, true), outcome, "{revoked:?}");
    }
}

#[test]
fn an_answer_by_somebody_else_or_about_somebody_else_proves_nothing() {
    let Some(mut case) = Case::new("an_answer_by_somebody_else_or_about_somebody_else_proves_nothing") else {
        return;
    };
    let other = case.world.authority("other");
    let answer = case.world.answer(&case.request, "ca", "other", "");
    assert_eq!(case.judge(&[answer], NOW, true), case.unknown());
    // The same serial number, of another authority.
    let request = ocsp_request(&case.alice, &other.certificate).unwrap();
    let answer = case.world.answer(&request, "other", "other", "");
    assert_eq!(case.judge(&[answer], NOW, true), case.unknown());
    let carol = case.world.below(&case.authority.clone(), "carol", Usage::Signing, NOW.plus(DAY)).certificate;
    case.world.index(&[(&case.alice, None), (&carol, None)]);
    let request = ocsp_request(&carol, &case.authority.certificate).unwrap();
    let answer = case.world.answer(&request, "ca", "ca", "");
    assert_eq!(case.judge(&[answer], NOW, true), case.unknown());
}

#[test]
fn no_changed_octet_of_an_answer_makes_it_say_more() {
    let Some(case) = Case::new("no_changed_octet_of_an_answer_makes_it_say_more") else { return };
    case.world.index(&[(&case.alice, Some("260531000000Z,keyCompromise"))]);
    let answer = case.world.answer(&case.request, "ca", "ca", "-resp_no_certs");
    assert_eq!(case.judge(std::slice::from_ref(&answer), NOW, true), case.revoked());
    for at in 0..answer.len() {
        for bit in [1, 0x20, 0x80] {
            let mut changed = answer.clone();
            changed[at] ^= bit;
            let outcome = case.judge(&[changed], NOW, true);
            assert!(outcome.is_err(), "octet {at}, bit {bit}");
        }
    }
}
