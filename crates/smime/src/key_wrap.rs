//! Wrapping a content-encryption key under another key (RFC 3394; RFC 3217, read only).

use aes::{Aes128, Aes192, Aes256};
use aes_kw::AesKw;
use cbc::Decryptor;
use cipher::block_padding::NoPadding;
use cipher::{BlockModeDecrypt, KeyInit, KeyIvInit};
use const_oid::ObjectIdentifier as Oid;
use des::TdesEde3;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::asn1::write;

const AES128_WRAP: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.5");
const AES192_WRAP: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.25");
const AES256_WRAP: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.45");

/// Read only: what OpenSSL wrote before 3.0.
const TRIPLE_DES_WRAP: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.6");

/// A key wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyWrap {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

impl KeyWrap {
    pub(crate) const fn of(oid: Oid) -> Option<Self> {
        match oid {
            AES128_WRAP => Some(Self::Aes128),
            AES192_WRAP => Some(Self::Aes192),
            AES256_WRAP => Some(Self::Aes256),
            TRIPLE_DES_WRAP => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// The wrap that is as strong as the key of that many bytes, as RFC 8551 2.3 wants it.
    pub(crate) const fn for_key(length: usize) -> Option<Self> {
        match length {
            16 => Some(Self::Aes128),
            24 => Some(Self::Aes192),
            32 => Some(Self::Aes256),
            _ => None,
        }
    }

    /// The AlgorithmIdentifier.
    pub(crate) fn identifier(self) -> Vec<u8> {
        let oid = match self {
            Self::Aes128 => AES128_WRAP,
            Self::Aes192 => AES192_WRAP,
            Self::Aes256 => AES256_WRAP,
            Self::TripleDes => TRIPLE_DES_WRAP,
        };
        write::algorithm(oid, &[])
    }

    /// Wraps a content-encryption key.
    pub(crate) fn wrap(self, kek: &[u8], key: &[u8]) -> Option<Vec<u8>> {
        let mut wrapped = vec![0; key.len() + 8];
        let done = match self {
            Self::Aes128 => AesKw::<Aes128>::new_from_slice(kek).ok()?.wrap_key(key, &mut wrapped).is_ok(),
            Self::Aes192 => AesKw::<Aes192>::new_from_slice(kek).ok()?.wrap_key(key, &mut wrapped).is_ok(),
            Self::Aes256 => AesKw::<Aes256>::new_from_slice(kek).ok()?.wrap_key(key, &mut wrapped).is_ok(),
            Self::TripleDes => false,
        };
        done.then_some(wrapped)
    }

    /// Length of the key-encryption key in bytes.
    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// Unwraps a content-encryption key; None if it was not wrapped under this one.
    pub(crate) fn unwrap(self, kek: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        // RFC 3394: whole blocks of eight, at least two, and the integrity block before them.
        let fits = (24..=512).contains(&wrapped.len()) && wrapped.len().is_multiple_of(8);
        if !fits {
            return None;
        }
        let mut key = Zeroizing::new(vec![0; wrapped.len() - 8]);
        match self {
            Self::Aes128 => {
                AesKw::<Aes128>::new_from_slice(kek).ok()?.unwrap_key(wrapped, &mut key).ok()?;
            }
            Self::Aes192 => {
                AesKw::<Aes192>::new_from_slice(kek).ok()?.unwrap_key(wrapped, &mut key).ok()?;
            }
            Self::Aes256 => {
                AesKw::<Aes256>::new_from_slice(kek).ok()?.unwrap_key(wrapped, &mut key).ok()?;
            }
            Self::TripleDes => return triple_des_unwrap(kek, wrapped),
        }
        Some(key)
    }
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
