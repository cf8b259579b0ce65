//! `EmailSubmission` (RFC 8621 7).

mod create;

use std::collections::BTreeMap;

use jmap::{
    EmailSubmission, Get, Id, MethodError, MethodErrorType, Patch, Set, SetError, SetErrorType, SubmissionId,
};
use serde_json::{Map, Value, json};

use super::Call;
use super::answer::{
    Answer, Outcome, WriteError, answer, arguments, check_set_size, check_state, failed, get_answer,
    ids_to_get, project,
};
use crate::clock::utc_date;
use crate::store::{self, Kind, Ledger, StoreError, SubmissionRow, Tx};

/// How many submissions one call makes: each is read and checked before the transaction.
const MOST_AT_ONCE: usize = 50;

/// `EmailSubmission/get`.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get::<EmailSubmission> { ids, properties, .. } = arguments(given)?;
    let ids = ids_to_get(ids, &call.relay.limits)?;
    let account = &call.account.id;
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, account).await.map_err(failed)?.of(Kind::Submission);
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    match ids {
        None => {
            let most = i64::try_from(call.relay.limits.max_objects_in_get).unwrap_or(i64::MAX);
            rows = store::submissions(&mut connection, account, most).await.map_err(failed)?;
        }
        Some(ids) => {
            for id in ids {
                match store::submission(&mut connection, account, &id).await.map_err(failed)? {
                    Some(row) => rows.push(row),
                    None => missing.push(id),
                }
            }
        }
    }
    let list = rows.into_iter().map(|row| project(&object(row), properties.as_deref()));
    get_answer(account, &state, list.collect::<Result<_, _>>()?, &missing)
}

/// `EmailSubmission/changes`.
pub async fn changes(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    answer(&super::changes::changes(call, Kind::Submission, given).await?)
}

/// `EmailSubmission/set` (RFC 8621 7.5).
///
/// A submission is final at once: what is sent cannot be taken back.
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Set<EmailSubmission> = arguments(given)?;
    let count = wanted.create.iter().flatten().count()
        + wanted.update.iter().flatten().count()
        + wanted.destroy.iter().flatten().count();
    check_set_size(count, &call.relay.limits)?;
    if wanted.create.iter().flatten().count() > MOST_AT_ONCE {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let account = call.account.id.clone();
    let mut outcome = Outcome::default();
    let mut ready = Vec::new();
    for (creation, properties) in wanted.create.into_iter().flatten() {
        match create::prepare(call, properties).await? {
            Ok(prepared) => ready.push((creation, prepared)),
            Err(error) => drop(outcome.not_created.insert(creation, error)),
        }
    }
    let mut emails: BTreeMap<Id, String> = BTreeMap::new();
    for (creation, prepared) in &ready {
        emails.insert(Id::from(format!("#{creation}")), prepared.email_id().to_string());
    }
    let (expected, update, destroy) = (wanted.if_in_state, wanted.update, wanted.destroy);
    let write = call.relay.store.write(move |tx| {
        Box::pin(async move {
            let recipients = ready.iter().flat_map(|(_, prepared)| prepared.accounts());
            store::lock_accounts(tx, recipients.chain([&account])).await?;
            let mut ledger = Ledger::open(tx, &account).await?;
            let old_state = ledger.before().of(Kind::Submission);
            check_state(expected.as_ref(), &old_state)?;
            let mut local = Vec::new();
            for (creation, prepared) in ready {
                match create::keep(tx, &mut ledger, prepared, &mut local).await? {
                    Ok(made) => drop(outcome.created.insert(creation, made)),
                    Err(error) => drop(outcome.not_created.insert(creation, error)),
                }
            }
            refuse_updates(tx, &ledger, update, &mut outcome).await?;
            forget(tx, &mut ledger, destroy.unwrap_or_default(), &mut outcome).await?;
            let new_state = ledger.close(tx).await?.of(Kind::Submission);
            // After the sender's own ledger is closed, for a recipient may be the sender.
            create::deliver(tx, local).await?;
            Ok::<_, WriteError>(outcome.into_answer(account, old_state, new_state))
        })
    });
    let done = write.await?;
    call.relay.queue_bell.notify_one();
    call.remember(done.created.as_ref());
    let implied = implied(&done.created.clone().unwrap_or_default(), wanted.extra, &emails);
    Ok(Answer { then: implied.map(|arguments| email_set(call, arguments)), ..answer(&done)? })
}

/// RFC 8621 7: only `undoStatus` may be changed, and a final submission cannot be undone.
async fn refuse_updates(
    tx: &mut Tx,
    ledger: &Ledger,
    wanted: Option<BTreeMap<Id, Patch>>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    for (id, patch) in wanted.into_iter().flatten() {
        let row =
            store::submission(tx.connection(), ledger.account(), &SubmissionId::from(id.as_str())).await?;
        let cancels = patch.get("undoStatus") == Some(&json!("canceled"));
        let error = match (row, cancels) {
            (None, _) => SetErrorType::NotFound.into(),
            (Some(_), true) => SetErrorType::CannotUnsend.into(),
            (Some(_), false) => SetError::invalid_properties(patch.keys()),
        };
        outcome.not_updated.insert(id, error);
    }
    Ok(())
}

async fn forget(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: Vec<Id>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    for id in wanted {
        match store::submission(tx.connection(), ledger.account(), &SubmissionId::from(id.as_str())).await? {
            Some(row) => {
                store::destroy_submission(tx, ledger, &row).await?;
                outcome.destroyed.push(id);
            }
            None => drop(outcome.not_destroyed.insert(id, SetErrorType::NotFound.into())),
        }
    }
    Ok(())
}

/// What `onSuccessUpdateEmail` and `onSuccessDestroyEmail` ask for, by email.
fn implied(
    created: &BTreeMap<String, Map<String, Value>>,
    extra: jmap::Submit,
    emails: &BTreeMap<Id, String>,
) -> Option<(Map<String, Value>, Vec<String>)> {
    let sent = |id: &Id| {
        let creation = id.as_str().strip_prefix('#')?;
        created.contains_key(creation).then(|| emails.get(id).cloned())?
    };
    let updates = extra.on_success_update_email.into_iter().flatten();
    let updates: Map<String, Value> =
        updates.filter_map(|(id, patch)| Some((sent(&id)?, Value::Object(patch)))).collect();
    let destroys: Vec<String> = extra.on_success_destroy_email.iter().flatten().filter_map(sent).collect();
    (!updates.is_empty() || !destroys.is_empty()).then_some((updates, destroys))
}

fn email_set(call: &Call, (update, destroy): (Map<String, Value>, Vec<String>)) -> (String, Value) {
    let arguments = json!({"accountId": call.account.id, "update": update, "destroy": destroy});
    ("Email/set".into(), arguments)
}

fn object(row: SubmissionRow) -> Value {
    let stored = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "id": row.id,
        "identityId": row.identity_id,
        "emailId": row.email_id,
        "threadId": row.thread_id,
        "envelope": stored(&row.envelope),
        "sendAt": utc_date(row.send_at),
        "undoStatus": "final",
        "deliveryStatus": stored(&row.delivery),
        "dsnBlobIds": [],
        "mdnBlobIds": [],
    })
}
