//! Content ciphers.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{AesGcm, KeyInit};
use cbc::{Decryptor, Encryptor};
use cipher::block_padding::Pkcs7;
use cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyIvInit};
use des::TdesEde3;

#[cfg(feature = "read-only-ciphers")]
use super::read_only;
use crate::provider::{ContentEncryption, ProviderError};

const TAG_LEN: usize = 16;

pub(super) fn encrypt(
    cipher: ContentEncryption,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    match cipher {
        ContentEncryption::Aes256Gcm => seal::<AesGcm<Aes256, U12>>(key, nonce, aad, plaintext),
        ContentEncryption::Aes192Gcm => seal::<AesGcm<Aes192, U12>>(key, nonce, aad, plaintext),
        ContentEncryption::Aes128Gcm => seal::<AesGcm<Aes128, U12>>(key, nonce, aad, plaintext),
        ContentEncryption::Aes256Cbc => pad::<Encryptor<Aes256>>(key, nonce, plaintext),
        ContentEncryption::Aes192Cbc => pad::<Encryptor<Aes192>>(key, nonce, plaintext),
        ContentEncryption::Aes128Cbc => pad::<Encryptor<Aes128>>(key, nonce, plaintext),
        _ => Err(ProviderError::Unsupported),
    }
}

pub(super) fn decrypt(
    cipher: ContentEncryption,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    match cipher {
        ContentEncryption::Aes256Gcm => open::<Aes256>(key, nonce, aad, ciphertext, tag),
        ContentEncryption::Aes192Gcm => open::<Aes192>(key, nonce, aad, ciphertext, tag),
        ContentEncryption::Aes128Gcm => open::<Aes128>(key, nonce, aad, ciphertext, tag),
        ContentEncryption::Aes256Cbc => unpad::<Decryptor<Aes256>>(key, nonce, ciphertext),
        ContentEncryption::Aes192Cbc => unpad::<Decryptor<Aes192>>(key, nonce, ciphertext),
        ContentEncryption::Aes128Cbc => unpad::<Decryptor<Aes128>>(key, nonce, ciphertext),
        ContentEncryption::TripleDesCbc => unpad::<Decryptor<TdesEde3>>(key, nonce, ciphertext),
        #[cfg(feature = "read-only-ciphers")]
        ContentEncryption::Aes256Ccm | ContentEncryption::Aes192Ccm | ContentEncryption::Aes128Ccm => {
            read_only::open_ccm(key, read_only::Sealed { nonce, aad, ciphertext, tag })
        }
        #[cfg(feature = "read-only-ciphers")]
        ContentEncryption::ChaCha20Poly1305 => {
            read_only::open_chacha20(key, read_only::Sealed { nonce, aad, ciphertext, tag })
        }
        #[cfg(not(feature = "read-only-ciphers"))]
        _ => Err(ProviderError::Unsupported),
    }
}

fn seal<C: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let cipher = C::new_from_slice(key).map_err(|_| ProviderError::BadKey)?;
    let nonce = nonce.try_into().map_err(|_| ProviderError::Unsupported)?;
    let mut buffer = Vec::with_capacity(plaintext.len() + TAG_LEN);
    buffer.extend_from_slice(plaintext);
    let tag = cipher
        .encrypt_inout_detached(nonce, aad, buffer.as_mut_slice().into())
        .map_err(|_| ProviderError::Platform)?;
    buffer.extend_from_slice(&tag);
    Ok(buffer)
}

/// RFC 5084 3.2: tags of 12 to 16 octets, of which 12 and 16 are in use.
fn open<C: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    match tag.len() {
        12 => open_with::<AesGcm<C, U12, U12>>(key, nonce, aad, ciphertext, tag),
        _ => open_with::<AesGcm<C, U12, U16>>(key, nonce, aad, ciphertext, tag),
    }
}

pub(super) fn open_with<C: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let cipher = C::new_from_slice(key).map_err(|_| ProviderError::BadKey)?;
    let nonce = nonce.try_into().map_err(|_| ProviderError::Unsupported)?;
    let tag = tag.try_into().map_err(|_| ProviderError::BadCiphertext)?;
    let mut buffer = ciphertext.to_vec();
    cipher
        .decrypt_inout_detached(nonce, aad, buffer.as_mut_slice().into(), tag)
        .map_err(|_| ProviderError::BadCiphertext)?;
    Ok(buffer)
}

fn pad<C: BlockModeEncrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let cipher = C::new_from_slices(key, iv).map_err(|_| ProviderError::BadKey)?;
    Ok(cipher.encrypt_padded_vec::<Pkcs7>(plaintext))
}

fn unpad<C: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let cipher = C::new_from_slices(key, iv).map_err(|_| ProviderError::BadKey)?;
    cipher.decrypt_padded_vec::<Pkcs7>(ciphertext).map_err(|_| ProviderError::BadCiphertext)
}
