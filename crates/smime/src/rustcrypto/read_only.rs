//! AES-CCM (RFC 5084), which others write.

use aes::{Aes128, Aes192, Aes256};
use ccm::aead::KeyInit;
use ccm::aead::consts::{U7, U8, U9, U10, U11, U12, U13, U14, U16};
use ccm::{Ccm, NonceSize, TagSize};
use cipher::{BlockCipherEncrypt, BlockSizeUser};

use super::cipher::open;
use crate::provider::ProviderError;

pub(super) fn open_ccm(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8],
) -> Result<(), ProviderError> {
    let sealed = Sealed { nonce, aad, buffer, tag };
    match key.len() {
        16 => with_key::<Aes128>(key, sealed),
        24 => with_key::<Aes192>(key, sealed),
        _ => with_key::<Aes256>(key, sealed),
    }
}

/// What is opened: nonce, associated data, ciphertext and tag.
struct Sealed<'a> {
    nonce: &'a [u8],
    aad: &'a [u8],
    buffer: &'a mut [u8],
    tag: &'a [u8],
}

/// RFC 5084 3.1: nonces of 7 to 13 octets.
fn with_key<C>(key: &[u8], sealed: Sealed<'_>) -> Result<(), ProviderError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    match sealed.nonce.len() {
        7 => with_nonce::<C, U7>(key, sealed),
        8 => with_nonce::<C, U8>(key, sealed),
        9 => with_nonce::<C, U9>(key, sealed),
        10 => with_nonce::<C, U10>(key, sealed),
        11 => with_nonce::<C, U11>(key, sealed),
        12 => with_nonce::<C, U12>(key, sealed),
        13 => with_nonce::<C, U13>(key, sealed),
        _ => Err(ProviderError::Unsupported),
    }
}

/// Tags below 12 octets, the default of RFC 5084, are guessed too easily.
fn with_nonce<C, N>(key: &[u8], sealed: Sealed<'_>) -> Result<(), ProviderError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
    N: ccm::aead::array::ArraySize + NonceSize,
{
    match sealed.tag.len() {
        12 => with_tag::<C, U12, N>(key, sealed),
        14 => with_tag::<C, U14, N>(key, sealed),
        16 => with_tag::<C, U16, N>(key, sealed),
        _ => Err(ProviderError::Unsupported),
    }
}

fn with_tag<C, M, N>(key: &[u8], sealed: Sealed<'_>) -> Result<(), ProviderError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
    M: ccm::aead::array::ArraySize + TagSize,
    N: ccm::aead::array::ArraySize + NonceSize,
{
    open::<Ccm<C, M, N>>(key, sealed.nonce, sealed.aad, sealed.buffer, sealed.tag)
}
