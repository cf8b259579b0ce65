//! Why a request could not be served.

use serde::{Deserialize, Serialize};

/// Why a request could not be served; the page turns each case into a sentence in the reader's language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Failure {
    /// The relay cannot be reached.
    Offline,
    /// There is no session, or it expired: sign in again.
    SessionExpired,
    /// The name or the password is wrong.
    WrongPassword,
    /// The relay opened a session for another address than the one that was typed: go no further.
    AnotherAddress {
        /// The address of the session.
        address: String,
    },
    /// Too many attempts: wait.
    TooManyAttempts {
        /// Seconds to wait, where the relay told.
        retry_after: Option<u32>,
    },
    /// The relay answered, but not as it should.
    RelayFailed {
        /// The HTTP status, or the type of the JMAP error.
        reason: String,
    },
    /// The relay refused, for a reason of the protocol's own kind.
    RelayRefused {
        /// The type of the JMAP error, such as `overQuota`.
        reason: String,
    },
    /// It is not there (any more).
    NotFound,
    /// It is larger than what is allowed.
    TooLarge {
        /// The limit in bytes, where it is known.
        limit: Option<u64>,
    },
    /// The message is sealed to keys that are not in this browser.
    NotARecipient,
    /// The message is damaged or was changed on its way: nothing of it is shown.
    Damaged,
    /// The message uses something that cannot be read.
    Unsupported,
    /// The relay was asked to send and gave no answer. The same letter can be sent again: if the first
    /// attempt went through, the relay knows it.
    SendingUnknown,
    /// No recipient is given.
    NoRecipients,
    /// These are no mail addresses.
    NotAnAddress {
        /// What was given.
        addresses: Vec<String>,
    },
    /// Mail to these addresses cannot be sealed; nothing was sent.
    RecipientWithoutCertificate {
        /// The addresses.
        addresses: Vec<String>,
    },
    /// The letter could not be written or sealed here; nothing was sent or kept.
    SealingFailed,
    /// The signature could not be timestamped; nothing was sent.
    TimestampRefused,
    /// The relay names other certificate authorities than this browser pinned; they are not accepted unseen.
    TrustChanged {
        /// SHA-256 fingerprints (hex) of those it names now.
        fingerprints: Vec<String>,
    },
    /// The keys are not in this browser.
    NoKeys,
    /// A certificate that the relay issued does not fit the key or the authority.
    CertificateRefused,
    /// This is not the recovery code, or there is none.
    WrongCode,
    /// The vault does not open with the key that belongs to it: it is damaged or was changed.
    VaultClosed,
    /// The vault was changed by another browser at the same time: try again.
    VaultChanged,
    /// The vault has no room for the keys of another start.
    VaultFull,
    /// The browser refuses to store anything (private window, no space, blocked).
    StorageUnavailable,
    /// What is stored in this browser was written by a newer version.
    StorageNewer,
    /// An attached file could not be read.
    FileUnreadable {
        /// Its name.
        name: String,
    },
    /// The page withdrew the request.
    Cancelled,
    /// The engine could not be started or stopped working: reload.
    EngineLost,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Failure {}
