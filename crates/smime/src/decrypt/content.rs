//! The content of an encrypted message (RFC 5652 6.1, RFC 5083), and what decrypts it.

use std::borrow::Cow;
use std::ops::Range;

use zeroize::Zeroizing;

use super::DecryptError;
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, tag, write};
use crate::cms::enveloped::Enveloped;
use crate::key_agreement::hkdf;
use crate::provider::{ContentEncryption, Hash, Provider, ProviderError};

/// What decryption needs besides the key, and where in the message the ciphertext lies.
pub(super) struct Sealed {
    pub(super) cipher: ContentEncryption,
    nonce: Vec<u8>,
    /// What is authenticated beside the content, and the tag; both empty without authentication.
    aad: Vec<u8>,
    mac: Vec<u8>,
    ciphertext: Range<usize>,
    /// The identifier that the key of the content is derived with.
    derived_with: Option<Vec<u8>>,
}

impl Sealed {
    pub(super) fn of(message: &Enveloped<'_>, der: &[u8]) -> Result<Self, DecryptError> {
        let (cipher, nonce) = content_cipher(message)?;
        let authentication = message.authentication.as_ref();
        // RFC 5083 2.2: the attributes are authenticated under the tag of a SET.
        let attributes = authentication.and_then(|authentication| authentication.attributes);
        let aad = attributes.map(|attributes| write::tlv(tag::SET, &[attributes])).unwrap_or_default();
        let mac = authentication.map(|authentication| authentication.mac.to_vec()).unwrap_or_default();
        let start = message.ciphertext.as_ptr().addr().checked_sub(der.as_ptr().addr());
        let start = start.ok_or(DecryptError::Malformed)?;
        let ciphertext = start..start.saturating_add(message.ciphertext.len());
        let derived_with = message.derived_with.map(<[u8]>::to_vec);
        Ok(Self { cipher, nonce: nonce.to_vec(), aad, mac, ciphertext, derived_with })
    }

    /// Decrypts with the key that a recipient is given, in the message's own buffer where that is handed over.
    pub(super) async fn open(
        &self,
        provider: &impl Provider,
        given: Zeroizing<Vec<u8>>,
        der: Cow<'_, [u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let Self { cipher, nonce, aad, mac, ciphertext, .. } = self;
        let key = self.content_key(given)?;
        if key.len() != cipher.key_len() {
            return Err(DecryptError::Failed);
        }
        let mut buffer = Zeroizing::new(match der {
            Cow::Borrowed(der) => der.get(ciphertext.clone()).unwrap_or_default().to_vec(),
            Cow::Owned(mut der) => {
                der.truncate(ciphertext.end);
                der.drain(..ciphertext.start.min(der.len()));
                der
            }
        });
        match provider.decrypt_in_place(*cipher, &key, nonce, aad, &mut buffer, mac).await {
            Ok(()) => Ok(buffer),
            Err(error) => Err(from_provider(error, *cipher)),
        }
    }

    /// The key of the content, from the one that its recipients are given: the same, unless it is bound to the cipher
    /// (RFC 9709 2), so that nobody passes off what is authenticated as what is not.
    fn content_key(&self, given: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let Some(identifier) = &self.derived_with else { return Ok(given) };
        let mut key = Zeroizing::new(vec![0; given.len()]);
        let salt = b"The Cryptographic Message Syntax";
        hkdf(Hash::Sha256, Some(salt), &given, identifier, &mut key).ok_or(DecryptError::Failed)?;
        Ok(key)
    }
}

fn content_cipher<'a>(message: &Enveloped<'a>) -> Result<(ContentEncryption, &'a [u8]), DecryptError> {
    let oid = message.cipher.oid;
    let cipher =
        algorithm::cipher_of(oid).ok_or_else(|| DecryptError::Unsupported(algorithm::name_of(oid)))?;
    // GCM belongs in AuthEnvelopedData; elsewhere its tag would go unchecked.
    if cipher.is_authenticated() != message.authentication.is_some() {
        return Err(DecryptError::Malformed);
    }
    Ok((cipher, nonce(&message.cipher, cipher)?))
}

/// The nonce of GCM and CCM (RFC 5084 3), of ChaCha20-Poly1305 (RFC 8103 2), or the vector of CBC (RFC 3565 2.3).
fn nonce<'a>(identifier: &Identifier<'a>, cipher: ContentEncryption) -> Result<&'a [u8], DecryptError> {
    let parameters = identifier.parameters.ok_or(DecryptError::Malformed)?;
    if cipher == ContentEncryption::ChaCha20Poly1305 {
        return Ok(asn1::single(parameters.der, tag::OCTET_STRING)?.value);
    }
    if cipher.is_authenticated() {
        let nonce = asn1::single(parameters.der, tag::SEQUENCE)?.reader().expect(tag::OCTET_STRING)?;
        return Ok(nonce.value);
    }
    Ok(asn1::single(parameters.der, tag::OCTET_STRING)?.value)
}

fn from_provider(error: ProviderError, cipher: ContentEncryption) -> DecryptError {
    match error {
        ProviderError::Unsupported => DecryptError::Unsupported(cipher.name().to_owned()),
        _ => DecryptError::Failed,
    }
}
