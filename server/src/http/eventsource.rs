//! Push by EventSource (RFC 8620 7.3).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use jmap::{AccountId, StateChange};
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Interval;

use super::Shared;
use super::problem::Fault;
use super::signed_in::SignedIn;
use crate::push::Changed;
use crate::relay::Relay;
use crate::store;

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
    account: AccountId,
    changes: tokio::sync::broadcast::Receiver<Arc<Changed>>,
    types: Option<Vec<String>>,
    close_after_state: bool,
    pings: Option<Interval>,
    missed: bool,
    over: bool,
}

/// `GET /jmap/eventsource?types=&closeafter=&ping=`
pub async fn stream(
    State(shared): State<Shared>,
    SignedIn(account): SignedIn,
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
    // Listening begins before the states are compared, so that nothing falls in between.
    let changes = shared.relay.hub.subscribe(&account.id);
    let changes =
        changes.ok_or_else(|| Fault::new(StatusCode::TOO_MANY_REQUESTS, "too many streams are open"))?;
    let missed = match headers.get("last-event-id") {
        Some(last) => last.to_str().ok() != Some(&*newest(&shared.relay, &account.id).await?),
        None => false,
    };
    let stream = Stream {
        types: (wanted.types != "*").then(|| wanted.types.split(',').map(str::to_owned).collect()),
        pings: pings(wanted.ping),
        relay: shared.relay,
        account: account.id,
        changes,
        close_after_state,
        missed,
        over: false,
    };
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

/// The id that an event would have now.
async fn newest(relay: &Relay, account: &AccountId) -> Result<String, Fault> {
    let mut connection = relay.store.read().await.map_err(Fault::failed)?;
    let states = store::states(&mut connection, account).await.map_err(Fault::failed)?;
    Ok(states.newest().to_string())
}

impl Stream {
    async fn next(&mut self) -> Option<Event> {
        while !self.over {
            if std::mem::take(&mut self.missed) {
                return self.everything().await;
            }
            let stopping = self.relay.stopping.clone();
            tokio::select! {
                () = stopping.cancelled() => return None,
                changed = self.changes.recv() => match changed {
                    Ok(changed) => if let Some(event) = self.state(&changed) { return Some(event) },
                    Err(RecvError::Lagged(_)) => self.missed = true,
                    Err(RecvError::Closed) => return None,
                },
                every = tick(self.pings.as_mut()) => {
                    return Some(Event::default().event("ping").data(format!("{{\"interval\":{every}}}")));
                }
            }
        }
        None
    }

    /// All states, for a client that missed changes.
    async fn everything(&mut self) -> Option<Event> {
        let mut connection = self.relay.store.read().await.ok()?;
        let all = store::states(&mut connection, &self.account).await.ok()?.all();
        drop(connection);
        self.state(&all)
    }

    /// The event for those of the changes that the client wants to hear of.
    fn state(&mut self, changed: &Changed) -> Option<Event> {
        let wanted = |kind: &String| self.types.as_ref().is_none_or(|types| types.contains(kind));
        let states: std::collections::BTreeMap<_, _> = changed
            .states
            .iter()
            .filter(|(kind, _)| wanted(kind))
            .map(|(kind, state)| (kind.clone(), state.clone()))
            .collect();
        if states.is_empty() {
            return None;
        }
        self.over = self.close_after_state;
        let change = StateChange::of(self.account.clone(), states);
        Event::default().event("state").id(changed.at.to_string()).json_data(change).ok()
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
