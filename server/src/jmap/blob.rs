//! `Blob` (RFC 9404) and `Blob/copy` (RFC 8620 6.3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jmap::{AccountId, BlobId, MethodError, MethodErrorType, SetError, SetErrorType};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::Call;
use super::answer::{Answer, answer, arguments, check_set_size, failed, ids_to_get, unkept};
use super::upload::{keep_upload, may_upload};
use crate::delivery;
use crate::parts::{self, Read, ReadError};
use crate::store;
use crate::{base64_text, from_base64};

/// Pieces that one upload is made of, as the session announces.
pub const MOST_SOURCES: usize = 64;
/// How many of the largest uploads one call reads: a small piece costs the reading of its blob.
const MOST_READ: usize = 8;
/// Octets that one answer holds.
const ANSWER: usize = 16 * 1024 * 1024;
/// Types whose objects `Blob/lookup` knows.
pub const LOOKED_UP: [&str; 3] = ["Email", "Thread", "Mailbox"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Copy {
    from_account_id: AccountId,
    blob_ids: Vec<BlobId>,
}

/// `Blob/copy`: between two accounts that are open to the user.
pub async fn copy(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Copy { from_account_id, blob_ids } = arguments(given)?;
    if from_account_id == call.account.id {
        return Err(MethodError::new(MethodErrorType::InvalidArguments, "both accounts are the same"));
    }
    let from = call.opened(&from_account_id).ok_or(MethodErrorType::FromAccountNotFound)?;
    check_set_size(blob_ids.len(), &call.relay.limits)?;
    let (mut copied, mut not_copied) = (BTreeMap::new(), BTreeMap::new());
    for id in blob_ids {
        let kept = match call.read(&from.id, &id).await {
            Ok(bytes) => keep(call, bytes).await?,
            Err(ReadError::NotFound) => Err(SetErrorType::NotFound.into()),
            Err(error) => return Err(error.into()),
        };
        match kept {
            Ok((kept, _)) => drop(copied.insert(id, kept)),
            Err(error) => drop(not_copied.insert(id, error)),
        }
    }
    answer(&json!({
        "fromAccountId": from_account_id,
        "accountId": call.account.id,
        "copied": (!copied.is_empty()).then_some(copied),
        "notCopied": (!not_copied.is_empty()).then_some(not_copied),
    }))
}

/// Keeps bytes as an upload, unless the account keeps sealed mail only and they are none.
async fn keep(call: &Call, bytes: Read) -> Result<Result<(BlobId, usize), SetError>, MethodError> {
    let (bytes, _held) = bytes.into_parts();
    let (relay, size, bytes) = (&call.relay, bytes.len(), Arc::new(bytes));
    if size > relay.limits.max_size_upload {
        let max_size = u64::try_from(relay.limits.max_size_upload).ok();
        return Ok(Err(SetError { max_size, ..SetErrorType::TooLarge.into() }));
    }
    if call.account.kind.is_sealed() && !delivery::is_sealed(Arc::clone(&bytes)).await.map_err(failed)? {
        let why = "this account keeps sealed messages only, whose outer header tells no more than it must";
        return Ok(Err(SetError::new(SetErrorType::Forbidden, why)));
    }
    if !may_upload(relay, &call.account.id, size) {
        return Ok(Err(SetErrorType::RateLimit.into()));
    }
    let prepared = relay.blobs.prepare(&relay.store, Arc::unwrap_or_clone(bytes)).await.map_err(unkept)?;
    let id = keep_upload(relay, (&call.account.id, &call.user.id), prepared).await.map_err(unkept)?;
    Ok(Ok((id, size)))
}

#[derive(Debug, Deserialize)]
struct Upload {
    create: BTreeMap<String, Wanted>,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    data: Vec<Source>,
    #[serde(rename = "type")]
    media_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Source {
    Text {
        #[serde(rename = "data:asText")]
        text: String,
    },
    Base64 {
        #[serde(rename = "data:asBase64")]
        base64: String,
    },
    Blob {
        #[serde(rename = "blobId")]
        blob: String,
        #[serde(default)]
        offset: usize,
        length: Option<usize>,
    },
}

/// `Blob/upload` (RFC 9404 4.1).
pub async fn upload(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Upload { create } = arguments(given)?;
    check_set_size(create.len(), &call.relay.limits)?;
    let (mut created, mut not_created) = (Map::new(), BTreeMap::new());
    let mut readable = most_read(call);
    for (creation, wanted) in create {
        let media_type = wanted.media_type.clone();
        let kept = match gathered(call, wanted.data, &mut readable).await? {
            Ok(bytes) => keep(call, bytes).await?,
            Err(error) => Err(error),
        };
        match kept {
            Ok((id, size)) => {
                call.created.insert(creation.clone(), id.to_string());
                created.insert(creation, json!({"id": id, "type": media_type, "size": size}));
            }
            Err(error) => drop(not_created.insert(creation, error)),
        }
    }
    answer(&json!({
        "accountId": call.account.id,
        "created": (!created.is_empty()).then_some(created),
        "notCreated": (!not_created.is_empty()).then_some(not_created),
    }))
}

fn most_read(call: &Call) -> usize {
    call.relay.limits.max_size_upload.saturating_mul(MOST_READ)
}

async fn gathered(
    call: &Call,
    sources: Vec<Source>,
    readable: &mut usize,
) -> Result<Result<Read, SetError>, MethodError> {
    let wrong = || SetError::invalid_properties(["data"]);
    if sources.len() > MOST_SOURCES {
        return Ok(Err(wrong()));
    }
    let mut all = call.relay.reading.begin(&call.user.id);
    for source in sources {
        let piece = match source {
            Source::Text { text } => Some(text.into_bytes()),
            Source::Base64 { base64 } => from_base64(&base64),
            Source::Blob { blob, offset, length } => {
                let Some(id) = call.resolve(&blob) else {
                    return Ok(Err(SetError {
                        not_found: Some(vec![blob]),
                        ..SetErrorType::BlobNotFound.into()
                    }));
                };
                match call.read(&call.account.id, &BlobId::from(id)).await {
                    Ok(bytes) => {
                        let Some(left) = readable.checked_sub(bytes.len()) else {
                            return Ok(Err(SetErrorType::TooLarge.into()));
                        };
                        *readable = left;
                        whole(&bytes, offset, length).map(<[u8]>::to_vec)
                    }
                    Err(ReadError::NotFound) => {
                        let not_found = Some(vec![blob]);
                        return Ok(Err(SetError { not_found, ..SetErrorType::BlobNotFound.into() }));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let Some(piece) = piece else { return Ok(Err(wrong())) };
        if all.len() + piece.len() > call.relay.limits.max_size_upload {
            return Ok(Err(SetErrorType::TooLarge.into()));
        }
        all.extend(&piece).map_err(ReadError::from)?;
    }
    Ok(Ok(all))
}

/// The range, if all of it is there.
fn whole(bytes: &[u8], offset: usize, length: Option<usize>) -> Option<&[u8]> {
    match length {
        Some(length) => bytes.get(offset..offset.checked_add(length)?),
        None => bytes.get(offset..),
    }
}

#[derive(Debug, Deserialize)]
struct Get {
    ids: Option<Vec<BlobId>>,
    properties: Option<Vec<String>>,
    #[serde(default)]
    offset: usize,
    length: Option<usize>,
}

/// `Blob/get` (RFC 9404 4.2).
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Get { ids, properties, offset, length } = arguments(given)?;
    let ids = ids_to_get(ids, &call.relay.limits)?.ok_or(MethodErrorType::RequestTooLarge)?;
    // Each once: a digest that is asked for a thousand times is made once.
    let properties: BTreeSet<String> =
        properties.unwrap_or_else(|| vec!["data".into(), "size".into()]).into_iter().collect();
    let properties = Arc::new(properties);
    let (mut list, mut missing, mut room, mut readable) = (Vec::new(), Vec::new(), ANSWER, most_read(call));
    for id in ids {
        let resolved = call.resolve(id.as_str()).map(BlobId::from);
        let read = match &resolved {
            Some(resolved) => call.read(&call.account.id, resolved).await,
            None => Err(ReadError::NotFound),
        };
        match read {
            Ok(bytes) => {
                readable = readable.checked_sub(bytes.len()).ok_or(MethodErrorType::RequestTooLarge)?;
                let (of, wanted) = (id, Arc::clone(&properties));
                let object = delivery::off_thread(move || object(&of, &bytes, &wanted, (offset, length)));
                let object = object.await.map_err(failed)??;
                room = room
                    .checked_sub(super::weight::weight(&object))
                    .ok_or(MethodErrorType::RequestTooLarge)?;
                list.push(object);
            }
            Err(ReadError::NotFound) => missing.push(id),
            Err(error) => return Err(error.into()),
        }
    }
    answer(&json!({"accountId": call.account.id, "list": list, "notFound": missing}))
}

fn object(
    id: &BlobId,
    bytes: &[u8],
    properties: &BTreeSet<String>,
    (offset, length): (usize, Option<usize>),
) -> Result<Value, MethodError> {
    let end = length.map_or(bytes.len(), |length| offset.saturating_add(length));
    let range = bytes.get(offset.min(bytes.len())..end.min(bytes.len())).unwrap_or_default();
    if range.len() > ANSWER && properties.iter().any(|property| property.starts_with("data")) {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let mut object = Map::from_iter([("id".to_owned(), json!(id))]);
    if offset > bytes.len() || end > bytes.len() {
        object.insert("isTruncated".into(), json!(true));
    }
    let text = std::str::from_utf8(range);
    for property in properties {
        match property.as_str() {
            "id" => {}
            "size" => drop(object.insert("size".into(), json!(bytes.len()))),
            "data:asText" | "data" if text.is_ok() => {
                object.insert("data:asText".into(), json!(text.unwrap_or_default()));
            }
            "data:asText" => {
                object.insert("data:asText".into(), Value::Null);
                object.insert("isEncodingProblem".into(), json!(true));
            }
            "data" => {
                object.insert("data:asBase64".into(), json!(base64_text(range)));
                object.insert("isEncodingProblem".into(), json!(true));
            }
            "data:asBase64" => drop(object.insert(property.clone(), json!(base64_text(range)))),
            "digest:sha-256" => {
                object.insert(property.clone(), json!(base64_text(&Sha256::digest(range))));
            }
            "digest:sha-512" => {
                object.insert(property.clone(), json!(base64_text(&Sha512::digest(range))));
            }
            _ => {
                let text = format!("there is no property {property}");
                return Err(MethodError::new(MethodErrorType::InvalidArguments, text));
            }
        }
    }
    Ok(Value::Object(object))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lookup {
    type_names: Vec<String>,
    ids: Vec<BlobId>,
}

/// `Blob/lookup` (RFC 9404 4.3).
pub async fn lookup(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Lookup { type_names, ids } = arguments(given)?;
    if type_names.iter().any(|name| !LOOKED_UP.contains(&name.as_str())) {
        return Err(MethodErrorType::UnknownDataType.into());
    }
    let ids = ids_to_get(Some(ids), &call.relay.limits)?.unwrap_or_default();
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let (mut list, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        let message = parts::read_id(&id).map_or_else(|| id.clone(), |(message, _)| message);
        if store::own_blob(&mut connection, &call.account.id, &call.user.id, &message)
            .await
            .map_err(failed)?
            .is_none()
        {
            missing.push(id);
            continue;
        }
        let emails =
            store::emails_of_blob(&mut connection, &call.account.id, &message).await.map_err(failed)?;
        let mut matched = Map::new();
        for name in &type_names {
            let found: BTreeSet<&str> = match name.as_str() {
                "Email" => emails.iter().map(|row| row.id.as_str()).collect(),
                "Thread" => emails.iter().map(|row| row.thread_id.as_str()).collect(),
                _ => emails.iter().flat_map(|row| &row.mailboxes).map(jmap::MailboxId::as_str).collect(),
            };
            matched.insert(name.clone(), json!(found));
        }
        list.push(json!({"id": id, "matchedIds": matched}));
    }
    answer(&json!({"accountId": call.account.id, "list": list, "notFound": missing}))
}
