//! gpgsm, as far as it goes.

use crate::suites::{
    CIPHERS, FORMS, PLAIN, RECIPIENTS, SIGNATURES, encrypt, opens, owner, reader, sign, signer, verifies,
};
use crate::support::World;
use crate::support::corpus::Tally;
use crate::support::gpgsm;

const PROGRAM: &str = "gpgsm";
/// A world with a home of gpgsm that trusts its root.
struct Home(World);

impl Home {
    fn new(test: &str) -> Option<Self> {
        let world = World::with(&["openssl", "gpgsm", "gpgconf"], test)?;
        world.folder.write("plain", PLAIN);
        gpgsm::make_home(&world.folder);
        Some(Self(world))
    }

    fn must(&self, arguments: &str) -> Vec<u8> {
        gpgsm::must(&self.0.folder, arguments)
    }

    fn import(&self, name: &str) {
        gpgsm::import(&self.0.folder, &format!("{name}.key"), &format!("{name}.pem"));
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.0.folder.run("gpgconf", "--homedir g --kill all");
    }
}

#[test]
fn gpgsm_opens_what_is_encrypted_here() {
    let Some(mut home) = Home::new("gpgsm_opens_what_is_encrypted_here") else { return };
    let reader = reader(&mut home.0, "rsa");
    home.import(&owner("reads", "rsa"));
    let oaep = CIPHERS.map(|(_, name, _)| format!("{name} to RSA-OAEP"));
    let gcm = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm"].map(|name| format!("{name} to RSA PKCS#1 v1.5"));
    let oaep = oaep.iter().map(|name| (name.as_str(), "it reads no RSA-OAEP recipients"));
    let gcm = gcm.iter().map(|name| (name.as_str(), "it reads no AuthEnvelopedData"));
    let argued: Vec<_> = oaep.chain(gcm).collect();
    let mut tally = Tally::with(PROGRAM, "encrypted here, opened there", &argued);
    for (title, _, transport) in RECIPIENTS.iter().filter(|(_, key, _)| *key == "rsa") {
        for (cipher, name, _) in CIPHERS {
            home.0.folder.write("sealed", encrypt(&reader, cipher, *transport));
            tally.case(&format!("{name} to {title}"), || assert_eq!(home.must("--decrypt sealed"), PLAIN));
        }
    }
    for (title, key, _) in RECIPIENTS.iter().filter(|(_, key, _)| *key != "rsa") {
        tally.leave_out(title, &format!("it takes in no keys on {key}"));
    }
    tally.finish(15);
}

#[test]
fn what_gpgsm_encrypts_opens_here() {
    let Some(mut home) = Home::new("what_gpgsm_encrypts_opens_here") else { return };
    let reader = reader(&mut home.0, "rsa");
    let name = owner("reads", "rsa");
    home.import(&name);
    let mut tally = Tally::with(PROGRAM, "encrypted there, opened here", &[]);
    for cipher in ["AES128", "AES192", "AES256", "3DES"] {
        for form in ["", "--armor", "--base64"] {
            tally.case(&format!("{cipher} to RSA {form}"), || {
                let options = format!("--cipher-algo {cipher} --output theirs -r {name}@example.org");
                home.must(&format!("{options} --encrypt plain"));
                opens(&home.0, &reader, &home.0.folder.read("theirs"));
            });
        }
    }
    tally.finish(12);
}

#[test]
fn gpgsm_verifies_what_is_signed_here() {
    let Some(mut home) = Home::new("gpgsm_verifies_what_is_signed_here") else { return };
    let argued = ["opaque", "detached"].map(|form| format!("ECDSA P-521 with SHA-512, {form}"));
    let reason = "it fails by itself: \"DSA requires the hash length to be a multiple of 8 bits\"";
    let argued = argued.each_ref().map(|name| (name.as_str(), reason));
    let mut tally = Tally::with(PROGRAM, "signed here, verified there", &argued);
    home.0.folder.write("other", b"another text");
    for (title, key, algorithm) in SIGNATURES {
        let signer = signer(&mut home.0, key);
        for (form, form_name) in FORMS {
            home.0.folder.write("signed", sign(&home.0, &signer, algorithm, form));
            tally.case(&format!("{title}, {form_name}"), || {
                if form_name == "opaque" {
                    home.must("--output text --verify signed");
                    assert_eq!(home.0.folder.read("text"), PLAIN);
                } else {
                    home.must("--verify signed plain");
                    let bad = gpgsm::run(&home.0.folder, "--verify signed other");
                    assert!(!bad.status.success());
                }
            });
        }
    }
    tally.finish(20);
}

#[test]
fn what_gpgsm_signs_verifies_here() {
    let Some(mut home) = Home::new("what_gpgsm_signs_verifies_here") else { return };
    signer(&mut home.0, "rsa");
    let name = owner("signs", "rsa");
    home.import(&name);
    let mut tally = Tally::with(PROGRAM, "signed there, verified here", &[]);
    for hash in ["SHA256", "SHA384", "SHA512"] {
        for form in ["--sign", "--detach-sign"] {
            tally.case(&format!("RSA with {hash} {form}"), || {
                let options = format!("--digest-algo {hash} --output theirs -u {name}@example.org");
                home.must(&format!("{options} {form} plain"));
                // It signs at its own time, which is later than that of the other tests.
                let signed = home.0.folder.read("theirs");
                verifies(&home.0, &signed, form == "--detach-sign", 1);
            });
        }
    }
    tally.finish(6);
}
