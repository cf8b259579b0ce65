//! A SignedData put together by hand, with attributes that no program at hand writes.
#![allow(clippy::indexing_slicing, reason = "tests may panic")]

use smime::rustcrypto::RustCrypto;
use smime::{Hash, Provider, block_on_ready};

use super::der::{sequence, split, tlv};

pub const DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const SHA256: [u8; 13] = [0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const ECDSA_SHA256: [u8; 12] = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// An attribute of PKCS#9, by its number.
pub const fn pkcs9(number: u8) -> [u8; 11] {
    [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, number]
}

/// An attribute of S/MIME (id-aa), by its number.
pub const fn id_aa(number: u8) -> [u8; 13] {
    [6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, number]
}

/// An attribute with these values.
pub fn attribute(oid: &[u8], values: &[&[u8]]) -> Vec<u8> {
    sequence(&[oid, &tlv(0x31, &values.concat())])
}

/// Content signed with these attributes, beside those that must be, by ECDSA with SHA-256.
pub fn signed(
    content: &[u8],
    certificate: &[u8],
    mut attributes: Vec<Vec<u8>>,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let digest = block_on_ready(RustCrypto.digest(Hash::Sha256, content)).expect("a digest");
    attributes.push(attribute(&pkcs9(3), &[&DATA]));
    attributes.push(attribute(&pkcs9(4), &[&tlv(4, &digest)]));
    attributes.sort();
    let attributes = attributes.concat();
    let signature = sign(&tlv(0x31, &attributes));
    let fields = elements(elements(elements(certificate)[0].0)[0].0);
    let signer = sequence(&[
        &[2, 1, 1],
        &sequence(&[fields[3].1, fields[1].1]),
        &SHA256,
        &tlv(0xa0, &attributes),
        &ECDSA_SHA256,
        &tlv(4, &signature),
    ]);
    let content = sequence(&[&DATA, &tlv(0xa0, &tlv(4, content))]);
    let certificates = tlv(0xa0, certificate);
    let body = sequence(&[&[2, 1, 1], &tlv(0x31, &SHA256), &content, &certificates, &tlv(0x31, &signer)]);
    sequence(&[&SIGNED_DATA, &tlv(0xa0, &body)])
}

/// The contents of each element in a row, and its octets.
fn elements(mut der: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found = Vec::new();
    while !der.is_empty() {
        let (contents, rest) = split(der);
        found.push((contents, &der[..der.len() - rest.len()]));
        der = rest;
    }
    found
}
