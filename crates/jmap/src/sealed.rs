//! The methods of the vendor capability [`SEALED`](crate::SEALED).
//!
//! Bytes are base64 (RFC 4648 4), certificates base64 of DER, chains leaf first.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Method, State};

/// What a key pair is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyUse {
    /// Signatures.
    Signing,
    /// Being encrypted to.
    Encryption,
}

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// One person.
    Personal,
    /// An office.
    Office,
    /// An office's announcements to everybody, signed and clear by definition.
    Public,
}

/// `Certificate/issue`: a certificate for the signed-in address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// Whose key.
    pub account_id: AccountId,
    /// PKCS#10 (RFC 2986); its signature proves possession of the key.
    pub request: String,
    /// What the key is for.
    pub usage: KeyUse,
}

/// The answer to [`Issue`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// Whose key.
    pub account_id: AccountId,
    /// The new certificate.
    pub certificate: String,
    /// It and its issuers.
    pub chain: Vec<String>,
}

impl Method for Issue {
    type Answer = Issued;

    fn name(&self) -> &'static str {
        "Certificate/issue"
    }
}

/// `Certificate/lookup`: the certificates that the directory holds for addresses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lookup {
    /// Who asks.
    pub account_id: AccountId,
    /// About whom.
    pub addresses: Vec<String>,
}

/// The answer to [`Lookup`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookupAnswer {
    /// Who asked.
    pub account_id: AccountId,
    /// Addresses that the directory knows.
    pub list: Vec<Entry>,
    /// Addresses that it does not know.
    pub not_found: Vec<String>,
}

/// What the directory holds for one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The address.
    pub address: String,
    /// The name of the person or office.
    pub name: String,
    /// What it stands for.
    pub kind: Kind,
    /// Chains of encryption certificates, newest first.
    pub encryption: Vec<Vec<String>>,
}

impl Method for Lookup {
    type Answer = LookupAnswer;

    fn name(&self) -> &'static str {
        "Certificate/lookup"
    }
}

/// `Directory/query`: people and offices whose name or address begins a word with the text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryQuery {
    /// Who asks.
    pub account_id: AccountId,
    /// What the user typed.
    pub text: String,
    /// At most this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// The answer to [`DirectoryQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryAnswer {
    /// Who asked.
    pub account_id: AccountId,
    /// Best first.
    pub list: Vec<Person>,
}

/// One person or office of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The address.
    pub address: String,
    /// The name.
    pub name: String,
    /// Where the person works.
    #[serde(default)]
    pub organisation: Option<String>,
    /// What the address stands for.
    pub kind: Kind,
    /// Whether mail can be sealed to it.
    pub has_certificate: bool,
}

impl Method for DirectoryQuery {
    type Answer = DirectoryAnswer;

    fn name(&self) -> &'static str {
        "Directory/query"
    }
}

/// `Vault/get`: the user's sealed keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultGet {
    /// Whose vault.
    pub account_id: AccountId,
}

/// The answer to [`VaultGet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vault {
    /// Whose vault.
    pub account_id: AccountId,
    /// Changes with each `Vault/set`.
    pub state: State,
    /// What the browser put there; none before the first time.
    pub blob: Option<String>,
}

impl Method for VaultGet {
    type Answer = Vault;

    fn name(&self) -> &'static str {
        "Vault/get"
    }
}

/// `Vault/set`: replaces the vault if nobody else did in the meantime.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultSet {
    /// Whose vault.
    pub account_id: AccountId,
    /// The state the browser read; `stateMismatch` when it is another by now.
    pub if_in_state: State,
    /// The new content.
    pub blob: String,
}

/// The answer to [`VaultSet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultStored {
    /// Whose vault.
    pub account_id: AccountId,
    /// The state after.
    pub new_state: State,
}

impl Method for VaultSet {
    type Answer = VaultStored;

    fn name(&self) -> &'static str {
        "Vault/set"
    }
}

/// `Enrolment/get`: the key that mail was sealed to before the owner first signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolmentGet {
    /// Whose key.
    pub account_id: AccountId,
}

/// The answer to [`EnrolmentGet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    /// Whose key.
    pub account_id: AccountId,
    /// The private key as PKCS#8, while there is one.
    pub pkcs8: Option<String>,
    /// Its certificate.
    pub certificate: Option<String>,
}

impl Method for EnrolmentGet {
    type Answer = Enrolment;

    fn name(&self) -> &'static str {
        "Enrolment/get"
    }
}

/// `Enrolment/destroy`: the browser has re-sealed everything and the key goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolmentDestroy {
    /// Whose key.
    pub account_id: AccountId,
}

/// The answer to [`EnrolmentDestroy`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolmentDestroyed {
    /// Whose key.
    pub account_id: AccountId,
}

impl Method for EnrolmentDestroy {
    type Answer = EnrolmentDestroyed;

    fn name(&self) -> &'static str {
        "Enrolment/destroy"
    }
}

/// The answer of the clear door: who took the message and who did not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClearAnswer {
    /// Addresses whose server took it.
    pub accepted: Vec<String>,
    /// Addresses that did not get it.
    pub refused: Vec<Refused>,
}

/// An address that did not get the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The address.
    pub address: String,
    /// What its server said.
    pub reason: String,
}
