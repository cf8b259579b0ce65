use axum::Json;
use axum::body::{Body, HttpBody};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use jmap::{AccountId, LimitKind, RequestErrorType, Upload};
use smime::message::needs_door;

use crate::admission::Class;
use crate::blobs::{self, BlobError};
use crate::http::Shared;
use crate::http::body::Incoming;
use crate::http::problem::Fault;
use crate::http::signed_in::SignedIn;
use crate::jmap::{begin_upload, has_uploaded, keep_upload};
use crate::store::StoreError;

/// What is looked at before anything is written: a sealed message's header is shorter.
const START: usize = 64 * 1024;

/// `POST /jmap/upload/{accountId}` (RFC 8620 6.1); durable when it is answered.
///
/// The body is written as it comes. Nothing of a message in clear for a sealed account is.
pub async fn upload(
    State(shared): State<Shared>,
    Path(account): Path<AccountId>,
    signed_in: SignedIn,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Upload>, Fault> {
    let user = signed_in.account.id.clone();
    let owner = signed_in.changes(&shared, &account).await?;
    let turn = shared.turns.upload(&account);
    let _turn = turn.map_err(|limit| RequestErrorType::Limit(limit).problem("too many uploads at once"))?;
    let most = shared.relay.limits.max_size_upload;
    // What does not say how long it is counts for the longest until it has come.
    let octets = body.size_hint().upper().and_then(|octets| usize::try_from(octets).ok()).unwrap_or(most);
    if octets > most {
        return Err(RequestErrorType::Limit(LimitKind::SizeUpload).problem("the body is too large").into());
    }
    // Given back where it breaks off or is too long.
    let counted = begin_upload(&shared.relay, &owner.id, octets).ok_or_else(|| {
        let why = "too many octets were uploaded within an hour";
        Fault::new(StatusCode::TOO_MANY_REQUESTS, why).retry_after(3600)
    })?;
    let mut incoming = shared.relay.blobs.incoming();
    let mut body = Incoming::new(body, most, LimitKind::SizeUpload);
    receive(&mut incoming, &mut body, owner.kind.is_sealed()).await?;
    has_uploaded(&shared.relay, &owner.id, counted, incoming.size());
    // Only now: a body can be long on its way.
    let _place = shared.admission.enter(&owner, Class::Bulk, &shared.relay.metrics).await?;
    let size = u64::try_from(incoming.size()).unwrap_or_default();
    let prepared = incoming.finish(&shared.relay.store).await.map_err(unfinished)?;
    let blob_id = keep_upload(&shared.relay, (&owner.id, &user), prepared).await.map_err(unfinished)?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    // With 200: RFC 8620 6.1 leaves it open, and programs on go-jmap, as aerc, take nothing else for a success.
    Ok(Json(Upload { account_id: account, blob_id, media_type, size }))
}

fn unfinished(error: BlobError) -> Fault {
    match error {
        // An earlier file of the same bytes is being removed.
        BlobError::Store(StoreError::BlobGone) => Fault::busy(error),
        other => Fault::failed(other),
    }
}

async fn receive(
    incoming: &mut blobs::Incoming<'_>,
    body: &mut Incoming,
    is_sealed: bool,
) -> Result<(), Fault> {
    let mut start = Vec::new();
    let mut is_whole = false;
    while !is_whole && start.len() < START {
        match body.next().await? {
            Some(chunk) => start.extend_from_slice(&chunk),
            None => is_whole = true,
        }
    }
    if is_sealed && !begins_sealed(&start, is_whole) {
        return Err(in_clear());
    }
    incoming.write(&start).await.map_err(Fault::failed)?;
    while let Some(chunk) = body.next().await? {
        if is_sealed && !chunk.iter().all(is_of_base64) {
            return Err(in_clear());
        }
        incoming.write(&chunk).await.map_err(Fault::failed)?;
    }
    Ok(())
}

/// Whether this is a sealed message, or the beginning of one whose rest has to be base64.
fn begins_sealed(start: &[u8], is_whole: bool) -> bool {
    // Up to a line's end, so that no quantum of base64 is cut.
    let end = if is_whole {
        start.len()
    } else {
        start.iter().rposition(|byte| *byte == b'\n').unwrap_or_default()
    };
    let (lines, rest) = start.split_at(end);
    !needs_door(lines) && rest.iter().all(is_of_base64)
}

/// Beside these, [`needs_door`] allows nothing in a sealed message's body.
fn is_of_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte)
}

fn in_clear() -> Fault {
    let why = "only sealed messages are kept whose outer header tells no more than it must";
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, why)
}
