//! Signature algorithms (RFC 3370 3, RFC 4055 3, RFC 5754 3, RFC 8419, RFC 9882).

use const_oid::ObjectIdentifier as Oid;

use super::{Identifier, MGF1, SHA256, explicit_hash, hash_identifier, mgf1_hash, name_of};
use crate::asn1::{self, Malformed, tag, write};
use crate::certificate::{KeyKind, ML_DSA_OIDS, RSA_OID, RSA_PSS_OID};
use crate::provider::{Curve, Hash, MlDsa, SignatureAlgorithm};

const RSA_PKCS1: [(Oid, Hash); 5] = [
    (Oid::new_unwrap("1.2.840.113549.1.1.5"), Hash::Sha1),
    (Oid::new_unwrap("1.2.840.113549.1.1.14"), Hash::Sha224),
    (Oid::new_unwrap("1.2.840.113549.1.1.11"), Hash::Sha256),
    (Oid::new_unwrap("1.2.840.113549.1.1.12"), Hash::Sha384),
    (Oid::new_unwrap("1.2.840.113549.1.1.13"), Hash::Sha512),
];
const ECDSA: [(Oid, Hash); 5] = [
    (Oid::new_unwrap("1.2.840.10045.4.1"), Hash::Sha1),
    (Oid::new_unwrap("1.2.840.10045.4.3.1"), Hash::Sha224),
    (Oid::new_unwrap("1.2.840.10045.4.3.2"), Hash::Sha256),
    (Oid::new_unwrap("1.2.840.10045.4.3.3"), Hash::Sha384),
    (Oid::new_unwrap("1.2.840.10045.4.3.4"), Hash::Sha512),
];
const ED25519: Oid = Oid::new_unwrap("1.3.101.112");

/// Why a signature algorithm or a padding cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Malformed,
    Unsupported(String),
}

impl From<Malformed> for Unusable {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// The hash that a signature algorithm implies.
pub(super) fn hash_within(oid: Oid) -> Option<Hash> {
    RSA_PKCS1.iter().chain(&ECDSA).find(|(known, _)| *known == oid).map(|(_, hash)| *hash)
}

/// The algorithm of a signature by a key; `digest` is what CMS names beside it.
pub(crate) fn signature(
    identifier: &Identifier<'_>,
    digest: Option<Hash>,
    key: KeyKind,
) -> Result<SignatureAlgorithm, Unusable> {
    let oid = identifier.oid;
    let unsupported = || Unusable::Unsupported(name_of(oid));
    if matches!(key, KeyKind::RsaPss { .. }) && oid != RSA_PSS_OID {
        return Err(Unusable::Unsupported("PKCS#1 v1.5 by a key bound to RSA-PSS".into()));
    }
    if let Some((_, hash)) = RSA_PKCS1.iter().find(|(known, _)| *known == oid) {
        return Ok(SignatureAlgorithm::RsaPkcs1(*hash));
    }
    if oid == RSA_OID {
        // RFC 3370 3.2: plain rsaEncryption leaves the hash to digestAlgorithm.
        return digest.map(SignatureAlgorithm::RsaPkcs1).ok_or_else(unsupported);
    }
    if let Some((_, hash)) = ECDSA.iter().find(|(known, _)| *known == oid) {
        return match key {
            KeyKind::Ec(curve) => Ok(SignatureAlgorithm::Ecdsa(curve, *hash)),
            KeyKind::Named(name) => Err(Unusable::Unsupported(format!("ECDSA by a key of {name}"))),
            _ => Err(unsupported()),
        };
    }
    if let Some((_, parameters)) = ML_DSA_OIDS.iter().find(|(known, _)| *known == oid) {
        without_parameters(identifier)?;
        return Ok(SignatureAlgorithm::MlDsa(*parameters));
    }
    match oid {
        RSA_PSS_OID => {
            let parameters = identifier.parameters.map_or(Ok(PSS_DEFAULT), pss_parameters);
            parameters.map(|(hash, salt_len)| SignatureAlgorithm::RsaPss { hash, salt_len })
        }
        ED25519 => without_parameters(identifier).map(|()| SignatureAlgorithm::Ed25519),
        _ => Err(unsupported()),
    }
}

/// RFC 8410 3, RFC 9881 2: the parameters must be absent.
const fn without_parameters(identifier: &Identifier<'_>) -> Result<(), Unusable> {
    if identifier.parameters.is_none() { Ok(()) } else { Err(Unusable::Malformed) }
}

/// What RSASSA-PSS-params say by leaving it out.
const PSS_DEFAULT: (Hash, usize) = (Hash::Sha1, 20);

/// RSASSA-PSS-params (RFC 4055 3.1): the hash of the message and of MGF1, and the length of the salt.
pub(crate) fn pss_parameters(parameters: asn1::Tlv<'_>) -> Result<(Hash, usize), Unusable> {
    let (mut hash, mut salt_len) = PSS_DEFAULT;
    let mut mgf = hash;
    let mut fields = asn1::single(parameters.der, tag::SEQUENCE)?.reader();
    if let Some(field) = fields.optional(tag::constructed(0))? {
        hash = explicit_hash(field.reader())?;
    }
    if let Some(field) = fields.optional(tag::constructed(1))? {
        mgf = mgf1_hash(field.reader())?;
    }
    if let Some(field) = fields.optional(tag::constructed(2))? {
        let length = asn1::single(field.value, tag::INTEGER)?.small()?;
        salt_len = usize::try_from(length).map_err(|_| Malformed)?;
    }
    if let Some(field) = fields.optional(tag::constructed(3))?
        && asn1::single(field.value, tag::INTEGER)?.small()? != 1
    {
        return Err(Unusable::Unsupported("RSA-PSS with another trailer".into()));
    }
    fields.end()?;
    if mgf != hash {
        return Err(Unusable::Unsupported("RSA-PSS with two hashes".into()));
    }
    Ok((hash, salt_len))
}

/// What this crate signs with, given the key: SHA-256 unless the curve is larger.
pub(crate) const fn for_key(key: KeyKind) -> Option<SignatureAlgorithm> {
    match key {
        KeyKind::Rsa { .. } => Some(SignatureAlgorithm::RsaPkcs1(Hash::Sha256)),
        KeyKind::RsaPss { bound: Some((Hash::Sha1 | Hash::Sha224, _)), .. } => None,
        KeyKind::RsaPss { bound: Some((hash, least)), .. } => {
            // As long as the hash, which RFC 4055 3.1 recommends, unless the key asks for more.
            let usual = hash.digest_len();
            Some(SignatureAlgorithm::RsaPss { hash, salt_len: if least > usual { least } else { usual } })
        }
        KeyKind::RsaPss { bound: None, .. } => {
            Some(SignatureAlgorithm::RsaPss { hash: Hash::Sha256, salt_len: 32 })
        }
        KeyKind::Ec(Curve::P256) => Some(SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256)),
        KeyKind::Ec(Curve::P384) => Some(SignatureAlgorithm::Ecdsa(Curve::P384, Hash::Sha384)),
        KeyKind::Ec(Curve::P521) => Some(SignatureAlgorithm::Ecdsa(Curve::P521, Hash::Sha512)),
        KeyKind::Ed25519 => Some(SignatureAlgorithm::Ed25519),
        KeyKind::MlDsa(parameters) => Some(SignatureAlgorithm::MlDsa(parameters)),
        _ => None,
    }
}

/// The hash that CMS names beside a signature: always SHA-512 for Ed25519 (RFC 8419 3), and what every
/// reader of ML-DSA must have (RFC 9882 4).
pub(crate) const fn digest_of(algorithm: SignatureAlgorithm) -> Hash {
    match algorithm {
        SignatureAlgorithm::Ecdsa(_, hash)
        | SignatureAlgorithm::RsaPkcs1(hash)
        | SignatureAlgorithm::RsaPss { hash, .. } => hash,
        SignatureAlgorithm::Ed25519 | SignatureAlgorithm::MlDsa(_) => Hash::Sha512,
    }
}

/// The AlgorithmIdentifier of a signature.
pub(crate) fn signature_identifier(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let find = |table: &[(Oid, Hash); 5], hash| {
        table.iter().find(|(_, known)| *known == hash).map_or(SHA256, |(oid, _)| *oid)
    };
    match algorithm {
        SignatureAlgorithm::Ecdsa(_, hash) => write::algorithm(find(&ECDSA, hash), &[]),
        SignatureAlgorithm::RsaPkcs1(hash) => write::algorithm(find(&RSA_PKCS1, hash), &write::null()),
        SignatureAlgorithm::RsaPss { hash, salt_len } => {
            let salt = write::integer(salt_len as u64);
            let parameters = write::sequence(&[
                &write::tlv(tag::constructed(0), &[&hash_identifier(hash)]),
                &write::tlv(tag::constructed(1), &[&write::algorithm(MGF1, &hash_identifier(hash))]),
                &write::tlv(tag::constructed(2), &[&salt]),
            ]);
            write::algorithm(RSA_PSS_OID, &parameters)
        }
        SignatureAlgorithm::Ed25519 => write::algorithm(ED25519, &[]),
        SignatureAlgorithm::MlDsa(parameters) => {
            let oid = ML_DSA_OIDS.iter().find(|(_, known)| *known == parameters);
            write::algorithm(oid.map_or(SHA256, |(oid, _)| *oid), &[])
        }
    }
}

/// Whether a key is too small to prove or to hide anything.
pub(crate) const fn is_weak_key(key: KeyKind) -> bool {
    matches!(key, KeyKind::Rsa { bits } | KeyKind::RsaPss { bits, .. } if bits < 2048)
}

/// Keys that are not computed with here: the crate for RSA bounds them, because their cost grows with the square.
pub(crate) const fn is_oversized_key(key: KeyKind) -> bool {
    matches!(key, KeyKind::Rsa { bits } | KeyKind::RsaPss { bits, .. } if bits > 8192)
}

/// The name of the weakness of a signature, if it has one.
pub(crate) const fn weakness(algorithm: SignatureAlgorithm, key: KeyKind) -> Option<&'static str> {
    match (algorithm, key) {
        (_, key) if is_weak_key(key) => Some("RSA below 2048 bits"),
        (algorithm, _) if matches!(digest_of(algorithm), Hash::Sha1) => Some("SHA-1"),
        _ => None,
    }
}

/// The name of the weakness of the digest that signed attributes carry beside a signature: it must be
/// no easier to collide than the signature is to forge (RFC 9882 4).
pub(crate) const fn weak_digest(algorithm: SignatureAlgorithm, digest: Hash) -> Option<&'static str> {
    match (algorithm, digest) {
        (_, Hash::Sha1) => Some("SHA-1"),
        (SignatureAlgorithm::MlDsa(_), Hash::Sha224) => Some("SHA-224 with ML-DSA"),
        (SignatureAlgorithm::MlDsa(MlDsa::Set65), Hash::Sha256) => Some("SHA-256 with ML-DSA-65"),
        (SignatureAlgorithm::MlDsa(MlDsa::Set87), Hash::Sha256) => Some("SHA-256 with ML-DSA-87"),
        (SignatureAlgorithm::MlDsa(MlDsa::Set87), Hash::Sha384) => Some("SHA-384 with ML-DSA-87"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_asks_for_little_salt_signs_with_the_usual_one() {
        for (least, salt_len) in [(0, 32), (32, 32), (40, 40)] {
            let key = KeyKind::RsaPss { bits: 2048, bound: Some((Hash::Sha256, least)) };
            let signs = SignatureAlgorithm::RsaPss { hash: Hash::Sha256, salt_len };
            assert_eq!(for_key(key), Some(signs), "{least}");
        }
    }
}
