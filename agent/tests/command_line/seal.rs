//! `seal`.

use crate::office::Office;

#[test]
fn openssl_reads_what_is_sealed() {
    let Some(office) = Office::new("openssl_reads_what_is_sealed") else { return };
    for content in ["gcm", "cbc"] {
        office.seal(&format!("--content {content}"));
        office.openssl("cms -decrypt -in sealed.eml -recip bob.pem -inkey bob.key -out signed.eml");
        office.openssl("cms -verify -in signed.eml -CAfile ca.pem -out letter.txt");
        assert!(office.read("letter.txt").contains("Dear Bob: Größe."));
    }
}

#[test]
fn a_certificate_that_expired_or_is_weak_gets_no_mail() {
    let Some(office) = Office::new("a_certificate_that_expired_or_is_weak_gets_no_mail") else { return };
    office.openssl(
        "req -newkey rsa:1024 -nodes -keyout weak.key -out weak.csr -subj /CN=bob -config people.cnf",
    );
    office.openssl(
        "x509 -req -in weak.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile people.cnf -extensions bob -out weak.pem",
    );
    for (to, at, said) in [
        ("bob.pem", "--at 2090-01-01T00:00:00Z", "expired"),
        ("weak.pem", "", "no certificate that mail can be encrypted to"),
    ] {
        let output = office.agent(&format!(
            "seal --from alice.p12 --password-file password --to {to} {at} --out x.eml letter.eml"
        ));
        assert_eq!(output.status.code(), Some(1), "{to}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said) && !office.0.join("x.eml").exists(), "{error}");
    }
    let path = office.json("path --trust ca.pem --purpose encryption --json weak.pem");
    assert_eq!((&path["valid"], &path["reason"]), (&false.into(), &"path-weak-algorithm".into()));
}

#[test]
fn whom_to_seal_apart_to_is_told_where_some_have_no_rsa_key() {
    let Some(office) = Office::new("whom_to_seal_apart_to_is_told_where_some_have_no_rsa_key") else {
        return;
    };
    let seal = "seal --from alice.p12 --password-file password --json --out sealed.eml --to bob.pem";
    let alone = office.json(&format!("{seal} -- letter.eml"));
    let both = office.json(&format!("{seal} --to alice.pem -- letter.eml"));
    assert!(alone.get("note").is_none(), "{alone}");
    let note = both["note"].as_str().unwrap();
    assert!(note.contains("CN=bob") && !note.contains("CN=alice"), "{note}");
    office.openssl("cms -decrypt -in sealed.eml -recip bob.pem -inkey bob.key -out signed.eml");
    office.openssl("cms -decrypt -in sealed.eml -recip alice.pem -inkey alice.key -out signed.eml");
}

#[test]
fn the_choice_of_certificates_and_algorithms_is_told_with_its_reasons() {
    let Some(office) = Office::new("the_choice_of_certificates_and_algorithms_is_told_with_its_reasons")
    else {
        return;
    };
    office.write("body.txt", "Content-Type: text/plain\n\nI read what I announce.\n");
    office
        .openssl("cms -sign -in body.txt -signer bob.pem -inkey bob.key -from bob@b.example -out known.eml");
    let seal = "seal --from alice.p12 --password-file password --json --out sealed.eml";
    let report = office.json(&format!("{seal} --to bob.pem -- letter.eml"));
    let transport = |report: &serde_json::Value| report["recipients"][0]["keyTransport"].clone();
    assert_eq!((&report["content"], transport(&report)), (&"AES-256-GCM".into(), "RSAES-OAEP".into()));
    assert_eq!(report["recipients"][0]["reads"], "everything");
    // Under a root, what is not known to be read is not written; neither does OpenSSL announce it.
    for (to, reads) in [
        ("--to bob.pem", "unknown"),
        ("--to bob.pem --known known.eml", "announced"),
        ("--to bob@b.example --known known.eml", "announced"),
    ] {
        let report = office.json(&format!("{seal} --trust ca.pem {to} -- letter.eml"));
        assert_eq!(report["content"], "AES-256-CBC", "{report}");
        assert_eq!(
            (transport(&report), &report["contentFor"][0]),
            ("RSAES-PKCS1-v1_5".into(), &"CN=bob".into())
        );
        assert_eq!(
            (&report["recipients"][0]["reads"], &report["recipients"][0]["subject"]),
            (&reads.into(), &"CN=bob".into())
        );
        office.openssl("cms -decrypt -in sealed.eml -recip bob.pem -inkey bob.key -out signed.eml");
    }
    office.write("both.pem", office.read("alice.pem") + &office.read("bob.pem"));
    let report = office.json(&format!("{seal} --trust ca.pem --to both.pem -- letter.eml"));
    assert_eq!(report["recipients"][0]["subject"], "CN=alice");
    assert_eq!(report["recipients"][0]["passedOver"][0]["reason"], "other-address");
    for (to, said) in [
        (
            "--trust bob.pem --to alice.pem",
            "alice@a.example: no certificate of the address can be used: no path",
        ),
        ("--trust ca.pem --to carol@c.example", "carol@c.example: no certificate is known"),
    ] {
        let output = office.agent(&format!("{seal} {to} -- letter.eml"));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && error.contains(said), "{error}");
    }
}
