//! Alice, who signs; Bob, who reads; their root and their timestamp authority. Always the same keys.

use std::sync::OnceLock;

use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
use smime::rustcrypto::MemoryKeyring;
use smime::timestamp::TimestampAuthority;
use smime::{Certificate, DecryptionKey, KeyId, Signer, Trust, UnixTime, block_on_ready};

use crate::rng::Fixed;

/// When everything happens: 2026-06-01.
pub const NOW: UnixTime = UnixTime(1_780_272_000);
const YEAR: u64 = 365 * 86_400;

/// What Alice signs and what is sealed: nothing else may ever count as hers.
pub const ENTITY: &[u8] = b"Content-Type: text/plain; charset=utf-8\r\n\r\nFrom Alice to Bob.\r\n";
/// The text of [`ENTITY`].
pub const TEXT: &str = "From Alice to Bob.";
/// Alice's address.
pub const ALICE: &str = "alice@a.example";

/// The people and their keys.
pub struct World {
    /// Every private key.
    pub keyring: MemoryKeyring,
    /// The root.
    pub root: Issuer,
    /// Trust in the root alone.
    pub trust: Trust,
    /// Alice, under an authority between her and the root.
    pub alice: Signer,
    /// The ways Bob reads.
    pub bob: Vec<DecryptionKey>,
    /// Who stamps.
    pub authority: TimestampAuthority,
}

/// The world; made once in a process.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

impl World {
    fn new() -> Self {
        let (mut keyring, mut rng) = (MemoryKeyring::new(), Fixed(1));
        let key = KeyId::new("root");
        let spki = keyring.generate_p256(key.clone(), &mut rng).expect("a key");
        let (from, to) = (UnixTime(NOW.0 - YEAR), NOW.plus(10 * YEAR));
        let root = block_on_ready(self_signed_root(&keyring, &key, &spki, "Root", [1; 16], from, to));
        let root = Issuer { key, certificate: root.expect("a root") };
        let mut certify = |name: &str, usage, issuer: &Issuer, serial| {
            let key = KeyId::new(name);
            let spki = keyring.generate_p256(key.clone(), &mut rng).expect("a key");
            let certificate = certificate(&keyring, issuer, &spki, name, usage, serial);
            (key, certificate)
        };
        let (key, middle) = certify("authority", Usage::CertificateAuthority, &root, 2);
        let middle = Issuer { key, certificate: middle };
        let (key, signs) = certify(ALICE, Usage::Signing, &middle, 3);
        let (reading, reads) = certify("bob@b.example", Usage::Encryption, &root, 4);
        let (stamping, stamps) = certify("tsa@a.example", Usage::TimestampAuthority, &root, 5);
        let chain = vec![signs, middle.certificate];
        let anchors = vec![root.certificate.clone()];
        Self {
            alice: Signer { key, chain, encryption: Some(reads.clone()) },
            bob: vec![DecryptionKey { key: reading, certificate: reads }],
            authority: TimestampAuthority {
                signer: Signer { key: stamping, chain: vec![stamps], encryption: None },
            },
            trust: Trust { anchors: anchors.clone(), timestamp_anchors: anchors, ..Trust::default() },
            root,
            keyring,
        }
    }

    /// Alice's certificate.
    pub fn alices(&self) -> &Certificate {
        &self.alice.chain[0]
    }

    /// Bob's certificates.
    pub fn bobs(&self) -> Vec<Certificate> {
        self.bob.iter().map(|key| key.certificate.clone()).collect()
    }
}

fn certificate(
    keyring: &MemoryKeyring,
    issuer: &Issuer,
    spki: &[u8],
    name: &str,
    usage: Usage,
    serial: u8,
) -> Certificate {
    let profile = Profile {
        common_name: name.to_owned(),
        organisation: Some("民政登记处".to_owned()),
        emails: Some(name.to_owned()).filter(|name| name.contains('@')).into_iter().collect(),
        usage,
        serial: [serial; 16],
        not_before: UnixTime(NOW.0 - YEAR / 2),
        not_after: NOW.plus(9 * YEAR),
    };
    block_on_ready(issue(keyring, issuer, spki, &profile)).expect("a certificate")
}
