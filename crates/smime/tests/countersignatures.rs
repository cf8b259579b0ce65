//! Signatures over signatures (RFC 5652 11.4), as BouncyCastle makes them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use std::path::Path;

use smime::issue::Usage;
use smime::rustcrypto::RustCrypto;
use smime::{
    PathError, SignedForm, Signer, SignerError, SignerVerdict, block_on_ready as ready, sign, verify,
};
use support::{NOW, World};

const JARS: [&str; 3] =
    ["/usr/share/java/bcprov.jar", "/usr/share/java/bcpkix.jar", "/usr/share/java/bcutil.jar"];

struct Case {
    world: World,
    alice: Signer,
}

impl Case {
    fn new(test: &str) -> Option<Self> {
        let mut world = World::with(&["openssl", "java"], test)?;
        let missing = JARS.iter().find(|jar| !Path::new(jar).exists());
        if let Some(jar) = missing {
            support::corpus::skip(test, &format!("there is no {jar}"));
            return None;
        }
        let alice = world.signer("alice", "P-256");
        world.signer("bob", "P-256");
        Some(Self { world, alice })
    }

    fn signed(&self, name: &str, content: &[u8]) -> Vec<u8> {
        let keyring = &self.world.keyring;
        let signed = sign(&RustCrypto, keyring, &self.alice, content, SignedForm::Opaque, NOW);
        let cms = ready(signed).unwrap().to_der();
        self.world.folder.write(name, &cms);
        cms
    }

    /// `target` with so many countersignatures of `counter` over the signature of `over`.
    fn countersigned(&self, over: &str, target: &str, counter: &str, times: usize) -> Vec<u8> {
        let folder = &self.world.folder;
        folder.openssl(&format!("x509 -in {counter}.pem -outform DER -out {counter}.der"));
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/java/CounterSign.java");
        let classes = JARS.join(":");
        folder.must(
            "java",
            &format!(
                "-cp {classes} {program} {over} {target} {counter}.p8 {counter}.der {times} countersigned"
            ),
        );
        folder.read("countersigned")
    }

    fn judge(&self, cms: &[u8]) -> SignerVerdict {
        ready(verify(&RustCrypto, cms, None, &self.world.trust, NOW)).unwrap().signers.remove(0)
    }
}

#[test]
fn a_countersignature_is_judged_by_itself() {
    let Some(mut case) = Case::new("a_countersignature_is_judged_by_itself") else { return };
    let plain = case.signed("message", b"approved");
    assert!(case.judge(&plain).countersignatures.is_empty());
    let cms = case.countersigned("message", "message", "bob", 1);
    let verdict = case.judge(&cms);
    assert!(verdict.verdict.is_ok());
    let [counter] = verdict.countersignatures.as_slice() else { panic!("{:?}", verdict.countersignatures) };
    assert!(counter.verdict.is_ok(), "{:?}", counter.verdict);
    assert_eq!(counter.emails, ["bob@example.org"]);
    // Somebody whom nobody vouches for: the signature below stays good.
    let stranger = case.world.authority("stranger");
    case.world.below(&stranger, "mallory", Usage::Signing, NOW.plus(86_400));
    let verdict = case.judge(&case.countersigned("message", "message", "mallory", 1));
    assert!(verdict.verdict.is_ok());
    let counter = verdict.countersignatures[0].verdict.as_ref();
    assert_eq!(counter.err(), Some(&SignerError::Path(PathError::UnknownIssuer)));
}

#[test]
fn a_countersignature_of_another_signature_is_not_good() {
    let Some(case) = Case::new("a_countersignature_of_another_signature_is_not_good") else { return };
    case.signed("message", b"approved");
    case.signed("other", b"refused");
    let verdict = case.judge(&case.countersigned("message", "other", "bob", 1));
    assert!(verdict.verdict.is_ok());
    assert_eq!(verdict.countersignatures[0].verdict.as_ref().err(), Some(&SignerError::DigestMismatch));
}

#[test]
fn only_a_few_countersignatures_are_looked_at() {
    let Some(case) = Case::new("only_a_few_countersignatures_are_looked_at") else { return };
    case.signed("message", b"approved");
    let verdict = case.judge(&case.countersigned("message", "message", "bob", 9));
    assert!(verdict.verdict.is_ok());
    assert_eq!(verdict.countersignatures.len(), 4);
    assert!(verdict.countersignatures.iter().all(|counter| counter.verdict.is_ok()));
}
