//! Whole messages to and from the `openssl` command, which shares no code with this crate.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use smime::{
    Certificate, ContentEncryption, DecryptionKey, KeyId, Trust, UnixTime, block_on_ready,
    message::{OpenError, Opened, SealOptions, Status, open, sign_clear},
    rustcrypto::{MemoryKeyring, RustCrypto},
};

use crate::{
    corpus::installed,
    people::{NOW, World, base64, letter},
};

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("smime-message-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, data: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), data).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    /// Runs openssl in the folder and says whether it succeeded.
    fn succeeds(&self, arguments: &str) -> bool {
        let output =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap();
        output.status.success()
    }

    fn run(&self, arguments: &str) {
        let output =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", base64(der).replace('\r', ""))
}

/// Writes the keys that openssl needs to read what is for Bob.
fn export(world: &World, folder: &Folder) {
    let key = world.keyring.pkcs8(&world.keys("bob")[0].key).unwrap();
    folder.write("bob.key", pem("PRIVATE KEY", &key));
    folder.write("bob.pem", world.person("bob").encryption.to_pem());
    folder.write("root.pem", world.root.to_pem());
}

#[test]
fn openssl_opens_and_verifies_what_is_sealed_here() {
    if !installed(&["openssl"], "openssl_opens_and_verifies_what_is_sealed_here") {
        return;
    }
    let (world, folder) = (World::new(), Folder::new());
    export(&world, &folder);
    for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
        let options = SealOptions { cipher, ..SealOptions::default() };
        folder.write("sealed.eml", world.seal(&letter(), Some("alice"), &options));
        folder.run("cms -decrypt -in sealed.eml -recip bob.pem -inkey bob.key -out signed.eml");
        let verify = format!(
            "cms -verify -in signed.eml -CAfile root.pem -attime {} -signer who.pem -out text.eml",
            NOW.0
        );
        folder.run(&verify);
        let text = String::from_utf8(folder.read("text.eml")).unwrap();
        assert!(
            text.contains("Dear Bob,")
                && text.contains("hp=\"cipher\"")
                && text.contains("HP-Outer: Subject: [...]")
        );
        let signer = Certificate::from_pem(&String::from_utf8(folder.read("who.pem")).unwrap()).unwrap();
        assert_eq!(signer.emails(), ["alice@a.example"]);
        let mut changed = folder.read("signed.eml");
        let at = changed.windows(8).position(|window| window == b"Dear Bob").unwrap();
        changed[at] = b'N';
        folder.write("signed.eml", changed);
        assert!(!folder.succeeds(&verify));
    }
}

#[test]
fn openssl_verifies_what_is_signed_here_in_clear() {
    if !installed(&["openssl"], "openssl_verifies_what_is_signed_here_in_clear") {
        return;
    }
    let (world, folder) = (World::new(), Folder::new());
    export(&world, &folder);
    let signer = world.signer("alice");
    let message =
        block_on_ready(sign_clear(&RustCrypto, &world.keyring, &letter(), &signer, async |_: &[u8]| None))
            .unwrap();
    folder.write("clear.eml", message);
    folder.run(&format!("cms -verify -in clear.eml -CAfile root.pem -attime {} -out text.eml", NOW.0));
    folder.run(&format!("smime -verify -in clear.eml -CAfile root.pem -attime {} -out text.eml", NOW.0));
}

/// People whose keys and certificates openssl made: Alice signs, Bob reads.
struct Outside {
    folder: Folder,
    trust: Trust,
}

impl Outside {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write(
            "people.cnf",
            "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n\
             [alice]\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=emailProtection\nsubjectAltName=email:alice@a.example\n\
             [bob]\nbasicConstraints=CA:FALSE\nkeyUsage=keyEncipherment,keyAgreement\nextendedKeyUsage=emailProtection\nsubjectAltName=email:bob@b.example\n",
        );
        let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        folder.run(&format!("req -x509 {ec} -keyout ca.key -out ca.pem -days 3650 -subj /CN=Outside -config people.cnf -extensions ca"));
        for (name, section, key) in [
            ("alice-ec", "alice", ec),
            ("alice-rsa", "alice", "-newkey rsa:2048 -nodes"),
            ("bob-ec", "bob", ec),
            ("bob-rsa", "bob", "-newkey rsa:2048 -nodes"),
        ] {
            folder.run(&format!(
                "req {key} -keyout {name}.key -out {name}.csr -subj /CN={name} -config people.cnf"
            ));
            folder.run(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -extfile people.cnf -extensions {section} -out {name}.pem"
            ));
        }
        let anchor = Certificate::from_pem(&fs::read_to_string(folder.0.join("ca.pem")).unwrap()).unwrap();
        folder.write("text.txt", "Content-Type: text/plain; charset=utf-8\n\nThe text from outside: 你好\n");
        Self { folder, trust: Trust { anchors: vec![anchor], ..Trust::default() } }
    }

    fn open(&self, message: &[u8]) -> Opened {
        self.try_open(message).unwrap()
    }

    fn try_open(&self, message: &[u8]) -> Result<Opened, OpenError> {
        let (mut keyring, mut keys) = (MemoryKeyring::new(), Vec::new());
        for name in ["bob-ec", "bob-rsa"] {
            let id = KeyId::new(name);
            keyring.insert_pkcs8(id.clone(), &der(&self.folder.0.join(format!("{name}.key")))).unwrap();
            let pem = fs::read_to_string(self.folder.0.join(format!("{name}.pem"))).unwrap();
            keys.push(DecryptionKey { key: id, certificate: Certificate::from_pem(&pem).unwrap() });
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        block_on_ready(open(&RustCrypto, &keyring, &keys, &self.trust, message, UnixTime(now)))
    }
}

fn der(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap();
    crate::people::base64_decode(text.split("-----").nth(2).unwrap())
}

const FIELDS: &str = "-from alice@a.example -to bob@b.example -subject Outside";

#[test]
fn what_openssl_signs_verifies_here() {
    if !installed(&["openssl"], "what_openssl_signs_verifies_here") {
        return;
    }
    let outside = Outside::new();
    for (signer, options, more) in [
        ("alice-ec", "cms -sign", ""),
        ("alice-rsa", "cms -sign", ""),
        ("alice-rsa", "cms -sign -md sha384", ""),
        ("alice-rsa", "cms -sign -md sha512 -nodetach", ""),
        ("alice-rsa", "cms -sign", "-keyopt rsa_padding_mode:pss"),
        ("alice-rsa", "cms -sign -nodetach", "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:20"),
        ("alice-ec", "cms -sign -nodetach -stream", ""),
        ("alice-ec", "cms -sign -binary", ""),
        ("alice-ec", "cms -sign -nodetach -binary", ""),
        ("alice-ec", "cms -sign -keyid", ""),
        ("alice-ec", "cms -sign -noattr", ""),
        ("alice-rsa", "smime -sign", ""),
        ("alice-rsa", "smime -sign -nodetach", ""),
        ("alice-ec", "cms -sign -crlfeol", ""),
    ] {
        let files = "-in text.txt -out signed.eml";
        outside
            .folder
            .run(&format!("{options} {files} {FIELDS} -signer {signer}.pem -inkey {signer}.key {more}"));
        let message = outside.folder.read("signed.eml");
        let opened = outside.open(&message);
        assert_eq!(opened.status, Status::Verified, "{options} {more}: {:?}", opened.signers);
        assert_eq!(opened.text().unwrap().trim(), "The text from outside: 你好", "{options}");
        let micalg = String::from_utf8_lossy(&message).replace("The text", "The test");
        if !options.contains("nodetach") {
            assert_eq!(outside.open(micalg.as_bytes()).status, Status::Unprotected, "{options}");
        }
    }
}

#[test]
fn what_openssl_signs_and_encrypts_opens_here() {
    if !installed(&["openssl"], "what_openssl_signs_and_encrypts_opens_here") {
        return;
    }
    let outside = Outside::new();
    outside.folder.run("cms -sign -signer alice-ec.pem -inkey alice-ec.key -in text.txt -out detached.eml");
    outside
        .folder
        .run("cms -sign -nodetach -signer alice-rsa.pem -inkey alice-rsa.key -in text.txt -out opaque.eml");
    for (options, recipient, status) in [
        ("cms -encrypt -aes-256-cbc", "bob-rsa", Status::Confidential),
        ("cms -encrypt -aes-128-cbc", "bob-ec", Status::Confidential),
        ("cms -encrypt -aes-256-gcm", "bob-rsa", Status::Confidential),
        ("cms -encrypt -aes-128-gcm -stream", "bob-ec", Status::Confidential),
        ("smime -encrypt -aes256", "bob-rsa", Status::Confidential),
        ("smime -encrypt -aes256 -stream", "bob-rsa", Status::Confidential),
        ("cms -encrypt -keyid -aes-256-cbc", "bob-rsa", Status::Confidential),
        ("cms -encrypt -des3", "bob-rsa", Status::Verified),
    ] {
        for inner in ["detached.eml", "opaque.eml"] {
            outside.folder.run(&format!("{options} -in {inner} -out sealed.eml {FIELDS} {recipient}.pem"));
            let opened = outside.try_open(&outside.folder.read("sealed.eml"));
            let opened = opened.unwrap_or_else(|error| panic!("{options} {inner}: {error}"));
            assert_eq!(opened.status, status, "{options} {inner}: {:?}", opened.signers);
            assert_eq!(opened.weak, status == Status::Verified, "{options}");
            assert_eq!(opened.text().unwrap().trim(), "The text from outside: 你好", "{options}");
        }
    }
}

#[test]
fn recipients_by_every_padding_of_openssl_are_read() {
    if !installed(&["openssl"], "recipients_by_every_padding_of_openssl_are_read") {
        return;
    }
    let outside = Outside::new();
    for (recipient, options) in [
        ("bob-rsa", "-keyopt rsa_padding_mode:oaep"),
        ("bob-rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256"),
        ("bob-rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512 -keyopt rsa_mgf1_md:sha256"),
        ("bob-rsa", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_label:5365616c"),
        ("bob-ec", "-keyopt ecdh_kdf_md:sha256"),
        ("bob-ec", "-keyopt ecdh_kdf_md:sha512 -keyopt ecdh_cofactor_mode:1"),
    ] {
        outside.folder.run(&format!(
            "cms -encrypt -aes-256-cbc -in text.txt -out sealed.eml {FIELDS} -recip {recipient}.pem {options}"
        ));
        let opened = outside.open(&outside.folder.read("sealed.eml"));
        assert_eq!(opened.status, Status::EncryptedUnverified, "{options}");
        assert_eq!(opened.text().unwrap().trim(), "The text from outside: 你好", "{options}");
    }
}
