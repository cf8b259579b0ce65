//! Algorithm identifiers and what they stand for (RFC 3370, 4055, 5084, 5754, 8419).

use const_oid::ObjectIdentifier as Oid;

use crate::asn1::{self, Malformed, Reader, tag, write};
use crate::certificate::{KeyKind, RSA_OID};
use crate::provider::{ContentEncryption, Curve, Hash, RsaPadding, SignatureAlgorithm};

const SHA1: Oid = Oid::new_unwrap("1.3.14.3.2.26");
const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.3");

const RSA_PKCS1: [(Oid, Hash); 4] = [
    (Oid::new_unwrap("1.2.840.113549.1.1.5"), Hash::Sha1),
    (Oid::new_unwrap("1.2.840.113549.1.1.11"), Hash::Sha256),
    (Oid::new_unwrap("1.2.840.113549.1.1.12"), Hash::Sha384),
    (Oid::new_unwrap("1.2.840.113549.1.1.13"), Hash::Sha512),
];
const ECDSA: [(Oid, Hash); 4] = [
    (Oid::new_unwrap("1.2.840.10045.4.1"), Hash::Sha1),
    (Oid::new_unwrap("1.2.840.10045.4.3.2"), Hash::Sha256),
    (Oid::new_unwrap("1.2.840.10045.4.3.3"), Hash::Sha384),
    (Oid::new_unwrap("1.2.840.10045.4.3.4"), Hash::Sha512),
];
const RSA_OAEP: Oid = Oid::new_unwrap("1.2.840.113549.1.1.7");
const MGF1: Oid = Oid::new_unwrap("1.2.840.113549.1.1.8");
const P_SPECIFIED: Oid = Oid::new_unwrap("1.2.840.113549.1.1.9");
const RSA_PSS: Oid = Oid::new_unwrap("1.2.840.113549.1.1.10");
const ED25519: Oid = Oid::new_unwrap("1.3.101.112");

const CIPHERS: [(Oid, ContentEncryption); 7] = [
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.46"), ContentEncryption::Aes256Gcm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.26"), ContentEncryption::Aes192Gcm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.6"), ContentEncryption::Aes128Gcm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.42"), ContentEncryption::Aes256Cbc),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.22"), ContentEncryption::Aes192Cbc),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.2"), ContentEncryption::Aes128Cbc),
    (Oid::new_unwrap("1.2.840.113549.3.7"), ContentEncryption::TripleDesCbc),
];

/// Old algorithms that are named in reports and not implemented.
const NAMED: [(Oid, &str); 12] = [
    (Oid::new_unwrap("1.2.840.113549.2.2"), "MD2"),
    (Oid::new_unwrap("1.2.840.113549.2.5"), "MD5"),
    (Oid::new_unwrap("1.2.840.113549.1.1.2"), "MD2 with RSA"),
    (Oid::new_unwrap("1.2.840.113549.1.1.4"), "MD5 with RSA"),
    (Oid::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (Oid::new_unwrap("1.2.840.10040.4.3"), "DSA with SHA-1"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.3.2"), "DSA with SHA-256"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.4"), "SHA-224"),
    (Oid::new_unwrap("2.16.840.1.101.3.4.2.8"), "SHA3-256"),
    (Oid::new_unwrap("1.2.840.10045.4.3.1"), "ECDSA with SHA-224"),
    (Oid::new_unwrap("1.3.101.113"), "Ed448"),
    (Oid::new_unwrap("1.2.156.10197.1.501"), "SM2 with SM3"),
];

/// An algorithm that this crate does not have, by its name or its number.
pub(crate) fn name_of(oid: Oid) -> String {
    let known = NAMED.iter().find(|(named, _)| *named == oid);
    known.map_or_else(|| oid.to_string(), |(_, name)| (*name).to_owned())
}

pub(crate) const fn hash_oid(hash: Hash) -> Oid {
    match hash {
        Hash::Sha1 => SHA1,
        Hash::Sha256 => SHA256,
        Hash::Sha384 => SHA384,
        Hash::Sha512 => SHA512,
    }
}

pub(crate) fn hash_of(oid: Oid) -> Option<Hash> {
    match oid {
        SHA1 => Some(Hash::Sha1),
        SHA256 => Some(Hash::Sha256),
        SHA384 => Some(Hash::Sha384),
        SHA512 => Some(Hash::Sha512),
        // Some writers name the signature algorithm where the digest belongs.
        _ => RSA_PKCS1.iter().chain(&ECDSA).find(|(known, _)| *known == oid).map(|(_, hash)| *hash),
    }
}

/// The identifier of a digest, without parameters (RFC 5754 2).
pub(crate) fn hash_identifier(hash: Hash) -> Vec<u8> {
    write::algorithm(hash_oid(hash), &[])
}

/// An AlgorithmIdentifier, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identifier<'a> {
    pub(crate) oid: Oid,
    pub(crate) parameters: Option<asn1::Tlv<'a>>,
}

impl<'a> Identifier<'a> {
    pub(crate) fn read(mut fields: Reader<'a>) -> Result<Self, Malformed> {
        let oid = fields.oid()?;
        let parameters = if fields.is_empty() { None } else { Some(fields.next()?) };
        fields.end()?;
        Ok(Self { oid, parameters })
    }
}

/// Why a signature algorithm cannot be used.
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

/// The algorithm of a signature by a key; `digest` is what CMS names beside it.
pub(crate) fn signature(
    identifier: &Identifier<'_>,
    digest: Option<Hash>,
    key: KeyKind,
) -> Result<SignatureAlgorithm, Unusable> {
    let oid = identifier.oid;
    let unsupported = || Unusable::Unsupported(name_of(oid));
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
            _ => Err(unsupported()),
        };
    }
    match oid {
        RSA_PSS => pss(identifier),
        ED25519 => Ok(SignatureAlgorithm::Ed25519),
        _ => Err(unsupported()),
    }
}

/// RSASSA-PSS-params (RFC 4055 3.1).
fn pss(identifier: &Identifier<'_>) -> Result<SignatureAlgorithm, Unusable> {
    let (mut hash, mut mgf, mut salt_len) = (Hash::Sha1, Hash::Sha1, 20);
    if let Some(parameters) = identifier.parameters {
        let mut fields = asn1::single(parameters.der, tag::SEQUENCE)?.reader();
        if let Some(field) = fields.optional(tag::constructed(0))? {
            hash = explicit_hash(field.reader())?;
        }
        if let Some(field) = fields.optional(tag::constructed(1))? {
            mgf = mgf1_hash(field.reader())?;
        }
        if let Some(field) = fields.optional(tag::constructed(2))? {
            salt_len = asn1::single(field.value, tag::INTEGER)?.small()?;
        }
        if let Some(field) = fields.optional(tag::constructed(3))?
            && asn1::single(field.value, tag::INTEGER)?.small()? != 1
        {
            return Err(Unusable::Unsupported("RSA-PSS with another trailer".into()));
        }
        fields.end()?;
    }
    if mgf != hash {
        return Err(Unusable::Unsupported("RSA-PSS with two hashes".into()));
    }
    let salt_len = usize::try_from(salt_len).map_err(|_| Malformed)?;
    Ok(SignatureAlgorithm::RsaPss { hash, salt_len })
}

fn explicit_hash(mut field: Reader<'_>) -> Result<Hash, Unusable> {
    let identifier = Identifier::read(field.sequence()?)?;
    hash_of(identifier.oid).ok_or_else(|| Unusable::Unsupported(name_of(identifier.oid)))
}

fn mgf1_hash(mut field: Reader<'_>) -> Result<Hash, Unusable> {
    let identifier = Identifier::read(field.sequence()?)?;
    match identifier.parameters {
        Some(parameters) if identifier.oid == MGF1 => explicit_hash(Reader::new(parameters.der)),
        _ => Err(Unusable::Unsupported(name_of(identifier.oid))),
    }
}

/// What this crate signs with, given the key: SHA-256 unless the curve is larger.
pub(crate) const fn for_key(key: KeyKind) -> Option<SignatureAlgorithm> {
    match key {
        KeyKind::Rsa { .. } => Some(SignatureAlgorithm::RsaPkcs1(Hash::Sha256)),
        KeyKind::Ec(Curve::P256) => Some(SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256)),
        KeyKind::Ec(Curve::P384) => Some(SignatureAlgorithm::Ecdsa(Curve::P384, Hash::Sha384)),
        KeyKind::Ec(Curve::P521) => Some(SignatureAlgorithm::Ecdsa(Curve::P521, Hash::Sha512)),
        KeyKind::Ed25519 => Some(SignatureAlgorithm::Ed25519),
        _ => None,
    }
}

/// The hash that CMS names beside a signature; Ed25519 in CMS is always with SHA-512 (RFC 8419 3).
pub(crate) const fn digest_of(algorithm: SignatureAlgorithm) -> Hash {
    match algorithm {
        SignatureAlgorithm::Ecdsa(_, hash)
        | SignatureAlgorithm::RsaPkcs1(hash)
        | SignatureAlgorithm::RsaPss { hash, .. } => hash,
        SignatureAlgorithm::Ed25519 => Hash::Sha512,
    }
}

/// The AlgorithmIdentifier of a signature.
pub(crate) fn signature_identifier(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let find = |table: &[(Oid, Hash); 4], hash| {
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
            write::algorithm(RSA_PSS, &parameters)
        }
        SignatureAlgorithm::Ed25519 => write::algorithm(ED25519, &[]),
    }
}

/// Whether a key is too small to prove or to hide anything.
pub(crate) const fn is_weak_key(key: KeyKind) -> bool {
    matches!(key, KeyKind::Rsa { bits } if bits < 2048)
}

/// The name of the weakness of a signature, if it has one.
pub(crate) const fn weakness(algorithm: SignatureAlgorithm, key: KeyKind) -> Option<&'static str> {
    match (algorithm, key) {
        (_, key) if is_weak_key(key) => Some("RSA below 2048 bits"),
        (algorithm, _) if matches!(digest_of(algorithm), Hash::Sha1) => Some("SHA-1"),
        _ => None,
    }
}

pub(crate) fn cipher_of(oid: Oid) -> Option<ContentEncryption> {
    CIPHERS.iter().find(|(known, _)| *known == oid).map(|(_, cipher)| *cipher)
}

pub(crate) fn cipher_oid(cipher: ContentEncryption) -> Oid {
    CIPHERS.iter().find(|(_, known)| *known == cipher).map_or(SHA256, |(oid, _)| *oid)
}

/// The padding that a KeyTransRecipientInfo names; None if it is unknown.
pub(crate) fn rsa_padding(identifier: &Identifier<'_>) -> Result<Option<RsaPadding>, Malformed> {
    if identifier.oid == RSA_OID {
        return Ok(Some(RsaPadding::Pkcs1v15));
    }
    if identifier.oid != RSA_OAEP {
        return Ok(None);
    }
    let (mut hash, mut mgf) = (Some(Hash::Sha1), Some(Hash::Sha1));
    if let Some(parameters) = identifier.parameters.filter(|parameters| parameters.tag != tag::NULL) {
        let mut fields = asn1::single(parameters.der, tag::SEQUENCE)?.reader();
        if let Some(field) = fields.optional(tag::constructed(0))? {
            hash = explicit_hash(field.reader()).ok();
        }
        if let Some(field) = fields.optional(tag::constructed(1))? {
            mgf = mgf1_hash(field.reader()).ok();
        }
        if let Some(field) = fields.optional(tag::constructed(2))? {
            let source = Identifier::read(field.reader().sequence()?)?;
            let empty = source.parameters.is_some_and(|label| label.value.is_empty());
            if source.oid != P_SPECIFIED || !empty {
                return Ok(None);
            }
        }
        fields.end()?;
    }
    Ok(hash.zip(mgf).map(|(hash, mgf)| RsaPadding::Oaep(hash, mgf)))
}

/// The AlgorithmIdentifier of a padding (RFC 4055 4.1).
pub(crate) fn rsa_padding_identifier(padding: RsaPadding) -> Vec<u8> {
    match padding {
        RsaPadding::Pkcs1v15 => write::algorithm(RSA_OID, &write::null()),
        RsaPadding::Oaep(hash, mgf) => {
            let with_null = |hash| write::algorithm(hash_oid(hash), &write::null());
            let parameters = write::sequence(&[
                &write::tlv(tag::constructed(0), &[&with_null(hash)]),
                &write::tlv(tag::constructed(1), &[&write::algorithm(MGF1, &with_null(mgf))]),
            ]);
            write::algorithm(RSA_OAEP, &parameters)
        }
    }
}
