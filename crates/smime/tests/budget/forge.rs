//! Certificates that no authority would make.

use std::time::Instant;

use smime::path::{Purpose, Query, validate};
use smime::rustcrypto::MemoryKeyring;
use smime::{
    Certificate, Curve, Hash, KeyId, Keyring, PathError, SignatureAlgorithm, block_on_ready as ready,
};

use crate::support::counting::{Counting, LIMIT};
use crate::support::der::{sequence, tlv};
use crate::support::{NOW, rng};

pub const ECDSA_SHA256: [u8; 12] = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
pub const RSA: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// DER of contents below 16 MB.
pub fn name(common: &str) -> Vec<u8> {
    sequence(&[&tlv(0x31, &sequence(&[&[6, 3, 0x55, 4, 3], &tlv(0x0c, common.as_bytes())]))])
}

pub fn extension(number: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&[6, 3, 0x55, 0x1d, number], &tlv(4, value)])
}

/// The oid 1.3.6.1.4.1 and two numbers.
pub fn oid(one: u8, other: u8) -> Vec<u8> {
    tlv(6, &[0x2b, 6, 1, 4, 1, 0x81, one & 0x7f, 0x81, other & 0x7f])
}

pub struct Forge {
    pub keyring: MemoryKeyring,
    serial: u32,
}

impl Forge {
    pub fn new() -> Self {
        Self { keyring: MemoryKeyring::new(), serial: 1_000_000 }
    }

    pub fn key(&mut self, key: &str) -> Vec<u8> {
        self.keyring.generate_p256(KeyId::new(key), &mut rng()).unwrap()
    }

    /// A certificate, signed if there is a key.
    pub fn certificate(
        &mut self,
        subject: &str,
        spki: &[u8],
        issuer: (&str, Option<&str>),
        extensions: &[Vec<u8>],
    ) -> Certificate {
        self.serial += 1;
        let validity = sequence(&[&tlv(0x17, b"200101000000Z"), &tlv(0x17, b"400101000000Z")]);
        let serial = tlv(2, &[&[1][..], &self.serial.to_be_bytes()].concat());
        let extensions = tlv(0xa3, &sequence(&[&extensions.concat()]));
        let (issuer, key) = issuer;
        let body = sequence(&[
            &tlv(0xa0, &[2, 1, 2]),
            &serial,
            &ECDSA_SHA256,
            &name(issuer),
            &validity,
            &name(subject),
            spki,
            &extensions,
        ]);
        let algorithm = SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256);
        let signature = key.map_or_else(
            || vec![1, 2, 3],
            |key| ready(self.keyring.sign(&KeyId::new(key), algorithm, &body)).unwrap(),
        );
        let signature = tlv(3, &[&[0][..], &signature].concat());
        Certificate::from_der(&sequence(&[&body, &ECDSA_SHA256, &signature])).unwrap()
    }
}

pub fn authority() -> Vec<u8> {
    extension(19, &sequence(&[&[1, 1, 0xff]]))
}

/// What asking for a path costs, and its outcome.
pub fn path(
    test: &str,
    leaf: &Certificate,
    anchors: &[Certificate],
    others: &[Certificate],
) -> Result<usize, PathError> {
    let counting = Counting::default();
    let started = Instant::now();
    let outcome = ready(validate(&counting, leaf, anchors, others, &[], &Query::new(Purpose::Signing, NOW)));
    let (took, spent) = (started.elapsed(), counting.spent.get());
    println!("{test}: {spent} counted, {} checks, {took:?} on the clock", counting.checks.get());
    assert!(spent <= LIMIT, "{test} cost {spent}");
    outcome.map(|path| path.certificates().len())
}
