//! The same keys and certificates for both sides.

use std::fmt;

use anyhow::Result;
use rand_core::UnwrapErr;
use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
use smime::aws_lc::AwsLcKeyring;
use smime::rustcrypto::MemoryKeyring;
use smime::{Certificate, DecryptionKey, KeyId, Signer, Trust, UnixTime, block_on_ready};

use crate::ours::Ours;
use crate::peer::Peer;

/// Kinds of keys.
#[derive(Clone, Copy)]
pub enum Kind {
    P256,
    Rsa2048,
}

/// Content ciphers, with AES-256.
#[derive(Clone, Copy)]
pub enum Cipher {
    Gcm,
    Cbc,
}

/// One who signs and reads, as either side sees them, for each kind of keys.
pub struct People {
    ours: [Ours; 2],
    peers: [Peer; 2],
}

impl People {
    /// Makes keys and has them certified.
    pub fn new() -> Result<Self> {
        let mut rng = UnwrapErr(getrandom::SysRng);
        let mut keyring = MemoryKeyring::new();
        let now = now();
        let (from, to) = (UnixTime(now.0 - 86_400), now.plus(86_400));
        let root = KeyId::new("root");
        let spki = keyring.generate_p256(root.clone(), &mut rng)?;
        let certificate =
            block_on_ready(self_signed_root(&keyring, &root, &spki, "Bench root", [1; 16], from, to))?;
        let issuer = Issuer { key: root, certificate };
        let mut made = Vec::new();
        for (kind, bits) in [("p256", None), ("rsa", Some(2048))] {
            let (signing, reading) = (KeyId::new(format!("{kind}-s")), KeyId::new(format!("{kind}-e")));
            let mut leaf = |id: &KeyId, usage| -> Result<Certificate> {
                let spki = match bits {
                    Some(bits) => keyring.generate_rsa(id.clone(), bits, &mut rng)?,
                    None => keyring.generate_p256(id.clone(), &mut rng)?,
                };
                let profile = profile(&issuer, usage);
                Ok(block_on_ready(issue(&keyring, &issuer, &spki, &profile))?)
            };
            let (signs, reads) = (leaf(&signing, Usage::Signing)?, leaf(&reading, Usage::Encryption)?);
            let signer = Signer { key: signing, chain: vec![signs], encryption: None };
            made.push((signer, DecryptionKey { key: reading, certificate: reads }));
        }
        let trust = Trust { anchors: vec![issuer.certificate], ..Trust::default() };
        Self::of(keyring, &made, &trust)
    }

    fn of(keyring: MemoryKeyring, made: &[(Signer, DecryptionKey)], trust: &Trust) -> Result<Self> {
        let mut fast = AwsLcKeyring::new();
        for key in made.iter().flat_map(|(signer, reader)| [&signer.key, &reader.key]) {
            fast.insert_pkcs8(key.clone(), &keyring.pkcs8(key)?)?;
        }
        let fast = std::rc::Rc::new(fast);
        let ours = |(signer, reader): &(Signer, DecryptionKey)| Ours {
            keyring: std::rc::Rc::clone(&fast),
            signer: signer.clone(),
            reader: reader.clone(),
            trust: trust.clone(),
        };
        let [first, second] = made else { anyhow::bail!("two kinds of keys") };
        let peer = |(signer, reader): &(Signer, DecryptionKey)| Peer::new(&keyring, signer, reader, trust);
        Ok(Self { ours: [ours(first), ours(second)], peers: [peer(first)?, peer(second)?] })
    }

    pub fn ours(&self, kind: Kind) -> &Ours {
        let [elliptic, rsa] = &self.ours;
        if matches!(kind, Kind::P256) { elliptic } else { rsa }
    }

    pub fn peer(&self, kind: Kind) -> &Peer {
        let [elliptic, rsa] = &self.peers;
        if matches!(kind, Kind::P256) { elliptic } else { rsa }
    }
}

/// Now, by this machine's clock.
pub fn now() -> UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixTime(since.unwrap_or_default().as_secs())
}

fn profile(issuer: &Issuer, usage: Usage) -> Profile {
    Profile {
        common_name: "Bench".to_owned(),
        organisation: None,
        emails: vec!["bench@sealpost.example".to_owned()],
        usage,
        serial: if usage == Usage::Signing { [2; 16] } else { [3; 16] },
        not_before: issuer.certificate.not_before(),
        not_after: issuer.certificate.not_after(),
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::Rsa2048 => "RSA-2048",
        })
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gcm => "GCM",
            Self::Cbc => "CBC",
        })
    }
}
