//! Content ciphers.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{AesGcm, KeyInit};
use cbc::{Decryptor, Encryptor};
#[cfg(feature = "read-only-ciphers")]
use chacha20poly1305::ChaCha20Poly1305;
use cipher::block_padding::Pkcs7;
use cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyIvInit};
use des::TdesEde3;
use zeroize::Zeroize as _;

use super::gcm;
#[cfg(feature = "read-only-ciphers")]
use super::read_only;
use crate::provider::{ContentEncryption, ProviderError};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const BLOCK_LEN: usize = 16;

pub(super) fn encrypt_in_place(
    cipher: ContentEncryption,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), ProviderError> {
    match cipher {
        ContentEncryption::Aes256Gcm => seal::<AesGcm<Aes256, U12>>(key, nonce, aad, buffer),
        ContentEncryption::Aes192Gcm => seal::<AesGcm<Aes192, U12>>(key, nonce, aad, buffer),
        ContentEncryption::Aes128Gcm => seal::<AesGcm<Aes128, U12>>(key, nonce, aad, buffer),
        ContentEncryption::Aes256Cbc => pad::<Encryptor<Aes256>>(key, nonce, buffer),
        ContentEncryption::Aes192Cbc => pad::<Encryptor<Aes192>>(key, nonce, buffer),
        ContentEncryption::Aes128Cbc => pad::<Encryptor<Aes128>>(key, nonce, buffer),
        _ => Err(ProviderError::Unsupported),
    }
}

pub(super) fn decrypt_in_place(
    cipher: ContentEncryption,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut Vec<u8>,
    tag: &[u8],
) -> Result<(), ProviderError> {
    let opened = match cipher {
        ContentEncryption::Aes256Gcm => open_gcm::<Aes256>(key, nonce, aad, buffer, tag),
        ContentEncryption::Aes192Gcm => open_gcm::<Aes192>(key, nonce, aad, buffer, tag),
        ContentEncryption::Aes128Gcm => open_gcm::<Aes128>(key, nonce, aad, buffer, tag),
        ContentEncryption::Aes256Cbc => unpad::<Decryptor<Aes256>>(key, nonce, buffer),
        ContentEncryption::Aes192Cbc => unpad::<Decryptor<Aes192>>(key, nonce, buffer),
        ContentEncryption::Aes128Cbc => unpad::<Decryptor<Aes128>>(key, nonce, buffer),
        ContentEncryption::TripleDesCbc => unpad::<Decryptor<TdesEde3>>(key, nonce, buffer),
        #[cfg(feature = "read-only-ciphers")]
        ContentEncryption::Aes256Ccm | ContentEncryption::Aes192Ccm | ContentEncryption::Aes128Ccm => {
            read_only::open_ccm(key, nonce, aad, buffer, tag)
        }
        #[cfg(feature = "read-only-ciphers")]
        ContentEncryption::ChaCha20Poly1305 => open::<ChaCha20Poly1305>(key, nonce, aad, buffer, tag),
        #[cfg(not(feature = "read-only-ciphers"))]
        _ => Err(ProviderError::Unsupported),
    };
    if opened.is_err() {
        // CBC and CCM decrypt all of it before they find the padding or the tag wrong.
        buffer.zeroize();
    }
    opened
}

fn seal<C: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), ProviderError> {
    let cipher = C::new_from_slice(key).map_err(|_| ProviderError::BadKey)?;
    let nonce = nonce.try_into().map_err(|_| ProviderError::Unsupported)?;
    let tag = cipher
        .encrypt_inout_detached(nonce, aad, buffer.as_mut_slice().into())
        .map_err(|_| ProviderError::Platform)?;
    buffer.extend_from_slice(&tag);
    Ok(())
}

fn open_gcm<C: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8],
) -> Result<(), ProviderError> {
    match (nonce.len(), tag.len()) {
        (NONCE_LEN, TAG_LEN) => open::<AesGcm<C, U12>>(key, nonce, aad, buffer, tag),
        _ => gcm::open::<C>(key, nonce, aad, buffer, tag),
    }
}

pub(super) fn open<C: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8],
) -> Result<(), ProviderError> {
    let cipher = C::new_from_slice(key).map_err(|_| ProviderError::BadKey)?;
    let nonce = nonce.try_into().map_err(|_| ProviderError::Unsupported)?;
    let tag = tag.try_into().map_err(|_| ProviderError::BadCiphertext)?;
    let opened = cipher.decrypt_inout_detached(nonce, aad, buffer.into(), tag);
    opened.map_err(|_| ProviderError::BadCiphertext)
}

fn pad<C: BlockModeEncrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), ProviderError> {
    let cipher = C::new_from_slices(key, iv).map_err(|_| ProviderError::BadKey)?;
    let length = buffer.len();
    // PKCS#7 always pads: a whole block where the content fills its last one.
    buffer.resize((length / BLOCK_LEN + 1) * BLOCK_LEN, 0);
    cipher.encrypt_padded::<Pkcs7>(buffer, length).map(|_| ()).map_err(|_| ProviderError::Platform)
}

fn unpad<C: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), ProviderError> {
    let cipher = C::new_from_slices(key, iv).map_err(|_| ProviderError::BadKey)?;
    let opened = cipher.decrypt_padded::<Pkcs7>(buffer).map(<[u8]>::len);
    let length = opened.map_err(|_| ProviderError::BadCiphertext)?;
    buffer.truncate(length);
    Ok(())
}
