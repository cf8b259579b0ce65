//! What a SubjectPublicKeyInfo holds (RFC 3279, 5480, 8410).

use const_oid::ObjectIdentifier as Oid;

use crate::asn1::{self, Malformed, tag};
use crate::provider::Curve;

pub(crate) const RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const RSA_PSS: Oid = Oid::new_unwrap("1.2.840.113549.1.1.10");
pub(crate) const EC: Oid = Oid::new_unwrap("1.2.840.10045.2.1");
const P256: Oid = Oid::new_unwrap("1.2.840.10045.3.1.7");
const P384: Oid = Oid::new_unwrap("1.3.132.0.34");
const P521: Oid = Oid::new_unwrap("1.3.132.0.35");
pub(crate) const X25519: Oid = Oid::new_unwrap("1.3.101.110");
const ED25519: Oid = Oid::new_unwrap("1.3.101.112");

/// The kind of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA with a modulus of so many bits.
    Rsa {
        /// Length of the modulus.
        bits: usize,
    },
    /// A point on a NIST curve.
    Ec(Curve),
    /// X25519: key agreement only.
    X25519,
    /// Ed25519: signatures only.
    Ed25519,
    /// Something that this crate does not know.
    Unknown,
}

impl KeyKind {
    /// The kind of a DER SubjectPublicKeyInfo.
    pub fn of(spki: &[u8]) -> Self {
        read(spki).unwrap_or(Self::Unknown)
    }
}

fn read(spki: &[u8]) -> Result<KeyKind, Malformed> {
    let mut fields = asn1::single(spki, tag::SEQUENCE)?.reader();
    let mut algorithm = fields.sequence()?;
    let key = fields.expect(tag::BIT_STRING)?.bits()?;
    Ok(match algorithm.oid()? {
        RSA | RSA_PSS => KeyKind::Rsa { bits: modulus_bits(key)? },
        EC => match algorithm.oid()? {
            P256 => KeyKind::Ec(Curve::P256),
            P384 => KeyKind::Ec(Curve::P384),
            P521 => KeyKind::Ec(Curve::P521),
            _ => KeyKind::Unknown,
        },
        X25519 => KeyKind::X25519,
        ED25519 => KeyKind::Ed25519,
        _ => KeyKind::Unknown,
    })
}

fn modulus_bits(key: &[u8]) -> Result<usize, Malformed> {
    let modulus = asn1::single(key, tag::SEQUENCE)?.reader().expect(tag::INTEGER)?.value;
    let zeros = modulus.iter().take_while(|octet| **octet == 0).count();
    let first = modulus.get(zeros).ok_or(Malformed)?;
    Ok((modulus.len() - zeros) * 8 - first.leading_zeros() as usize)
}

/// The public key's octets: an RSAPublicKey, a SEC1 point, or an X25519 or Ed25519 key.
pub(crate) fn key_octets(spki: &[u8]) -> Result<&[u8], Malformed> {
    let mut fields = asn1::single(spki, tag::SEQUENCE)?.reader();
    fields.sequence()?;
    fields.expect(tag::BIT_STRING)?.bits()
}
