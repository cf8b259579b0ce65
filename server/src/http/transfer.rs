mod range;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use jmap::{AccountId, BlobId, LimitKind, RequestErrorType, Upload};
use serde::Deserialize;

use super::Shared;
use super::admission::Class;
use super::problem::Fault;
use super::signed_in::SignedIn;
use crate::blobs::BlobError;
use crate::delivery;
use crate::parts;
use crate::store::{self, StoreError};
use range::Wanted;

/// How many of the largest uploads may wait to be referred to.
const IDLE_UPLOADS: usize = 16;

/// `POST /jmap/upload/{accountId}` (RFC 8620 6.1); durable when it is answered.
pub async fn upload(
    State(shared): State<Shared>,
    Path(account): Path<AccountId>,
    signed_in: SignedIn,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Upload>), Fault> {
    let owner = signed_in.changes(&shared, &account).await?;
    let turn = shared.turns.upload(&account);
    let _turn = turn.map_err(|limit| RequestErrorType::Limit(limit).problem("too many uploads at once"))?;
    let most = shared.relay.limits.max_size_upload;
    room(&shared, &account, most).await?;
    let bytes = collect(body, most).await?;
    // Only now: a body can be long on its way.
    let _place = shared.admission.enter(&owner, Class::Bulk, &shared.relay.metrics).await?;
    let bytes = if owner.kind.is_sealed() { sealed(bytes).await? } else { bytes };
    let size = u64::try_from(bytes.len()).unwrap_or_default();
    let prepared = shared.relay.blobs.prepare(&shared.relay.store, bytes).await.map_err(Fault::failed)?;
    let (owner, blob_id) = (owner.id, prepared.blob().id.clone());
    let keep = shared
        .relay
        .store
        .write(move |tx| Box::pin(async move { store::put_blob(tx, &owner, prepared.blob(), false).await }));
    keep.await.map_err(|error: StoreError| Fault::failed(error))?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    Ok((StatusCode::CREATED, Json(Upload { account_id: account, blob_id, media_type, size })))
}

/// Refuses an upload while many earlier ones wait to be referred to, or one account fills the disk.
async fn room(shared: &Shared, account: &AccountId, most: usize) -> Result<(), Fault> {
    let mut connection = shared.relay.store.read().await.map_err(Fault::failed)?;
    let idle = store::idle_octets(&mut connection, account).await.map_err(Fault::failed)?;
    if usize::try_from(idle).unwrap_or_default() < most.saturating_mul(IDLE_UPLOADS) {
        return Ok(());
    }
    Err(Fault::new(StatusCode::INSUFFICIENT_STORAGE, "earlier uploads wait to be used").retry_after(3600))
}

/// Refuses, before anything is written, what may not be kept: a message in clear, or no message.
async fn sealed(bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let bytes = Arc::new(bytes);
    if !delivery::is_sealed(Arc::clone(&bytes)).await.map_err(Fault::failed)? {
        let why = "only sealed messages are kept whose outer header tells no more than it must";
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    Ok(Arc::try_unwrap(bytes).unwrap_or_else(|shared| shared.to_vec()))
}

/// Reads a body up to the announced limit.
pub async fn collect(body: Body, most: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Fault::new(StatusCode::BAD_REQUEST, "the body broke off"))?;
        if bytes.len() + chunk.len() > most {
            return Err(RequestErrorType::Limit(LimitKind::SizeUpload)
                .problem("the body is too large")
                .into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// How a client wants a download called.
#[derive(Debug, Deserialize)]
pub struct As {
    #[serde(rename = "type")]
    media_type: Option<String>,
}

/// `GET /jmap/download/{accountId}/{blobId}/{name}` (RFC 8620 6.2); takes up where it broke off by ranges.
pub async fn download(
    State(shared): State<Shared>,
    Path((account, blob, name)): Path<(AccountId, BlobId, String)>,
    Query(wanted): Query<As>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let account = signed_in.opens(&shared, &account).await?;
    let read = parts::read(&shared.relay, &account.id, &blob).await;
    let bytes = read.map_err(|error| match error {
        BlobError::NotFound => Fault::new(StatusCode::NOT_FOUND, "there is no such blob"),
        other => Fault::failed(other),
    })?;
    // Whatever a link asks for, the relay's origin answers with nothing that a browser runs or shows.
    let media_type = match wanted.media_type.as_deref() {
        Some("message/rfc822") => "message/rfc822",
        _ => "application/octet-stream",
    };
    let media_type = HeaderValue::from_static(media_type);
    let tag = format!("\"{blob}\"");
    let length = bytes.len();
    let (status, bytes, place) = match range::wanted(&headers, length, &tag) {
        Wanted::Whole => (StatusCode::OK, bytes, None),
        Wanted::Part(range) => {
            let place = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
            (StatusCode::PARTIAL_CONTENT, bytes.get(range).unwrap_or_default().to_vec(), Some(place))
        }
        Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, Vec::new(), Some(format!("bytes */{length}"))),
    };
    let fields = [
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition(&name)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, immutable, max-age=31536000")),
        // Whatever the bytes are, no browser runs them in the page's origin.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    let mut response = (status, fields, bytes).into_response();
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
        response.headers_mut().insert(header::CONTENT_RANGE, place);
    }
    Ok(response)
}

/// RFC 6266: the name in the form that takes any character.
fn disposition(name: &str) -> HeaderValue {
    let mut encoded = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::from_str(&encoded).unwrap_or(HeaderValue::from_static("attachment"))
}
