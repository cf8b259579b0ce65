//! Letters of about 10 KB: one sealed by OpenSSL, one in clear.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::shell;

/// Which letter.
#[derive(Clone, Copy)]
pub enum Kind {
    Sealed,
    Clear,
}

/// The two letters, without their Message-ID.
pub struct Letters {
    sealed: Vec<u8>,
    clear: Vec<u8>,
}

const HEADER: &str = "From: Carol <carol@elsewhere.example>\r\nTo: <reader@sealpost.example>\r\n\
                      Date: Thu, 26 Nov 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n";

impl Letters {
    /// Makes them in `folder`.
    pub fn make(folder: &Path) -> Result<Self> {
        let file = |name: &str| folder.join(name);
        let text: String = (0..130)
            .map(|line| format!("Line {line} of an ordinary letter, as long as lines are.\r\n"))
            .collect();
        fs::write(file("text"), &text)?;
        let openssl = |arguments: &[&str]| {
            shell::run(
                Command::new("openssl")
                    .args(arguments)
                    .current_dir(folder)
                    .stderr(std::process::Stdio::null()),
            )
        };
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-noenc",
            "-keyout",
            "key.pem",
            "-out",
            "reader.pem",
            "-subj",
            "/CN=Reader",
        ])?;
        openssl(&[
            "cms",
            "-encrypt",
            "-aes-256-gcm",
            "-binary",
            "-in",
            "text",
            "-outform",
            "DER",
            "-out",
            "sealed",
            "-recip",
            "reader.pem",
            "-keyopt",
            "ecdh_kdf_md:sha256",
        ])?;
        let body =
            shell::output(Command::new("openssl").args(["base64", "-in", "sealed"]).current_dir(folder))?;
        let sealed = format!(
            "{HEADER}Subject: [...]\r\nContent-Type: application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}",
            body.replace('\n', "\r\n")
        );
        let clear = format!(
            "{HEADER}Subject: An ordinary letter\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}{}\r\n",
            &text.get(..2500).unwrap_or_default()
        );
        Ok(Self { sealed: sealed.into_bytes(), clear: clear.into_bytes() })
    }

    /// A letter with a Message-ID of its own.
    pub fn letter(&self, kind: Kind, number: &str) -> Vec<u8> {
        let rest = match kind {
            Kind::Sealed => &self.sealed,
            Kind::Clear => &self.clear,
        };
        [format!("Message-ID: <{number}@elsewhere.example>\r\n").as_bytes(), rest].concat()
    }

    /// Octets of the sealed letter.
    pub fn sealed_len(&self) -> usize {
        self.sealed.len()
    }
}
