//! The key derivation of PKCS#12 (RFC 7292 appendix B.2).

use sha1::Sha1;
use sha2::digest::block_api::BlockSizeUser;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::provider::Hash;

/// What a derived octet is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    Key = 1,
    Vector = 2,
    Mac = 3,
}

/// Derives `length` octets from a password in its BMPString form.
pub(super) fn derive(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    usage: Use,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    match hash {
        Hash::Sha1 => derive_with::<Sha1>(password, salt, iterations, usage, length),
        Hash::Sha224 => derive_with::<Sha224>(password, salt, iterations, usage, length),
        Hash::Sha256 => derive_with::<Sha256>(password, salt, iterations, usage, length),
        Hash::Sha384 => derive_with::<Sha384>(password, salt, iterations, usage, length),
        Hash::Sha512 => derive_with::<Sha512>(password, salt, iterations, usage, length),
    }
}

fn derive_with<D: Digest + BlockSizeUser>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    usage: Use,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = D::block_size();
    let diversifier = vec![usage as u8; block];
    let (salt, password) = (repeated(salt, block), repeated(password, block));
    // In its full size from the start: what is grown leaves a copy behind.
    let mut input = Zeroizing::new(Vec::with_capacity(salt.len() + password.len()));
    input.extend_from_slice(&salt);
    input.extend_from_slice(&password);
    let mut derived = Zeroizing::new(Vec::with_capacity(length + 64));
    while derived.len() < length {
        let mut digest = D::new().chain_update(&diversifier).chain_update(&*input).finalize();
        for _ in 1..iterations {
            digest = D::digest(&digest);
        }
        derived.extend_from_slice(&digest);
        let addend = repeated(&digest, block);
        digest.as_mut_slice().zeroize();
        for chunk in input.chunks_mut(block) {
            add_one_more(chunk, &addend);
        }
    }
    derived.truncate(length);
    derived
}

/// The octets, over and over, up to a multiple of the block; nothing stays nothing.
fn repeated(octets: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
    let length = octets.len().div_ceil(block) * block;
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    out.extend(octets.iter().copied().cycle().take(length));
    out
}

/// Adds `addend` and one to a number of the same length, modulo its size.
fn add_one_more(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1_u16;
    for (octet, addend) in number.iter_mut().rev().zip(addend.iter().rev()) {
        let [high, low] = (u16::from(*octet) + u16::from(*addend) + carry).to_be_bytes();
        *octet = low;
        carry = u16::from(high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addition_carries_and_wraps() {
        let mut number = [0xff, 0xff];
        add_one_more(&mut number, &[0, 1]);
        assert_eq!(number, [0, 1]);
    }

    #[test]
    fn repetition_fills_whole_blocks() {
        assert_eq!(*repeated(&[1, 2, 3], 4), [1, 2, 3, 1]);
        assert!(repeated(&[], 4).is_empty());
    }
}
