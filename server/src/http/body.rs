use std::time::Instant;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::StatusCode;
use futures::StreamExt;
use jmap::{LimitKind, RequestErrorType};
use tokio::time::timeout;

use super::memory::Held;
use super::problem::Fault;
use crate::trickle::{GRACE, keeps_up};

/// A body as it comes: of bounded size, and no slower than it may be.
pub struct Incoming {
    stream: BodyDataStream,
    left: usize,
    limit: LimitKind,
    received: u64,
    since: Instant,
}

impl Incoming {
    /// A body of up to `most` octets, which is the announced `limit`.
    pub fn new(body: Body, most: usize, limit: LimitKind) -> Self {
        Self { stream: body.into_data_stream(), left: most, limit, received: 0, since: Instant::now() }
    }

    /// The next bytes; none at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let late = || Fault::new(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly");
        let chunk = match timeout(GRACE, self.stream.next()).await.map_err(|_| late())? {
            Some(chunk) => chunk.map_err(|_| Fault::new(StatusCode::BAD_REQUEST, "the body broke off"))?,
            None => return Ok(None),
        };
        let too_large = || RequestErrorType::Limit(self.limit).problem("the body is too large");
        self.left = self.left.checked_sub(chunk.len()).ok_or_else(too_large)?;
        self.received = self.received.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if keeps_up(self.received, self.since.elapsed()) { Ok(Some(chunk)) } else { Err(late()) }
    }

    /// All of it, in memory that is held for it.
    pub async fn collect(mut self, held: &mut Held) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.next().await? {
            held.grow(bytes.len() + chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
