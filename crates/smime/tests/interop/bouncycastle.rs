//! BouncyCastle, through `BouncyCastle.java`, which does all jobs of a direction in one run.

use std::path::Path;

use smime::rustcrypto::RustCrypto;
use smime::{KeyTransport, Secret, block_on_ready as ready};

use crate::suites::{
    CIPHERS, Cipher, FORMS, PLAIN, RECIPIENTS, SIGNATURES, encrypt, opens, owner, reader, sign, signer,
    verifies,
};
use crate::support::World;
use crate::support::corpus::{Tally, skip};

const JARS: [&str; 3] =
    ["/usr/share/java/bcprov.jar", "/usr/share/java/bcpkix.jar", "/usr/share/java/bcutil.jar"];

/// A world whose test needs Java and BouncyCastle.
fn world(test: &str) -> Option<World> {
    let world = World::with(&["openssl", "java"], test)?;
    if let Some(jar) = JARS.iter().find(|jar| !Path::new(jar).exists()) {
        skip(test, &format!("there is no {jar}"));
        return None;
    }
    world.folder.write("plain", PLAIN);
    world.folder.openssl("x509 -in root.pem -outform DER -out root.der");
    Some(world)
}

/// `BouncyCastle` and its version, which is in the name of the file.
fn program() -> String {
    let jar = std::fs::canonicalize(JARS[0]).unwrap();
    let stem = jar.file_stem().unwrap().to_str().unwrap().to_owned();
    stem.replace("bcprov-", "BouncyCastle ")
}

/// Does the jobs; for each, nothing or what went wrong.
fn run(world: &World, jobs: &[String]) -> Vec<Result<(), String>> {
    world.folder.write("jobs", jobs.join("\n"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/BouncyCastle.java");
    let output = world.folder.must("java", &format!("-cp {} {source} jobs", JARS.join(":")));
    let output = String::from_utf8(output).unwrap();
    let outcomes: Vec<_> =
        output.lines().map(|line| if line == "ok" { Ok(()) } else { Err(line.to_owned()) }).collect();
    assert_eq!(outcomes.len(), jobs.len(), "{output}");
    outcomes
}

/// The certificate of somebody as DER.
fn der(world: &World, name: &str) -> String {
    world.folder.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    format!("{name}.der")
}

/// Ciphers that it writes and that are only read here.
const READ_ONLY: [(&str, &str); 4] = [
    ("aes-128-ccm", "2.16.840.1.101.3.4.1.7"),
    ("aes-192-ccm", "2.16.840.1.101.3.4.1.27"),
    ("aes-256-ccm", "2.16.840.1.101.3.4.1.47"),
    ("des-ede3-cbc", "1.2.840.113549.3.7"),
];

/// How it encrypts to a kind of key: the schemes of RFC 5753 by their numbers, OAEP by its hashes.
const SCHEMES: [(&str, &str, &str); 13] = [
    ("rsa", "PKCS1", "RSA PKCS#1 v1.5"),
    ("rsa", "SHA-1/SHA-1", "RSA-OAEP SHA-1"),
    ("rsa", "SHA-256/SHA-256", "RSA-OAEP SHA-256"),
    ("rsa", "SHA-384/SHA-1", "RSA-OAEP SHA-384, MGF1 SHA-1"),
    ("rsa", "SHA-512/SHA-512", "RSA-OAEP SHA-512"),
    ("P-256", "1.3.133.16.840.63.0.2", "P-256, SHA-1 KDF"),
    ("P-256", "1.3.132.1.11.1", "P-256, SHA-256 KDF"),
    ("P-256", "1.3.132.1.11.2", "P-256, SHA-384 KDF"),
    ("P-256", "1.3.132.1.14.1", "P-256, cofactor, SHA-256 KDF"),
    ("P-384", "1.3.132.1.11.2", "P-384, SHA-384 KDF"),
    ("P-384", "1.3.132.1.11.1", "P-384, SHA-256 KDF"),
    ("P-521", "1.3.132.1.11.3", "P-521, SHA-512 KDF"),
    ("P-521", "1.3.132.1.14.3", "P-521, cofactor, SHA-512 KDF"),
];

#[test]
fn what_bouncycastle_encrypts_opens_here() {
    let Some(mut world) = world("what_bouncycastle_encrypts_opens_here") else { return };
    let keys = ["rsa", "P-256", "P-384", "P-521"];
    let readers = keys.map(|key| (key, reader(&mut world, key), der(&world, &owner("reads", key))));
    let ciphers = CIPHERS.iter().map(|(_, name, oid)| (*name, *oid)).chain(READ_ONLY);
    let (mut jobs, mut cases) = (Vec::new(), Vec::new());
    for (cipher, oid) in ciphers {
        for (key, scheme, title) in SCHEMES {
            let (_, reader, certificate) = readers.iter().find(|(known, ..)| *known == key).unwrap();
            for form in ["whole", "streamed"] {
                // It streams EnvelopedData only.
                if form == "streamed" && !cipher.ends_with("cbc") {
                    continue;
                }
                let number = jobs.len();
                jobs.push(format!("encrypt\t{oid}\t{scheme}\t{form}\t{certificate}\tplain\tout-{number}"));
                cases.push((format!("{cipher} to {title}, {form}"), reader));
            }
        }
    }
    let mut tally = Tally::with(&program(), "encrypted there, opened here", &[]);
    for (number, (outcome, (name, reader))) in run(&world, &jobs).into_iter().zip(&cases).enumerate() {
        tally.case(name, || {
            outcome.unwrap();
            opens(&world, reader, &world.folder.read(&format!("out-{number}")));
        });
    }
    tally.finish(jobs.len());
}

#[test]
fn what_bouncycastle_encrypts_under_a_shared_secret_opens_here() {
    let Some(mut world) = world("what_bouncycastle_encrypts_under_a_shared_secret_opens_here") else {
        return;
    };
    signer(&mut world, "P-256");
    let nobody = der(&world, &owner("signs", "P-256"));
    let key = [0x5a; 32];
    let secrets =
        [("password", Secret::Password("secret")), ("key", Secret::Key { identifier: b"id", key: &key })];
    let mut jobs = Vec::new();
    for (_, _, oid) in CIPHERS.iter().filter(|(_, name, _)| name.ends_with("cbc")) {
        for (scheme, _) in secrets {
            jobs.push(format!("encrypt\t{oid}\t{scheme}\twhole\t{nobody}\tplain\tout-{}", jobs.len()));
        }
    }
    let mut tally = Tally::with(&program(), "encrypted there under a shared secret, opened here", &[]);
    for (number, outcome) in run(&world, &jobs).into_iter().enumerate() {
        let (scheme, secret) = secrets[number % 2];
        let (_, cipher, _) = CIPHERS[number / 2];
        tally.case(&format!("{cipher} under a {scheme}"), || {
            outcome.unwrap();
            let sealed = world.folder.read(&format!("out-{number}"));
            let (content, _) = ready(smime::decrypt_with_secret(&RustCrypto, secret, &sealed)).unwrap();
            assert_eq!(*content, PLAIN);
        });
    }
    tally.finish(jobs.len());
}

/// Whether it has no API that reads a suite, and why.
fn unreadable((_, cipher, _): Cipher, key: &str) -> bool {
    cipher.ends_with("gcm") && key != "rsa"
}

#[test]
fn bouncycastle_opens_what_is_encrypted_here() {
    let Some(mut world) = world("bouncycastle_opens_what_is_encrypted_here") else { return };
    let mut tally = Tally::with(&program(), "encrypted here, opened there", &[]);
    let (mut jobs, mut cases, mut left_out) = (Vec::new(), Vec::new(), 0);
    for (title, key, transport) in RECIPIENTS {
        let reader = reader(&mut world, key);
        for cipher in CIPHERS {
            let name = format!("{} to {title}", cipher.1);
            if unreadable(cipher, key) {
                tally.leave_out(&name, "it reads no key agreement in AuthEnvelopedData");
                left_out += 1;
                continue;
            }
            let number = jobs.len();
            let transport: KeyTransport = transport;
            world.folder.write(&format!("in-{number}"), encrypt(&reader, cipher.0, transport));
            let algorithm = if key == "rsa" { "RSA" } else { "EC" };
            let owner = owner("reads", key);
            jobs.push(format!("decrypt\t{algorithm}\t{owner}.p8\tin-{number}\tout-{number}"));
            cases.push(name);
        }
    }
    for (number, (outcome, name)) in run(&world, &jobs).into_iter().zip(&cases).enumerate() {
        tally.case(name, || {
            outcome.unwrap();
            assert_eq!(world.folder.read(&format!("out-{number}")), PLAIN);
        });
    }
    tally.finish(jobs.len() + left_out);
}

/// Its names of signature algorithms.
const ALGORITHMS: [(&str, &str); 13] = [
    ("rsa", "SHA256withRSA"),
    ("rsa", "SHA384withRSA"),
    ("rsa", "SHA512withRSA"),
    ("rsa", "SHA256withRSAandMGF1"),
    ("rsa", "SHA384withRSAandMGF1"),
    ("rsa", "SHA512withRSAandMGF1"),
    ("P-256", "SHA256withECDSA"),
    ("P-256", "SHA384withECDSA"),
    ("P-384", "SHA384withECDSA"),
    ("P-384", "SHA512withECDSA"),
    ("P-521", "SHA512withECDSA"),
    ("P-521", "SHA256withECDSA"),
    ("Ed25519", "Ed25519"),
];

#[test]
fn what_bouncycastle_signs_verifies_here() {
    let Some(mut world) = world("what_bouncycastle_signs_verifies_here") else { return };
    let mut certificates = std::collections::BTreeMap::new();
    let (mut jobs, mut cases) = (Vec::new(), Vec::new());
    for (key, algorithm) in ALGORITHMS {
        let owner = owner("signs", key);
        if !certificates.contains_key(key) {
            signer(&mut world, key);
            certificates.insert(key, der(&world, &owner));
        }
        let certificate = &certificates[key];
        for form in ["opaque", "detached", "streamed"] {
            let number = jobs.len();
            jobs.push(format!("sign\t{algorithm}\t{form}\t{owner}.p8\t{certificate}\tplain\tout-{number}"));
            cases.push((format!("{algorithm}, {key}, {form}"), form == "detached"));
        }
    }
    let mut tally = Tally::with(&program(), "signed there, verified here", &[]);
    for (number, (outcome, (name, detached))) in run(&world, &jobs).into_iter().zip(&cases).enumerate() {
        tally.case(name, || {
            outcome.unwrap();
            verifies(&world, &world.folder.read(&format!("out-{number}")), *detached, 1);
        });
    }
    tally.finish(jobs.len());
}

#[test]
fn bouncycastle_verifies_what_is_signed_here() {
    let Some(mut world) = world("bouncycastle_verifies_what_is_signed_here") else { return };
    let (mut jobs, mut cases) = (Vec::new(), Vec::new());
    for (title, key, algorithm) in SIGNATURES.iter().copied().chain([("Ed25519", "Ed25519", None)]) {
        let signer = signer(&mut world, key);
        for (form, form_name) in FORMS {
            let number = jobs.len();
            world.folder.write(&format!("in-{number}"), sign(&world, &signer, algorithm, form));
            let content = if form_name == "detached" { "plain" } else { "-" };
            jobs.push(format!("verify\troot.der\t{content}\tin-{number}\tout-{number}"));
            cases.push(format!("{title}, {form_name}"));
        }
    }
    // Whatever it says of good signatures counts only if it refuses bad ones.
    world.folder.write("other", b"another text");
    let detached = jobs.iter().position(|job| job.contains("\tplain\t")).unwrap();
    jobs.push(format!("verify\troot.der\tother\tin-{detached}\tout-other"));
    let mut outcomes = run(&world, &jobs);
    assert!(outcomes.pop().unwrap().is_err());
    let mut tally = Tally::with(&program(), "signed here, verified there", &[]);
    for (number, (outcome, name)) in outcomes.into_iter().zip(&cases).enumerate() {
        tally.case(name, || {
            outcome.unwrap();
            assert_eq!(world.folder.read(&format!("out-{number}")), PLAIN);
        });
    }
    tally.finish(cases.len());
}
