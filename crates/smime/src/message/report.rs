//! What opening a message found out: one status, and why (RFC 9787 3).

use crate::{
    Certificate, ContentEncryption, KeyId, PathError, SignedForm, SignerError, TimestampVerdict, UnixTime,
    VerifyError, ess::Services, recipients::Capabilities, timestamp::TimestampError,
};

/// The Cryptographic Status of a message (RFC 9787 3.1): what a reader may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing is proven.
    Unprotected,
    /// Validly signed by the author; others may have read it.
    Verified,
    /// Validly signed by the author and encrypted.
    Confidential,
    /// Encrypted, by nobody knows whom.
    EncryptedUnverified,
}

impl Status {
    pub(crate) fn of(signed: bool, encrypted: bool) -> Self {
        match (signed, encrypted) {
            (true, true) => Self::Confidential,
            (true, false) => Self::Verified,
            (false, true) => Self::EncryptedUnverified,
            (false, false) => Self::Unprotected,
        }
    }

    /// The stable name in machine-readable output.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unprotected => "unprotected",
            Self::Verified => "verified",
            Self::Confidential => "confidential",
            Self::EncryptedUnverified => "encrypted-unverified",
        }
    }
}

/// One layer of the Cryptographic Envelope (RFC 9787 4.1), or of the relay's wrapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layer {
    /// EnvelopedData or AuthEnvelopedData.
    Encrypted {
        /// The content cipher.
        cipher: ContentEncryption,
        /// The key that opened it.
        key: KeyId,
        /// Too weak to be called encryption.
        weak: bool,
        /// How many recipients it names.
        recipients: usize,
        /// The bytes of what is inside.
        size: usize,
    },
    /// SignedData.
    Signed {
        /// Opaque, or `multipart/signed`.
        form: SignedForm,
        /// How many signers it names.
        signers: usize,
        /// The bytes of what is inside.
        size: usize,
    },
    /// CompressedData (RFC 3274), which protects nothing.
    Compressed,
    /// A relay sealed what had come in readable; the layers above are not the author's.
    SealedAtDoor,
}

/// A timestamp over a signature (RFC 3161).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampReport {
    /// The time, where the token was good.
    pub time: Option<UnixTime>,
    /// The subject of the authority's certificate, where the token was good.
    pub authority: Option<String>,
    /// Why the token does not count; `None` for a good one.
    pub fault: Option<TimestampError>,
}

/// One signer of the message.
#[derive(Clone, Debug)]
pub struct SignerReport {
    /// The addresses in the signer's certificate.
    pub emails: Vec<String>,
    /// The certificate's subject (RFC 4514).
    pub subject: String,
    /// The certificate's common name.
    pub name: Option<String>,
    /// The certificate's issuer (RFC 4514).
    pub issuer: String,
    /// True if the signature holds, its certificate is trusted and it is the author's.
    pub valid: bool,
    /// Why the signature counts as none.
    pub reason: Option<SignerFault>,
    /// When it was signed: what a good timestamp says, otherwise what the signer claims.
    pub signed_at: Option<UnixTime>,
    /// The timestamp over the signature.
    pub timestamp: Option<TimestampReport>,
    /// The signer's certificate.
    pub certificate: Option<Certificate>,
    /// The certificate under which the signer wants to be written to.
    pub encryption: Option<Certificate>,
    /// What the signer's program reads.
    pub capabilities: Capabilities,
    /// Whom the signer is to the message, if the signature counts.
    pub role: Option<Role>,
    /// Whether authorities said that no certificate of its path was revoked when it was signed.
    pub revocation_known: bool,
    /// Its place in [`super::Opened::layers`] within the message that it signs.
    pub layer: usize,
    /// The label, the request for a receipt and the like of its signature, if that holds (RFC 2634).
    pub services: Services,
}

/// Whom a signer is to a message (RFC 5322 3.6.2, RFC 8550 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The `From`.
    Author,
    /// The `Sender`, on behalf of the `From`; a reader is shown the sender.
    Sender,
}

/// Why a signature counts as none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerFault {
    /// The signature itself, or its certificate.
    #[error(transparent)]
    Signature(SignerError),
    /// The SignedData cannot be read.
    #[error(transparent)]
    Unreadable(VerifyError),
    /// The certificate names no mail address, so nothing ties it to the author.
    #[error("the certificate names no mail address")]
    NoAddress,
    /// The certificate's addresses are not the author's (RFC 8550 3).
    #[error("the certificate belongs to another address than the author's")]
    FromMismatch,
    /// The message names no author, or too many, or several in a way that leaves open whom it is from.
    #[error("the message does not say clearly whom it is from")]
    FromAmbiguous,
    /// It covers a ciphertext: whoever signed need not know what is inside.
    #[error("the signature lies outside of the encryption")]
    OutsideEncryption,
}

impl SignerFault {
    /// The stable name in machine-readable output.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature(error) => signer_code(error),
            Self::Unreadable(_) => "malformed",
            Self::NoAddress => "no-address",
            Self::FromMismatch => "from-mismatch",
            Self::FromAmbiguous => "from-ambiguous",
            Self::OutsideEncryption => "outside-encryption",
        }
    }
}

/// Every code that [`SignerFault::code`] can give.
pub const SIGNER_FAULT_CODES: [&str; 28] = [
    "malformed",
    "no-address",
    "from-mismatch",
    "from-ambiguous",
    "outside-encryption",
    "no-certificate",
    "missing-attribute",
    "content-type-mismatch",
    "digest-mismatch",
    "certificate-mismatch",
    "bad-signature",
    "weak-algorithm",
    "unsupported-algorithm",
    "wrong-usage",
    "unknown-issuer",
    "not-yet-valid",
    "expired",
    "revoked",
    "revocation-unknown",
    "path-bad-signature",
    "path-weak-algorithm",
    "path-unsupported-algorithm",
    "not-an-authority",
    "path-too-long",
    "name-not-permitted",
    "unknown-critical-extension",
    "policy-not-permitted",
    "budget-exceeded",
];

fn signer_code(error: &SignerError) -> &'static str {
    match error {
        SignerError::Malformed => "malformed",
        SignerError::NoCertificate => "no-certificate",
        SignerError::MissingAttribute => "missing-attribute",
        SignerError::ContentTypeMismatch => "content-type-mismatch",
        SignerError::DigestMismatch => "digest-mismatch",
        SignerError::CertificateMismatch => "certificate-mismatch",
        SignerError::BadSignature => "bad-signature",
        SignerError::WeakAlgorithm(_) => "weak-algorithm",
        SignerError::UnsupportedAlgorithm(_) => "unsupported-algorithm",
        SignerError::Path(error) => path_code(error),
    }
}

pub(crate) fn path_code(error: &PathError) -> &'static str {
    match error {
        PathError::UnknownIssuer => "unknown-issuer",
        PathError::NotYetValid { .. } => "not-yet-valid",
        PathError::Expired { .. } => "expired",
        PathError::Revoked { .. } => "revoked",
        PathError::RevocationUnknown { .. } => "revocation-unknown",
        PathError::BadSignature { .. } => "path-bad-signature",
        PathError::WeakAlgorithm { .. } => "path-weak-algorithm",
        PathError::UnsupportedAlgorithm { .. } => "path-unsupported-algorithm",
        PathError::NotAnAuthority { .. } => "not-an-authority",
        PathError::PathTooLong { .. } => "path-too-long",
        PathError::WrongUsage => "wrong-usage",
        PathError::NameNotPermitted { .. } => "name-not-permitted",
        PathError::UnknownCriticalExtension { .. } => "unknown-critical-extension",
        PathError::PolicyNotPermitted => "policy-not-permitted",
        PathError::BudgetExceeded => "budget-exceeded",
    }
}

impl TimestampReport {
    pub(crate) fn new(verdict: &TimestampVerdict) -> Self {
        match &verdict.token {
            Ok(token) => {
                Self { time: Some(token.time()), authority: Some(token.authority().subject()), fault: None }
            }
            Err(fault) => Self { time: None, authority: None, fault: Some(fault.clone()) },
        }
    }
}
