//! PKCS#12 files of OpenSSL and NSS are read, and they read those made here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "tests may panic, speak, and be tables"
)]

mod support;

use smime::pkcs12::{self, Pkcs12Error};
use support::{World, corpus::folder, rng};

const PASSWORDS: [&str; 3] = ["secret", "密码 pass-wörd 🔏", ""];

fn run(world: &World, arguments: &[&str], password: &str) {
    let mut command = std::process::Command::new("openssl");
    command.current_dir(world.folder.path(".")).env("PW", password).env("OPENSSL_CONF", "/dev/null");
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn opens_what_openssl_exports() {
    let Some(mut world) = World::with(&["openssl"], "opens_what_openssl_exports") else { return };
    let signer = world.signer("p256", "P-256");
    let options: [&[&str]; 5] = [
        &[],
        &["-legacy"],
        &["-legacy", "-certpbe", "PBE-SHA1-RC2-40"],
        &["-keypbe", "aes-128-cbc", "-certpbe", "NONE", "-macalg", "sha512"],
        &["-keypbe", "NONE", "-certpbe", "NONE"],
    ];
    for password in PASSWORDS {
        for extra in options {
            let mut arguments = vec!["pkcs12", "-export", "-inkey", "p256.key", "-in", "p256.pem"];
            arguments.extend(["-certfile", "root.pem", "-name", "Käthe", "-out", "file"]);
            arguments.extend(["-passout", "env:PW"]);
            arguments.extend(extra);
            run(&world, &arguments, password);
            let file = world.folder.read("file");
            let contents = pkcs12::open(&file, password)
                .unwrap_or_else(|error| panic!("{extra:?} {password:?}: {error}"));
            assert_eq!(contents.keys.len(), 1);
            assert_eq!(contents.certificates.len(), 2);
            let key = &contents.keys[0];
            assert_eq!(contents.certificates[key.certificate.unwrap()], signer.chain[0]);
            assert_eq!(key.name.as_deref(), Some("Käthe"));
            let mut keyring = smime::rustcrypto::MemoryKeyring::new();
            keyring.insert_pkcs8(smime::KeyId::new("k"), &key.pkcs8).unwrap();
            assert_eq!(keyring.spki(&smime::KeyId::new("k")).unwrap(), signer.chain[0].spki());
            assert_eq!(pkcs12::open(&file, "wrong").err(), Some(Pkcs12Error::WrongPassword));
        }
    }
}

#[test]
fn openssl_opens_what_is_made_here() {
    let Some(mut world) = World::with(&["openssl"], "openssl_opens_what_is_made_here") else { return };
    let signer = world.signer("rsa", "rsa");
    let pkcs8 = world.keyring.pkcs8(&signer.key).unwrap();
    let chain = [signer.chain[0].clone(), world.root.certificate.clone()];
    for password in PASSWORDS {
        let file = pkcs12::create(&mut rng(), &pkcs8, &chain, "名 name", password).unwrap();
        world.folder.write("file", &file);
        run(&world, &["pkcs12", "-in", "file", "-nodes", "-passin", "env:PW", "-out", "opened"], password);
        let opened = String::from_utf8(world.folder.read("opened")).unwrap();
        assert_eq!(smime::Certificate::all_from_pem(&opened).unwrap(), chain);
        run(&world, &["pkey", "-in", "opened", "-outform", "DER", "-out", "key"], password);
        run(&world, &["pkey", "-in", "rsa.key", "-outform", "DER", "-out", "expected"], password);
        assert_eq!(world.folder.read("key"), world.folder.read("expected"));
        let again = pkcs12::open(&file, password).unwrap();
        assert_eq!(again.keys[0].pkcs8, pkcs8);
        assert_eq!(again.keys[0].certificate, Some(0));
        assert_eq!(again.keys[0].name.as_deref(), Some("名 name"));
    }
}

#[test]
fn opens_the_files_of_nss_and_thunderbird() {
    const TEST: &str = "opens_the_files_of_nss_and_thunderbird";
    for (corpus, files) in [
        ("thunderbird-smime", &["Alice.p12", "Alice-ec.p12", "Bob.p12", "Dave.p12", "Eve.p12"][..]),
        ("nss-interop-openssl", &["Fran.p12", "Fran-ec.p12"]),
    ] {
        let Some(folder) = folder(corpus, TEST) else { return };
        for name in files {
            let contents = pkcs12::open(&std::fs::read(folder.join(name)).unwrap(), "nss")
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(contents.keys.len(), 1, "{name}");
            assert!(contents.keys[0].certificate.is_some(), "{name}");
        }
    }
}

#[test]
fn a_changed_file_is_refused_and_never_panics() {
    let Some(mut world) = World::with(&["openssl"], "a_changed_file_is_refused_and_never_panics") else {
        return;
    };
    let signer = world.signer("p256", "P-256");
    run(
        &world,
        &[
            "pkcs12", "-export", "-inkey", "p256.key", "-in", "p256.pem", "-out", "file", "-passout",
            "env:PW", "-iter", "1", "-maciter",
        ],
        "secret",
    );
    let file = world.folder.read("file");
    assert!(pkcs12::open(&file, "secret").is_ok());
    let expected = world.keyring.pkcs8(&signer.key).unwrap();
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 0x01;
        // The MAC's own iteration count may become huge: the budget must hold.
        if let Ok(contents) = pkcs12::open(&changed, "secret") {
            assert!(contents.keys.iter().all(|key| key.pkcs8 == expected), "octet {at}");
        }
        assert!(pkcs12::open(&file[..at], "secret").is_err());
    }
}

#[test]
fn a_file_that_nothing_authenticates_is_refused() {
    let Some(mut world) = World::with(&["openssl"], "a_file_that_nothing_authenticates_is_refused") else {
        return;
    };
    world.signer("p256", "P-256");
    let export = "pkcs12 -export -inkey p256.key -in p256.pem -out file -passout env:PW -nomac";
    run(&world, &export.split(' ').collect::<Vec<_>>(), "secret");
    let outcome = pkcs12::open(&world.folder.read("file"), "secret");
    assert_eq!(outcome.err(), Some(Pkcs12Error::Unauthenticated));
}

#[test]
fn derivation_costs_as_often_as_its_result_takes_blocks() {
    let Some(mut world) = World::with(&["openssl"], "derivation_costs_as_often_as_its_result_takes_blocks")
    else {
        return;
    };
    world.signer("p256", "P-256");
    // Three times as many are within the bound; but key and vector take three blocks, twice.
    let scheme = "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -iter 1200000";
    let export = format!("pkcs12 -export -inkey p256.key -in p256.pem -out file -passout env:PW {scheme}");
    run(&world, &export.split(' ').collect::<Vec<_>>(), "secret");
    let outcome = pkcs12::open(&world.folder.read("file"), "secret");
    assert_eq!(outcome.err(), Some(Pkcs12Error::TooMuchWork));
}

#[test]
fn endless_derivation_is_refused() {
    let Some(mut world) = World::with(&["openssl"], "endless_derivation_is_refused") else { return };
    world.signer("p256", "P-256");
    run(
        &world,
        &[
            "pkcs12", "-export", "-inkey", "p256.key", "-in", "p256.pem", "-out", "file", "-passout",
            "env:PW", "-iter", "65536",
        ],
        "secret",
    );
    let mut file = world.folder.read("file");
    // The MAC's iterations come last: make 0x010000 of them 0x7fffff.
    let at = file.len() - 3;
    assert_eq!(file[at - 2..], [2, 3, 1, 0, 0]);
    file[at..].copy_from_slice(&[0x7f, 0xff, 0xff]);
    assert_eq!(pkcs12::open(&file, "secret").err(), Some(Pkcs12Error::TooMuchWork));
}

/// A change of [`run`] for NSS's tools, whose passwords may hold anything.
fn run_nss(world: &World, program: &str, arguments: &[&str]) -> std::process::Output {
    let mut command = std::process::Command::new(program);
    command.current_dir(world.folder.path(".")).env("LC_ALL", "C.UTF-8").args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn nss_and_this_crate_exchange_files() {
    const TEST: &str = "nss_and_this_crate_exchange_files";
    let Some(mut world) = World::with(&["openssl", "certutil", "pk12util"], TEST) else { return };
    world.folder.write("empty", "\n");
    run_nss(&world, "certutil", &["-N", "-d", ".", "--empty-password"]);
    // NSS writes the password as a BMPString and reads PBES2 with either form.
    for (number, password) in ["secret", "密码 pass-wörd"].into_iter().enumerate() {
        for kind in ["rsa", "P-256"] {
            let nick = format!("{}-{number}", kind.to_lowercase());
            let signer = world.signer(&nick, kind);
            let pkcs8 = world.keyring.pkcs8(&signer.key).unwrap();
            let chain = [signer.chain[0].clone(), world.root.certificate.clone()];
            let file = pkcs12::create(&mut rng(), &pkcs8, &chain, &nick, password).unwrap();
            world.folder.write("made-here", &file);
            let import = ["-i", "made-here", "-d", ".", "-W", password, "-k", "empty"];
            run_nss(&world, "pk12util", &import);
            let old = "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC";
            let oldest = "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC";
            let options: [&[&str]; 3] = [&[], &["-c", old, "-C", old], &["-c", old, "-C", oldest]];
            for extra in options {
                let mut export =
                    vec!["-o", "made-there", "-n", &nick, "-d", ".", "-W", password, "-k", "empty"];
                export.extend(extra);
                run_nss(&world, "pk12util", &export);
                let contents = pkcs12::open(&world.folder.read("made-there"), password)
                    .unwrap_or_else(|error| panic!("{kind} {password:?} {extra:?}: {error}"));
                let key = &contents.keys[0];
                assert_eq!(contents.certificates[key.certificate.unwrap()], signer.chain[0]);
                assert_eq!(key.name.as_deref(), Some(nick.as_str()));
                let (mut keyring, id) = (smime::rustcrypto::MemoryKeyring::new(), smime::KeyId::new("k"));
                keyring.insert_pkcs8(id.clone(), &key.pkcs8).unwrap();
                assert_eq!(keyring.spki(&id).unwrap(), signer.chain[0].spki(), "{kind} {extra:?}");
            }
        }
    }
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let header = match body.len() {
        0..0x80 => vec![tag, length[1]],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [header, body].concat()
}

/// RFC 9579, with the arithmetic of OpenSSL, whose older versions write no such file.
#[test]
fn a_file_whose_mac_is_pbmac1_opens() {
    let Some(mut world) = World::with(&["openssl"], "a_file_whose_mac_is_pbmac1_opens") else { return };
    let signer = world.signer("p256", "P-256");
    let password = "密码 pass-wörd";
    let export = "pkcs12 -export -inkey p256.key -in p256.pem -out file -passout env:PW -nomac";
    run(&world, &export.split(' ').collect::<Vec<_>>(), password);
    let file = world.folder.read("file");
    // PFX is a SEQUENCE of the version and a ContentInfo; its data has three more headers, all of four octets.
    let content_info = &file[7..];
    let safe = &content_info[4 + 11 + 4 + 4..];
    world.folder.write("safe", safe);
    let hmacs = [("SHA256", 9_u8, 32_u16), ("SHA512", 11, 256), ("SHA384", 10, 48)];
    for ((prf, prf_arc, _), (mac, mac_arc, length)) in hmacs.into_iter().zip(hmacs.into_iter().rev()) {
        let kdf = world.folder.path("kdf");
        run(
            &world,
            &[
                "kdf",
                "-keylen",
                &length.to_string(),
                "-kdfopt",
                &format!("digest:{prf}"),
                "-kdfopt",
                &format!("pass:{password}"),
                "-kdfopt",
                "hexsalt:0102030405060708",
                "-kdfopt",
                "iter:2048",
                "-binary",
                "-out",
                kdf.to_str().unwrap(),
                "PBKDF2",
            ],
            password,
        );
        let key = world.folder.read("kdf").iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let digest =
            world.folder.openssl(&format!("mac -digest {mac} -macopt hexkey:{key} -in safe -binary HMAC"));
        let hmac = |arc: u8| tlv(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, arc], &[5, 0]]);
        let key_length = match length.to_be_bytes() {
            [0, short] => vec![2, 1, short],
            [high, low] => vec![2, 2, high, low],
        };
        let parameters =
            tlv(0x30, &[&tlv(4, &[&[1, 2, 3, 4, 5, 6, 7, 8]]), &[2, 2, 8, 0], &key_length, &hmac(prf_arc)]);
        let pbkdf2 = tlv(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12], &parameters]);
        let pbmac1 = tlv(
            0x30,
            &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14], &tlv(0x30, &[&pbkdf2, &hmac(mac_arc)])],
        );
        let made = |digest: &[u8]| {
            let digest_info = tlv(0x30, &[&pbmac1, &tlv(4, &[digest])]);
            let mac_data = tlv(0x30, &[&digest_info, &tlv(4, &[b"NOT USED"]), &[2, 1, 1]]);
            tlv(0x30, &[&[2, 1, 3], content_info, &mac_data])
        };
        let contents = pkcs12::open(&made(&digest), password).unwrap();
        assert_eq!(contents.certificates, signer.chain, "{prf} {mac}");
        assert_eq!(pkcs12::open(&made(&digest), "wrong").err(), Some(Pkcs12Error::WrongPassword));
        let mut changed = digest.clone();
        changed[0] ^= 1;
        assert_eq!(pkcs12::open(&made(&changed), password).err(), Some(Pkcs12Error::WrongPassword));
    }
}
