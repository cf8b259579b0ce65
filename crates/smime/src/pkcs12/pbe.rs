//! Encryption under a password: PBES2 (RFC 8018 6.2) and the schemes of PKCS#12 itself.

use aes::{Aes128, Aes192, Aes256};
use cbc::{Decryptor, Encryptor};
use cipher::block_padding::Pkcs7;
use cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyIvInit};
use const_oid::ObjectIdentifier as Oid;
use des::TdesEde3;
use pbkdf2::pbkdf2_hmac;
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::Pkcs12Error;
use super::derive::{Use, derive};
use crate::algorithm::Identifier;
use crate::asn1::{self, Malformed, Tlv, tag, write};
use crate::provider::Hash;

const PBES2: Oid = Oid::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: Oid = Oid::new_unwrap("1.2.840.113549.1.5.12");
const HMAC_SHA1: Oid = Oid::new_unwrap("1.2.840.113549.2.7");
const HMAC_SHA224: Oid = Oid::new_unwrap("1.2.840.113549.2.8");
const HMAC_SHA256: Oid = Oid::new_unwrap("1.2.840.113549.2.9");
const HMAC_SHA384: Oid = Oid::new_unwrap("1.2.840.113549.2.10");
const HMAC_SHA512: Oid = Oid::new_unwrap("1.2.840.113549.2.11");

const AES128_CBC: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES192_CBC: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES256_CBC: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.1.42");
const TRIPLE_DES_CBC: Oid = Oid::new_unwrap("1.2.840.113549.3.7");

const SHA1_TRIPLE_DES: Oid = Oid::new_unwrap("1.2.840.113549.1.12.1.3");
const SHA1_RC2_128: Oid = Oid::new_unwrap("1.2.840.113549.1.12.1.5");
const SHA1_RC2_40: Oid = Oid::new_unwrap("1.2.840.113549.1.12.1.6");

/// An encryption with its parameters, its key not yet derived.
pub(super) struct Scheme<'a> {
    derivation: Derivation,
    cipher: Cipher,
    salt: &'a [u8],
    iterations: u32,
    /// Empty where the vector is derived too.
    vector: &'a [u8],
}

#[derive(Clone, Copy)]
enum Derivation {
    Pbkdf2(Hash),
    /// That of PKCS#12, with SHA-1.
    Pkcs12,
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    /// With so many octets of key.
    Rc2(usize),
}

impl Cipher {
    const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Rc2(length) => length,
        }
    }
}

impl<'a> Scheme<'a> {
    pub(super) fn read(identifier: &Identifier<'a>) -> Result<Self, Pkcs12Error> {
        let parameters = identifier.parameters.ok_or(Malformed)?;
        let cipher = match identifier.oid {
            PBES2 => return pbes2(&parameters),
            SHA1_TRIPLE_DES => Cipher::TripleDes,
            SHA1_RC2_128 => Cipher::Rc2(16),
            SHA1_RC2_40 => Cipher::Rc2(5),
            _ => return Err(Pkcs12Error::Unsupported),
        };
        let mut fields = parameters.reader();
        let salt = fields.expect(tag::OCTET_STRING)?.value;
        let iterations = fields.expect(tag::INTEGER)?.small()?;
        Ok(Self { derivation: Derivation::Pkcs12, cipher, salt, iterations, vector: &[] })
    }

    /// True if the password goes in as a BMPString rather than as UTF-8.
    pub(super) const fn takes_bmp(&self) -> bool {
        matches!(self.derivation, Derivation::Pkcs12)
    }

    /// What the derivation costs, in rounds of its hash: each block of the result takes all iterations.
    pub(super) fn work(&self) -> u32 {
        let length = self.cipher.key_len();
        let blocks = match self.derivation {
            Derivation::Pbkdf2(hash) => blocks(hash, length),
            // The vector is derived as well.
            Derivation::Pkcs12 => blocks(Hash::Sha1, length).saturating_add(1),
        };
        self.iterations.saturating_mul(blocks)
    }

    /// None if the password is wrong.
    pub(super) fn decrypt(&self, password: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let length = self.cipher.key_len();
        let (key, vector) = match self.derivation {
            Derivation::Pbkdf2(hash) => {
                (pbkdf2(hash, password, self.salt, self.iterations, length), self.vector.to_vec())
            }
            Derivation::Pkcs12 => {
                let part =
                    |usage, length| derive(Hash::Sha1, password, self.salt, self.iterations, usage, length);
                (part(Use::Key, length), part(Use::Vector, 8).to_vec())
            }
        };
        let plaintext = match self.cipher {
            Cipher::Aes128 => unpad(Decryptor::<Aes128>::new_from_slices(&key, &vector).ok()?, ciphertext),
            Cipher::Aes192 => unpad(Decryptor::<Aes192>::new_from_slices(&key, &vector).ok()?, ciphertext),
            Cipher::Aes256 => unpad(Decryptor::<Aes256>::new_from_slices(&key, &vector).ok()?, ciphertext),
            Cipher::TripleDes => {
                unpad(Decryptor::<TdesEde3>::new_from_slices(&key, &vector).ok()?, ciphertext)
            }
            Cipher::Rc2(length) => {
                let cipher = Rc2::new_with_eff_key_len(&key, length * 8);
                unpad(Decryptor::inner_iv_slice_init(cipher, &vector).ok()?, ciphertext)
            }
        };
        plaintext.map(Zeroizing::new)
    }
}

fn unpad(decryptor: impl BlockModeDecrypt, ciphertext: &[u8]) -> Option<Vec<u8>> {
    decryptor.decrypt_padded_vec::<Pkcs7>(ciphertext).ok()
}

fn pbes2<'a>(parameters: &Tlv<'a>) -> Result<Scheme<'a>, Pkcs12Error> {
    let mut fields = parameters.reader();
    let derivation = Identifier::read(fields.sequence()?)?;
    let encryption = Identifier::read(fields.sequence()?)?;
    fields.end()?;
    if derivation.oid != PBKDF2 {
        return Err(Pkcs12Error::Unsupported);
    }
    let cipher = match encryption.oid {
        AES128_CBC => Cipher::Aes128,
        AES192_CBC => Cipher::Aes192,
        AES256_CBC => Cipher::Aes256,
        TRIPLE_DES_CBC => Cipher::TripleDes,
        _ => return Err(Pkcs12Error::Unsupported),
    };
    let vector = asn1::single(encryption.parameters.ok_or(Malformed)?.der, tag::OCTET_STRING)?.value;
    let (cipher, parameters) = match Parameters::read(&derivation, cipher.key_len()) {
        // NSS once wrote AES-256 under the name of AES-128, and the true length beside it.
        Err(Pkcs12Error::Unsupported) if matches!(cipher, Cipher::Aes128) => {
            (Cipher::Aes256, Parameters::read(&derivation, Cipher::Aes256.key_len()))
        }
        parameters => (cipher, parameters),
    };
    let Parameters { salt, iterations, hash } = parameters?;
    Ok(Scheme { derivation: Derivation::Pbkdf2(hash), cipher, salt, iterations, vector })
}

/// PBKDF2-params (RFC 8018 A.2).
#[derive(Clone, Copy)]
struct Parameters<'a> {
    salt: &'a [u8],
    iterations: u32,
    hash: Hash,
}

impl<'a> Parameters<'a> {
    fn read(derivation: &Identifier<'a>, key_len: usize) -> Result<Self, Pkcs12Error> {
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
fn blocks(hash: Hash, length: usize) -> u32 {
    u32::try_from(length.div_ceil(hash.digest_len())).unwrap_or(u32::MAX)
}

fn pbkdf2(hash: Hash, password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Zeroizing<Vec<u8>> {
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

/// Encrypts as this crate does: the AlgorithmIdentifier, and the ciphertext.
pub(super) fn encrypt(
    salt: &[u8; 16],
    vector: &[u8; 16],
    iterations: u32,
    password: &str,
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Pkcs12Error> {
    let key = pbkdf2(Hash::Sha256, password.as_bytes(), salt, iterations, 32);
    let encryptor = Encryptor::<Aes256>::new_from_slices(&key, vector).map_err(|_| Malformed)?;
    let ciphertext = encryptor.encrypt_padded_vec::<Pkcs7>(plaintext);
    Ok((pbes2_identifier(salt, vector, iterations), ciphertext))
}

/// PBES2 with the derivation of [`pbkdf2_identifier`] and AES-256-CBC.
pub(super) fn pbes2_identifier(salt: &[u8], vector: &[u8], iterations: u32) -> Vec<u8> {
    let parameters = write::sequence(&[
        &pbkdf2_identifier(salt, iterations),
        &write::algorithm(AES256_CBC, &write::octets(vector)),
    ]);
    write::algorithm(PBES2, &parameters)
}

/// PBKDF2 with HMAC-SHA-256.
pub(super) fn pbkdf2_identifier(salt: &[u8], iterations: u32) -> Vec<u8> {
    let function = write::algorithm(HMAC_SHA256, &write::null());
    let derivation =
        write::sequence(&[&write::octets(salt), &write::integer(u64::from(iterations)), &function]);
    write::algorithm(PBKDF2, &derivation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_32_octets_is_of_aes_256_by_whatever_name() {
        let (salt, vector, plaintext) = ([1; 8], [2; 16], b"0\x03\x02\x01\x05");
        let key = pbkdf2(Hash::Sha1, b"nss", &salt, 10, 32);
        let encryptor = Encryptor::<Aes256>::new_from_slices(&key, &vector).unwrap();
        let ciphertext = encryptor.encrypt_padded_vec::<Pkcs7>(plaintext);
        let named = |length: u64| {
            let derivation =
                write::sequence(&[&write::octets(&salt), &write::integer(10), &write::integer(length)]);
            write::sequence(&[
                &write::algorithm(PBKDF2, &derivation),
                &write::algorithm(AES128_CBC, &write::octets(&vector)),
            ])
        };
        let (long, longer) = (named(32), named(48));
        let scheme = pbes2(&asn1::single(&long, tag::SEQUENCE).unwrap()).unwrap();
        assert_eq!(
            scheme.decrypt(b"nss", &ciphertext).as_deref().map(Vec::as_slice),
            Some(plaintext.as_slice())
        );
        let outcome = pbes2(&asn1::single(&longer, tag::SEQUENCE).unwrap());
        assert_eq!(outcome.err(), Some(Pkcs12Error::Unsupported));
    }
}
