//! NSS's cmsutil, as far as it goes.

use smime::{DecryptionKey, pkcs12};

use crate::suites::{
    CIPHERS, FORMS, PLAIN, RECIPIENTS, SIGNATURES, encrypt, opens, owner, reader, sign, signer, verifies,
};
use crate::support::corpus::Tally;
use crate::support::{World, rng};

const PROGRAM: &str = "NSS cmsutil";

fn world(test: &str) -> Option<World> {
    let world = World::with(&["openssl", "certutil", "pk12util", "cmsutil"], test)?;
    world.folder.write("plain", PLAIN);
    world.folder.write("empty", "\n");
    world.folder.must("certutil", "-N -d . --empty-password");
    world.folder.must("certutil", "-A -d . -n root -t C,C,C -i root.pem");
    Some(world)
}

/// Brings somebody into NSS's database, by a PKCS#12 file made here.
fn import(world: &World, person: &DecryptionKey) {
    let pkcs8 = world.keyring.pkcs8(&person.key).unwrap();
    let name = person.key.as_str();
    let chain = std::slice::from_ref(&person.certificate);
    let file = pkcs12::create(&mut rng(), &pkcs8, chain, name, "secret").unwrap();
    world.folder.write("file.p12", file);
    world.folder.must("pk12util", "-i file.p12 -d . -W secret -k empty");
    world.folder.must("certutil", &format!("-M -d . -n {name} -t u,u,u"));
}

/// What Debian's NSS does not have, by what a suite's name contains.
const LACKS: [(&str, &str); 3] = [
    ("-gcm", "it reads no AuthEnvelopedData"),
    ("RSA-OAEP", "its CMS reads no RSA-OAEP recipients"),
    ("P-", "its CMS reads no ECDH recipients"),
];

#[test]
fn nss_opens_what_is_encrypted_here() {
    let Some(mut world) = world("nss_opens_what_is_encrypted_here") else { return };
    let mut cases = Vec::new();
    for (title, key, transport) in RECIPIENTS {
        for (cipher, cipher_name, _) in CIPHERS {
            cases.push((format!("{cipher_name} to {title}"), key, transport, cipher));
        }
    }
    let names: Vec<_> = cases.iter().map(|(name, ..)| name.clone()).collect();
    let argued: Vec<_> = names
        .iter()
        .filter_map(|name| {
            let lack = LACKS.iter().find(|(part, _)| name.contains(part));
            lack.map(|(_, reason)| (name.as_str(), *reason))
        })
        .collect();
    let mut tally = Tally::with(PROGRAM, "encrypted here, opened there", &argued);
    let mut readers = std::collections::BTreeMap::new();
    for (name, key, transport, cipher) in cases {
        let reader = readers.entry(key).or_insert_with(|| {
            let reader = reader(&mut world, key);
            import(&world, &reader);
            reader
        });
        world.folder.write("sealed", encrypt(reader, cipher, transport));
        tally.case(&name, || assert_eq!(world.folder.must("cmsutil", "-D -d . -i sealed"), PLAIN));
    }
    tally.finish(names.len());
}

#[test]
fn what_nss_encrypts_opens_here() {
    let Some(mut world) = world("what_nss_encrypts_opens_here") else { return };
    let mut tally = Tally::with(
        PROGRAM,
        "encrypted there, opened here",
        &[
            ("P-256", "it writes no ECDH recipients"),
            ("P-384", "it writes no ECDH recipients"),
            ("P-521", "it writes no ECDH recipients"),
        ],
    );
    for key in ["rsa", "P-256", "P-384", "P-521"] {
        let reader = reader(&mut world, key);
        import(&world, &reader);
        let name = owner("reads", key);
        tally.case(key, || {
            world.folder.must("cmsutil", &format!("-E -d . -r {name} -i plain -o theirs"));
            opens(&world, &reader, &world.folder.read("theirs"));
        });
    }
    tally.finish(4);
}

/// Signers in NSS's database, by their kind of key.
fn signers(world: &mut World) -> Vec<(&'static str, smime::Signer)> {
    let make = |key| {
        let signer = signer(world, key);
        import(world, &DecryptionKey { key: signer.key.clone(), certificate: signer.chain[0].clone() });
        (key, signer)
    };
    ["rsa", "P-256", "P-384", "P-521"].map(make).into()
}

#[test]
fn nss_verifies_what_is_signed_here() {
    let Some(mut world) = world("nss_verifies_what_is_signed_here") else { return };
    let signers = signers(&mut world);
    let mut cases = Vec::new();
    for (title, key, algorithm) in SIGNATURES {
        for (form, form_name) in FORMS {
            cases.push((format!("{title}, {form_name}"), key, algorithm, form, form_name));
        }
    }
    let mut tally = Tally::with(PROGRAM, "signed here, verified there", &[]);
    world.folder.write("other", b"another text");
    for (name, key, algorithm, form, form_name) in cases {
        let (_, signer) = signers.iter().find(|(known, _)| *known == key).unwrap();
        world.folder.write("signed", sign(&world, signer, algorithm, form));
        tally.case(&name, || {
            if form_name == "opaque" {
                assert_eq!(world.folder.must("cmsutil", "-D -d . -i signed"), PLAIN);
            } else {
                world.folder.must("cmsutil", "-D -d . -i signed -c plain");
                assert!(!world.folder.run("cmsutil", "-D -d . -i signed -c other").status.success());
            }
        });
    }
    tally.finish(20);
}

#[test]
fn what_nss_signs_verifies_here() {
    let Some(mut world) = world("what_nss_signs_verifies_here") else { return };
    let signers = signers(&mut world);
    let mut tally = Tally::with(PROGRAM, "signed there, verified here", &[]);
    for (key, _) in signers {
        let name = owner("signs", key);
        for hash in ["SHA256", "SHA384", "SHA512"] {
            for form in ["", "-T"] {
                tally.case(&format!("{key} with {hash} {form}"), || {
                    let options = format!("-S -d . -N {name} -H {hash} -G -P -Y NONE {form}");
                    world.folder.must("cmsutil", &format!("{options} -i plain -o theirs"));
                    verifies(&world, &world.folder.read("theirs"), form == "-T", 1);
                });
            }
        }
    }
    tally.finish(24);
}
