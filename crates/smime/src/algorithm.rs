//! Algorithm identifiers and what they stand for (RFC 3370, 4055, 5084, 5754, 8103).

mod digest;
mod names;
mod signature;
mod transport;

use const_oid::ObjectIdentifier as Oid;

use crate::asn1::{self, Malformed, Reader, write};
use crate::provider::{ContentEncryption, Hash};

pub(crate) use digest::Digest;
pub(crate) use names::{name_of, static_name};
pub(crate) use signature::{
    Unusable, digest_of, for_key, is_oversized_key, is_weak_key, pss_parameters, signature,
    signature_identifier, weak_digest, weakness,
};
pub(crate) use transport::{RSA_OAEP, rsa_padding, rsa_padding_identifier};

const SHA1: Oid = Oid::new_unwrap("1.3.14.3.2.26");
const SHA224: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.4");
const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.3");
const MGF1: Oid = Oid::new_unwrap("1.2.840.113549.1.1.8");

const CIPHERS: [(Oid, ContentEncryption); 11] = [
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.46"), ContentEncryption::Aes256Gcm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.26"), ContentEncryption::Aes192Gcm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.6"), ContentEncryption::Aes128Gcm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.47"), ContentEncryption::Aes256Ccm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.27"), ContentEncryption::Aes192Ccm),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.7"), ContentEncryption::Aes128Ccm),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.18"), ContentEncryption::ChaCha20Poly1305),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.42"), ContentEncryption::Aes256Cbc),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.22"), ContentEncryption::Aes192Cbc),
    (Oid::new_unwrap("2.16.840.1.101.3.4.1.2"), ContentEncryption::Aes128Cbc),
    (Oid::new_unwrap("1.2.840.113549.3.7"), ContentEncryption::TripleDesCbc),
];

pub(crate) const fn hash_oid(hash: Hash) -> Oid {
    match hash {
        Hash::Sha1 => SHA1,
        Hash::Sha224 => SHA224,
        Hash::Sha256 => SHA256,
        Hash::Sha384 => SHA384,
        Hash::Sha512 => SHA512,
    }
}

pub(crate) fn hash_of(oid: Oid) -> Option<Hash> {
    match oid {
        SHA1 => Some(Hash::Sha1),
        SHA224 => Some(Hash::Sha224),
        SHA256 => Some(Hash::Sha256),
        SHA384 => Some(Hash::Sha384),
        SHA512 => Some(Hash::Sha512),
        // Some writers name the signature algorithm where the digest belongs.
        _ => signature::hash_within(oid),
    }
}

/// The hash of a DSA signature; None for any other (RFC 3279 2.2.2, RFC 5758 3.1).
pub(crate) fn dsa_hash(oid: Oid) -> Option<Hash> {
    const DSA_SHA1: Oid = Oid::new_unwrap("1.2.840.10040.4.3");
    const DSA_SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.3.2");
    match oid {
        DSA_SHA1 => Some(Hash::Sha1),
        DSA_SHA256 => Some(Hash::Sha256),
        _ => None,
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

/// A digest's identifier under an explicit tag.
fn explicit_hash(mut field: Reader<'_>) -> Result<Hash, Unusable> {
    let identifier = Identifier::read(field.sequence()?)?;
    hash_of(identifier.oid).ok_or_else(|| Unusable::Unsupported(name_of(identifier.oid)))
}

/// MGF1's identifier under an explicit tag: its hash.
fn mgf1_hash(mut field: Reader<'_>) -> Result<Hash, Unusable> {
    let identifier = Identifier::read(field.sequence()?)?;
    match identifier.parameters {
        Some(parameters) if identifier.oid == MGF1 => explicit_hash(Reader::new(parameters.der)),
        _ => Err(Unusable::Unsupported(name_of(identifier.oid))),
    }
}

pub(crate) fn cipher_of(oid: Oid) -> Option<ContentEncryption> {
    CIPHERS.iter().find(|(known, _)| *known == oid).map(|(_, cipher)| *cipher)
}

pub(crate) fn cipher_oid(cipher: ContentEncryption) -> Oid {
    CIPHERS.iter().find(|(_, known)| *known == cipher).map_or(SHA256, |(oid, _)| *oid)
}
