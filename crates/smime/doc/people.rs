// Who appears in the examples of the documentation: Alice, and those who vouch for her.

use rand_core::UnwrapErr;
use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
use smime::rustcrypto::MemoryKeyring;
use smime::timestamp::TimestampAuthority;
use smime::{Certificate, KeyId, Signer, Trust, UnixTime};

/// When everything happens: 2026-06-01.
pub const NOW: UnixTime = UnixTime(1_780_272_000);

pub struct People {
    pub keyring: MemoryKeyring,
    pub root: Issuer,
    pub alice: Signer,
    pub reads: Certificate,
    pub authority: TimestampAuthority,
    pub trust: Trust,
}

pub fn profile(usage: Usage, serial: u8) -> Profile {
    Profile {
        common_name: "Alice".into(),
        organisation: None,
        emails: vec!["alice@a.example".into()],
        usage,
        serial: [serial; 16],
        not_before: UnixTime(NOW.0 - 60),
        not_after: NOW.plus(86_400),
    }
}

pub async fn people() -> Result<People, Box<dyn std::error::Error>> {
    let (mut keyring, mut rng) = (MemoryKeyring::new(), UnwrapErr(getrandom::SysRng));
    let [key, signing, reading, stamping] = ["root", "alice", "reading", "stamping"].map(KeyId::new);
    let spki = keyring.generate_p256(key.clone(), &mut rng)?;
    let (from, to) = (UnixTime(NOW.0 - 60), NOW.plus(86_400));
    let certificate = self_signed_root(&keyring, &key, &spki, "Root", [1; 16], from, to).await?;
    let root = Issuer { key, certificate };
    let mut certificates = Vec::new();
    for (serial, key, usage) in [
        (2, &signing, Usage::Signing),
        (3, &reading, Usage::Encryption),
        (4, &stamping, Usage::TimestampAuthority),
    ] {
        let spki = keyring.generate_p256(key.clone(), &mut rng)?;
        certificates.push(issue(&keyring, &root, &spki, &profile(usage, serial)).await?);
    }
    let anchors = vec![root.certificate.clone()];
    let stamps = certificates.pop().into_iter().collect();
    let reads = certificates.pop().ok_or("three were issued")?;
    let authority =
        TimestampAuthority { signer: Signer { key: stamping, chain: stamps, encryption: None } };
    let alice = Signer { key: signing, chain: certificates, encryption: Some(reads.clone()) };
    let trust = Trust { anchors: anchors.clone(), timestamp_anchors: anchors, ..Trust::default() };
    Ok(People { keyring, root, alice, reads, authority, trust })
}
