//! `path`.

use serde_json::Value;

use crate::office::Office;

#[test]
fn a_path_is_judged_with_its_policies() {
    let Some(office) = Office::new("a_path_is_judged_with_its_policies") else { return };
    let path = office.json("path --trust ca.pem --purpose signing --json alice.pem");
    assert_eq!(path["valid"], true, "{path}");
    assert_eq!(
        (&path["path"][0]["subject"], &path["path"][1]["subject"]),
        (&"CN=alice".into(), &"CN=Office".into())
    );
    for (arguments, reason) in [
        ("path --json alice.pem", "unknown-issuer"),
        ("path --trust ca.pem --purpose timestamping --json alice.pem", "wrong-usage"),
        ("path --trust ca.pem --at 2090-01-01T00:00:00Z --json alice.pem", "expired"),
        (
            "path --trust ca.pem --require-explicit-policy --policy 1.2.3 --json alice.pem",
            "policy-not-permitted",
        ),
    ] {
        let path = office.json(arguments);
        assert_eq!((&path["valid"], &path["reason"]), (&false.into(), &reason.into()), "{arguments}");
    }
    assert_eq!(office.agent("path --trust ca.pem --policy nonsense --json alice.pem").status.code(), Some(1));
}

#[test]
fn a_damaged_certificate_takes_no_other_of_its_file_along() {
    let Some(office) = Office::new("a_damaged_certificate_takes_no_other_of_its_file_along") else { return };
    let (alice, ca) = (office.read("alice.pem"), office.read("ca.pem"));
    let damaged = ["\nAA", "\n*I"].map(|start| ca.replace("\nMI", start));
    // No base64 in one; no certificate in the other; and one that never ends.
    let damaged = [&damaged[0], &damaged[1], "-----BEGIN CERTIFICATE-----\nMIIB\n"];
    office.openssl("req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=Other -out other.pem");
    let valid = |arguments: &str| {
        let path = office.json(&format!("path --purpose signing --json {arguments}"));
        (path["valid"].clone(), path["reason"].clone())
    };
    for (number, bad) in damaged.into_iter().enumerate() {
        office.write("leaf-first.pem", format!("{alice}{bad}"));
        office.write("leaf-last.pem", format!("{bad}{alice}"));
        office.write("bundle.pem", format!("{bad}{ca}"));
        assert_eq!(valid("--trust ca.pem leaf-first.pem"), (true.into(), Value::Null), "{number}");
        assert_eq!(valid("--trust ca.pem leaf-last.pem"), (false.into(), "malformed".into()), "{number}");
        // What is found has another root, or none.
        assert_eq!(
            valid("--trust other.pem --untrusted bundle.pem alice.pem"),
            (false.into(), "unknown-issuer".into())
        );
    }
    office.openssl("x509 -x509toreq -in ca.pem -signkey ca.key -out ca.csr");
    office.write("ca.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n");
    office.openssl(
        "x509 -req -in ca.csr -CA other.pem -CAkey other.key -days 999 -extfile ca.ext -out between.pem",
    );
    office.write("bundle.pem", format!("{}{}", damaged.concat(), office.read("between.pem")));
    assert_eq!(valid("--trust other.pem --untrusted bundle.pem alice.pem"), (true.into(), Value::Null));
}

#[test]
fn an_ocsp_response_that_cannot_be_read_is_refused() {
    let Some(office) = Office::new("an_ocsp_response_that_cannot_be_read_is_refused") else { return };
    office.write("index.txt", "");
    office.write("crlnumber", "01\n");
    office.openssl("ca -config people.cnf -name this -gencrl -keyfile ca.key -cert ca.pem -out good.pem");
    office.openssl("ca -config people.cnf -name this -revoke alice.pem -keyfile ca.key -cert ca.pem");
    office.openssl("ocsp -issuer ca.pem -cert alice.pem -no_nonce -reqout request.der");
    office.openssl(
        "ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin request.der -respout good.der",
    );
    let good = std::fs::read(office.0.join("good.der")).unwrap();
    office.write("cut.der", &good[..good.len() - 1]);
    // tryLater.
    office.write("later.der", [0x30, 3, 0x0a, 1, 3]);
    office.write("proxy.der", "<html>Not now</html>");
    let path = |response: &str| {
        let path = office.json(&format!(
            "path --trust ca.pem --crl good.pem --ocsp {response} --purpose signing --json alice.pem"
        ));
        (path["valid"].clone(), path["reason"].clone())
    };
    assert_eq!(path("good.der"), (false.into(), "revoked".into()));
    for response in ["cut.der", "later.der", "proxy.der"] {
        assert_eq!(path(response), (false.into(), "revocation-unknown".into()), "{response}");
        let arguments = format!("verify --trust ca.pem --crl good.pem --ocsp {response} letter.eml");
        let output = office.agent(&arguments);
        assert_eq!(output.status.code(), Some(1), "{response}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("holds no successful OCSP response"));
    }
}
