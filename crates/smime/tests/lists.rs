//! What a revocation list that speaks of a part proves (RFC 5280 5.2.4 and 5.2.5), as OpenSSL writes it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use smime::issue::{Issuer, Usage};
use smime::path::{Purpose, Query, newest_revocation_lists, validate};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, PathError, block_on_ready as ready};
use support::authority::clock;
use support::{NOW, World};

const DAY: u64 = 86_400;

struct Case {
    world: World,
    authority: Issuer,
    alice: Certificate,
}

impl Case {
    /// Alice, whose certificate says where its lists are; OpenSSL makes it.
    fn new(test: &str) -> Option<Self> {
        let mut world = World::with(&["openssl"], test)?;
        let authority = world.authority("ca");
        world.below(&authority, "alice", Usage::Signing, NOW.plus(DAY));
        let folder = &world.folder;
        folder.write(
            "extensions",
            "subjectAltName=email:alice@example.org\nkeyUsage=digitalSignature\n\
             crlDistributionPoints=URI:http://ca.example/a.crl\n\
             authorityInfoAccess=OCSP;URI:http://ca.example/ocsp\n",
        );
        folder.openssl("req -new -key alice.key -subj /CN=alice -out alice.csr");
        folder.openssl(
            "x509 -req -in alice.csr -CA ca.pem -CAkey ca.key -set_serial 77 -days 30 -extfile extensions \
             -out alice.pem",
        );
        let alice = String::from_utf8(folder.read("alice.pem")).unwrap();
        let alice = Certificate::from_pem(&alice).unwrap();
        world.index(&[]);
        Some(Self { world, authority, alice })
    }

    fn list(&self, extensions: &str) -> Vec<u8> {
        self.list_of("", extensions)
    }

    /// The list of a time, which `openssl ca` is told by options.
    fn list_of(&self, time: &str, extensions: &str) -> Vec<u8> {
        let folder = &self.world.folder;
        let options = if extensions.is_empty() { "" } else { "-crlexts ext" };
        folder.write(
            "ca.conf",
            format!(
                "[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=7\n[ext]\n{}\n",
                extensions.replace(';', "\n")
            ),
        );
        folder.openssl(&format!(
            "ca -gencrl -config ca.conf -cert ca.pem -keyfile ca.key -out list.pem {options} {time}"
        ));
        folder.openssl("crl -in list.pem -outform DER")
    }

    fn judge(&self, list: Vec<u8>) -> Result<(), PathError> {
        let query = Query { revocation_required: true, ..Query::new(Purpose::Signing, clock()) };
        let anchors = std::slice::from_ref(&self.authority.certificate);
        ready(validate(&RustCrypto, &self.alice, anchors, &[], &[list], &query)).map(|_| ())
    }
}

#[test]
fn a_certificate_says_where_its_evidence_is() {
    let Some(case) = Case::new("a_certificate_says_where_its_evidence_is") else { return };
    assert_eq!(case.alice.crl_urls(), ["http://ca.example/a.crl"]);
    assert_eq!(case.alice.ocsp_urls(), ["http://ca.example/ocsp"]);
    assert!(case.authority.certificate.crl_urls().is_empty());
}

#[test]
fn a_list_proves_only_what_it_is_about() {
    let Some(case) = Case::new("a_list_proves_only_what_it_is_about") else { return };
    let unknown = || Err(PathError::RevocationUnknown { subject: case.alice.subject() });
    for (extensions, outcome) in [
        ("", Ok(())),
        ("issuingDistributionPoint=critical,@p;[p];onlyuser=TRUE", Ok(())),
        ("issuingDistributionPoint=critical,@p;[p];fullname=URI:http://ca.example/a.crl", Ok(())),
        ("issuingDistributionPoint=critical,@p;[p];fullname=URI:http://ca.example/b.crl", unknown()),
        ("issuingDistributionPoint=critical,@p;[p];onlyCA=TRUE", unknown()),
        ("issuingDistributionPoint=critical,@p;[p];onlyAA=TRUE", unknown()),
        ("issuingDistributionPoint=critical,@p;[p];indirectCRL=TRUE", Ok(())),
        ("issuingDistributionPoint=critical,@p;[p];onlysomereasons=keyCompromise", unknown()),
        ("2.5.29.27=critical,DER:020101", unknown()),
        ("1.2.3.4=critical,DER:0500", unknown()),
    ] {
        assert_eq!(case.judge(case.list(extensions)), outcome, "{extensions}");
    }
    // To be on it counts in any case.
    case.world.index(&[(&case.alice, Some("260531000000Z,keyCompromise"))]);
    for extensions in
        ["", "issuingDistributionPoint=critical,@p;[p];onlyCA=TRUE", "2.5.29.27=critical,DER:020101"]
    {
        let outcome = case.judge(case.list(extensions));
        assert_eq!(outcome, Err(PathError::Revoked { subject: case.alice.subject() }), "{extensions}");
    }
}

#[test]
fn a_list_is_kept_until_a_newer_one_of_its_kind_is_proven() {
    let Some(mut case) = Case::new("a_list_is_kept_until_a_newer_one_of_its_kind_is_proven") else { return };
    let (point, partial) =
        ("issuingDistributionPoint=critical,@p;[p];onlyuser=TRUE", "1.2.3.4=critical,DER:0500");
    let changes = "2.5.29.27=critical,DER:020101";
    let made = |day: u8, extensions: &str| {
        case.list_of(&format!("-crl_lastupdate 26060{day}000000Z -crl_nextupdate 260630000000Z"), extensions)
    };
    let (old, new) = (made(1, ""), made(2, ""));
    let again = case.list_of("-crl_lastupdate 260602000000Z -crl_nextupdate 260629000000Z", "");
    let others = [point, partial, changes].map(|extensions| made(3, extensions));
    let all = made(4, "");
    let ahead = case.list_of("-crl_lastupdate 490601000000Z -crl_nextupdate 490630000000Z", "");
    let mut forged = made(4, "");
    *forged.last_mut().unwrap() ^= 1;
    let authority = case.authority.certificate.clone();
    // An authority of the same name that is not believed.
    let namesake = case.world.authority("ca").certificate;
    let foreign = case.list_of("-crl_lastupdate 260605000000Z -crl_nextupdate 260630000000Z", "");
    let check_by =
        |authorities: &[Certificate], known: &[&Vec<u8>], fetched: &[&Vec<u8>], expected: &[&Vec<u8>]| {
            let owned = |lists: &[&Vec<u8>]| lists.iter().copied().cloned().collect::<Vec<_>>();
            let (known, fetched) = (owned(known), owned(fetched));
            let newest = ready(newest_revocation_lists(&RustCrypto, authorities, &known, &fetched, clock()));
            assert_eq!(newest, expected);
        };
    let check = |known: &[&Vec<u8>], fetched: &[&Vec<u8>], expected: &[&Vec<u8>]| {
        check_by(std::slice::from_ref(&authority), known, fetched, expected);
    };
    check(&[], &[&old], &[&old]);
    check(&[&old], &[&new], &[&new]);
    // An old one does not replace a newer one.
    check(&[&new], &[&old], &[&new]);
    check(&[&new], &[&new, &old], &[&new]);
    check(&[&new], &[], &[&new]);
    // Of two of one time the one that came last.
    check(&[&new], &[&again], &[&again]);
    check(&[&again], &[&new], &[&new]);
    // What tells all makes older changes void, and is not made void by changes.
    let [_, _, changes] = &others;
    check(&[&new, changes], &[&all], &[&all]);
    check(&[&all], &[changes], &[&all]);
    check(&[&new], &[changes], &[changes, &new]);
    // Each of two keys under one name has its own list.
    let both = [authority.clone(), namesake];
    check_by(&both, &[&new], &[&foreign], &[&foreign, &new]);
    check_by(&both, &[&old, &foreign], &[&new], &[&new, &foreign]);
    for other in others.iter().chain([&forged, &foreign]) {
        check(&[&new], &[other], &[other, &new]);
    }
    check(&[&ahead], &[&new], &[&new]);
    check(&[&new], &[&ahead], &[&ahead, &new]);
    // Nobody believed vouches for these.
    check(&[&forged, &foreign], &[], &[]);
    check(&[&b"no list".to_vec()], &[&b"nor this".to_vec()], &[]);
}
