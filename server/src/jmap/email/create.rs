use std::collections::{BTreeMap, BTreeSet};

use jmap::{BlobId, MailboxId, MethodError, SetError, SetErrorType};
use serde_json::{Map, Value, json};

use super::compose::Draft;
use super::patch::{self, Known};
use crate::blobs::Prepared;
use crate::clear_text::ClearText;
use crate::clock::{Millis, now, parse_date};
use crate::delivery::off_thread;
use crate::jmap::Call;
use crate::jmap::answer::{check_room, failed};
use crate::memory::{FREE, Held};
use crate::outer::OuterHeader;
use crate::parts::{Read, ReadError};
use crate::store::{self, Ledger, NewEmail, StoreError, Tx};

/// A message that was written and is not kept yet.
pub struct Written {
    properties: Map<String, Value>,
    received_at: Millis,
    blob: Prepared,
    outer: OuterHeader,
    clear: ClearText,
}

/// Writes the message that the properties describe.
pub async fn write(
    call: &Call,
    properties: Map<String, Value>,
) -> Result<Result<Written, SetError>, MethodError> {
    if call.account.kind.is_sealed() {
        return Ok(Err(sealed()));
    }
    let received_at = match properties.get("receivedAt") {
        None | Some(Value::Null) => Some(now()),
        Some(text) => text.as_str().and_then(parse_date),
    };
    let Some(received_at) = received_at else {
        return Ok(Err(SetError::invalid_properties(["receivedAt"])));
    };
    let draft = match Draft::read(&properties) {
        Ok(draft) => draft,
        Err(error) => return Ok(Err(error)),
    };
    let (blobs, _held) = match read(call, draft.blobs()).await? {
        Ok(blobs) => blobs,
        Err(error) => return Ok(Err(error)),
    };
    let domain = call.relay.config.domain.clone();
    let composed = off_thread(move || {
        let bytes = draft.write(&blobs, &domain)?;
        Ok((OuterHeader::parse(&bytes), ClearText::of(&bytes), bytes))
    });
    let (outer, clear, bytes) = match composed.await.map_err(failed)? {
        Ok(composed) => composed,
        Err(error) => return Ok(Err(error)),
    };
    let blob = call.relay.blobs.prepare(&call.relay.store, bytes).await.map_err(failed)?;
    Ok(Ok(Written { properties, received_at, blob, outer, clear }))
}

/// Parts that the relay would put together are parts that it could read.
fn sealed() -> SetError {
    let why = "this account holds sealed mail only: upload the sealed message and use Email/import";
    SetError::new(SetErrorType::Forbidden, why)
}

async fn read(
    call: &Call,
    wanted: Vec<BlobId>,
) -> Result<Result<(BTreeMap<BlobId, Read>, Held), SetError>, MethodError> {
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    let (mut held, mut short) = (call.relay.reading.hold(&call.user.id), 0);
    let mut room = call.relay.limits.max_size_upload;
    for id in wanted {
        if !found.contains_key(&id) {
            match call.read(&call.account.id, &id).await {
                Ok(bytes) => {
                    // One that is short counts for nobody; a thousand do.
                    short += if bytes.len() > FREE { 0 } else { bytes.len() };
                    held.grow(short).map_err(ReadError::from)?;
                    found.insert(id.clone(), bytes);
                }
                Err(ReadError::NotFound) => missing.push(id.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        // Each time that it is named: so often it stands in the message.
        let Some(left) = room.checked_sub(found.get(&id).map_or(0, |bytes| bytes.len())) else {
            let max_size = u64::try_from(call.relay.limits.max_size_upload).ok();
            return Ok(Err(SetError { max_size, ..SetErrorType::TooLarge.into() }));
        };
        room = left;
    }
    if missing.is_empty() {
        return Ok(Ok((found, held)));
    }
    Ok(Err(SetError { not_found: Some(missing), ..SetErrorType::BlobNotFound.into() }))
}

/// Keeps it; gives the properties that the relay set.
pub async fn keep(
    tx: &mut Tx,
    ledger: &mut Ledger,
    written: Written,
    created: &BTreeMap<String, String>,
) -> Result<Result<Map<String, Value>, SetError>, StoreError> {
    let known: BTreeSet<MailboxId> =
        store::mailboxes(tx.connection(), ledger.account()).await?.into_iter().map(|row| row.id).collect();
    let Written { properties, received_at, blob, outer, clear } = written;
    let (keywords, mailboxes) =
        match placed(&properties, &BTreeSet::new(), Known { mailboxes: &known, created }) {
            Ok(placed) => placed,
            Err(error) => return Ok(Err(error)),
        };
    let blob = blob.blob();
    if let Err(error) = check_room(ledger, blob.size) {
        return Ok(Err(error));
    }
    let new = NewEmail {
        blob_id: blob.id.clone(),
        size: blob.size,
        received_at,
        outer,
        keywords,
        mailboxes,
        summary: None,
        clear: Some(clear),
    };
    store::put_blob(tx, ledger.account(), blob, true).await?;
    let (id, thread_id) = store::insert_email(tx, ledger, &new).await?;
    let made = json!({"id": id, "blobId": blob.id, "threadId": thread_id, "size": blob.size});
    Ok(Ok(made.as_object().cloned().unwrap_or_default()))
}

/// Keywords and mailboxes as they are set.
pub fn placed(
    properties: &Map<String, Value>,
    before: &BTreeSet<String>,
    known: Known<'_>,
) -> Result<(BTreeSet<String>, BTreeSet<MailboxId>), SetError> {
    let wrong = |property: &str| SetError::invalid_properties([property]);
    let keywords = match properties.get("keywords") {
        None | Some(Value::Null) => BTreeSet::new(),
        Some(keywords) => patch::keywords(keywords).ok_or_else(|| wrong("keywords"))?,
    };
    let mailboxes = properties.get("mailboxIds").and_then(|ids| patch::mailboxes(ids, known));
    let mailboxes = mailboxes.ok_or_else(|| wrong("mailboxIds"))?;
    patch::check(&keywords, &mailboxes, before, known)?;
    Ok((keywords, mailboxes))
}
