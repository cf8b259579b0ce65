//! `open` and `receipt`.

use serde_json::Value;

use crate::office::Office;

const OPEN: &str = "open --key bob.p12 --password-file password --trust ca.pem --json";

#[test]
fn what_is_sealed_opens_and_says_what_it_is_worth() {
    let Some(office) = Office::new("what_is_sealed_opens_and_says_what_it_is_worth") else { return };
    for content in ["gcm", "cbc"] {
        office.seal(&format!("--content {content}"));
        let sealed = office.read("sealed.eml");
        assert!(sealed.contains("Subject: [...]") && !sealed.contains("hidden@h.example"));
        let report = office.json(&format!("{OPEN} --out parts sealed.eml"));
        assert_eq!(report["status"], "confidential", "{report}");
        let signer = &report["signers"][0];
        assert_eq!((&signer["valid"], &signer["reason"]), (&Value::Bool(true), &Value::Null));
        assert_eq!(signer["emails"][0], "alice@a.example");
        assert_eq!((&signer["timestamp"], signer["subject"].as_str()), (&Value::Null, Some("CN=alice")));
        assert!(signer["signedAt"].as_str().unwrap().ends_with('Z'));
        assert_eq!(report["headers"]["subject"], "Vertraulich: Größe");
        assert_eq!(report["headerProtection"]["subject"], "signed-and-encrypted");
        assert_eq!(report["headers"]["bcc"], Value::Null);
        assert_eq!(report["recipientsUnprotected"], false);
        assert_eq!(report["parts"][0]["text"], "Dear Bob: Größe.");
        assert_eq!(report["parts"][1]["file"], "2-evil.pdf");
        assert_eq!(office.read("parts/2-evil.pdf"), "%PDF-1");
    }
}

#[test]
fn a_key_is_found_by_what_outlook_calls_it_where_its_certificate_does_not_say() {
    const TEST: &str = "a_key_is_found_by_what_outlook_calls_it_where_its_certificate_does_not_say";
    let Some(office) = Office::new(TEST) else { return };
    office.openssl("pkey -in bob.key -pubout -outform DER -out bob.spki");
    office.openssl("dgst -sha1 -hex -r -out bob.sha1 bob.spki");
    let name = office.read("bob.sha1")[..40].to_owned();
    for (certificate, identifier) in [("named", name.as_str()), ("unnamed", "none")] {
        office.write("own.ext", format!("keyUsage=keyEncipherment\nsubjectKeyIdentifier={identifier}\n"));
        office.openssl(&format!(
            "x509 -req -in bob.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile own.ext -out {certificate}.pem"
        ));
    }
    office.write("body.txt", "Content-Type: text/plain\n\nBy identifier.\n");
    office.openssl("cms -encrypt -keyid -aes256 -in body.txt -from a@a.example -out sealed.eml named.pem");
    office.openssl("pkcs12 -export -in unnamed.pem -inkey bob.key -passout file:secret -out unnamed.p12");
    let report = office.json("open --key unnamed.p12 --password-file password --json sealed.eml");
    assert_eq!(report["parts"][0]["text"], "By identifier.\r\n");
    assert_eq!(report["recipientsUnprotected"], true);
}

#[test]
fn a_stray_encrypted_part_is_opened_by_itself_and_lends_its_status_to_nothing() {
    const TEST: &str = "a_stray_encrypted_part_is_opened_by_itself_and_lends_its_status_to_nothing";
    let Some(office) = Office::new(TEST) else { return };
    office.write("body.txt", "Content-Type: text/plain\n\nFor Bob.\n");
    office.openssl("cms -encrypt -aes256 -in body.txt -out sealed bob.pem");
    let footer = "--list\n\nFooter of the list\n--list--\n";
    let head = "From: alice@a.example\nContent-Type: multipart/mixed; boundary=list\n\n--list\n";
    office.write("mixed.eml", format!("{head}{}\n{footer}", office.read("sealed")));
    let report = office.json(&format!("{OPEN} --out parts mixed.eml"));
    assert_eq!(
        (&report["status"], &report["tree"]["children"][0]["errant"]),
        (&"unprotected".into(), &true.into())
    );
    assert!(!report.to_string().contains("For Bob"), "{report}");
    let part = report["parts"][0]["file"].as_str().unwrap();
    let apart = office.json(&format!("{OPEN} parts/{part}"));
    assert_eq!(apart["parts"][0]["text"], "For Bob.\r\n");
    assert_eq!(apart["status"], "encrypted-unverified");
}

#[test]
fn a_key_beside_the_certificate_of_another_key_is_refused() {
    let Some(office) = Office::new("a_key_beside_the_certificate_of_another_key_is_refused") else { return };
    office.openssl("pkcs8 -topk8 -nocrypt -in alice.key -outform DER -out alice.p8");
    let key = std::fs::read(office.0.join("alice.p8")).unwrap();
    let certificate = smime::Certificate::from_pem(&office.read("bob.pem")).unwrap();
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let file = smime::pkcs12::create(&mut rng, &key, &[certificate], "mixed", "correct horse").unwrap();
    office.write("mixed.p12", file);
    let output = office.agent("open --key mixed.p12 --password-file password --json letter.eml");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("the certificate of another key"), "{said}");
}

#[test]
fn a_key_finds_its_own_certificate_among_several() {
    let Some(office) = Office::new("a_key_finds_its_own_certificate_among_several") else { return };
    office.seal("");
    office.openssl("pkcs8 -topk8 -nocrypt -in bob.key -outform DER -out bob.p8");
    let key = std::fs::read(office.0.join("bob.p8")).unwrap();
    let [alice, bob] =
        ["alice.pem", "bob.pem"].map(|name| smime::Certificate::from_pem(&office.read(name)).unwrap());
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    // The first is marked as the key's.
    let file = smime::pkcs12::create(&mut rng, &key, &[alice, bob], "mixed", "correct horse").unwrap();
    office.write("mixed.p12", file);
    let report = office.json("open --key mixed.p12 --password-file password --json sealed.eml");
    assert_eq!(report["parts"][0]["text"], "Dear Bob: Größe.");
}

#[test]
fn failures_are_sentences_and_a_status() {
    let Some(office) = Office::new("failures_are_sentences_and_a_status") else { return };
    office.seal("");
    office.write("wrong", "wrong password\n");
    let damaged = office.read("sealed.eml");
    let at = damaged[..damaged.len() - 200].rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
    let other = if &damaged[at..=at] == "A" { "B" } else { "A" };
    office.write("damaged.eml", [&damaged[..at], other, &damaged[at + 1..]].concat());
    for (arguments, status) in [
        ("open --key bob.p12 --password-file wrong --json sealed.eml", 1),
        ("open --key alice.p12 --password-file password --json sealed.eml", 1),
        ("open --key bob.p12 --password-file password --json damaged.eml", 1),
        ("open --key bob.p12 --password-file password --json missing.eml", 1),
        ("verify --trust ca.pem --json sealed.eml", 1),
        ("verify --trust letter.eml --json sealed.eml", 1),
        ("seal --from alice.p12 --password-file password --to ca.pem --out x.eml letter.eml", 1),
        ("seal --from alice.p12 --password-file password --to bob.pem --out x.eml sealed.eml", 1),
        ("open --json", 2),
        ("verify --at yesterday letter.eml", 2),
    ] {
        let output = office.agent(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments}");
        assert!(output.stdout.is_empty(), "{arguments}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked") && !said.is_empty(), "{arguments}: {said}");
        if status == 1 {
            assert!(said.starts_with("sealpost-agent: ") && said.trim_end().ends_with('.'), "{said}");
        }
    }
    assert!(!office.0.join("x.eml").exists());
}

#[test]
fn a_label_and_a_receipt_go_there_and_back() {
    let Some(office) = Office::new("a_label_and_a_receipt_go_there_and_back") else { return };
    office
        .seal("--label 1.2.156.1 --classification 4 --privacy-mark Vertraulich --receipt-to alice@a.example");
    let report = office.json(&format!("{OPEN} sealed.eml"));
    assert_eq!(report["label"]["policy"], "1.2.156.1");
    assert_eq!(
        (&report["label"]["classification"], &report["label"]["privacyMark"]),
        (&4.into(), &"Vertraulich".into())
    );
    assert_eq!((&report["kind"], &report["labelFault"]), (&"letter".into(), &Value::Null));
    assert_eq!(report["receiptRequested"]["to"][0], "alice@a.example");
    let tree = &report["tree"];
    assert_eq!(
        (&tree["kind"], &tree["name"], &tree["recipients"]),
        (&"encrypted".into(), &"AES-256-GCM".into(), &1.into())
    );
    let signed = &tree["children"][0];
    assert_eq!((&signed["kind"], &signed["signers"][0]["key"]), (&"signed".into(), &"P-256".into()));
    assert_eq!(signed["children"][0]["name"], "multipart/mixed");

    let run = |arguments: &str| {
        let output = office.agent(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("receipt --key bob.p12 --password-file password --trust ca.pem --out receipt.eml sealed.eml");
    office.openssl("cms -decrypt -in sealed.eml -recip bob.pem -inkey bob.key -out signed.eml");
    office.openssl("cms -verify_receipt receipt.eml -in signed.eml -CAfile ca.pem");
    office.write("sent.eml", format!("From: alice@a.example\n{}", office.read("signed.eml")));
    let verify = "verify --trust ca.pem --json receipt.eml";
    let report = office.json(verify);
    assert_eq!((&report["kind"], &report["status"]), (&"receipt".into(), &"verified".into()));
    assert_eq!(report["receipt"]["valid"], Value::Null);
    let report = office.json(&format!("{verify} --original sent.eml"));
    assert_eq!(report["receipt"]["valid"], true, "{report}");
    // Whoever was not written to has nothing to confirm.
    run("receipt --key alice.p12 --password-file password --trust ca.pem --out own.eml sent.eml");
    let own = office.json("verify --trust ca.pem --json own.eml --original sent.eml");
    assert_eq!(own["receipt"]["valid"], false, "{own}");
    // About another message, it proves nothing.
    office.seal("--receipt-to alice@a.example");
    office.openssl("cms -decrypt -in sealed.eml -recip bob.pem -inkey bob.key -out signed.eml");
    office.write("other.eml", format!("From: alice@a.example\n{}", office.read("signed.eml")));
    let report = office.json(&format!("{verify} --original other.eml"));
    assert_eq!(report["receipt"]["valid"], false);
    office.seal("");
    let output = office
        .agent("receipt --key bob.p12 --password-file password --trust ca.pem --out none.eml sealed.eml");
    assert!(output.status.code() == Some(1) && !office.0.join("none.eml").exists());
}
