//! DSA (FIPS 186-4), for the paths of old certificates alone.

use dsa::signature::hazmat::PrehashVerifier;
use dsa::{Signature, VerifyingKey};
use pkcs8::DecodePublicKey;

use super::digest;
use crate::provider::{Hash, ProviderError};

/// With the usual prime of 3072 bits a key has some 1,200 octets; a larger one would only cost time.
const MAX_KEY: usize = 2048;

/// The crate admits the key sizes of the standard and no others.
pub(super) fn verify(spki: &[u8], hash: Hash, message: &[u8], signature: &[u8]) -> Result<(), ProviderError> {
    if spki.len() > MAX_KEY {
        return Err(ProviderError::BadKey);
    }
    let key = VerifyingKey::from_public_key_der(spki).map_err(|_| ProviderError::BadKey)?;
    let signature = Signature::try_from(signature).map_err(|_| ProviderError::BadSignature)?;
    key.verify_prehash(&digest(hash, message), &signature).map_err(|_| ProviderError::BadSignature)
}
