//! The vault at the relay.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jmap::State;
use jmap::sealed::{VaultGet, VaultSet};

use super::account::Account;
use super::relay::is_state_mismatch;
use super::vault::{Vault, VaultError};
use crate::protocol::Failure;

/// The vault and its state; an empty one where there is none.
pub async fn load(account: &Account) -> Result<(State, Vault), Failure> {
    let answer = account.relay.call(&VaultGet { account_id: account.relay.account().clone() }).await?;
    let Some(blob) = answer.blob else { return Ok((answer.state, Vault::default())) };
    let bytes = STANDARD.decode(blob).map_err(|_| unreadable(VaultError::Malformed))?;
    Ok((answer.state, Vault::decode(&bytes).map_err(unreadable)?))
}

/// A vault as it is stored, if there is room for it.
pub fn encode(vault: &Vault) -> Result<String, Failure> {
    vault.encode().map(|bytes| STANDARD.encode(bytes)).map_err(unreadable)
}

/// Replaces the vault unless somebody else did since it was loaded.
pub async fn store(account: &Account, if_in_state: State, blob: String) -> Result<(), Failure> {
    let set = VaultSet { account_id: account.relay.account().clone(), if_in_state, blob };
    match account.relay.call(&set).await {
        Err(failure) if is_state_mismatch(&failure) => Err(Failure::VaultChanged),
        other => other.map(|_| ()),
    }
}

/// What a vault that does not open or has no room means to the user.
pub fn unreadable(error: VaultError) -> Failure {
    match error {
        // Nothing may be overwritten that a newer program wrote.
        VaultError::Newer => Failure::StorageNewer,
        VaultError::Full => Failure::VaultFull,
        VaultError::Malformed | VaultError::Closed => Failure::VaultClosed,
        VaultError::Platform => Failure::StorageUnavailable,
    }
}
