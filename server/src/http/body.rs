use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::StatusCode;
use futures::StreamExt;
use jmap::{LimitKind, RequestErrorType};
use tokio::time::timeout;

use super::problem::Fault;
use crate::memory::Held;
use crate::trickle::{GRACE, keeps_up};

/// A body as it comes: of bounded size, and no slower than it may be.
pub struct Incoming {
    stream: BodyDataStream,
    left: usize,
    limit: LimitKind,
    received: u64,
    since: Instant,
    grace: Duration,
}

impl Incoming {
    /// A body of up to `most` octets, which is the announced `limit`.
    pub fn new(body: Body, most: usize, limit: LimitKind) -> Self {
        let (stream, since) = (body.into_data_stream(), Instant::now());
        Self { stream, left: most, limit, received: 0, since, grace: GRACE }
    }

    /// The next bytes; none at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let late = || Fault::new(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly");
        let chunk = match timeout(self.grace, self.stream.next()).await.map_err(|_| late())? {
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

#[cfg(test)]
mod tests {
    use std::io::Error;
    use std::sync::Arc;

    use futures::stream;
    use jmap::AccountId;

    use super::*;
    use crate::memory::Memory;

    fn incoming(pieces: Vec<&'static str>, most: usize) -> Incoming {
        let pieces = stream::iter(pieces.into_iter().map(Ok::<_, Error>));
        let mut incoming =
            Incoming::new(Body::from_stream(pieces.chain(stream::pending())), most, LimitKind::SizeRequest);
        incoming.grace = Duration::from_millis(50);
        incoming
    }

    async fn refused(incoming: Incoming) -> u16 {
        let mut held = Arc::new(Memory::new(1)).hold(&AccountId::from("a"));
        incoming.collect(&mut held).await.unwrap_err().into_problem().status
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up_and_one_that_is_too_large_is_not_read_on() {
        assert_eq!(refused(incoming(vec!["half", "a"], 100)).await, 408);
        assert_eq!(refused(incoming(vec!["half", "a"], 4)).await, 413);
        let mut slow = incoming(vec!["x"], 100);
        slow.since -= GRACE + Duration::from_secs(10);
        assert_eq!(refused(slow).await, 408, "a little now and then is too little");
    }
}
