//! RSAES-PKCS1-v1_5 for writing (RFC 8017 7.2.1): WebCrypto lacks it, and gpgsm and NSS read no other.
//!
//! The power is the browser's `BigInt`. It takes a time that depends on its numbers, of which the exponent and the
//! modulus are public and the block is made afresh for each key: one measurement tells of one block, and there is
//! never a second one of it.

use getrandom::SysRng;
use js_sys::BigInt;
use rand_core::TryRng;
use smime::ProviderError;
use zeroize::Zeroizing;

/// Encrypts a short key under an RSA SubjectPublicKeyInfo.
pub(super) fn wrap(spki: &[u8], key: &[u8]) -> Result<Vec<u8>, ProviderError> {
    let (modulus, exponent) = smime::rsa_public_key(spki).ok_or(ProviderError::BadKey)?;
    let block = number(&encode(key, modulus.len())?);
    octets(power(&block, exponent, &number(modulus)), modulus.len()).ok_or(ProviderError::Platform)
}

/// EME-PKCS1-v1_5: `00 02`, at least eight random octets that are not zero, `00`, the message.
fn encode(message: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
    let random = length.checked_sub(message.len() + 3).filter(|random| *random >= 8);
    let mut padding = Zeroizing::new(vec![0; random.ok_or(ProviderError::BadKey)?]);
    for octet in padding.iter_mut() {
        while *octet == 0 {
            let drawn = SysRng.try_fill_bytes(std::slice::from_mut(octet));
            drawn.map_err(|_| ProviderError::Platform)?;
        }
    }
    Ok(Zeroizing::new([&[0, 2], padding.as_slice(), &[0], message].concat()))
}

/// Square and multiply, from the highest bit of the exponent.
fn power(base: &BigInt, exponent: u32, modulus: &BigInt) -> BigInt {
    let bits = (0..u32::BITS - exponent.leading_zeros()).rev();
    bits.fold(BigInt::from(1), |power, bit| {
        let square = &(&power * &power) % modulus;
        if exponent >> bit & 1 == 1 { &(&square * base) % modulus } else { square }
    })
}

fn number(octets: &[u8]) -> BigInt {
    let eight = BigInt::from(8);
    octets.iter().fold(BigInt::from(0), |number, octet| &(&number << &eight) | &BigInt::from(*octet))
}

fn octets(mut number: BigInt, length: usize) -> Option<Vec<u8>> {
    let eight = BigInt::from(8);
    let mut octets = vec![0; length];
    for octet in octets.iter_mut().rev() {
        let lowest = u64::try_from(BigInt::as_uint_n(8.0, &number)).ok()?;
        *octet = u8::try_from(lowest).ok()?;
        number = &number >> &eight;
    }
    Some(octets)
}
