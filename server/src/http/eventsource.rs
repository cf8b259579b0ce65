//! Push by EventSource (RFC 8620 7.3).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use serde::Deserialize;
use tokio::time::Interval;

use super::Shared;
use super::listening::{Listening, News};
use super::problem::Fault;
use super::signed_in::SignedIn;
use crate::relay::Relay;

/// Pings come no more often and no more seldom than this.
const PING: std::ops::RangeInclusive<u64> = 5..=900;

/// What a client wants to hear.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    types: String,
    closeafter: String,
    ping: u64,
}

struct Stream {
    relay: Arc<Relay>,
    listening: Listening,
    missed: Option<News>,
    close_after_state: bool,
    pings: Option<Interval>,
    over: bool,
}

/// `GET /jmap/eventsource?types=&closeafter=&ping=`
pub async fn stream(
    State(shared): State<Shared>,
    signed_in: SignedIn,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Fault> {
    let wrong = || Fault::new(StatusCode::BAD_REQUEST, "types, closeafter and ping are wanted");
    let Query(wanted) = wanted.map_err(|_| wrong())?;
    let close_after_state = match wanted.closeafter.as_str() {
        "state" => true,
        "no" => false,
        _ => return Err(wrong()),
    };
    let types = (wanted.types != "*").then(|| wanted.types.split(',').map(str::to_owned).collect());
    // One that is no text is not one of ours: then everything may have been missed.
    let last = headers.get("last-event-id").map(|last| last.to_str().unwrap_or_default());
    let (listening, missed) = Listening::begin(&shared.relay, &signed_in, types, last).await?;
    let pings = pings(wanted.ping);
    let stream = Stream { relay: shared.relay, listening, missed, close_after_state, pings, over: false };
    let events = unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    // Proxies must not hold events back.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], Sse::new(events)).into_response())
}

fn pings(seconds: u64) -> Option<Interval> {
    if seconds == 0 {
        return None;
    }
    let every = Duration::from_secs(seconds.clamp(*PING.start(), *PING.end()));
    let mut pings = tokio::time::interval(every);
    pings.reset();
    Some(pings)
}

impl Stream {
    async fn next(&mut self) -> Option<Event> {
        while !self.over {
            let news = match self.missed.take() {
                Some(missed) => missed,
                None => tokio::select! {
                    () = self.relay.stopping.cancelled() => return None,
                    news = self.listening.news() => news?,
                    every = tick(self.pings.as_mut()) => {
                        return Some(Event::default().event("ping").data(format!("{{\"interval\":{every}}}")));
                    }
                },
            };
            // Boxed: nearly all streams wait, and keep room for what they do only while they do it.
            if let Some(told) = Box::pin(self.listening.tell(news)).await.ok()? {
                self.over = self.close_after_state;
                return Event::default().event("state").id(told.id).json_data(told.change).ok();
            }
        }
        None
    }
}

async fn tick(pings: Option<&mut Interval>) -> u64 {
    match pings {
        Some(pings) => {
            pings.tick().await;
            pings.period().as_secs()
        }
        None => std::future::pending().await,
    }
}
