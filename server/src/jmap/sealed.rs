//! The vendor capability: certificates, the directory, the vault, enrolment keys.

use jmap::sealed::{
    DirectoryAnswer, DirectoryQuery, Enrolment, EnrolmentDestroy, EnrolmentDestroyed, EnrolmentGet, Issue,
    Issued, KeyUse, Lookup, LookupAnswer, Vault, VaultGet, VaultSet, VaultStored,
};
use jmap::{MethodError, MethodErrorType, State};
use serde_json::Value;
use smime::issue::{IssueError, Usage};
use smime::rustcrypto::RustCrypto;
use smime::{block_on_ready, request};

use super::Call;
use super::answer::{Answer, answer, arguments, failed};
use super::limits::MAX_VAULT;
use crate::directory::{self, CertifyError};
use crate::store::{self, StoreError};
use crate::{base64_text, from_base64};

/// The greatest `Certificate/issue` request: an RSA-4096 one has some 2 KB, a post-quantum one 8 KB.
const MAX_REQUEST: usize = 16 * 1024;
/// The greatest number of people in one answer of the directory.
const MAX_PEOPLE: u64 = 50;
/// The longest text that names or addresses are searched for.
const LONGEST_NAME: usize = 320;

/// `Certificate/issue`.
pub async fn issue(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Issue { request, usage, .. } = arguments(given)?;
    let der = octets(&request, MAX_REQUEST, "request")?;
    let request = block_on_ready(request::verify(&RustCrypto, &der))
        .map_err(|error| MethodError::new(MethodErrorType::InvalidArguments, error.to_string()))?;
    if !directory::is_certified(request.spki()) {
        return Err(uncertified());
    }
    // Names and addresses of the request are not asked: the session says whose key it is.
    let usage = match usage {
        KeyUse::Signing => Usage::Signing,
        KeyUse::Encryption => Usage::Encryption,
    };
    let relay = &call.relay;
    let certified =
        directory::certify(&relay.store, &relay.authority, &call.account, request.spki(), usage).await;
    let certificate = certified.map_err(|error| match error {
        CertifyError::Issue(IssueError::UnsupportedKey) => uncertified(),
        CertifyError::TooMany => {
            MethodError::new(MethodErrorType::Forbidden, "too many certificates within a day")
        }
        other => failed(other),
    })?;
    answer(&Issued {
        account_id: call.account.id.clone(),
        certificate: base64_text(certificate.der()),
        chain: directory::chain_text(&relay.authority, certificate),
    })
}

fn uncertified() -> MethodError {
    MethodError::new(MethodErrorType::InvalidArguments, "the key is of a kind or size that is not certified")
}

/// `Certificate/lookup`.
pub async fn lookup(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Lookup { addresses, .. } = arguments(given)?;
    if addresses.len() > call.relay.limits.max_objects_in_get {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let (mut list, mut not_found) = (Vec::new(), Vec::new());
    for address in addresses {
        match directory::entry(&mut connection, &call.relay.authority, &address).await.map_err(failed)? {
            Some(entry) => list.push(entry),
            None => not_found.push(address),
        }
    }
    answer(&LookupAnswer { account_id: call.account.id.clone(), list, not_found })
}

/// `Directory/query`.
pub async fn directory(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let DirectoryQuery { text, limit, .. } = arguments(given)?;
    let limit = i64::try_from(limit.unwrap_or(10).min(MAX_PEOPLE)).unwrap_or_default();
    let mut connection = call.relay.store.search().await.map_err(failed)?;
    let list = match text.trim() {
        "" => Vec::new(),
        // No name or address is that long, and what a search costs grows with it.
        text if text.len() > LONGEST_NAME => return Err(MethodErrorType::InvalidArguments.into()),
        text => directory::search(&mut connection, text, limit).await.map_err(failed)?,
    };
    answer(&DirectoryAnswer { account_id: call.account.id.clone(), list })
}

/// `Vault/get`.
pub async fn vault_get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let VaultGet { account_id } = arguments(given)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let (state, blob) = store::vault(&mut connection, &call.account.id).await.map_err(failed)?;
    let blob = blob.as_deref().map(base64_text);
    answer(&Vault { account_id, state: State::from(state.to_string()), blob })
}

/// `Vault/set`.
pub async fn vault_set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let VaultSet { account_id, if_in_state, blob } = arguments(given)?;
    let data = octets(&blob, MAX_VAULT, "blob")?;
    let expected = if_in_state.as_str().parse::<i64>().map_err(|_| MethodErrorType::StateMismatch)?;
    let account = call.account.id.clone();
    let put = call
        .relay
        .store
        .write(move |tx| Box::pin(async move { store::put_vault(tx, &account, expected, data).await }));
    let stored = put.await.map_err(|error: StoreError| failed(error))?;
    let state = stored.ok_or(MethodErrorType::StateMismatch)?;
    answer(&VaultStored { account_id, new_state: State::from(state.to_string()) })
}

/// `Enrolment/get`.
pub async fn enrolment_get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let EnrolmentGet { account_id } = arguments(given)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let key = store::enrolment_key(&mut connection, &call.account.id).await.map_err(failed)?;
    answer(&Enrolment {
        account_id,
        pkcs8: key.as_ref().map(|key| base64_text(&key.pkcs8)),
        certificate: key.as_ref().map(|key| base64_text(&key.certificate)),
    })
}

/// `Enrolment/destroy`.
pub async fn enrolment_destroy(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let EnrolmentDestroy { account_id } = arguments(given)?;
    let account = call.account.id.clone();
    let drop = call
        .relay
        .store
        .write(move |tx| Box::pin(async move { store::drop_enrolment_key(tx, &account).await }));
    if !drop.await.map_err(|error: StoreError| failed(error))? {
        return answer(&EnrolmentDestroyed { account_id });
    }
    // Only now is the key's every trace gone from the disk, or with a later sweep.
    if !call.relay.store.checkpoint().await.map_err(failed)? {
        tracing::warn!("the log of the database keeps an enrolment key for now: somebody reads for long");
    }
    answer(&EnrolmentDestroyed { account_id })
}

fn octets(text: &str, most: usize, argument: &str) -> Result<Vec<u8>, MethodError> {
    let wrong =
        |what: &str| MethodError::new(MethodErrorType::InvalidArguments, format!("{argument} {what}"));
    if text.len() / 4 * 3 > most {
        return Err(wrong("is too large"));
    }
    from_base64(text).ok_or_else(|| wrong("is not base64"))
}
