//! Content ciphers.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{AesGcm, KeyInit};
use cbc::{Decryptor, Encryptor};
use cipher::block_padding::Pkcs7;
use cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, KeyIvInit};
use des::TdesEde3;
use zeroize::{Zeroize as _, Zeroizing};

#[cfg(feature = "read-only-ciphers")]
use super::read_only;
use crate::provider::{ContentEncryption, ProviderError};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const BLOCK_LEN: usize = 16;

pub(super) fn encrypt(
    cipher: ContentEncryption,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let mut buffer = Vec::with_capacity(plaintext.len() + TAG_LEN);
    buffer.extend_from_slice(plaintext);
    encrypt_in_place(cipher, key, nonce, aad, &mut buffer)?;
    Ok(buffer)
}

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

/// In place for the ciphers of large messages; the old and rare ones make a copy.
pub(super) fn decrypt_in_place(
    cipher: ContentEncryption,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut Vec<u8>,
    tag: &[u8],
) -> Result<(), ProviderError> {
    match (cipher, nonce.len(), tag.len()) {
        (ContentEncryption::Aes256Gcm, NONCE_LEN, TAG_LEN) => {
            open_in_place::<AesGcm<Aes256, U12>>(key, nonce, aad, buffer, tag)
        }
        (ContentEncryption::Aes128Gcm, NONCE_LEN, TAG_LEN) => {
            open_in_place::<AesGcm<Aes128, U12>>(key, nonce, aad, buffer, tag)
        }
        (ContentEncryption::Aes256Cbc, ..) => unpad_in_place::<Decryptor<Aes256>>(key, nonce, buffer),
        (ContentEncryption::Aes128Cbc, ..) => unpad_in_place::<Decryptor<Aes128>>(key, nonce, buffer),
        _ => {
            *buffer = decrypt(cipher, key, nonce, aad, buffer, tag)?;
            Ok(())
        }
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

/// RFC 5084 3.2: tags of 12 to 16 octets, of which 12 and 16 are in use.
fn open<C: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    match (nonce.len(), tag.len()) {
        (12, 12) => open_with::<AesGcm<C, U12, U12>>(key, nonce, aad, ciphertext, tag),
        #[cfg(feature = "read-only-ciphers")]
        (0..12 | 13.., _) => read_only::open_gcm::<C>(key, read_only::Sealed { nonce, aad, ciphertext, tag }),
        _ => open_with::<AesGcm<C, U12, U16>>(key, nonce, aad, ciphertext, tag),
    }
}

/// What was decrypted before the tag was found wrong (CCM must) is wiped.
pub(super) fn open_with<C: AeadInOut + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    open_in_place::<C>(key, nonce, aad, &mut buffer, tag)?;
    Ok(std::mem::take(&mut *buffer))
}

fn open_in_place<C: AeadInOut + KeyInit>(
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

fn unpad_in_place<C: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), ProviderError> {
    let cipher = C::new_from_slices(key, iv).map_err(|_| ProviderError::BadKey)?;
    match cipher.decrypt_padded::<Pkcs7>(buffer).map(<[u8]>::len) {
        Ok(length) => buffer.truncate(length),
        Err(_) => {
            // All of it was decrypted before the padding was found wrong.
            buffer.zeroize();
            return Err(ProviderError::BadCiphertext);
        }
    }
    Ok(())
}

fn unpad<C: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<u8>, ProviderError> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    unpad_in_place::<C>(key, iv, &mut buffer)?;
    Ok(std::mem::take(&mut *buffer))
}
