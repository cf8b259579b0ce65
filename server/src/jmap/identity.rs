//! `Identity` (RFC 8621 6): ways in which an account sends as itself.

use jmap::{EmailAddress, Get, Id, Identity, IdentityId, MethodError, Patch, SetError, SetErrorType};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{Answer, answer, arguments, check_properties, failed, get_answer, ids_to_get, project};
use super::{Call, set};
use crate::random;
use crate::store::{self, Account, Kind, Ledger, StoreError, Tx};

/// The greatest number of identities of an account, of octets of a name and of a signature.
const MOST: usize = 100;
const LONGEST_NAME: usize = 255;
const LONGEST_SIGNATURE: usize = 16 * 1024;
/// The greatest number of addresses of Reply-To and of Bcc.
const MOST_ADDRESSES: usize = 20;

const PROPERTIES: [&str; 8] =
    ["id", "name", "email", "replyTo", "bcc", "textSignature", "htmlSignature", "mayDelete"];

/// `Identity/get`.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get::<Identity> { ids, properties, .. } = arguments(given)?;
    check_properties(properties.as_deref(), &PROPERTIES)?;
    let ids = ids_to_get(ids, &call.relay.limits)?;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, &call.account.id).await.map_err(failed)?.of(Kind::Identity);
    let all = store::identities(&mut connection, &call.account.id).await.map_err(failed)?;
    let missing: Vec<IdentityId> =
        ids.iter().flatten().filter(|id| !all.iter().any(|one| one.id == **id)).cloned().collect();
    let wanted = all.iter().filter(|one| ids.as_ref().is_none_or(|ids| ids.contains(&one.id)));
    let list = wanted.map(|one| project(one, properties.as_deref())).collect::<Result<_, _>>()?;
    get_answer(&call.account.id, &state, list, &missing)
}

/// `Identity/changes`.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    answer(&super::changes::changes(call, Kind::Identity, given).await?)
}

/// `Identity/set` (RFC 8621 6.3).
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted = set::read::<Identity>(call, given)?;
    let account = call.account.clone();
    let change = set::write(call, Kind::Identity, wanted.if_in_state.into(), move |tx, ledger, outcome| {
        Box::pin(async move {
            for (creation, properties) in wanted.create.into_iter().flatten() {
                match create(tx, ledger, &account, properties).await? {
                    Ok(made) => drop(outcome.created.insert(creation, made)),
                    Err(error) => drop(outcome.not_created.insert(creation, error)),
                }
            }
            for (id, patch) in wanted.update.into_iter().flatten() {
                match update(tx, ledger, &account, &id, patch).await? {
                    Ok(()) => drop(outcome.updated.insert(id, None)),
                    Err(error) => drop(outcome.not_updated.insert(id, error)),
                }
            }
            for id in wanted.destroy.into_iter().flatten() {
                match destroy(tx, ledger, &id).await? {
                    None => outcome.destroyed.push(id),
                    Some(kind) => drop(outcome.not_destroyed.insert(id, kind.into())),
                }
            }
            Ok(Vec::new())
        })
    });
    answer(&change.await?)
}

async fn create(
    tx: &mut Tx,
    ledger: &mut Ledger,
    account: &Account,
    mut properties: Patch,
) -> Result<Result<Map<String, Value>, SetError>, StoreError> {
    let Some(Value::String(email)) = properties.remove("email") else {
        return Ok(Err(SetError::invalid_properties(["email"])));
    };
    if !email.eq_ignore_ascii_case(&account.address) {
        return Ok(Err(SetError::new(SetErrorType::ForbiddenFrom, "the address is not the account's own")));
    }
    if store::identities(tx.connection(), ledger.account()).await?.len() >= MOST {
        return Ok(Err(SetErrorType::OverQuota.into()));
    }
    let blank = Identity {
        id: IdentityId::from(random::id('i')),
        name: String::new(),
        email: account.address.clone(),
        reply_to: None,
        bcc: None,
        text_signature: String::new(),
        html_signature: String::new(),
        may_delete: true,
    };
    let given: Vec<String> = properties.keys().cloned().collect();
    let identity = match patched(blank, properties, account) {
        Ok(identity) => identity,
        Err(error) => return Ok(Err(error)),
    };
    store::put_identity(tx, ledger, &identity).await?;
    let mut made = match serde_json::to_value(&identity) {
        Ok(Value::Object(made)) => made,
        _ => Map::new(),
    };
    made.retain(|key, _| !given.contains(key));
    Ok(Ok(made))
}

async fn update(
    tx: &mut Tx,
    ledger: &mut Ledger,
    account: &Account,
    id: &Id,
    patch: Patch,
) -> Result<Result<(), SetError>, StoreError> {
    let all = store::identities(tx.connection(), ledger.account()).await?;
    let Some(identity) = all.into_iter().find(|one| one.id.as_str() == id.as_str()) else {
        return Ok(Err(SetErrorType::NotFound.into()));
    };
    match set::news(patch, &identity).and_then(|patch| patched(identity, patch, account)) {
        Ok(identity) => Ok(Ok(store::put_identity(tx, ledger, &identity).await?)),
        Err(error) => Ok(Err(error)),
    }
}

async fn destroy(tx: &mut Tx, ledger: &mut Ledger, id: &Id) -> Result<Option<SetErrorType>, StoreError> {
    if id.as_str() == store::OWN_IDENTITY {
        return Ok(Some(SetErrorType::Forbidden));
    }
    let gone = store::destroy_identity(tx, ledger, &IdentityId::from(id.as_str())).await?;
    Ok((!gone).then_some(SetErrorType::NotFound))
}

fn patched(mut identity: Identity, patch: Patch, account: &Account) -> Result<Identity, SetError> {
    for (property, value) in patch {
        let wrong = || SetError::invalid_properties([property.as_str()]);
        match (property.as_str(), value) {
            ("name", Value::String(name)) if fits(&name, LONGEST_NAME) && !name.contains(['\r', '\n']) => {
                identity.name = name;
            }
            ("replyTo", list) => identity.reply_to = addresses(list).ok_or_else(wrong)?,
            ("bcc", list) => identity.bcc = addresses(list).ok_or_else(wrong)?,
            ("textSignature" | "htmlSignature", Value::String(text))
                if account.kind.is_sealed() && !text.is_empty() =>
            {
                // What stands under every letter is content, and would lie here readable.
                let why = "this account holds nothing readable: keep signatures in the mail program";
                return Err(SetError::new(SetErrorType::Forbidden, why));
            }
            ("textSignature", Value::String(text)) if fits(&text, LONGEST_SIGNATURE) => {
                identity.text_signature = text;
            }
            ("htmlSignature", Value::String(text)) if fits(&text, LONGEST_SIGNATURE) => {
                identity.html_signature = text;
            }
            _ => return Err(wrong()),
        }
    }
    Ok(identity)
}

fn fits(text: &str, most: usize) -> bool {
    text.len() <= most && !text.contains('\0')
}

fn addresses(list: Value) -> Option<Option<Vec<EmailAddress>>> {
    let list = Option::<Vec<EmailAddress>>::deserialize(list).ok()?;
    let short = |text: &str| fits(text, LONGEST_NAME);
    let fits = |one: &EmailAddress| short(&one.email) && one.name.as_deref().is_none_or(short);
    list.as_ref().is_none_or(|list| list.len() <= MOST_ADDRESSES && list.iter().all(fits)).then_some(list)
}
