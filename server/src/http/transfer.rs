mod range;
mod upload;

use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use jmap::{AccountId, BlobId};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Shared;
use super::problem::Fault;
use super::signed_in::SignedIn;
use crate::blobs::BlobError;
use crate::parts::{self, Purpose, Read, ReadError};
use crate::relay::Relay;
use crate::store::Account;
use crate::trickle::{GRACE, keeps_up};
use range::Wanted;
pub use upload::upload;

/// What of a part, or of an answer, is given to a connection at once.
pub const PIECE: usize = 64 * 1024;

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
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let reader = signed_in.account.clone();
    let account = signed_in.opens(&shared, &account).await?;
    let content = Content::find(&shared.relay, &reader, &account.id, blob.clone()).await?;
    let tag = format!("\"{blob}\"");
    let fields = fields(&tag, &name, wanted.media_type.as_deref());
    if range::is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    let length = content.len();
    // RFC 9110 14.2: only a GET is asked for a range.
    let wanted = if method == Method::GET { range::wanted(&headers, length, &tag) } else { Wanted::Whole };
    let (status, range, place) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..length, None),
        Wanted::Part(range) => {
            let place = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
            (StatusCode::PARTIAL_CONTENT, range, Some(place))
        }
        Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0, Some(format!("bytes */{length}"))),
    };
    let sent = HeaderValue::from(range.len());
    let body = if range.is_empty() {
        Body::empty()
    } else {
        content.body(&shared.relay, range).await.map_err(ReadError::from)?
    };
    let mut response = (status, fields, body).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, sent);
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
        response.headers_mut().insert(header::CONTENT_RANGE, place);
    }
    Ok(response)
}

fn fields(tag: &str, name: &str, media_type: Option<&str>) -> [(HeaderName, HeaderValue); 6] {
    // Whatever a link asks for, the relay's origin answers with nothing that a browser runs or shows.
    let media_type = match media_type {
        Some("message/rfc822") => "message/rfc822",
        _ => "application/octet-stream",
    };
    [
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::ETAG, HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition(name)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, immutable, max-age=31536000")),
        // Whatever the bytes are, no browser runs them in the page's origin.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ]
}

/// Bytes to send: of a blob as they are read, of a message's part once that was decoded.
enum Content {
    Blob(BlobId, usize),
    Part(Read),
}

impl Content {
    async fn find(relay: &Relay, reader: &Account, owner: &AccountId, id: BlobId) -> Result<Self, ReadError> {
        if parts::read_id(&id).is_none() {
            let size = relay.blobs.size(&relay.store, (owner, &reader.id), &id).await?;
            return Ok(Self::Blob(id, size));
        }
        Ok(Self::Part(parts::read(relay, reader, owner, &id, Purpose::Download).await?))
    }

    fn len(&self) -> usize {
        match self {
            Self::Blob(_, size) => *size,
            Self::Part(part) => part.len(),
        }
    }

    async fn body(self, relay: &Relay, range: std::ops::Range<usize>) -> Result<Body, BlobError> {
        match self {
            Self::Blob(id, _) => Ok(Body::from_stream(relay.blobs.stream(&relay.store, &id, range).await?)),
            Self::Part(part) => {
                let (bytes, held) = part.into_parts();
                Ok(in_pieces(Bytes::from(bytes).slice(range), held))
            }
        }
    }
}

/// A body that lets go of its memory, and of what is `held` for it, when it was sent, and when nobody reads on or
/// too slowly.
pub fn in_pieces(bytes: Bytes, held: impl Send + 'static) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let (mut sent, since) = (0_u64, Instant::now());
        for piece in bytes.chunks(PIECE) {
            sent = sent.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            // A copy: one that waits in the connection would keep all the others.
            let piece = Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece));
            if !matches!(timeout(GRACE, sender.send(piece)).await, Ok(Ok(())))
                || !keeps_up(sent, since.elapsed())
            {
                break;
            }
        }
        drop((bytes, held));
    });
    Body::from_stream(unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))))
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
