//! Authorities whose keys OpenSSL holds too, so that it can answer and list for them.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::time::{SystemTime, UNIX_EPOCH};

use smime::issue::{self, Issuer, Profile, Usage};
use smime::{Certificate, KeyId, UnixTime, block_on_ready};

use super::{NOW, World};

const DAY: u64 = 86_400;

/// The moment at which OpenSSL answers and lists: it cannot be told another one.
pub fn clock() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

impl World {
    /// A root with `name.key` and `name.pem` in the folder.
    pub fn authority(&mut self, name: &str) -> Issuer {
        let spki = self.openssl_key(name);
        let (from, to) = (UnixTime(NOW.0 - 400 * DAY), NOW.plus(3650 * DAY));
        let key = KeyId::new(name);
        let root = issue::self_signed_root(&self.keyring, &key, &spki, name, [9; 16], from, to);
        let certificate = block_on_ready(root).unwrap();
        self.folder.write(&format!("{name}.pem"), certificate.to_pem());
        Issuer { key, certificate }
    }

    /// Somebody below an authority, with `name.key` and `name.pem` in the folder.
    pub fn below(&mut self, authority: &Issuer, name: &str, usage: Usage, not_after: UnixTime) -> Issuer {
        let spki = self.openssl_key(name);
        let mut serial = [0_u8; 16];
        getrandom::fill(&mut serial).unwrap();
        let is_person = matches!(usage, Usage::Signing | Usage::Encryption);
        let profile = Profile {
            common_name: name.to_owned(),
            organisation: None,
            emails: is_person.then(|| format!("{name}@example.org")).into_iter().collect(),
            usage,
            serial,
            not_before: UnixTime(NOW.0 - 100 * DAY),
            not_after,
        };
        let certificate = block_on_ready(issue::issue(&self.keyring, authority, &spki, &profile)).unwrap();
        self.folder.write(&format!("{name}.pem"), certificate.to_pem());
        Issuer { key: KeyId::new(name), certificate }
    }

    fn openssl_key(&mut self, name: &str) -> Vec<u8> {
        let folder = &self.folder;
        folder.openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
        folder.openssl(&format!("pkcs8 -topk8 -nocrypt -in {name}.key -outform DER -out {name}.p8"));
        folder.openssl(&format!("pkey -in {name}.key -pubout -outform DER -out {name}.spki"));
        let key = folder.read(&format!("{name}.p8"));
        self.keyring.insert_pkcs8(KeyId::new(name), &key).unwrap();
        self.folder.read(&format!("{name}.spki"))
    }

    /// The database of `openssl ca` and `openssl ocsp`: certificates with, where they are revoked, when
    /// and why (`YYMMDDhhmmssZ,reason`).
    pub fn index(&self, certificates: &[(&Certificate, Option<&str>)]) {
        let line = |(certificate, revoked): &(&Certificate, Option<&str>)| {
            let serial = certificate.serial_hex().to_uppercase();
            let (state, since) = revoked.map_or(("V", ""), |since| ("R", since));
            format!("{state}\t490101000000Z\t{since}\t{serial}\tunknown\t/CN={serial}\n")
        };
        self.folder.write("index", certificates.iter().map(line).collect::<String>());
    }

    /// A revocation list of an authority with what [`Self::index`] revoked, for seven days.
    pub fn list(&self, authority: &str, options: &str) -> Vec<u8> {
        let folder = &self.folder;
        folder.write(
            "ca.conf",
            "[ca]\ndefault_ca=x\n[x]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=7\n",
        );
        folder.openssl(&format!(
            "ca -gencrl -config ca.conf -cert {authority}.pem -keyfile {authority}.key -out list.pem {options}"
        ));
        folder.openssl("crl -in list.pem -outform DER")
    }

    /// The answer to `request` of a responder, with what [`Self::index`] knows, for seven days.
    pub fn answer(&self, request: &[u8], authority: &str, responder: &str, options: &str) -> Vec<u8> {
        self.folder.write("request", request);
        self.folder.openssl(&format!(
            "ocsp -index index -CA {authority}.pem -rsigner {responder}.pem -rkey {responder}.key \
             -reqin request -respout response -ndays 7 {options}"
        ));
        self.folder.read("response")
    }
}
