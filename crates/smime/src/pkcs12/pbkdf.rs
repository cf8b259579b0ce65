//! PBKDF2 (RFC 8018 5.2): keys out of passwords.

use const_oid::ObjectIdentifier as Oid;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::Pkcs12Error;
use crate::algorithm::Identifier;
use crate::asn1::{Malformed, tag, write};
use crate::provider::Hash;

pub(super) const PBKDF2: Oid = Oid::new_unwrap("1.2.840.113549.1.5.12");
const HMAC_SHA1: Oid = Oid::new_unwrap("1.2.840.113549.2.7");
const HMAC_SHA224: Oid = Oid::new_unwrap("1.2.840.113549.2.8");
const HMAC_SHA256: Oid = Oid::new_unwrap("1.2.840.113549.2.9");
const HMAC_SHA384: Oid = Oid::new_unwrap("1.2.840.113549.2.10");
const HMAC_SHA512: Oid = Oid::new_unwrap("1.2.840.113549.2.11");

/// PBKDF2-params (RFC 8018 A.2).
#[derive(Clone, Copy)]
pub(super) struct Parameters<'a> {
    pub(super) salt: &'a [u8],
    pub(super) iterations: u32,
    pub(super) hash: Hash,
}

impl<'a> Parameters<'a> {
    /// Unsupported if it is for a key of another length.
    pub(super) fn read(derivation: &Identifier<'a>, key_len: usize) -> Result<Self, Pkcs12Error> {
        let mut fields = derivation.parameters.ok_or(Malformed)?.reader();
        let salt = fields.expect(tag::OCTET_STRING)?.value;
        let iterations = fields.expect(tag::INTEGER)?.small()?;
        if let Some(length) = fields.optional(tag::INTEGER)?
            && usize::try_from(length.small()?) != Ok(key_len)
        {
            return Err(Pkcs12Error::Unsupported);
        }
        let hash = match fields.optional(tag::SEQUENCE)? {
            None => Hash::Sha1,
            Some(function) => {
                hmac_of(Identifier::read(function.reader())?.oid).ok_or(Pkcs12Error::Unsupported)?
            }
        };
        Ok(Self { salt, iterations, hash })
    }
}

/// The hash of an HMAC.
pub(super) const fn hmac_of(oid: Oid) -> Option<Hash> {
    match oid {
        HMAC_SHA1 => Some(Hash::Sha1),
        HMAC_SHA224 => Some(Hash::Sha224),
        HMAC_SHA256 => Some(Hash::Sha256),
        HMAC_SHA384 => Some(Hash::Sha384),
        HMAC_SHA512 => Some(Hash::Sha512),
        _ => None,
    }
}

/// The key of PBMAC1, not yet derived (RFC 9579 4).
pub(super) struct MacKey<'a> {
    parameters: Parameters<'a>,
    length: usize,
}

impl<'a> MacKey<'a> {
    pub(super) fn read(derivation: &Identifier<'a>) -> Result<Self, Pkcs12Error> {
        /// Twice the longest block of a hash, which some ask for, though HMAC hashes such a key first.
        const MAX_LENGTH: usize = 256;
        if derivation.oid != PBKDF2 {
            return Err(Pkcs12Error::Unsupported);
        }
        let mut fields = derivation.parameters.ok_or(Malformed)?.reader();
        fields.expect(tag::OCTET_STRING)?;
        fields.expect(tag::INTEGER)?;
        // RFC 9579 4: unlike elsewhere, the length must be there.
        let length = usize::try_from(fields.expect(tag::INTEGER)?.small()?).map_err(|_| Malformed)?;
        // RFC 9579 8: a key below 20 octets is no protection.
        if !(20..=MAX_LENGTH).contains(&length) {
            return Err(Pkcs12Error::Unsupported);
        }
        Ok(Self { parameters: Parameters::read(derivation, length)?, length })
    }

    pub(super) fn work(&self) -> u32 {
        self.parameters.iterations.saturating_mul(blocks(self.parameters.hash, self.length))
    }

    pub(super) fn derive(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        let Parameters { salt, iterations, hash } = self.parameters;
        pbkdf2(hash, password, salt, iterations, self.length)
    }
}

/// The key that PBKDF2 with these parameters gives, for other uses of passwords than files.
pub(crate) fn pbkdf2_key(
    derivation: &Identifier<'_>,
    password: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
    /// A tenth of a second natively; a message may name several passwords.
    const MAX_ITERATIONS: u32 = 1_000_000;
    if derivation.oid != PBKDF2 {
        return Err(Pkcs12Error::Unsupported);
    }
    let Parameters { salt, iterations, hash } = Parameters::read(derivation, length)?;
    if iterations.saturating_mul(blocks(hash, length)) > MAX_ITERATIONS {
        return Err(Pkcs12Error::TooMuchWork);
    }
    Ok(pbkdf2(hash, password, salt, iterations, length))
}

/// How many blocks of the hash so many octets take.
pub(super) fn blocks(hash: Hash, length: usize) -> u32 {
    u32::try_from(length.div_ceil(hash.digest_len())).unwrap_or(u32::MAX)
}

/// The key that so many iterations give.
pub(super) fn pbkdf2(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(vec![0; length]);
    match hash {
        Hash::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut key),
        Hash::Sha224 => pbkdf2_hmac::<Sha224>(password, salt, iterations, &mut key),
        Hash::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut key),
        Hash::Sha384 => pbkdf2_hmac::<Sha384>(password, salt, iterations, &mut key),
        Hash::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut key),
    }
    key
}

/// PBKDF2 with HMAC-SHA-256.
pub(super) fn pbkdf2_identifier(salt: &[u8], iterations: u32) -> Vec<u8> {
    let function = write::algorithm(HMAC_SHA256, &write::null());
    let derivation =
        write::sequence(&[&write::octets(salt), &write::integer(u64::from(iterations)), &function]);
    write::algorithm(PBKDF2, &derivation)
}
