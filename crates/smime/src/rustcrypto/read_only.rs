//! Authenticated ciphers that this crate reads and does not write: AES-CCM and AES-GCM with unusual nonces
//! (RFC 5084), and ChaCha20-Poly1305 (RFC 8103).

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, aead::consts};
use ccm::aead::KeyInit;
use ccm::aead::consts::{U7, U8, U9, U10, U11, U12, U13, U14, U16};
use ccm::{Ccm, NonceSize, TagSize};
use chacha20poly1305::ChaCha20Poly1305;
use cipher::{BlockCipherEncrypt, BlockSizeUser};

use super::cipher::open_with;
use crate::provider::ProviderError;

/// What is opened: nonce, associated data, ciphertext and tag.
#[derive(Clone, Copy)]
pub(super) struct Sealed<'a> {
    pub(super) nonce: &'a [u8],
    pub(super) aad: &'a [u8],
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: &'a [u8],
}

pub(super) fn open_chacha20(key: &[u8], sealed: Sealed<'_>) -> Result<Vec<u8>, ProviderError> {
    open_with::<ChaCha20Poly1305>(key, sealed.nonce, sealed.aad, sealed.ciphertext, sealed.tag)
}

/// GCM with a nonce that is hashed first (NIST SP 800-38D 7.1): RFC 5084 3.2 recommends 12 octets, and permits
/// any number. What the crate has as types is read; nobody was seen to write others.
pub(super) fn open_gcm<C>(key: &[u8], sealed: Sealed<'_>) -> Result<Vec<u8>, ProviderError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    macro_rules! by_length {
        ($($length:literal $size:ident)*) => {
            match (sealed.nonce.len(), sealed.tag.len()) {
                $(($length, 16) => open_with::<AesGcm<C, consts::$size>>(
                    key, sealed.nonce, sealed.aad, sealed.ciphertext, sealed.tag,
                ),)*
                _ => Err(ProviderError::Unsupported),
            }
        };
    }
    by_length!(1 U1 2 U2 3 U3 4 U4 5 U5 6 U6 7 U7 8 U8 9 U9 10 U10 11 U11 13 U13 14 U14 15 U15 16 U16
        20 U20 24 U24 32 U32 64 U64 128 U128)
}

pub(super) fn open_ccm(key: &[u8], sealed: Sealed<'_>) -> Result<Vec<u8>, ProviderError> {
    match key.len() {
        16 => with_key::<Aes128>(key, sealed),
        24 => with_key::<Aes192>(key, sealed),
        _ => with_key::<Aes256>(key, sealed),
    }
}

/// RFC 5084 3.1: nonces of 7 to 13 octets.
fn with_key<C>(key: &[u8], sealed: Sealed<'_>) -> Result<Vec<u8>, ProviderError>
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
fn with_nonce<C, N>(key: &[u8], sealed: Sealed<'_>) -> Result<Vec<u8>, ProviderError>
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

fn with_tag<C, M, N>(key: &[u8], sealed: Sealed<'_>) -> Result<Vec<u8>, ProviderError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
    M: ccm::aead::array::ArraySize + TagSize,
    N: ccm::aead::array::ArraySize + NonceSize,
{
    open_with::<Ccm<C, M, N>>(key, sealed.nonce, sealed.aad, sealed.ciphertext, sealed.tag)
}
