//! AES-GCM (NIST SP 800-38D 7.2) where the crate has no type for it: nonces of other lengths than 12 octets, of
//! which RFC 5084 3.2 permits any, and tags of 12 to 15.

use cipher::array::Array;
use cipher::consts::U16;
use cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr32BE, CtrCore};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;

use crate::provider::ProviderError;

type Block = Array<u8, U16>;

pub(super) fn open<C>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8],
) -> Result<(), ProviderError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let cipher = C::new_from_slice(key).map_err(|_| ProviderError::BadKey)?;
    let mut hash_key = Block::default();
    cipher.encrypt_block(&mut hash_key);
    let ghash = GHash::new(&hash_key);
    let start = match *nonce {
        [] => return Err(ProviderError::BadCiphertext),
        [a, b, c, d, e, f, g, h, i, j, k, l] => [a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 0, 1].into(),
        // Padded and followed by its length, as the ciphertext is.
        _ => hash(&ghash, &[], nonce),
    };
    let mut stream = Ctr32BE::from_core(CtrCore::inner_iv_init(cipher, &start));
    let mut expected = hash(&ghash, aad, buffer);
    stream.apply_keystream(&mut expected);
    // RFC 5084 3.2: 12 octets at least.
    let same =
        matches!(tag.len(), 12..=16) && expected.get(..tag.len()).is_some_and(|mac| mac.ct_eq(tag).into());
    if !same {
        return Err(ProviderError::BadCiphertext);
    }
    stream.try_apply_keystream(buffer).map_err(|_| ProviderError::BadCiphertext)
}

/// GHASH of both, each padded to whole blocks, and of their lengths in bits.
fn hash(ghash: &GHash, aad: &[u8], data: &[u8]) -> Block {
    let mut ghash = ghash.clone();
    ghash.update_padded(aad);
    ghash.update_padded(data);
    let bits = |octets: &[u8]| (octets.len() as u128) * 8;
    ghash.update(&[(bits(aad) << 64 | bits(data)).to_be_bytes().into()]);
    ghash.finalize()
}
