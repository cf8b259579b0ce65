//! Name constraints on mail addresses (RFC 5280 4.2.1.10, RFC 9598 6), beside OpenSSL.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use smime::path::{Purpose, Query, validate};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, PathError, block_on_ready as ready};
use support::World;
use support::authority::clock;

/// Constraint, alternative name, and whether the name is allowed.
const CASES: [(&str, &str, bool); 25] = [
    ("permitted;email:example.org", "email:a@example.org", true),
    ("permitted;email:example.org", "email:a@EXAMPLE.org", true),
    ("permitted;email:example.org", "email:a@sub.example.org", false),
    ("permitted;email:example.org", "email:a@example.org,email:a@example.net", false),
    ("permitted;email:.example.org", "email:a@sub.example.org", true),
    ("permitted;email:.example.org", "email:a@example.org", false),
    ("permitted;email:.example.org", "email:a@badexample.org", false),
    ("permitted;email:a@example.org", "email:a@example.org", true),
    ("permitted;email:a@example.org", "email:b@example.org", false),
    ("permitted;email:a@example.org", "email:A@example.org", false),
    ("permitted;email:A@example.org", "email:A@EXAMPLE.org", true),
    ("excluded;email:example.org", "email:a@example.org", false),
    ("excluded;email:example.org", "email:a@example.net", true),
    ("excluded;email:.example.org", "email:a@sub.example.org", false),
    ("excluded;email:a@example.org", "email:a@example.org", false),
    ("excluded;email:@example.org", "email:a@example.org", false),
    ("permitted;email:@example.org", "email:a@example.org", true),
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
fn an_excluded_address_is_excluded_in_every_case() {
    let Some(world) = world("an_excluded_address_is_excluded_in_every_case") else { return };
    // OpenSSL lets it pass, as RFC 5280 7.5 has it; hosts would deliver its mail to the excluded mailbox.
    let (ours, _) = judge(&world, "excluded;email:a@example.org", "/CN=leaf", "email:A@example.org");
    assert!(is_outside(&ours), "{ours:?}");
}

#[test]
fn other_names_under_constraints_that_are_not_understood_are_refused() {
    let Some(world) = world("other_names_under_constraints_that_are_not_understood_are_refused") else {
        return;
    };
    // OpenSSL 3.0 lets it pass: it looks at constraints on mail addresses alone.
    let permitted = "permitted;otherName:1.3.6.1.5.5.7.8.9;UTF8:lin@example.org";
    let (ours, _) = judge(&world, permitted, "/CN=leaf", "otherName:1.3.6.1.5.5.7.8.9;UTF8:林@example.net");
    assert!(is_outside(&ours), "{ours:?}");
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

#[test]
fn names_with_the_tag_of_no_form_are_refused_as_openssl_refuses_them() {
    let Some(world) = world("names_with_the_tag_of_no_form_are_refused_as_openssl_refuses_them") else {
        return;
    };
    // a.example as a primitive otherName, a@example.net as a constructed rfc822Name; and the latter, permitted.
    for (constraint, names) in [
        ("excluded;DNS:example", "DER:300b8009612e6578616d706c65"),
        ("permitted;email:example.org", "DER:300fa10d61406578616d706c652e6e6574"),
        ("DER:3013a011300fa10d61406578616d706c652e6e6574", "email:a@example.org"),
    ] {
        let (ours, theirs) = judge(&world, constraint, "/CN=leaf", names);
        assert_eq!((ours.is_ok(), theirs), (false, false), "{constraint} {names}");
    }
}

#[test]
fn constraints_that_cannot_be_read_are_not_taken_for_none() {
    let Some(world) = world("constraints_that_cannot_be_read_are_not_taken_for_none") else { return };
    for (extension, known) in [
        ("basicConstraints=critical,DER:0500", false),
        // The same policy twice, and none; OpenSSL looks at policies only where it is asked to.
        ("certificatePolicies=DER:300e300506032a0304300506032a0304", true),
        ("certificatePolicies=DER:3000", true),
    ] {
        let names = format!("email:a@example.org\n{extension}");
        let (ours, theirs) = judge(&world, "permitted;email:example.org", "/CN=leaf", &names);
        assert_eq!((ours.is_ok(), theirs), (false, known), "{extension}");
    }
}
