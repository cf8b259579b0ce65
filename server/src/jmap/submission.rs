//! `EmailSubmission` (RFC 8621 7).

mod create;
mod query;

use std::collections::BTreeMap;

use jmap::{
    EmailSubmission, Get, Id, MethodError, MethodErrorType, Patch, SetAnswer, SetError, SetErrorType,
    SubmissionId, SubmissionSet,
};
use serde_json::{Map, Value, json};

pub use query::{query, query_changes};

use super::answer::{
    Answer, Outcome, answer, arguments, check_properties, failed, get_answer, ids_to_get, project,
};
use super::{Call, set};
use crate::clock::utc_date;
use crate::store::{self, Kind, Ledger, StoreError, SubmissionRow, Tx};
use crate::vacation;

/// How many submissions one call makes: each is read and checked before the transaction.
const MOST_AT_ONCE: usize = 50;

const PROPERTIES: [&str; 10] = [
    "id",
    "identityId",
    "emailId",
    "threadId",
    "envelope",
    "sendAt",
    "undoStatus",
    "deliveryStatus",
    "dsnBlobIds",
    "mdnBlobIds",
];

/// `EmailSubmission/get`.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get::<EmailSubmission> { ids, properties, .. } = arguments(given)?;
    check_properties(properties.as_deref(), &PROPERTIES)?;
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
/// A submission is final at once unless it waits for its time: what is sent cannot be taken back.
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: SubmissionSet = set::read::<EmailSubmission>(call, given)?;
    if wanted.create.iter().flatten().count() > MOST_AT_ONCE {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let (mut outcome, mut ready) = (Outcome::default(), Vec::new());
    let mut questions = Vec::new();
    let mut emails = emails_of(call, &wanted).await?;
    for (creation, properties) in wanted.create.into_iter().flatten() {
        match create::prepare(call, properties).await? {
            Ok(mut prepared) => {
                questions.extend(prepared.take_question().map(|question| (creation.clone(), question)));
                emails.insert(Id::from(format!("#{creation}")), prepared.email_id().to_string());
                ready.push((creation, prepared));
            }
            Err(error) => drop(outcome.not_created.insert(creation, error)),
        }
    }
    let (updates, destroy) = (wanted.update.unwrap_or_default(), wanted.destroy.unwrap_or_default());
    let recipients =
        ready.iter().flat_map(|(_, prepared): &(_, create::Prepared)| prepared.accounts().cloned());
    let before = set::Before { if_in_state: wanted.if_in_state, recipients: recipients.collect(), outcome };
    // From here on it is counted, also when the client goes away, until it is known that it came to nothing.
    let spent: Vec<(String, usize)> =
        ready.iter_mut().map(|(creation, prepared)| (creation.clone(), prepared.spend())).collect();
    let write = set::write(call, Kind::Submission, before, move |tx, ledger, outcome| {
        Box::pin(async move {
            let mut local = Vec::new();
            for (creation, prepared) in ready {
                match create::keep(tx, ledger, prepared, &mut local).await? {
                    Ok(made) => drop(outcome.created.insert(creation, made)),
                    Err(error) => drop(outcome.not_created.insert(creation, error)),
                }
            }
            for (id, patch) in updates {
                match update(tx, ledger, &id, &patch).await? {
                    Ok(()) => drop(outcome.updated.insert(id, None)),
                    Err(error) => drop(outcome.not_updated.insert(id, error)),
                }
            }
            forget(tx, ledger, destroy, outcome).await?;
            Ok(local)
        })
    });
    let done = write.await;
    call.relay.sending.give_back(&call.account.id, unsent(&spent, done.as_ref().ok()));
    let done = done?;
    call.relay.queue_bell.notify_one();
    call.relay.held_bell.notify_one();
    for (creation, question) in questions {
        if done.created.as_ref().is_some_and(|made| made.contains_key(&creation)) {
            vacation::answer(&call.relay, Some(question)).await;
        }
    }
    let implied = implied(&done, wanted.extra, &emails);
    Ok(Answer { then: implied.map(|arguments| email_set(call, arguments)), ..answer(&done)? })
}

/// How many recipients the submissions have that were not made.
fn unsent(spent: &[(String, usize)], done: Option<&SetAnswer>) -> usize {
    let made = done.and_then(|done| done.created.as_ref());
    let is_made = |creation: &String| made.is_some_and(|made| made.contains_key(creation));
    spent.iter().filter(|(creation, _)| !is_made(creation)).map(|(_, count)| count).sum()
}

/// The emails of the submissions that exist and that a success is to change something for.
async fn emails_of(call: &Call, wanted: &SubmissionSet) -> Result<BTreeMap<Id, String>, MethodError> {
    let updates = wanted.extra.on_success_update_email.iter().flatten().map(|(id, _)| id);
    let destroys = wanted.extra.on_success_destroy_email.iter().flatten();
    let mut emails = BTreeMap::new();
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    for id in updates.chain(destroys).filter(|id| !id.as_str().starts_with('#')) {
        let submission = SubmissionId::from(id.as_str());
        let found = store::submission(&mut connection, &call.account.id, &submission).await;
        if let Some(row) = found.map_err(failed)? {
            emails.insert(id.clone(), row.email_id.to_string());
        }
    }
    Ok(emails)
}

/// RFC 8621 7: only `undoStatus` may be changed, and what is final cannot be undone.
async fn update(
    tx: &mut Tx,
    ledger: &mut Ledger,
    id: &Id,
    patch: &Patch,
) -> Result<Result<(), SetError>, StoreError> {
    let id = SubmissionId::from(id.as_str());
    let Some(row) = store::submission(tx.connection(), ledger.account(), &id).await? else {
        return Ok(Err(SetErrorType::NotFound.into()));
    };
    let patch = match set::news(patch.clone(), &object(row.clone())) {
        Ok(patch) => patch,
        Err(error) => return Ok(Err(error)),
    };
    let others: Vec<&String> = patch.keys().filter(|key| *key != "undoStatus").collect();
    if !others.is_empty() {
        return Ok(Err(SetError::invalid_properties(others)));
    }
    match patch.get("undoStatus") {
        None => Ok(Ok(())),
        Some(status) if *status != json!("canceled") => Ok(Err(SetError::invalid_properties(["undoStatus"]))),
        Some(_) if row.undo_status == "pending" && take_back(tx, ledger, &row).await? => {
            Ok(Ok(store::set_undo(tx, ledger, &id, "canceled").await?))
        }
        Some(_) => Ok(Err(SetErrorType::CannotUnsend.into())),
    }
}

/// Holds the message no longer, so that it may be sent anew; false when it went out meanwhile.
async fn take_back(tx: &mut Tx, ledger: &Ledger, row: &SubmissionRow) -> Result<bool, StoreError> {
    let Some(held) = store::held(tx.connection(), &row.id).await? else { return Ok(false) };
    let email = store::emails(tx.connection(), ledger.account(), std::slice::from_ref(&row.email_id)).await?;
    if let Some(message) = email.first().and_then(|email| email.outer.message_id.first()) {
        // What cannot be read can be taken back all the same.
        for address in &held.recipients().unwrap_or_else(|_| row.unsettled()) {
            store::release_sending(tx, ledger.account(), message, address).await?;
        }
    }
    store::release_held(tx, &row.id).await
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
    done: &SetAnswer,
    extra: jmap::Submit,
    emails: &BTreeMap<Id, String>,
) -> Option<(Map<String, Value>, Vec<String>)> {
    let succeeded = |id: &Id| match id.as_str().strip_prefix('#') {
        Some(creation) => done.created.as_ref().is_some_and(|made| made.contains_key(creation)),
        None => {
            done.updated.as_ref().is_some_and(|updated| updated.contains_key(id))
                || done.destroyed.as_ref().is_some_and(|destroyed| destroyed.contains(id))
        }
    };
    let email = |id: &Id| emails.get(id).filter(|_| succeeded(id)).cloned();
    let updates = extra.on_success_update_email.into_iter().flatten();
    let updates: Map<String, Value> =
        updates.filter_map(|(id, patch)| Some((email(&id)?, Value::Object(patch)))).collect();
    let destroys: Vec<String> = extra.on_success_destroy_email.iter().flatten().filter_map(email).collect();
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
        "undoStatus": row.undo_status,
        "deliveryStatus": stored(&row.delivery),
        "dsnBlobIds": stored(&row.dsn_blobs),
        "mdnBlobIds": stored(&row.mdn_blobs),
    })
}
