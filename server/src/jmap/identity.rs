//! `Identity` (RFC 8621 6): each account has one, its own address.

use jmap::{Changes, ChangesAnswer, Get, Identity, IdentityId, MethodError, MethodErrorType, State};
use serde_json::Value;

use super::Call;
use super::answer::{Answer, answer, arguments, get_answer, ids_to_get, project};
use crate::store::Account;

/// Identities never change, so they have one state.
const STATE: &str = "0";

/// The identity of an account.
pub fn identity(account: &Account) -> Identity {
    Identity {
        id: IdentityId::from("self"),
        name: account.name.clone(),
        email: account.address.clone(),
        reply_to: None,
        bcc: None,
        text_signature: String::new(),
        html_signature: String::new(),
        may_delete: false,
    }
}

/// `Identity/get`.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get::<Identity> { ids, properties, .. } = arguments(given)?;
    let identity = identity(&call.account);
    let ids = ids_to_get(ids, &call.relay.limits)?.unwrap_or_else(|| vec![identity.id.clone()]);
    let (found, missing): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| *id == identity.id);
    let list = match found.as_slice() {
        [] => Vec::new(),
        _ => vec![project(&identity, properties.as_deref())?],
    };
    get_answer(&call.account.id, &State::from(STATE), list, &missing)
}

/// `Identity/changes`.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Changes::<Identity> { since_state, .. } = arguments(given)?;
    if since_state.as_str() != STATE {
        return Err(MethodErrorType::CannotCalculateChanges.into());
    }
    answer(&ChangesAnswer::<IdentityId> {
        account_id: call.account.id.clone(),
        old_state: since_state.clone(),
        new_state: since_state,
        has_more_changes: false,
        created: Vec::new(),
        updated: Vec::new(),
        destroyed: Vec::new(),
        updated_properties: None,
    })
}
