use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jmap::{
    AccountId, EmailImport, EmailImported, ImportAnswer, MailboxId, MethodError, SetError, SetErrorType,
    State,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::patch::{self, Known};
use crate::blobs::Prepared;
use crate::clear_text::ClearText;
use crate::clock::{Millis, now, parse_date};
use crate::delivery::{is_sealed, off_thread};
use crate::jmap::Call;
use crate::jmap::answer::{
    Answer, WriteError, answer, arguments, check_room, check_set_size, check_state, failed,
};
use crate::outer::{OuterHeader, is_message, received_at};
use crate::parts::{self, ReadError};
use crate::store::{self, Hold, Kind, Ledger, NewEmail, StoreError, Tx};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    if_in_state: Option<State>,
    emails: BTreeMap<String, Map<String, Value>>,
}

/// `Email/import` (RFC 8621 4.8); personal and office accounts take sealed messages only.
pub async fn import(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Arguments = arguments(given)?;
    check_set_size(wanted.emails.len(), &call.relay.limits)?;
    let mut checked = Vec::new();
    let mut not_created = BTreeMap::new();
    for (creation, properties) in wanted.emails {
        let read = match typed(&properties) {
            Ok(email) => read(call, &email).await?.map(|message| (email, message)),
            Err(error) => Err(error),
        };
        match read {
            Ok((email, message)) => checked.push((creation, email, message)),
            Err(error) => drop(not_created.insert(creation, error)),
        }
    }
    let account = call.account.id.clone();
    let (user, created_ids) = (call.user.id.clone(), call.created.clone());
    let write = call.relay.store.write(move |tx| {
        Box::pin(async move {
            let mut ledger = Ledger::open(tx, &account).await?;
            let old_state = ledger.before().of(Kind::Email);
            check_state(wanted.if_in_state.as_ref(), &old_state)?;
            let mut created = BTreeMap::new();
            for (creation, email, message) in checked {
                match keep(tx, &mut ledger, email, message, (&user, &created_ids)).await? {
                    Ok(imported) => drop(created.insert(creation, imported)),
                    Err(error) => drop(not_created.insert(creation, error)),
                }
            }
            let new_state = ledger.close(tx).await?.of(Kind::Email);
            Ok::<_, WriteError>(ImportAnswer {
                account_id: account,
                old_state: Some(old_state),
                new_state,
                created: (!created.is_empty()).then_some(created),
                not_created: (!not_created.is_empty()).then_some(not_created),
            })
        })
    });
    let done = write.await?;
    for (creation, imported) in done.created.iter().flatten() {
        call.created.insert(creation.clone(), imported.id.to_string());
    }
    answer(&done)
}

/// The properties, or the names of those that are missing or malformed.
fn typed(properties: &Map<String, Value>) -> Result<EmailImport, SetError> {
    let mut wrong = Vec::new();
    let read = (
        read_one(properties, "blobId", &mut wrong),
        read_one(properties, "mailboxIds", &mut wrong),
        read_one::<Option<_>>(properties, "keywords", &mut wrong),
        read_one(properties, "receivedAt", &mut wrong),
        read_one(properties, "sealedSummary", &mut wrong),
    );
    let (Some(blob_id), Some(mailbox_ids), Some(keywords), Some(received_at), Some(sealed_summary)) = read
    else {
        return Err(SetError::invalid_properties(wrong));
    };
    Ok(EmailImport {
        blob_id,
        mailbox_ids,
        keywords: keywords.unwrap_or_default(),
        received_at,
        sealed_summary,
    })
}

fn read_one<T: DeserializeOwned>(
    properties: &Map<String, Value>,
    name: &'static str,
    wrong: &mut Vec<&'static str>,
) -> Option<T> {
    let read = T::deserialize(properties.get(name).unwrap_or(&Value::Null));
    if read.is_err() {
        wrong.push(name);
    }
    read.ok()
}

/// A message that may be kept: its bytes are the account's, or safe to refer to.
#[derive(Clone)]
struct Message {
    outer: OuterHeader,
    received_at: Option<Millis>,
    clear: Option<ClearText>,
    blob: Option<Prepared>,
}

/// Reads the message; a sealed account refuses what is not sealed, and keeps nothing of it.
async fn read(call: &Call, email: &EmailImport) -> Result<Result<Message, SetError>, MethodError> {
    let (relay, is_part) = (&call.relay, parts::read_id(&email.blob_id).is_some());
    let (message, _held) = match call.read(&call.account.id, &email.blob_id).await {
        Ok(message) => message.into_parts(),
        // RFC 8621 4.8: an id that is not found is an invalid property.
        Err(ReadError::NotFound) => return Ok(Err(SetError::invalid_properties(["blobId"]))),
        Err(error) => return Err(error.into()),
    };
    let message = Arc::new(message);
    if call.account.kind.is_sealed() && !is_sealed(Arc::clone(&message)).await.map_err(failed)? {
        let why = "this account holds sealed mail only: the message is not enveloped, or its outer header tells more than it must";
        return Ok(Err(SetError::new(SetErrorType::InvalidEmail, why)));
    }
    let sealed = call.account.kind.is_sealed();
    let parsed = Arc::clone(&message);
    let read = move || {
        let clear = (!sealed).then(|| ClearText::of(&parsed));
        (is_message(&parsed), OuterHeader::parse(&parsed), received_at(&parsed), clear)
    };
    let (is_message, outer, received_at, clear) = off_thread(read).await.map_err(failed)?;
    if !is_message {
        return Ok(Err(SetError::new(SetErrorType::InvalidEmail, "the blob is no message")));
    }
    let blob = match is_part {
        true => Some(relay.blobs.prepare(&relay.store, Arc::unwrap_or_clone(message)).await.map_err(failed)?),
        false => None,
    };
    Ok(Ok(Message { outer, received_at, clear, blob }))
}

async fn keep(
    tx: &mut Tx,
    ledger: &mut Ledger,
    email: EmailImport,
    message: Message,
    (user, created): (&AccountId, &BTreeMap<String, String>),
) -> Result<Result<EmailImported, SetError>, StoreError> {
    let mailboxes: BTreeSet<MailboxId> =
        store::mailboxes(tx.connection(), ledger.account()).await?.into_iter().map(|row| row.id).collect();
    let came = message.received_at.unwrap_or_else(now);
    let mut new = match checked(&email, message.outer, came, Known { mailboxes: &mailboxes, created }) {
        Ok(new) => new,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(blob) = &message.blob {
        let blob = blob.blob();
        if let Err(error) = check_room(ledger, blob.size) {
            return Ok(Err(error));
        }
        (new.blob_id, new.size) = (blob.id.clone(), blob.size);
        store::put_blob(tx, ledger.account(), blob, Hold::Email).await?;
    } else {
        // The blob may have been swept since it was read.
        let size = store::own_blob(tx.connection(), ledger.account(), user, &email.blob_id).await?;
        let Some(size) = size else {
            return Ok(Err(SetError::invalid_properties(["blobId"])));
        };
        if let Err(error) = check_room(ledger, size) {
            return Ok(Err(error));
        }
        new.size = size;
        store::hold_blob(tx, ledger.account(), &email.blob_id, Hold::Email).await?;
    }
    new.clear = message.clear;
    let (id, thread_id) = store::insert_email(tx, ledger, &new).await?;
    let size = u64::try_from(new.size).unwrap_or_default();
    Ok(Ok(EmailImported { id, blob_id: new.blob_id, thread_id, size }))
}

fn checked(
    email: &EmailImport,
    outer: OuterHeader,
    came: Millis,
    known: Known<'_>,
) -> Result<NewEmail, SetError> {
    let json = |map| serde_json::to_value(map).unwrap_or_default();
    let wrong = |property: &str| SetError::invalid_properties([property]);
    let keywords = patch::keywords(&json(email.keywords.clone())).ok_or_else(|| wrong("keywords"))?;
    let ids: BTreeMap<String, bool> =
        email.mailbox_ids.iter().map(|(id, on)| (id.to_string(), *on)).collect();
    let mailboxes = patch::mailboxes(&json(ids), known).ok_or_else(|| wrong("mailboxIds"))?;
    patch::check(&keywords, &mailboxes, &BTreeSet::new(), known)?;
    let received_at = match &email.received_at {
        Some(text) => parse_date(text).ok_or_else(|| wrong("receivedAt"))?,
        None => came,
    };
    let summary = match &email.sealed_summary {
        Some(text) => Some(patch::summary(text).ok_or_else(|| wrong("sealedSummary"))?),
        None => None,
    };
    Ok(NewEmail {
        blob_id: email.blob_id.clone(),
        size: 0,
        received_at,
        outer,
        keywords,
        mailboxes,
        summary,
        clear: None,
    })
}
