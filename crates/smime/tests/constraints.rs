//! Name constraints on mail addresses (RFC 5280 4.2.1.10, RFC 9598 6), beside OpenSSL.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use smime::path::{Purpose, Query, validate};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, PathError, block_on_ready as ready};
use support::World;
use support::authority::clock;

/// Constraint, alternative name, and whether the name is allowed.
const CASES: [(&str, &str, bool); 21] = [
    ("permitted;email:example.org", "email:a@example.org", true),
    ("permitted;email:example.org", "email:a@EXAMPLE.org", true),
    ("permitted;email:example.org", "email:a@sub.example.org", false),
    ("permitted;email:example.org", "email:a@example.org,email:a@example.net", false),
    ("permitted;email:.example.org", "email:a@sub.example.org", true),
    ("permitted;email:.example.org", "email:a@example.org", false),
    ("permitted;email:.example.org", "email:a@badexample.org", false),
    ("permitted;email:a@example.org", "email:a@example.org", true),
    ("permitted;email:a@example.org", "email:b@example.org", false),
    ("excluded;email:example.org", "email:a@example.org", false),
    ("excluded;email:example.org", "email:a@example.net", true),
    ("excluded;email:.example.org", "email:a@sub.example.org", false),
    ("excluded;email:a@example.org", "email:a@example.org", false),
    ("permitted;email:example.org,excluded;email:a@example.org", "email:a@example.org", false),
    ("permitted;email:example.org,excluded;email:a@example.org", "email:b@example.org", true),
    ("permitted;email:example.org", "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@example.org", true),
    ("permitted;email:example.org", "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@example.net", false),
    ("excluded;email:example.org", "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@example.org", false),
    ("permitted;DNS:example.org", "email:a@example.net", true),
    ("permitted;email:example.org", "DNS:example.net", true),
    ("excluded;DNS:example.org", "email:a@example.org", true),
];

/// As [`CASES`]; OpenSSL 3.0 is of the time when the domain beside a local part that is not ASCII was
/// to be in Unicode (RFC 8398), which RFC 9598 turned round, and knows no domains with a dot in front there.
const INTERNATIONAL: [(&str, &str, bool); 5] = [
    ("permitted;email:.example.org", "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@sub.example.org", true),
    (
        "permitted;email:xn--bcher-kva.example",
        "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@xn--bcher-kva.example",
        true,
    ),
    (
        "excluded;email:xn--bcher-kva.example",
        "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@xn--bcher-kva.example",
        false,
    ),
    ("permitted;email:xn--bcher-kva.example", "email:lin@xn--bcher-kva.example", true),
    ("permitted;email:xn--bcher-kva.example", "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@bücher.example", false),
];

/// The verdicts of this crate and of OpenSSL on a name under a constraint.
fn judge(world: &World, constraint: &str, subject: &str, names: &str) -> (Result<(), PathError>, bool) {
    let folder = &world.folder;
    let issue = |name: &str, subject: &str, above: &str, extensions: &str| {
        folder.write("extensions", extensions);
        folder.openssl(&format!("req -new -key ca.key -utf8 -subj {subject} -out {name}.csr"));
        folder.openssl(&format!(
            "x509 -req -in {name}.csr -CA {above}.pem -CAkey ca.key -set_serial 5 -days 30 \
             -extfile extensions -out {name}.pem"
        ));
        Certificate::from_pem(&String::from_utf8(folder.read(&format!("{name}.pem"))).unwrap()).unwrap()
    };
    let constraints = format!("basicConstraints=critical,CA:TRUE\nnameConstraints=critical,{constraint}\n");
    let office = issue("office", "/CN=office", "ca", &constraints);
    let names = if names.is_empty() { String::new() } else { format!("subjectAltName={names}\n") };
    let leaf = issue("leaf", subject, "office", &format!("keyUsage=digitalSignature\n{names}"));
    let theirs = folder.run("openssl", "verify -CAfile ca.pem -untrusted office.pem leaf.pem");
    let query = Query::new(Purpose::Signing, clock());
    let root = Certificate::from_pem(&String::from_utf8(folder.read("ca.pem")).unwrap()).unwrap();
    let ours = ready(validate(&RustCrypto, &leaf, &[root], &[office], &[], &query)).map(|_| ());
    (ours, theirs.status.success())
}

fn world(test: &str) -> Option<World> {
    let mut world = World::with(&["openssl"], test)?;
    world.authority("ca");
    Some(world)
}

fn is_outside(outcome: &Result<(), PathError>) -> bool {
    matches!(outcome, Err(PathError::NameNotPermitted { .. }))
}

#[test]
fn addresses_are_constrained_as_openssl_constrains_them() {
    let Some(world) = world("addresses_are_constrained_as_openssl_constrains_them") else { return };
    for (constraint, names, allowed) in CASES {
        let (ours, theirs) = judge(&world, constraint, "/CN=leaf", names);
        assert_eq!((ours.is_ok(), theirs), (allowed, allowed), "{constraint} {names}: {ours:?}");
        assert!(allowed || is_outside(&ours), "{constraint} {names}: {ours:?}");
    }
}

#[test]
fn domains_in_other_scripts_are_constrained_in_their_ascii_form() {
    let Some(world) = world("domains_in_other_scripts_are_constrained_in_their_ascii_form") else { return };
    for (constraint, names, allowed) in INTERNATIONAL {
        let (ours, _) = judge(&world, constraint, "/CN=leaf", names);
        assert_eq!(ours.is_ok(), allowed, "{constraint} {names}: {ours:?}");
    }
}

#[test]
fn addresses_in_the_subject_are_constrained_too() {
    let Some(world) = world("addresses_in_the_subject_are_constrained_too") else { return };
    for (subject, names, allowed, agreed) in [
        ("/CN=leaf/emailAddress=a@example.org", "", true, true),
        ("/CN=leaf/emailAddress=a@example.net", "", false, true),
        ("/CN=leaf/emailAddress=a@example.org", "email:b@example.org", true, true),
        ("/CN=leaf/emailAddress=a@example.net", "email:b@example.org", false, true),
    ] {
        let (ours, theirs) = judge(&world, "permitted;email:example.org", subject, names);
        assert_eq!(ours.is_ok(), allowed, "{subject} {names}: {ours:?}");
        assert_eq!(ours.is_ok() == theirs, agreed, "{subject} {names}: {theirs}");
    }
}
