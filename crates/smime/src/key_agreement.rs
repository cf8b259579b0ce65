//! Key-encryption keys from shared secrets (RFC 5753, RFC 8418).

use aes::{Aes128, Aes192, Aes256};
use aes_kw::AesKw;
use ansi_x963_kdf::derive_key_into;
use cbc::Decryptor;
use cipher::block_padding::NoPadding;
use cipher::{BlockModeDecrypt, KeyInit, KeyIvInit};
use const_oid::ObjectIdentifier as Oid;
use des::TdesEde3;
use hkdf::Hkdf;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::algorithm::Identifier;
use crate::asn1::{Malformed, tag, write};
use crate::provider::Hash;

const AES128_WRAP: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.5");
const AES192_WRAP: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.25");
const AES256_WRAP: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.45");

/// Read only: what OpenSSL wrote before 3.0.
const TRIPLE_DES_WRAP: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.6");

const STANDARD_SHA256: Oid = Oid::new_unwrap("1.3.132.1.11.1");

/// The schemes of X9.63's derivation. Cofactor agreement differs from standard agreement only on
/// curves with a cofactor, of which there are none here.
const SCHEMES: [(Oid, Hash); 8] = [
    (Oid::new_unwrap("1.3.133.16.840.63.0.2"), Hash::Sha1),
    (STANDARD_SHA256, Hash::Sha256),
    (Oid::new_unwrap("1.3.132.1.11.2"), Hash::Sha384),
    (Oid::new_unwrap("1.3.132.1.11.3"), Hash::Sha512),
    (Oid::new_unwrap("1.3.133.16.840.63.0.3"), Hash::Sha1),
    (Oid::new_unwrap("1.3.132.1.14.1"), Hash::Sha256),
    (Oid::new_unwrap("1.3.132.1.14.2"), Hash::Sha384),
    (Oid::new_unwrap("1.3.132.1.14.3"), Hash::Sha512),
];

/// The schemes of HKDF (RFC 8418 2.2), which X25519 uses beside those of X9.63.
const HKDF_SCHEMES: [(Oid, Hash); 3] = [
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.19"), Hash::Sha256),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.20"), Hash::Sha384),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.21"), Hash::Sha512),
];

/// How a shared secret becomes a key.
#[derive(Clone, Copy, Debug)]
enum Derivation {
    X963(Hash),
    Hkdf(Hash),
}

/// The derivation and the key wrap that a KeyAgreeRecipientInfo names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scheme<'a> {
    derivation: Derivation,
    wrap: Oid,
    /// The key wrap's AlgorithmIdentifier as it was sent, which goes into the derivation.
    wrap_identifier: &'a [u8],
}

impl<'a> Scheme<'a> {
    /// None if the scheme or the wrap is unknown.
    pub(crate) fn of(identifier: &Identifier<'a>) -> Result<Option<Self>, Malformed> {
        let parameters = identifier.parameters.ok_or(Malformed)?;
        let wrap = Identifier::read(parameters.reader())?.oid;
        let find = |table: &[(Oid, Hash)]| {
            table.iter().find(|(oid, _)| *oid == identifier.oid).map(|(_, hash)| *hash)
        };
        let known = find(&SCHEMES).map(Derivation::X963);
        let known = known.or_else(|| find(&HKDF_SCHEMES).map(Derivation::Hkdf));
        Ok(known.filter(|_| key_len(wrap).is_some()).map(|derivation| Self {
            derivation,
            wrap,
            wrap_identifier: parameters.der,
        }))
    }

    /// Derives the key-encryption key.
    fn derive(&self, shared: &[u8], user_keying_material: Option<&[u8]>) -> Option<Zeroizing<Vec<u8>>> {
        let length = key_len(self.wrap)?;
        let info = shared_info(self.wrap_identifier, user_keying_material, length);
        let mut key = Zeroizing::new(vec![0; length]);
        match self.derivation {
            Derivation::X963(Hash::Sha1) => derive_key_into::<Sha1>(shared, &info, &mut key).ok(),
            Derivation::X963(Hash::Sha256) => derive_key_into::<Sha256>(shared, &info, &mut key).ok(),
            Derivation::X963(Hash::Sha384) => derive_key_into::<Sha384>(shared, &info, &mut key).ok(),
            Derivation::X963(Hash::Sha512) => derive_key_into::<Sha512>(shared, &info, &mut key).ok(),
            Derivation::Hkdf(Hash::Sha1) => None,
            Derivation::Hkdf(Hash::Sha256) => Hkdf::<Sha256>::new(None, shared).expand(&info, &mut key).ok(),
            Derivation::Hkdf(Hash::Sha384) => Hkdf::<Sha384>::new(None, shared).expand(&info, &mut key).ok(),
            Derivation::Hkdf(Hash::Sha512) => Hkdf::<Sha512>::new(None, shared).expand(&info, &mut key).ok(),
        }?;
        Some(key)
    }

    /// Unwraps a content-encryption key; None if it was not wrapped under this secret.
    pub(crate) fn unwrap(
        &self,
        shared: &[u8],
        user_keying_material: Option<&[u8]>,
        wrapped: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let kek = self.derive(shared, user_keying_material)?;
        unwrap_under(self.wrap, &kek, wrapped)
    }
}

/// Unwraps a content-encryption key under a key-encryption key; None if it was not wrapped so.
pub(crate) fn unwrap_under(wrap: Oid, kek: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if wrap == TRIPLE_DES_WRAP {
        return triple_des_unwrap(kek, wrapped);
    }
    // RFC 3394: whole blocks of eight, at least two, and the integrity block before them.
    if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) || wrapped.len() > 128 {
        return None;
    }
    let mut key = Zeroizing::new(vec![0; wrapped.len() - 8]);
    match wrap {
        AES128_WRAP => {
            AesKw::<Aes128>::new_from_slice(kek).ok()?.unwrap_key(wrapped, &mut key).ok()?;
        }
        AES192_WRAP => {
            AesKw::<Aes192>::new_from_slice(kek).ok()?.unwrap_key(wrapped, &mut key).ok()?;
        }
        AES256_WRAP => {
            AesKw::<Aes256>::new_from_slice(kek).ok()?.unwrap_key(wrapped, &mut key).ok()?;
        }
        _ => return None,
    }
    Some(key)
}

/// RFC 3217 3.2.
fn triple_des_unwrap(kek: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const VECTOR: [u8; 8] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];
    let decrypt = |vector: &[u8], octets: &[u8]| {
        let cipher = Decryptor::<TdesEde3>::new_from_slices(kek, vector).ok()?;
        cipher.decrypt_padded_vec::<NoPadding>(octets).ok().map(Zeroizing::new)
    };
    if wrapped.len() != 40 {
        return None;
    }
    let mut reversed = decrypt(&VECTOR, wrapped)?;
    reversed.reverse();
    let (vector, rest) = reversed.split_at_checked(8)?;
    let key_and_checksum = decrypt(vector, rest)?;
    let (key, checksum) = key_and_checksum.split_at_checked(24)?;
    let expected = Sha1::digest(key);
    let holds: bool = expected.get(..8)?.ct_eq(checksum).into();
    holds.then(|| Zeroizing::new(key.to_vec()))
}

/// Wraps a content-encryption key as [`written_scheme`] says.
pub(crate) fn wrap(shared: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let wrap_identifier = write::algorithm(AES256_WRAP, &[]);
    let scheme = Scheme {
        derivation: Derivation::X963(Hash::Sha256),
        wrap: AES256_WRAP,
        wrap_identifier: &wrap_identifier,
    };
    let kek = scheme.derive(shared, None)?;
    let mut wrapped = vec![0; key.len() + 8];
    AesKw::<Aes256>::new_from_slice(&kek).ok()?.wrap_key(key, &mut wrapped).ok()?;
    Some(wrapped)
}

/// The AlgorithmIdentifier of dhSinglePass-stdDH-sha256kdf-scheme with AES-256 key wrap.
pub(crate) fn written_scheme() -> Vec<u8> {
    write::algorithm(STANDARD_SHA256, &write::algorithm(AES256_WRAP, &[]))
}

const fn key_len(wrap: Oid) -> Option<usize> {
    match wrap {
        AES128_WRAP => Some(16),
        AES192_WRAP | TRIPLE_DES_WRAP => Some(24),
        AES256_WRAP => Some(32),
        _ => None,
    }
}

/// ECC-CMS-SharedInfo (RFC 5753 7.2).
fn shared_info(wrap_identifier: &[u8], user_keying_material: Option<&[u8]>, key_len: usize) -> Vec<u8> {
    let material = user_keying_material
        .map(|material| write::tlv(tag::constructed(0), &[&write::octets(material)]))
        .unwrap_or_default();
    let bits = u32::try_from(key_len * 8).unwrap_or(u32::MAX).to_be_bytes();
    let length = write::tlv(tag::constructed(2), &[&write::octets(&bits)]);
    write::sequence(&[wrap_identifier, &material, &length])
}
