use std::collections::BTreeMap;

use jmap::{AccountId, EmailId, MethodError, MethodErrorType, SetError, SetErrorType, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::create::placed;
use super::patch::Known;
use crate::clear_text::ClearText;
use crate::clock::parse_date;
use crate::jmap::Call;
use crate::jmap::answer::{
    Answer, WriteError, answer, arguments, check_room, check_set_size, check_state, failed,
};
use crate::store::{self, Account, EmailRow, Hold, Kind, Ledger, NewEmail, StoreError, Tx};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    from_account_id: AccountId,
    if_from_in_state: Option<State>,
    if_in_state: Option<State>,
    create: BTreeMap<String, Map<String, Value>>,
    #[serde(default)]
    on_success_destroy_original: bool,
    destroy_from_if_in_state: Option<State>,
}

/// An email to copy, and what it can be found by in a public account.
type Source = (EmailRow, Option<ClearText>);

/// `Email/copy` (RFC 8621 4.7): between two accounts that are open to the user.
pub async fn copy(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Arguments = arguments(given)?;
    if wanted.from_account_id == call.account.id {
        return Err(MethodError::new(MethodErrorType::InvalidArguments, "both accounts are the same"));
    }
    let from = call.opened(&wanted.from_account_id).ok_or(MethodErrorType::FromAccountNotFound)?;
    check_set_size(wanted.create.len(), &call.relay.limits)?;
    check_from(call, &from, wanted.if_from_in_state.as_ref()).await?;
    let (mut ready, mut not_created) = (Vec::new(), BTreeMap::new());
    for (creation, properties) in wanted.create {
        match source(call, &from, &properties).await? {
            Ok(source) => ready.push((creation, properties, source)),
            Err(error) => drop(not_created.insert(creation, error)),
        }
    }
    let (account, ids) = (call.account.id.clone(), call.created.clone());
    let write = call.relay.store.write(move |tx| {
        Box::pin(async move {
            let mut ledger = Ledger::open(tx, &account).await?;
            let old_state = ledger.before().of(Kind::Email);
            check_state(wanted.if_in_state.as_ref(), &old_state)?;
            let (mut created, mut originals) = (Map::new(), Vec::new());
            for (creation, properties, source) in ready {
                let original = source.0.id.clone();
                match keep(tx, &mut ledger, &properties, source, &ids).await? {
                    Ok(made) => {
                        created.insert(creation, made);
                        originals.push(original);
                    }
                    Err(error) => drop(not_created.insert(creation, error)),
                }
            }
            let new_state = ledger.close(tx).await?.of(Kind::Email);
            let told = json!({
                "fromAccountId": wanted.from_account_id,
                "accountId": account,
                "oldState": old_state,
                "newState": new_state,
                "created": (!created.is_empty()).then_some(created),
                "notCreated": (!not_created.is_empty()).then_some(not_created),
            });
            Ok::<_, WriteError>((told, originals))
        })
    });
    let (told, originals) = write.await?;
    call.remember_made(&told);
    let destroy = wanted.on_success_destroy_original && !originals.is_empty();
    let then = destroy.then(|| {
        let destroy = json!({
            "accountId": from.id,
            "ifInState": wanted.destroy_from_if_in_state,
            "destroy": originals,
        });
        ("Email/set".to_owned(), destroy)
    });
    Ok(Answer { then, ..answer(&told)? })
}

async fn check_from(call: &Call, from: &Account, expected: Option<&State>) -> Result<(), MethodError> {
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, &from.id).await.map_err(failed)?.of(Kind::Email);
    Ok(check_state(expected, &state)?)
}

async fn source(
    call: &Call,
    from: &Account,
    properties: &Map<String, Value>,
) -> Result<Result<Source, SetError>, MethodError> {
    const SETTABLE: [&str; 4] = ["id", "mailboxIds", "keywords", "receivedAt"];
    let unknown: Vec<&String> = properties.keys().filter(|key| !SETTABLE.contains(&key.as_str())).collect();
    if !unknown.is_empty() {
        return Ok(Err(SetError::invalid_properties(unknown)));
    }
    let Some(Value::String(id)) = properties.get("id") else {
        return Ok(Err(SetError::invalid_properties(["id"])));
    };
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let found = store::emails(&mut connection, &from.id, &[EmailId::from(id.as_str())]).await;
    drop(connection);
    let Some(row) = found.map_err(failed)?.pop() else { return Ok(Err(SetErrorType::NotFound.into())) };
    if call.account.kind.is_sealed() {
        if !from.kind.is_sealed() {
            let why = "the account holds sealed mail only, and the message comes from a public one";
            return Ok(Err(SetError::new(SetErrorType::Forbidden, why)));
        }
        return Ok(Ok((row, None)));
    }
    let bytes = call.message(&row).await?;
    let clear = crate::delivery::off_thread(move || ClearText::of(&bytes)).await.map_err(failed)?;
    Ok(Ok((row, Some(clear))))
}

async fn keep(
    tx: &mut Tx,
    ledger: &mut Ledger,
    properties: &Map<String, Value>,
    (row, clear): Source,
    created: &BTreeMap<String, String>,
) -> Result<Result<Value, SetError>, StoreError> {
    let mailboxes =
        store::mailboxes(tx.connection(), ledger.account()).await?.into_iter().map(|row| row.id).collect();
    let (mut keywords, mailboxes) =
        match placed(properties, &row.keywords, Known { mailboxes: &mailboxes, created }) {
            Ok(placed) => placed,
            Err(error) => return Ok(Err(error)),
        };
    if !properties.contains_key("keywords") {
        keywords.clone_from(&row.keywords);
    }
    let received_at = match properties.get("receivedAt") {
        None | Some(Value::Null) => Some(row.received_at),
        Some(text) => text.as_str().and_then(parse_date),
    };
    let Some(received_at) = received_at else {
        return Ok(Err(SetError::invalid_properties(["receivedAt"])));
    };
    if let Err(error) = check_room(ledger, row.size) {
        return Ok(Err(error));
    }
    // The original may have gone, and its bytes with it, since it was read.
    if store::blob_data(tx.connection(), &row.blob_id).await?.is_none() {
        return Ok(Err(SetErrorType::NotFound.into()));
    }
    store::hold_blob(tx, ledger.account(), &row.blob_id, Hold::Email).await?;
    let new = NewEmail {
        blob_id: row.blob_id.clone(),
        size: row.size,
        received_at,
        outer: row.outer,
        keywords,
        mailboxes,
        summary: None,
        clear,
    };
    let (id, thread_id) = store::insert_email(tx, ledger, &new).await?;
    Ok(Ok(json!({"id": id, "blobId": row.blob_id, "threadId": thread_id, "size": row.size})))
}
