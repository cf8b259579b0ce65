//! Encryption under a password: PBES2 (RFC 8018 6.2) and the schemes of PKCS#12 itself.

use aes::{Aes128, Aes192, Aes256};
use cbc::{Decryptor, Encryptor};
use cipher::block_padding::Pkcs7;
use cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyIvInit};
use const_oid::ObjectIdentifier as Oid;
use des::TdesEde3;
use rc2::Rc2;
use zeroize::Zeroizing;

use super::Pkcs12Error;
use super::derive::{Use, derive};
use super::pbkdf::{PBKDF2, Parameters, blocks, pbkdf2, pbkdf2_identifier};
use crate::algorithm::Identifier;
use crate::asn1::{self, Malformed, Tlv, tag, write};
use crate::provider::Hash;

const PBES2: Oid = Oid::new_unwrap("1.2.840.113549.1.5.13");

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
