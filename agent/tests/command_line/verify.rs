//! `verify`.

use serde_json::Value;

use crate::office::Office;

#[test]
fn what_openssl_signs_is_verified_and_revoked() {
    let Some(office) = Office::new("what_openssl_signs_is_verified_and_revoked") else { return };
    office.write("body.txt", "Content-Type: text/plain\n\nSigned outside.\n");
    office.openssl(
        "cms -sign -in body.txt -signer alice.pem -inkey alice.key -from alice@a.example -subject Hello -out signed.eml",
    );
    let report = office.json("verify --trust ca.pem --json signed.eml");
    assert_eq!(report["status"], "verified", "{report}");
    assert_eq!(report["headers"]["from"], "alice@a.example");
    assert_eq!(office.json("verify --json signed.eml")["signers"][0]["reason"], "unknown-issuer");
    let later = office.json("verify --trust ca.pem --at 2090-01-01T00:00:00Z --json signed.eml");
    assert_eq!(
        (&later["status"], &later["signers"][0]["reason"]),
        (&"unprotected".into(), &"expired".into())
    );
    office.write("forged.eml", office.read("signed.eml").replace("Signed outside", "Signed inside!"));
    let forged = office.json("verify --trust ca.pem --json forged.eml");
    assert_eq!((&forged["status"], &forged["signers"][0]["valid"]), (&"unprotected".into(), &false.into()));
    office.write("other.eml", office.read("signed.eml").replace("alice@a.example", "carol@c.example"));
    let other = office.json("verify --trust ca.pem --json other.eml");
    assert_eq!(
        (&other["status"], &other["signers"][0]["reason"]),
        (&"unprotected".into(), &"from-mismatch".into())
    );
    office.write("index.txt", "");
    office.write("crlnumber", "01\n");
    office.openssl("ca -config people.cnf -name this -revoke alice.pem -keyfile ca.key -cert ca.pem");
    office.openssl("ca -config people.cnf -name this -gencrl -keyfile ca.key -cert ca.pem -out ca.crl");
    let revoked = office.json("verify --trust ca.pem --crl ca.crl --json signed.eml");
    assert_eq!(
        (&revoked["status"], &revoked["signers"][0]["reason"]),
        (&"unprotected".into(), &"revoked".into())
    );
}

#[test]
fn a_clear_message_is_unprotected() {
    let Some(office) = Office::new("a_clear_message_is_unprotected") else { return };
    let report = office.json("verify --trust ca.pem --json letter.eml");
    assert_eq!(report["status"], "unprotected");
    assert_eq!(report["signers"], Value::Array(Vec::new()));
    assert_eq!(report["parts"][1]["name"], "../../evil.pdf");
    let text = String::from_utf8(office.agent("verify letter.eml").stdout).unwrap();
    assert!(text.contains("Status: unprotected") && text.contains("Größe"));
}

#[test]
fn nothing_in_a_message_steers_the_terminal() {
    let Some(office) = Office::new("nothing_in_a_message_steers_the_terminal") else { return };
    office.write(
        "hostile.eml",
        "From: \u{1b}]0;x\u{7} \u{202e}Bob <b@b.example>\nTo: a\u{9b}2J@a.example\nSubject: =?utf-8?Q?x=0AStatus:_verified=1B[2J=C2=9B?=\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\nText \u{9b}2J \u{202e}txet \u{1b}[2J.\n--b\n\
         Content-Type: image/\u{9b}2J; name*=utf-8''%1B[2J%0Aa.png\n\nx\n--b--\n",
    );
    let steers = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    for arguments in ["verify hostile.eml", "verify --json hostile.eml", "verify --crl \u{1b}[2J hostile.eml"]
    {
        let output = office.agent(arguments);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.is_empty() && !said.contains(steers), "{said:?}");
        assert!(!said.lines().any(|line| line == "Status: verified"), "{said:?}");
    }
    let report = office.json("verify --json hostile.eml");
    assert_eq!(report["parts"][0]["text"], "Text \u{9b}2J \u{202e}txet \u{1b}[2J.");
}

#[test]
fn a_revocation_list_that_cannot_be_read_is_refused() {
    let Some(office) = Office::new("a_revocation_list_that_cannot_be_read_is_refused") else { return };
    office.write("cut.crl", [0x30, 0x82, 0x01, 0x00, 0x30]);
    office.write("cut.pem", "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n");
    office.write("index.txt", "");
    office.write("crlnumber", "01\n");
    office.openssl("ca -config people.cnf -name this -gencrl -keyfile ca.key -cert ca.pem -out good.pem");
    let good = office.read("good.pem");
    office.write("second-bad.pem", format!("{good}{}", good.replace("\nMI", "\n*I")));
    office.write("first-bad.pem", format!("{}{good}", good.replace("\nMI", "\n*I")));
    office.write("second-endless.pem", format!("{good}-----BEGIN X509 CRL-----\nMIIB\n"));
    office.write("two.pem", format!("{good}{good}"));
    for list in ["good.pem", "two.pem"] {
        let output = office.agent(&format!("verify --trust ca.pem --crl {list} letter.eml"));
        assert!(output.status.success(), "{list}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for list in ["cut.crl", "cut.pem", "ca.pem", "second-bad.pem", "first-bad.pem", "second-endless.pem"] {
        let output = office.agent(&format!("verify --trust ca.pem --crl {list} letter.eml"));
        assert_eq!(output.status.code(), Some(1), "{list}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("holds no certificate revocation list"));
    }
}

#[test]
fn every_reason_is_explained_in_the_readme() {
    let rows = include_str!("../../README.md").lines().filter(|line| line.starts_with("| `"));
    let reasons: Vec<&str> =
        rows.filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split(", ")).collect();
    for code in smime::message::SIGNER_FAULT_CODES {
        assert!(reasons.iter().any(|reason| reason.trim() == format!("`{code}`")), "{code}");
    }
}
