//! What the tests share: a folder, programs to run, and a small world of certificates.
#![allow(dead_code, reason = "each test uses its part")]

pub mod authority;
pub mod corpus;
pub mod counting;
pub mod der;
pub mod gpgsm;
pub mod signed;
pub mod work;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use smime::issue::{self, Issuer, Profile, Usage};
use smime::rustcrypto::MemoryKeyring;
use smime::{Certificate, DecryptionKey, KeyId, Signer, Trust, UnixTime, block_on_ready};

/// The moment of every test: 2026-06-01.
pub const NOW: UnixTime = UnixTime(1_780_272_000);
const DAY: u64 = 86_400;

pub fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// A folder that goes when the test ends.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("smime-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, data: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, data).expect("a file written");
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file read")
    }

    /// Runs a program in the folder.
    pub fn run(&self, program: &str, arguments: &str) -> Output {
        let mut command = Command::new(program);
        command.current_dir(&self.0).env("HOME", &self.0).env("OPENSSL_CONF", "/dev/null");
        command.args(arguments.split_whitespace());
        command.output().unwrap_or_else(|error| panic!("{program} cannot be run: {error}"))
    }

    /// Runs a program that must succeed, and gives its output.
    pub fn must(&self, program: &str, arguments: &str) -> Vec<u8> {
        let output = self.run(program, arguments);
        assert!(
            output.status.success(),
            "{program} {arguments}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub fn openssl(&self, arguments: &str) -> Vec<u8> {
        self.must(&openssl(), arguments)
    }

    pub fn run_openssl(&self, arguments: &str) -> Output {
        self.run(&openssl(), arguments)
    }
}

/// The `openssl` command: a newer one than the system's, if the tests are to run with it.
fn openssl() -> String {
    std::env::var("SEALPOST_OPENSSL").unwrap_or_else(|_| "openssl".to_owned())
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The octets of the one PEM block in a text.
pub fn pem(text: &str) -> Vec<u8> {
    use base64::Engine;
    let lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let body = lines.take_while(|line| !line.starts_with("-----END")).collect::<String>();
    base64::engine::general_purpose::STANDARD.decode(body.replace(['\r', ' '], "")).expect("base64")
}

/// A root, and people with keys of a kind: `signer` and `reader`, and a timestamp authority.
pub struct World {
    pub folder: Folder,
    pub keyring: MemoryKeyring,
    pub root: Issuer,
    pub trust: Trust,
}

impl World {
    /// A world whose test needs these programs; `None`, and the test counts as skipped, without them.
    pub fn with(programs: &[&str], test: &str) -> Option<Self> {
        corpus::installed(programs, test).then(Self::new)
    }

    pub fn new() -> Self {
        let folder = Folder::new();
        let mut keyring = MemoryKeyring::new();
        let key = KeyId::new("root");
        let spki = keyring.generate_p256(key.clone(), &mut rng()).expect("a root key");
        let (from, to) = (UnixTime(NOW.0 - 400 * DAY), NOW.plus(4000 * DAY));
        let root = issue::self_signed_root(&keyring, &key, &spki, "Test Root 根", [7; 16], from, to);
        let certificate = block_on_ready(root).expect("a root");
        folder.write("root.pem", certificate.to_pem());
        let trust = Trust {
            anchors: vec![certificate.clone()],
            timestamp_anchors: vec![certificate.clone()],
            ..Trust::default()
        };
        Self { folder, keyring, root: Issuer { key, certificate }, trust }
    }

    /// Has OpenSSL make a key, certifies it, and leaves `name.key` and `name.pem` in the folder.
    pub fn person(&mut self, name: &str, kind: &str, usage: Usage) -> (KeyId, Certificate) {
        let options = match kind {
            "rsa" => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048".to_owned(),
            "ed25519" | "x25519" => format!("-algorithm {}", kind.to_uppercase()),
            kind if kind.starts_with("ML-") || kind.ends_with("25519") => format!("-algorithm {kind}"),
            curve => format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}"),
        };
        self.folder.openssl(&format!("genpkey {options} -out {name}.key"));
        self.folder.openssl(&format!("pkcs8 -topk8 -nocrypt -in {name}.key -outform DER -out {name}.p8"));
        self.folder.openssl(&format!("pkey -in {name}.key -pubout -outform DER -out {name}.spki"));
        let id = KeyId::new(name);
        self.keyring.insert_pkcs8(id.clone(), &self.folder.read(&format!("{name}.p8"))).expect("a key");
        let spki = self.folder.read(&format!("{name}.spki"));
        let certificate = self.certify(name, &spki, usage, NOW.plus(3000 * DAY));
        self.folder.write(&format!("{name}.pem"), certificate.to_pem());
        (id, certificate)
    }

    pub fn certify(&self, name: &str, spki: &[u8], usage: Usage, not_after: UnixTime) -> Certificate {
        let mut serial = [0_u8; 16];
        getrandom::fill(&mut serial).expect("randomness");
        let profile = Profile {
            common_name: format!("Person {name}"),
            organisation: Some("民政登记处".to_owned()),
            emails: vec![format!("{name}@example.org")],
            usage,
            serial,
            not_before: UnixTime(NOW.0 - 100 * DAY),
            not_after,
        };
        block_on_ready(issue::issue(&self.keyring, &self.root, spki, &profile)).expect("a certificate")
    }

    pub fn signer(&mut self, name: &str, kind: &str) -> Signer {
        let (key, certificate) = self.person(name, kind, Usage::Signing);
        Signer { key, chain: vec![certificate], encryption: None }
    }

    pub fn reader(&mut self, name: &str, kind: &str) -> DecryptionKey {
        let (key, certificate) = self.person(name, kind, Usage::Encryption);
        DecryptionKey { key, certificate }
    }
}
