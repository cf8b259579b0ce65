//! Both directions with NSS's cmsutil and with gpgsm, as far as each of them goes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use smime::issue::Usage;
use smime::rustcrypto::RustCrypto;
use smime::{
    ContentEncryption, DecryptionKey, KeyTransport, SignedForm, Signer, block_on_ready as ready, pkcs12,
};
use support::{NOW, World, rng};

const PLAIN: &[u8] = b"Content-Type: text/plain\r\n\r\nSealed\r\n";

/// A folder with an NSS database that holds the root and, from PKCS#12 files made here, the people.
fn nss(world: &World, people: &[&DecryptionKey]) {
    world.folder.write("empty", "\n");
    world.folder.must("certutil", "-N -d . --empty-password");
    world.folder.must("certutil", "-A -d . -n root -t C,C,C -i root.pem");
    for person in people {
        let pkcs8 = world.keyring.pkcs8(&person.key).unwrap();
        let name = person.key.as_str();
        let chain = std::slice::from_ref(&person.certificate);
        let file = pkcs12::create(&mut rng(), &pkcs8, chain, name, "secret").unwrap();
        world.folder.write("file.p12", file);
        world.folder.must("pk12util", "-i file.p12 -d . -W secret -k empty");
        world.folder.must("certutil", &format!("-M -d . -n {name} -t u,u,u"));
    }
}

#[test]
fn nss_reads_and_writes_what_is_read_and_written_here() {
    let Some(mut world) = World::with(
        &["openssl", "certutil", "pk12util", "cmsutil"],
        "nss_reads_and_writes_what_is_read_and_written_here",
    ) else {
        return;
    };
    let rsa = world.reader("rsa", "rsa");
    let (key, certificate) = world.person("signs", "P-256", Usage::Signing);
    let signs = DecryptionKey { key: key.clone(), certificate: certificate.clone() };
    nss(&world, &[&rsa, &signs]);

    // Debian's NSS knows neither OAEP nor anybody's ECDH recipients (not OpenSSL's either); the
    // newer one of Thunderbird does.
    let recipients = std::slice::from_ref(&rsa.certificate);
    let (rng, cipher, transport) = (&mut rng(), ContentEncryption::Aes256Cbc, KeyTransport::Pkcs1v15);
    let sealed = ready(smime::encrypt_with(&RustCrypto, rng, PLAIN, recipients, cipher, transport));
    world.folder.write("sealed", sealed.unwrap());
    assert_eq!(world.folder.must("cmsutil", "-D -d . -i sealed"), PLAIN);

    world.folder.write("plain", PLAIN);
    world.folder.must("cmsutil", "-E -d . -r rsa -i plain -o theirs");
    let theirs = world.folder.read("theirs");
    let keys = std::slice::from_ref(&rsa);
    let opened = ready(smime::decrypt(&RustCrypto, &world.keyring, keys, &theirs)).unwrap();
    assert_eq!(*opened.content, PLAIN);

    let signer = Signer { key, chain: vec![certificate], encryption: Some(rsa.certificate.clone()) };
    let signed = ready(smime::sign(&RustCrypto, &world.keyring, &signer, PLAIN, SignedForm::Opaque, NOW));
    world.folder.write("signed", signed.unwrap().to_der());
    assert_eq!(world.folder.must("cmsutil", "-D -d . -i signed"), PLAIN);

    world.folder.must("cmsutil", "-S -d . -N signs -G -P -i plain -o theirs");
    let theirs = world.folder.read("theirs");
    let verified = ready(smime::verify(&RustCrypto, &theirs, None, &world.trust, NOW)).unwrap();
    assert_eq!(verified.content, PLAIN);
    assert!(verified.signers[0].verdict.is_ok(), "{:?}", verified.signers[0].verdict);
}

#[test]
fn gpgsm_reads_and_writes_what_is_read_and_written_here() {
    let Some(mut world) =
        World::with(&["openssl", "gpgsm", "gpgconf"], "gpgsm_reads_and_writes_what_is_read_and_written_here")
    else {
        return;
    };
    let reader = world.reader("rsa", "rsa");
    // gpgsm asks its agent for passphrases; the file has none, and the agent is told to ask nobody.
    let home = world.folder.path("g");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("gpg-agent.conf"), "allow-loopback-pinentry\n").unwrap();
    world.folder.openssl("x509 -in root.pem -outform DER -out root.der");
    let fingerprint = world.folder.openssl("x509 -in root.pem -noout -fingerprint -sha1");
    let fingerprint = String::from_utf8(fingerprint).unwrap();
    let (_, fingerprint) = fingerprint.trim().split_once('=').unwrap();
    std::fs::write(home.join("trustlist.txt"), format!("{fingerprint} S relax\n")).unwrap();
    let gpgsm = "--homedir g --batch --yes --disable-crl-checks --pinentry-mode loopback --passphrase-fd 0";
    world.folder.openssl("pkcs12 -export -legacy -inkey rsa.key -in rsa.pem -passout pass: -out rsa.p12");
    world.folder.must("gpgsm", &format!("{gpgsm} --import root.der"));
    world.folder.must("gpgsm", &format!("{gpgsm} --import rsa.p12"));

    let recipients = std::slice::from_ref(&reader.certificate);
    let sealed = ready(smime::encrypt_with(
        &RustCrypto,
        &mut rng(),
        PLAIN,
        recipients,
        ContentEncryption::Aes256Cbc,
        KeyTransport::Pkcs1v15,
    ));
    world.folder.write("sealed", sealed.unwrap());
    let opened = world.folder.must("gpgsm", &format!("{gpgsm} --decrypt sealed"));
    assert_eq!(opened, PLAIN);

    world.folder.write("plain", PLAIN);
    world.folder.must("gpgsm", &format!("{gpgsm} --output theirs -r rsa@example.org --encrypt plain"));
    let theirs = world.folder.read("theirs");
    let keys = std::slice::from_ref(&reader);
    let opened = ready(smime::decrypt(&RustCrypto, &world.keyring, keys, &theirs)).unwrap();
    assert_eq!(*opened.content, PLAIN);
    let _ = world.folder.run("gpgconf", "--homedir g --kill all");
}
