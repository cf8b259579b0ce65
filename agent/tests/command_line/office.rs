//! An office: keys and certificates that openssl made, and the program beside them.

use std::{
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

/// A folder with the keys and certificates of Alice and Bob, and one letter.
pub struct Office(pub PathBuf);

impl Office {
    /// `None`, and a note, where there is no openssl.
    pub fn new(test: &str) -> Option<Self> {
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

    pub fn write(&self, name: &str, data: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), data).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.0.join(name)).unwrap()).into_owned()
    }

    pub fn openssl(&self, arguments: &str) {
        let output =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn agent(&self, arguments: &str) -> Output {
        let agent = env!("CARGO_BIN_EXE_sealpost-agent");
        Command::new(agent).args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap()
    }

    pub fn json(&self, arguments: &str) -> Value {
        let output = self.agent(arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn seal(&self, options: &str) {
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
