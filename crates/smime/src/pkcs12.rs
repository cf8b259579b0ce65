//! Keys in a file (PKCS#12, RFC 7292).
//!
//! ```
//! # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
//! # use people::{NOW, People, people};
//! # use smime::rustcrypto::RustCrypto;
//! use smime::pkcs12::{self, Pkcs12Error};
//! use smime::rustcrypto::MemoryKeyring;
//! use smime::KeyId;
//!
//! # smime::block_on_ready(async {
//! # let People { keyring, alice, .. } = people().await?;
//! let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//! let file = pkcs12::create(&mut rng, &keyring.pkcs8(&alice.key)?, &alice.chain, "Alice", "a long password")?;
//!
//! let contents = pkcs12::open(&file, "a long password")?;
//! assert_eq!(contents.certificates, alice.chain);
//! let mut imported = MemoryKeyring::new();
//! imported.insert_pkcs8(KeyId::new("alice"), &contents.keys[0].pkcs8)?;
//! assert_eq!(pkcs12::open(&file, "another").err(), Some(Pkcs12Error::WrongPassword));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod bags;
mod derive;
mod password;
mod pbe;
mod pbkdf;
mod write_file;
#[cfg(test)]
mod wycheproof;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::asn1::{self, Malformed, Tlv, tag};
use crate::ber;
use crate::certificate::Certificate;

pub(crate) use pbkdf::pbkdf2_key;

/// Why a PKCS#12 file was not opened or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs12Error {
    /// Not a PKCS#12 file, or broken.
    #[error("not a PKCS#12 file")]
    Malformed,
    /// The password is wrong (or the file was changed).
    #[error("wrong password")]
    WrongPassword,
    /// The file uses an algorithm that this crate does not have.
    #[error("the file uses an unsupported algorithm")]
    Unsupported,
    /// Nothing authenticates the file: it could hold somebody else's key.
    #[error("the file is not protected against changes")]
    Unauthenticated,
    /// The file asks for more key derivation than is reasonable.
    #[error("the file asks for too much work")]
    TooMuchWork,
}

impl From<Malformed> for Pkcs12Error {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A private key of a file.
pub struct PrivateKey {
    /// The PKCS#8 of the key.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// The index in [`Contents::certificates`] of the certificate that the file marks as its own. Whether it is for
    /// this key nobody has looked: see [`Certificate::has_key`].
    pub certificate: Option<usize>,
    /// The name that the file gives it.
    pub name: Option<String>,
}

/// What was in a file.
pub struct Contents {
    /// The private keys.
    pub keys: Vec<PrivateKey>,
    /// The certificates, in the order of the file.
    pub certificates: Vec<Certificate>,
}

/// A file has at most this many safes, and a safe at most this many bags.
const MAX_PARTS: usize = 256;

/// Opens a PKCS#12 file: PBES2 with AES, and the old schemes of Windows and NSS; its MAC may be
/// PBMAC1 (RFC 9579).
///
/// The whole is checked against its MAC before anything is decrypted. A file without one is refused:
/// whoever carried it could have put their own key into it.
pub fn open(pfx: &[u8], password: &str) -> Result<Contents, Pkcs12Error> {
    let der = ber::to_der(pfx).map_err(|_| Pkcs12Error::Malformed)?;
    let mut fields = asn1::single(&der, tag::SEQUENCE)?.reader();
    if fields.expect(tag::INTEGER)?.small()? != 3 {
        return Err(Pkcs12Error::Malformed);
    }
    let safe = bags::data_of(&fields.expect(tag::SEQUENCE)?)?;
    let mut unlock = password::Unlock::new(password);
    let mac = fields.optional(tag::SEQUENCE)?.ok_or(Pkcs12Error::Unauthenticated)?;
    unlock.check_mac(&mac, safe)?;
    fields.end()?;
    let safe = ber::to_der(safe).map_err(|_| Pkcs12Error::Malformed)?;
    let mut found = bags::Bags::default();
    for part in asn1::single(&safe, tag::SEQUENCE)?.reader().all(MAX_PARTS)? {
        open_part(&part, &mut unlock, &mut found)?;
    }
    Ok(found.into_contents())
}

fn open_part(
    part: &Tlv<'_>,
    unlock: &mut password::Unlock,
    found: &mut bags::Bags,
) -> Result<(), Pkcs12Error> {
    let contents = match bags::encrypted(part)? {
        Some((identifier, ciphertext)) => unlock.decrypt(&identifier, ciphertext)?,
        None => Zeroizing::new(bags::data_of(part)?.to_vec()),
    };
    let contents = ber::to_der(&contents).map_err(|_| Pkcs12Error::WrongPassword)?;
    found.read(&contents, unlock)
}

/// Makes a PKCS#12 file of one key (PKCS#8) and its chain, the key's certificate first.
///
/// PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, and an HMAC-SHA-256 over the whole, which is
/// what OpenSSL 3, Windows and NSS write and read.
pub fn create(
    rng: &mut impl CryptoRng,
    pkcs8: &[u8],
    chain: &[Certificate],
    name: &str,
    password: &str,
) -> Result<Vec<u8>, Pkcs12Error> {
    write_file::write(rng, pkcs8, chain, name, password)
}
