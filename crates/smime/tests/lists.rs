//! What a revocation list that speaks of a part proves (RFC 5280 5.2.4 and 5.2.5), as OpenSSL writes it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use smime::issue::{Issuer, Usage};
use smime::path::{Purpose, Query, validate};
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
            "ca -gencrl -config ca.conf -cert ca.pem -keyfile ca.key -out list.pem {options}"
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
