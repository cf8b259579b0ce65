//! `path` with lists that each tell a part (RFC 5280 5.2 and 6.3), as openssl writes them.

use serde_json::Value;

use crate::office::Office;

const LISTS: &str = "
[two_points]
crlDistributionPoints=stolen,others
[stolen]
fullname=URI:http://a.example/1
reasons=keyCompromise,CACompromise
[others]
fullname=URI:http://a.example/2
reasons=affiliationChanged,superseded,cessationOfOperation,certificateHold,privilegeWithdrawn,AACompromise
[list_stolen]
issuingDistributionPoint=critical,@only_stolen
[only_stolen]
fullname=URI:http://a.example/1
onlysomereasons=keyCompromise,CACompromise
[list_others]
issuingDistributionPoint=critical,@only_others
[only_others]
fullname=URI:http://a.example/2
onlysomereasons=affiliationChanged,superseded,cessationOfOperation,certificateHold,privilegeWithdrawn,AACompromise
[named_relatively]
crlDistributionPoints=relative
[list_relative]
issuingDistributionPoint=critical,@relative
[relative]
relativename=part
[part]
CN=Part
[published]
crlDistributionPoints=by_publisher
[by_publisher]
fullname=URI:http://a.example/3
CRLissuer=dirName:publisher_name
[publisher_name]
CN=Publisher
[publisher]
keyUsage=critical,cRLSign
crlDistributionPoints=publishers
[publishers]
fullname=URI:http://a.example/4
[list_publishers]
issuingDistributionPoint=critical,@publishers
[list_published]
issuingDistributionPoint=critical,@of_others
[of_others]
fullname=URI:http://a.example/3
indirectCRL=TRUE
[list_own]
issuingDistributionPoint=critical,@of_oneself
[of_oneself]
fullname=URI:http://a.example/3
[plain]
subjectKeyIdentifier=hash
[list_numbered]
authorityKeyIdentifier=keyid
[list_changes]
2.5.29.27=critical,DER:020101
";

/// Alice's certificate again, as `name.pem`, with these extensions.
fn certify(office: &Office, name: &str, subject: &str, extensions: &str) {
    let request = format!("req -new -key alice.key -subj /CN={subject} -config people.cnf -out {name}.csr");
    office.openssl(&request);
    office.openssl(&format!(
        "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile people.cnf -extensions {extensions} -out {name}.pem"
    ));
}

/// A list of what is revoked so far, as `name`.
fn list(office: &Office, name: &str, by: &str, key: &str) {
    let number = if name == "list_changes" { "02\n" } else { "01\n" };
    office.write("crlnumber", number);
    office.openssl(&format!(
        "ca -config people.cnf -name this -gencrl -crlexts {name} -keyfile {key} -cert {by} -out {name}.crl"
    ));
}

fn office(test: &str) -> Option<Office> {
    let office = Office::new(test)?;
    office.write("people.cnf", office.read("people.cnf") + LISTS);
    office.write("index.txt", "");
    Some(office)
}

fn judged(office: &Office, certificate: &str, lists: &[&str]) -> Value {
    let lists = lists.iter().map(|list| format!("--crl {list}.crl ")).collect::<String>();
    let path = format!("path --trust ca.pem --untrusted publisher.pem {lists} --json {certificate}.pem");
    office.json(&path)["reason"].clone()
}

const UNKNOWN: &str = "revocation-unknown";

#[test]
fn lists_of_some_reasons_prove_together_what_a_list_of_all_proves() {
    let Some(office) = office("lists_of_some_reasons_prove_together_what_a_list_of_all_proves") else {
        return;
    };
    certify(&office, "publisher", "Publisher", "publisher");
    certify(&office, "leaf", "Leaf", "two_points");
    list(&office, "list_stolen", "ca.pem", "ca.key");
    list(&office, "list_others", "ca.pem", "ca.key");
    assert_eq!(judged(&office, "leaf", &["list_stolen"]), UNKNOWN);
    assert_eq!(judged(&office, "leaf", &["list_others"]), UNKNOWN);
    assert_eq!(judged(&office, "leaf", &["list_stolen", "list_others"]), Value::Null);
    // Of a certificate that does not name these points, they say nothing.
    assert_eq!(judged(&office, "alice", &["list_stolen", "list_others"]), UNKNOWN);
    office.openssl("ca -config people.cnf -name this -revoke leaf.pem -crl_reason superseded -keyfile ca.key -cert ca.pem");
    list(&office, "list_others", "ca.pem", "ca.key");
    assert_eq!(judged(&office, "leaf", &["list_stolen", "list_others"]), "revoked");
}

#[test]
fn a_point_that_is_named_relatively_is_the_same_in_both() {
    let Some(office) = office("a_point_that_is_named_relatively_is_the_same_in_both") else { return };
    certify(&office, "publisher", "Publisher", "publisher");
    certify(&office, "leaf", "Leaf", "named_relatively");
    list(&office, "list_relative", "ca.pem", "ca.key");
    assert_eq!(judged(&office, "leaf", &["list_relative"]), Value::Null);
    assert_eq!(judged(&office, "alice", &["list_relative"]), UNKNOWN);
}

#[test]
fn an_authority_may_leave_its_lists_to_another() {
    let Some(office) = office("an_authority_may_leave_its_lists_to_another") else { return };
    office.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out publisher.key");
    office.openssl("req -new -key publisher.key -subj /CN=Publisher -config people.cnf -out publisher.csr");
    office.openssl("x509 -req -in publisher.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile people.cnf -extensions publisher -out publisher.pem");
    certify(&office, "leaf", "Leaf", "published");
    list(&office, "list_publishers", "ca.pem", "ca.key");
    list(&office, "list_published", "publisher.pem", "publisher.key");
    list(&office, "list_own", "publisher.pem", "publisher.key");
    assert_eq!(judged(&office, "leaf", &["list_publishers", "list_published"]), Value::Null);
    // Nobody says of the publisher that it may still publish.
    assert_eq!(judged(&office, "leaf", &["list_published"]), UNKNOWN);
    // The publisher's own list is not about certificates of others.
    assert_eq!(judged(&office, "leaf", &["list_publishers", "list_own"]), UNKNOWN);
    // Whose issuer does not leave its lists to it.
    assert_eq!(judged(&office, "alice", &["list_publishers", "list_published"]), UNKNOWN);
}

#[test]
fn a_list_of_changes_takes_off_hold_what_a_list_put_there() {
    let Some(office) = office("a_list_of_changes_takes_off_hold_what_a_list_put_there") else { return };
    certify(&office, "publisher", "Publisher", "publisher");
    certify(&office, "leaf", "Leaf", "plain");
    for (reason, after) in [("certificateHold", Value::Null), ("keyCompromise", "revoked".into())] {
        let revoke = |reason: &str, list_name: &str| {
            office.write("index.txt", "");
            office.openssl(&format!("ca -config people.cnf -name this -revoke leaf.pem -crl_reason {reason} -keyfile ca.key -cert ca.pem"));
            list(&office, list_name, "ca.pem", "ca.key");
        };
        revoke(reason, "list_numbered");
        revoke("removeFromCRL", "list_changes");
        assert_eq!(judged(&office, "leaf", &["list_numbered"]), "revoked");
        assert_eq!(judged(&office, "leaf", &["list_numbered", "list_changes"]), after, "{reason}");
        // Alone, changes prove nothing.
        assert_eq!(judged(&office, "leaf", &["list_changes"]), UNKNOWN);
    }
}
