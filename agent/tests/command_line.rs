//! The command line and the JSON, as other programs meet them; openssl makes the keys and checks the results.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "tests may panic"
)]

use std::{
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

/// A folder with the keys and certificates of Alice and Bob, and one letter.
struct Office(PathBuf);

impl Office {
    /// `None`, and a note, where there is no openssl.
    fn new(test: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if Command::new("openssl").arg("version").output().is_err() {
            skip(test);
            return None;
        }
        let name = format!("sealpost-agent-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let office = Self(env::temp_dir().join(name));
        fs::create_dir_all(&office.0).unwrap();
        office.make_people();
        office.write(
            "letter.eml",
            "From: Alice <alice@a.example>\nTo: Bob <bob@b.example>\nBcc: hidden@h.example\nSubject: Vertraulich: Größe\n\
             Date: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@a.example>\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
             Dear Bob: Größe.\n--b\nContent-Type: application/pdf; name=\"../../evil.pdf\"\nContent-Transfer-Encoding: base64\n\n\
             JVBERi0x\n--b--\n",
        );
        Some(office)
    }

    fn make_people(&self) {
        self.write(
            "people.cnf",
            "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
             subjectKeyIdentifier=hash\n[alice]\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyAgreement\n\
             extendedKeyUsage=emailProtection\nsubjectAltName=email:alice@a.example\n[bob]\nbasicConstraints=CA:FALSE\n\
             keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=emailProtection\nsubjectAltName=email:bob@b.example\n\
             [authority]\ndefault_ca=this\n[this]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=3000\n",
        );
        let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        self.openssl(&format!("req -x509 {ec} -keyout ca.key -out ca.pem -days 3650 -subj /CN=Office -config people.cnf -extensions ca"));
        self.write("password", "correct horse\nsecond line\n");
        self.write("secret", "correct horse");
        for (name, key) in [("alice", ec), ("bob", "-newkey rsa:2048 -nodes")] {
            self.openssl(&format!(
                "req {key} -keyout {name}.key -out {name}.csr -subj /CN={name} -config people.cnf"
            ));
            self.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile people.cnf -extensions {name} -out {name}.pem"
            ));
            self.openssl(&format!(
                "pkcs12 -export -in {name}.pem -inkey {name}.key -certfile ca.pem -passout file:secret -out {name}.p12"
            ));
        }
    }

    fn write(&self, name: &str, data: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), data).unwrap();
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.0.join(name)).unwrap()).into_owned()
    }

    fn openssl(&self, arguments: &str) {
        let output =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn agent(&self, arguments: &str) -> Output {
        let agent = env!("CARGO_BIN_EXE_sealpost-agent");
        Command::new(agent).args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap()
    }

    fn json(&self, arguments: &str) -> Value {
        let output = self.agent(arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn seal(&self, options: &str) {
        let output = self.agent(&format!(
            "seal --from alice.p12 --password-file password --to bob.pem {options} --out sealed.eml letter.eml"
        ));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn skip(test: &str) {
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{test}: there is no openssl command");
    eprintln!("skipped: {test}: there is no openssl command");
    if let Some(list) = env::var_os("SEALPOST_SKIPPED") {
        let mut list = fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "{test}").unwrap();
    }
}

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
        assert_eq!(report["parts"][0]["text"], "Dear Bob: Größe.");
        assert_eq!(report["parts"][1]["file"], "2-evil.pdf");
        assert_eq!(office.read("parts/2-evil.pdf"), "%PDF-1");
    }
}

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

#[test]
fn every_reason_is_explained_in_the_readme() {
    let rows = include_str!("../README.md").lines().filter(|line| line.starts_with("| `"));
    let reasons: Vec<&str> =
        rows.filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split(", ")).collect();
    for code in smime::message::SIGNER_FAULT_CODES {
        assert!(reasons.iter().any(|reason| reason.trim() == format!("`{code}`")), "{code}");
    }
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
