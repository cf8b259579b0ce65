//! OpenSSL, as a distribution has it or, by `SEALPOST_OPENSSL`, a newer one.

use crate::suites::{
    CIPHERS, FORMS, NEWER_RECIPIENTS, NEWER_SIGNATURES, PLAIN, RECIPIENTS, SIGNATURES, encrypt, opens, owner,
    reader, sign, signer, verifies,
};
use crate::support::World;
use crate::support::corpus::Tally;

/// Its CMS asks the key for bytes that only the derivation could give.
const NO_X25519: &str = "its CMS has no X25519 (4.0.3: \"ossl_ecx_compute_key: output buffer too small\")";

const AT: &str = "-attime 1780272000";

/// Which OpenSSL it is, and whether it has what newer ones have.
fn version(world: &World) -> (String, bool) {
    let text = String::from_utf8(world.folder.openssl("version")).unwrap();
    let number = text.split_whitespace().nth(1).unwrap().to_owned();
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let newer = (parts.next().unwrap(), parts.next().unwrap()) >= (3, 6);
    (format!("OpenSSL {number}"), newer)
}

#[test]
fn openssl_opens_what_is_encrypted_here() {
    let Some(mut world) = World::with(&["openssl"], "openssl_opens_what_is_encrypted_here") else { return };
    let (program, newer) = version(&world);
    let mut tally = Tally::with(&program, "encrypted here, opened there", &[]);
    let more = if newer { &NEWER_RECIPIENTS[..] } else { &[] };
    let recipients = RECIPIENTS.iter().chain(more);
    let mut cases = 0;
    for (title, key, transport) in recipients {
        let reader = reader(&mut world, key);
        let name = owner("reads", key);
        for (cipher, cipher_name, _) in CIPHERS {
            cases += 1;
            tally.case(&format!("{cipher_name} to {title}"), || {
                world.folder.write("sealed", encrypt(&reader, cipher, *transport));
                let opened = world.folder.openssl(&format!(
                    "cms -decrypt -binary -inform DER -in sealed -recip {name}.pem -inkey {name}.key"
                ));
                assert_eq!(opened, PLAIN);
            });
        }
    }
    tally.leave_out("X25519", NO_X25519);
    tally.finish(cases + 1);
}

/// What OpenSSL can be told about a recipient.
const OPTIONS: [(&str, &str); 17] = [
    ("rsa", ""),
    ("rsa", "-keyopt rsa_padding_mode:oaep"),
    ("rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256"),
    ("rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha384 -keyopt rsa_mgf1_md:sha1"),
    ("rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha1 -keyopt rsa_mgf1_md:sha256"),
    ("rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512"),
    ("rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha224"),
    ("rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_oaep_label:5365616c"),
    (
        "rsa",
        "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512 -keyopt rsa_mgf1_md:sha1 -keyopt rsa_oaep_label:00",
    ),
    ("P-256", ""),
    ("P-256", "-keyopt ecdh_kdf_md:sha224"),
    ("P-256", "-keyopt ecdh_kdf_md:sha256"),
    ("P-256", "-keyopt ecdh_kdf_md:sha384"),
    ("P-256", "-keyopt ecdh_kdf_md:sha512 -keyopt ecdh_cofactor_mode:1"),
    ("P-384", "-keyopt ecdh_kdf_md:sha384"),
    ("P-521", "-keyopt ecdh_kdf_md:sha512"),
    ("P-521", "-keyopt ecdh_kdf_md:sha256 -aes128-wrap"),
];

#[test]
fn what_openssl_encrypts_opens_here() {
    let Some(mut world) = World::with(&["openssl"], "what_openssl_encrypts_opens_here") else { return };
    let (program, newer) = version(&world);
    world.folder.write("plain", PLAIN);
    let mut tally = Tally::with(&program, "encrypted there, opened here", &[]);
    let more = if newer { &NEWER_RECIPIENTS[..] } else { &[] };
    let options = OPTIONS.into_iter().chain(more.iter().map(|(_, key, _)| (*key, "")));
    let mut readers = std::collections::BTreeMap::new();
    let mut cases = 0;
    for (key, options) in options {
        let reader = readers.entry(key).or_insert_with(|| reader(&mut world, key)).clone();
        let name = owner("reads", key);
        for (_, cipher, _) in CIPHERS {
            for form in ["", "-stream", "-keyid", "-stream -keyid"] {
                cases += 1;
                tally.case(&format!("{cipher} to {key} {options} {form}"), || {
                    world.folder.openssl(&format!(
                        "cms -encrypt -binary -in plain -outform DER -out sealed {form} -{cipher} \
                         -recip {name}.pem {options}"
                    ));
                    opens(&world, &reader, &world.folder.read("sealed"));
                });
            }
        }
    }
    tally.leave_out("X25519", NO_X25519);
    tally.finish(cases + 1);
}

#[test]
fn openssl_verifies_what_is_signed_here() {
    let Some(mut world) = World::with(&["openssl"], "openssl_verifies_what_is_signed_here") else { return };
    let (program, newer) = version(&world);
    world.folder.write("plain", PLAIN);
    let mut tally = Tally::with(&program, "signed here, verified there", &[]);
    let more = if newer { &NEWER_SIGNATURES[..] } else { &[] };
    let mut cases = 0;
    for (title, key, algorithm) in SIGNATURES.iter().chain(more) {
        let signer = signer(&mut world, key);
        for (form, form_name) in FORMS {
            cases += 1;
            tally.case(&format!("{title}, {form_name}"), || {
                world.folder.write("signed", sign(&world, &signer, *algorithm, form));
                let content = if form_name == "detached" { "-content plain" } else { "" };
                let verify = format!(
                    "cms -verify -binary -inform DER -in signed -CAfile root.pem -purpose smimesign {AT}"
                );
                assert_eq!(world.folder.openssl(&format!("{verify} {content}")), PLAIN);
                if form_name == "detached" {
                    world.folder.write("other", b"another text");
                    let refused = world.folder.run_openssl(&format!("{verify} -content other"));
                    assert!(!refused.status.success());
                }
            });
        }
    }
    tally.finish(cases);
}

/// What OpenSSL can be told about a signer.
const SIGNERS: [(&str, &str); 14] = [
    ("rsa", ""),
    ("rsa", "-md sha224"),
    ("rsa", "-md sha384"),
    ("rsa", "-md sha512"),
    ("rsa", "-keyopt rsa_padding_mode:pss"),
    ("rsa", "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:32 -md sha384"),
    ("rsa", "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:0 -md sha512"),
    ("P-256", ""),
    ("P-256", "-md sha224"),
    ("P-256", "-md sha384"),
    ("P-256", "-md sha512"),
    ("P-384", "-md sha384"),
    ("P-521", "-md sha512"),
    ("P-256", "-signer signs-rsa.pem -inkey signs-rsa.key"),
];

/// What a newer OpenSSL can be told; of itself it digests with SHAKE256 for ML-DSA.
const NEWER_SIGNERS: [(&str, &str); 7] = [
    ("Ed25519", ""),
    ("ML-DSA-44", ""),
    ("ML-DSA-65", ""),
    ("ML-DSA-87", ""),
    ("ML-DSA-44", "-md sha512"),
    ("ML-DSA-65", "-md sha512"),
    ("ML-DSA-87", "-md sha512"),
];
const SIGNED_FORMS: [&str; 6] =
    ["", "-nodetach", "-nodetach -stream", "-nodetach -keyid", "-nodetach -cades", "-noattr"];

/// Why OpenSSL itself cannot do it.
fn undone(key: &str, options: &str, form: &str) -> Option<&'static str> {
    if form.contains("-stream") && options.contains("pss") {
        return Some("it encodes the signer before it knows the parameters of RSA-PSS");
    }
    let shake = key.starts_with("ML-DSA") && options.is_empty();
    (shake && form.contains("-cades")).then_some("its signingCertificateV2 has no digest of fixed length")
}

#[test]
fn what_openssl_signs_verifies_here() {
    let Some(mut world) = World::with(&["openssl"], "what_openssl_signs_verifies_here") else { return };
    let (program, newer) = version(&world);
    world.folder.write("plain", PLAIN);
    let mut tally = Tally::with(&program, "signed there, verified here", &[]);
    let more = if newer { &NEWER_SIGNERS[..] } else { &[] };
    // The last of them signs with the RSA key too.
    signer(&mut world, "rsa");
    let mut cases = 0;
    for (key, options) in SIGNERS.iter().chain(more) {
        signer(&mut world, key);
        let name = owner("signs", key);
        for form in SIGNED_FORMS {
            cases += 1;
            let case = format!("{key} {options} {form}");
            if let Some(reason) = undone(key, options, form) {
                tally.leave_out(&case, reason);
                continue;
            }
            tally.case(&case, || {
                world.folder.openssl(&format!(
                    "cms -sign -binary -in plain -outform DER -out signed {form} -signer {name}.pem \
                     -inkey {name}.key {options}"
                ));
                let signers = 1 + options.matches("-signer").count();
                verifies(&world, &world.folder.read("signed"), !form.contains("-nodetach"), signers);
            });
        }
    }
    tally.finish(cases);
}
