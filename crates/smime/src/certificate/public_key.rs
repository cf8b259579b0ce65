//! What a SubjectPublicKeyInfo holds (RFC 3279, 5480, 8410, 9881, 9935).

use const_oid::ObjectIdentifier as Oid;

use crate::algorithm::{self, Unusable};
use crate::asn1::{self, Malformed, tag, write};
use crate::provider::{Curve, Hash, MlDsa, MlKem};

pub(crate) const RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const RSA_PSS: Oid = Oid::new_unwrap("1.2.840.113549.1.1.10");
pub(crate) const EC: Oid = Oid::new_unwrap("1.2.840.10045.2.1");
const P256: Oid = Oid::new_unwrap("1.2.840.10045.3.1.7");
const P384: Oid = Oid::new_unwrap("1.3.132.0.34");
const P521: Oid = Oid::new_unwrap("1.3.132.0.35");
pub(crate) const X25519: Oid = Oid::new_unwrap("1.3.101.110");
const ED25519: Oid = Oid::new_unwrap("1.3.101.112");

pub(crate) const ML_DSA: [(Oid, MlDsa); 3] = [
    (Oid::new_unwrap("2.16.840.1.101.3.4.3.17"), MlDsa::Set44),
    (Oid::new_unwrap("2.16.840.1.101.3.4.3.18"), MlDsa::Set65),
    (Oid::new_unwrap("2.16.840.1.101.3.4.3.19"), MlDsa::Set87),
];
pub(crate) const ML_KEM: [(Oid, MlKem); 3] = [
    (Oid::new_unwrap("2.16.840.1.101.3.4.4.1"), MlKem::Set512),
    (Oid::new_unwrap("2.16.840.1.101.3.4.4.2"), MlKem::Set768),
    (Oid::new_unwrap("2.16.840.1.101.3.4.4.3"), MlKem::Set1024),
];

/// Curves that are named in reports and not implemented.
const NAMED_CURVES: [(Oid, &str); 7] = [
    (Oid::new_unwrap("1.2.156.10197.1.301"), "SM2"),
    (Oid::new_unwrap("1.3.132.0.10"), "secp256k1"),
    (Oid::new_unwrap("1.3.132.0.16"), "K-283"),
    (Oid::new_unwrap("1.3.132.0.33"), "P-224"),
    (Oid::new_unwrap("1.2.840.10045.3.1.1"), "P-192"),
    (Oid::new_unwrap("1.3.36.3.3.2.8.1.1.7"), "brainpoolP256r1"),
    (Oid::new_unwrap("1.3.36.3.3.2.8.1.1.11"), "brainpoolP384r1"),
];

/// The kind of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA with a modulus of so many bits.
    Rsa {
        /// Length of the modulus.
        bits: usize,
    },
    /// RSA bound to RSA-PSS signatures (RFC 4055 1.2).
    RsaPss {
        /// Length of the modulus.
        bits: usize,
        /// The hash and the least length of the salt in octets, where the key is bound to these too.
        bound: Option<(Hash, usize)>,
    },
    /// A point on a NIST curve.
    Ec(Curve),
    /// X25519: key agreement only.
    X25519,
    /// Ed25519: signatures only.
    Ed25519,
    /// ML-DSA: signatures only.
    MlDsa(MlDsa),
    /// ML-KEM: key encapsulation only.
    MlKem(MlKem),
    /// A kind that this crate knows by its name alone, such as DSA or SM2.
    Named(&'static str),
    /// Something that this crate does not know.
    Unknown,
}

impl KeyKind {
    /// The kind of a DER SubjectPublicKeyInfo.
    pub fn of(spki: &[u8]) -> Self {
        read(spki).unwrap_or(Self::Unknown)
    }

    /// Whether an RSA-PSS signature with this hash and length of the salt is one that the key is for (RFC 4055 3.3).
    pub fn allows_pss(self, hash: Hash, salt_len: usize) -> bool {
        match self {
            Self::RsaPss { bound: Some((only, least)), .. } => hash == only && salt_len >= least,
            Self::RsaPss { bound: None, .. } | Self::Rsa { .. } => true,
            _ => false,
        }
    }
}

fn read(spki: &[u8]) -> Result<KeyKind, Malformed> {
    let mut fields = asn1::single(spki, tag::SEQUENCE)?.reader();
    let mut algorithm = fields.sequence()?;
    let kind = algorithm.oid()?;
    if let Some((_, parameters)) = ML_DSA.iter().find(|(oid, _)| *oid == kind) {
        return Ok(KeyKind::MlDsa(*parameters));
    }
    if let Some((_, parameters)) = ML_KEM.iter().find(|(oid, _)| *oid == kind) {
        return Ok(KeyKind::MlKem(*parameters));
    }
    let key = fields.expect(tag::BIT_STRING)?.bits()?;
    let named = |name: Option<&'static str>| name.map_or(KeyKind::Unknown, KeyKind::Named);
    Ok(match kind {
        RSA => KeyKind::Rsa { bits: modulus_bits(key)? },
        RSA_PSS => {
            let bound = if algorithm.is_empty() { None } else { Some(algorithm.next()?) };
            match bound.map(algorithm::pss_parameters).transpose() {
                Ok(bound) => KeyKind::RsaPss { bits: modulus_bits(key)?, bound },
                Err(Unusable::Unsupported(_)) => KeyKind::Named("RSA-PSS with other parameters"),
                Err(Unusable::Malformed) => return Err(Malformed),
            }
        }
        EC => match algorithm.oid()? {
            P256 => KeyKind::Ec(Curve::P256),
            P384 => KeyKind::Ec(Curve::P384),
            P521 => KeyKind::Ec(Curve::P521),
            curve => named(NAMED_CURVES.iter().find(|(oid, _)| *oid == curve).map(|(_, name)| *name)),
        },
        X25519 => KeyKind::X25519,
        ED25519 => KeyKind::Ed25519,
        kind => named(algorithm::static_name(kind)),
    })
}

/// The SubjectPublicKeyInfo of an RSA key that is bound to RSA-PSS (RFC 4055 1.2) as one that is not: the key
/// within is the same, and WebCrypto imports no other form. None if there is no such binding.
///
/// Only RSA-PSS that [`KeyKind::allows_pss`] may be verified with it.
pub fn without_pss_binding(spki: &[u8]) -> Option<Vec<u8>> {
    let KeyKind::RsaPss { .. } = KeyKind::of(spki) else { return None };
    let key = write::bits(key_octets(spki).ok()?);
    Some(write::sequence(&[&write::algorithm(RSA, &write::null()), &key]))
}

/// Modulus (big-endian, no leading zeros) and exponent of an RSA key that can be encrypted to, for platforms
/// without RSAES-PKCS1-v1_5; none if the modulus is not odd and of 1024 to 8192 bits, or the exponent not odd and
/// of 2 to 32 bits.
pub fn rsa_public_key(spki: &[u8]) -> Option<(&[u8], u32)> {
    let KeyKind::Rsa { bits: 1024..=8192 } = KeyKind::of(spki) else { return None };
    let mut fields = asn1::single(key_octets(spki).ok()?, tag::SEQUENCE).ok()?.reader();
    let modulus = fields.expect(tag::INTEGER).ok()?.value;
    let exponent = fields.expect(tag::INTEGER).ok()?.small().ok()?;
    fields.end().ok()?;
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    (exponent > 1 && exponent % 2 == 1 && modulus.last()? % 2 == 1).then_some((modulus, exponent))
}

fn modulus_bits(key: &[u8]) -> Result<usize, Malformed> {
    let modulus = asn1::single(key, tag::SEQUENCE)?.reader().expect(tag::INTEGER)?.value;
    let zeros = modulus.iter().take_while(|octet| **octet == 0).count();
    let first = modulus.get(zeros).ok_or(Malformed)?;
    Ok((modulus.len() - zeros) * 8 - first.leading_zeros() as usize)
}

/// Length of the public exponent of an RSA key in bits.
pub(crate) fn rsa_exponent_bits(spki: &[u8]) -> Result<usize, Malformed> {
    let mut fields = asn1::single(key_octets(spki)?, tag::SEQUENCE)?.reader();
    fields.expect(tag::INTEGER)?;
    let exponent = fields.expect(tag::INTEGER)?.value;
    Ok(exponent.len() * 8 - exponent.first().map_or(0, |first| first.leading_zeros() as usize))
}

/// The public key's octets: an RSAPublicKey, a SEC1 point, or an X25519 or Ed25519 key.
pub(crate) fn key_octets(spki: &[u8]) -> Result<&[u8], Malformed> {
    let mut fields = asn1::single(spki, tag::SEQUENCE)?.reader();
    fields.sequence()?;
    fields.expect(tag::BIT_STRING)?.bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_bound_to_parameters_that_are_not_read_keeps_a_name() {
        let spki = include_bytes!("../suite/keys/rsa-pss-sha384-48.spki");
        let bound = Some((Hash::Sha384, 48));
        assert_eq!(KeyKind::of(spki), KeyKind::RsaPss { bits: 2048, bound });
        // SHA-384 becomes SHA3-384, once and then in both places.
        let sha384 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
        let mut other = spki.to_vec();
        for _ in 0..2 {
            let at = other.windows(9).position(|window| window == sha384).unwrap();
            other[at + 8] = 9;
            assert_eq!(KeyKind::of(&other), KeyKind::Named("RSA-PSS with other parameters"));
        }
    }
}
