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
use crate::jmap::weight::weight;
use crate::memory::{FREE, Held};
use crate::outer::OuterHeader;
use crate::parts::{Read, ReadError};
use crate::store::{self, BlobRef, Hold, Ledger, NewEmail, StoreError, Tx};

/// A message that was written and is not kept yet.
#[derive(Clone)]
pub struct Written {
    properties: Map<String, Value>,
    received_at: Millis,
    blob: Prepared,
    outer: OuterHeader,
    clear: ClearText,
}

/// What the letters of one call hold in memory, from when they are written until they are kept.
#[derive(Debug)]
pub struct Letters {
    held: Held,
    kept: usize,
}

impl Letters {
    /// None yet.
    pub fn begin(call: &Call) -> Self {
        Self { held: call.relay.reading.hold(&call.user.id), kept: 0 }
    }

    /// Makes sure of so many octets beside the letters that are written.
    fn grow(&mut self, octets: usize) -> Result<(), ReadError> {
        Ok(self.held.grow(self.kept.saturating_add(octets))?)
    }

    /// Counts what is left of a letter once its bytes are safe.
    fn add(&mut self, blob: &BlobRef, clear: &ClearText) -> Result<(), ReadError> {
        self.kept += blob.data.as_ref().map_or(0, |data| data.bytes.len()) + clear.octets();
        self.grow(0)
    }
}

/// As many octets as base64 makes of some, in lines of 76.
fn encoded(octets: usize) -> usize {
    octets.div_ceil(57).saturating_mul(78)
}

/// The most octets of attachments whose message is not longer than `largest`.
pub fn most_attached(largest: usize) -> usize {
    largest / 78 * 57
}

/// Writes the message that the properties describe.
pub async fn write(
    call: &Call,
    properties: Map<String, Value>,
    letters: &mut Letters,
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
    let text = properties.values().map(weight).sum();
    let draft = match Draft::read(&properties) {
        Ok(draft) => draft,
        Err(error) => return Ok(Err(error)),
    };
    let blobs = match read(call, draft.blobs(), text, letters).await? {
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
    letters.grow(bytes.len())?;
    let blob = call.relay.blobs.prepare(&call.relay.store, bytes).await.map_err(failed)?;
    letters.add(blob.blob(), &clear)?;
    Ok(Ok(Written { properties, received_at, blob, outer, clear }))
}

/// Parts that the relay would put together are parts that it could read.
fn sealed() -> SetError {
    let why = "this account holds sealed mail only: upload the sealed message and use Email/import";
    SetError::new(SetErrorType::Forbidden, why)
}

/// The blobs of a draft, whose text has so many octets; what the letter will hold is counted.
async fn read(
    call: &Call,
    wanted: Vec<BlobId>,
    text: usize,
    letters: &mut Letters,
) -> Result<Result<BTreeMap<BlobId, Read>, SetError>, MethodError> {
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    let largest = call.relay.limits.max_size_upload;
    let (mut short, mut written) = (0, 0);
    for id in wanted {
        if !found.contains_key(&id) {
            match call.read(&call.account.id, &id).await {
                Ok(bytes) => {
                    // One that is short counts for nobody; a thousand do.
                    short += if bytes.len() > FREE { 0 } else { bytes.len() };
                    found.insert(id.clone(), bytes);
                }
                Err(ReadError::NotFound) => missing.push(id.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        // Each time that it is named: so often it stands in the message.
        written += found.get(&id).map_or(0, |bytes| encoded(bytes.len()));
        if written > largest {
            let max_size = u64::try_from(most_attached(largest)).ok();
            return Ok(Err(SetError { max_size, ..SetErrorType::TooLarge.into() }));
        }
        letters.grow(text + short + written)?;
    }
    if missing.is_empty() {
        return Ok(Ok(found));
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
    store::put_blob(tx, ledger.account(), blob, Hold::Email).await?;
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
