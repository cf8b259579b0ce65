//! gpgsm in the folder of a test, with a home of its own.

use std::process::Output;

use super::Folder;

/// gpgsm asks its agent for passphrases; the files have none, and the agent is told to ask nobody.
const OPTIONS: &str =
    "--homedir g --batch --yes --disable-crl-checks --pinentry-mode loopback --passphrase-fd 0";

/// Makes a home that trusts the folder's `root.pem`.
pub fn make_home(folder: &Folder) {
    let home = folder.path("g");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("gpg-agent.conf"), "allow-loopback-pinentry\n").unwrap();
    folder.openssl("x509 -in root.pem -outform DER -out root.der");
    let fingerprint = folder.openssl("x509 -in root.pem -noout -fingerprint -sha1");
    let fingerprint = String::from_utf8(fingerprint).unwrap();
    let (_, fingerprint) = fingerprint.trim().split_once('=').unwrap();
    std::fs::write(home.join("trustlist.txt"), format!("{fingerprint} S relax\n")).unwrap();
    must(folder, "--import root.der");
}

/// Runs gpgsm, which must succeed, and gives its output.
pub fn must(folder: &Folder, arguments: &str) -> Vec<u8> {
    folder.must("gpgsm", &format!("{OPTIONS} {arguments}"))
}

/// Runs gpgsm.
pub fn run(folder: &Folder, arguments: &str) -> Output {
    folder.run("gpgsm", &format!("{OPTIONS} {arguments}"))
}

/// Brings a key and its certificate in by PKCS#12; it reads no such files with keys on curves.
///
/// gpgsm 2.2 derives another key from about one salt in a hundred than OpenSSL does, and does not read such a
/// file: the next one has another salt.
pub fn import(folder: &Folder, key: &str, certificate: &str) {
    let export =
        format!("pkcs12 -export -legacy -inkey {key} -in {certificate} -passout pass: -out gpgsm.p12");
    let read = (0..4).any(|_| {
        folder.openssl(&export);
        run(folder, "--import gpgsm.p12").status.success()
    });
    if !read {
        must(folder, "--import gpgsm.p12");
    }
}
