//! JMAP over WebSocket (RFC 8887).

mod message;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::SinkExt;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Interval, interval, timeout};

use super::connections::Slot;
use super::gauge::Gauge;
use super::listening::{Listening, News, Over};
use super::problem::Fault;
use super::signed_in::SignedIn;
use super::turns::Turn;
use super::{Shared, api, origin};
use crate::admission::Class;
use crate::clock::now;
use crate::memory::Held;
use crate::store;
use message::{Asked, Incoming, RequestId};

/// The name of the subprotocol.
const SUBPROTOCOL: &str = "jmap";
/// How often the other side is asked whether it is there; two unanswered are an end.
const PING: Duration = Duration::from_secs(60);
/// How long a socket may stay open that asks nothing and is told nothing.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long the other side may take to read what it asked for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most sockets wait most of the time: what each sets aside for reading counts.
const BUFFER: usize = 4 * 1024;
/// What stands before the payload of a control frame from a client (RFC 6455 5.2, 5.5).
const CONTROL: usize = 6;
/// What may wait to be read by the other side, beside an answer, which is smaller.
const UNREAD: usize = 64 * 1024 * 1024;
/// What a request may be too large by and still be answered, and not cut off.
const BEYOND: usize = 1024 * 1024;

/// `GET /jmap/websocket`
pub async fn upgrade(
    State(shared): State<Shared>,
    signed_in: SignedIn,
    slot: Option<Extension<Slot>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    // A handshake is a GET that any site's page can make, with the user's cookie.
    if !origin::same_origin(&headers, &shared.relay.config.url()) {
        return Err(Fault::new(StatusCode::FORBIDDEN, "the request comes from another site"));
    }
    let upgrade =
        upgrade.map_err(|_| Fault::new(StatusCode::UPGRADE_REQUIRED, "a WebSocket handshake is wanted"))?;
    let largest = shared.relay.limits.max_size_request + BEYOND;
    let upgrade = upgrade.protocols([SUBPROTOCOL]).read_buffer_size(BUFFER).write_buffer_size(0);
    let upgrade = upgrade.max_write_buffer_size(UNREAD);
    if upgrade.selected_protocol().is_none() {
        return Err(Fault::new(StatusCode::BAD_REQUEST, "the subprotocol jmap is wanted"));
    }
    let turn = shared.turns.socket(&signed_in.account.id);
    let turn = turn.ok_or_else(|| Fault::new(StatusCode::TOO_MANY_REQUESTS, "too many sockets are open"))?;
    let upgrade = upgrade.max_message_size(largest).max_frame_size(largest);
    let gauge = slot.as_ref().map(|Extension(slot)| slot.gauge.clone()).unwrap_or_default();
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _held = (slot, turn);
        gauge.begin(shared.bodies.hold(&signed_in.account.id));
        Conversation::new(shared, signed_in, socket, gauge).run().await;
    }))
}

/// One socket, its requests under way and what it wants to hear.
struct Conversation {
    shared: Shared,
    signed_in: SignedIn,
    socket: WebSocket,
    gauge: Gauge,
    // Tasks of their own: one that waits for a connection of the store must not wait for one that has it.
    running: JoinSet<Answer>,
    listening: Option<Listening>,
    pings: Interval,
    unanswered: u8,
    asked: Instant,
}

/// An answer that is to be sent, and what counts until it was.
type Answer = (String, (Arc<Turn>, Held));

/// Why a conversation ends, and what the other side is told.
type End = Option<(u16, &'static str)>;

const GONE: End = None;
const STOPPING: End = Some((close_code::AWAY, "the relay stops"));
const FAILED: End = Some((close_code::ERROR, "the relay failed"));
const SIGNED_OUT: End = Some((close_code::POLICY, "signed out"));

impl Conversation {
    fn new(shared: Shared, signed_in: SignedIn, socket: WebSocket, gauge: Gauge) -> Self {
        let mut pings = interval(PING);
        pings.reset();
        let (running, asked) = (JoinSet::new(), Instant::now());
        Self { shared, signed_in, socket, gauge, running, listening: None, pings, unanswered: 0, asked }
    }

    async fn run(mut self) {
        let mut end = loop {
            if let Err(end) = self.step().await {
                break end;
            }
        };
        // What is under way is answered, unless nobody is there to hear it.
        while end != GONE
            && let Some(answer) = self.running.join_next().await
        {
            end = self.give(answer).await.err().unwrap_or(end);
        }
        if let Some((code, reason)) = end {
            self.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await.ok();
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        let stopping = self.shared.relay.stopping.clone();
        tokio::select! {
            () = stopping.cancelled() => Err(STOPPING),
            message = self.socket.recv() => match message {
                Some(Ok(message)) => self.hear(message).await,
                _ => Err(GONE),
            },
            Some(answer) = self.running.join_next() => self.give(answer).await,
            news = news(self.listening.as_mut()) => match news {
                Some(news) => self.tell(news).await,
                // Whoever may still listen says so again.
                None => Err(SIGNED_OUT),
            },
            _ = self.pings.tick() => self.ping().await,
        }
    }

    async fn give(&mut self, answer: Result<Answer, JoinError>) -> Result<(), End> {
        match answer {
            Ok((answer, _held)) => self.send(Message::text(answer)).await,
            Err(_) => Err(FAILED),
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        self.unanswered = 0;
        if matches!(message, Message::Text(_) | Message::Binary(_)) {
            self.gauge.taken();
        }
        match message {
            Message::Text(text) => self.take(text).await,
            Message::Binary(_) => Err(Some((close_code::UNSUPPORTED, "only text is taken"))),
            Message::Close(_) => Err(GONE),
            Message::Ping(payload) | Message::Pong(payload) => {
                // Or whoever sends nothing else would in time have all the memory, and hold none of it.
                self.gauge.less(CONTROL + payload.len());
                // A ping has been answered by now. Whoever reads no answers is read no further.
                match timeout(PATIENCE, self.socket.flush()).await {
                    Ok(Ok(())) => Ok(()),
                    _ => Err(GONE),
                }
            }
        }
    }

    async fn take(&mut self, text: Utf8Bytes) -> Result<(), End> {
        self.asked = Instant::now();
        let mut held = self.shared.bodies.hold(&self.signed_in.account.id);
        if let Err(full) = held.grow(text.len()) {
            return self.send(Message::text(message::refusal(None, Fault::from(full).into_problem()))).await;
        }
        let class = Class::of_request(text.len());
        let message = message::read(text.as_str(), &self.shared.relay.limits);
        drop(text);
        match message {
            Ok(Incoming::Request(asked)) => self.ask(asked, held, class).await,
            Ok(Incoming::Enable { types, since }) => self.enable(types, since.as_deref()).await,
            Ok(Incoming::Disable) => {
                self.listening = None;
                Ok(())
            }
            Err((id, problem)) => self.send(Message::text(message::refusal(id, problem))).await,
        }
    }

    async fn ask(&mut self, Asked { id, request }: Asked, held: Held, class: Class) -> Result<(), End> {
        let turn = match self.shared.turns.request(&self.signed_in.account.id) {
            Ok(turn) => turn,
            Err(limit) => {
                // It takes more memory than its text, and the other side may take a minute to hear of this.
                drop((request, held));
                let problem = jmap::RequestErrorType::Limit(limit).problem("too many requests at once");
                return self.send(Message::text(message::refusal(id, problem))).await;
            }
        };
        self.check().await?;
        let (shared, signed_in) = (self.shared.clone(), self.signed_in.clone());
        self.running.spawn(answer(shared, signed_in, id, request, (turn, held, class)));
        Ok(())
    }

    async fn enable(&mut self, types: Option<Vec<String>>, since: Option<&str>) -> Result<(), End> {
        self.check().await?;
        // The earlier one goes first: it counts as one who listens.
        self.listening = None;
        let begun = Listening::begin(&self.shared.relay, &self.signed_in, types, since).await;
        match begun {
            Ok((listening, missed)) => {
                self.listening = Some(listening);
                match missed {
                    Some(missed) => self.tell(missed).await,
                    None => Ok(()),
                }
            }
            Err(fault) => self.send(Message::text(message::refusal(None, fault.into_problem()))).await,
        }
    }

    /// A socket outlives many requests: for each one, the credential must still hold.
    async fn check(&mut self) -> Result<(), End> {
        let mut connection = self.shared.relay.store.read().await.map_err(|_| FAILED)?;
        let found = store::credential_account(&mut connection, &self.signed_in.credential, now()).await;
        self.signed_in.account = found.map_err(|_| FAILED)?.ok_or(SIGNED_OUT)?;
        Ok(())
    }

    async fn tell(&mut self, news: News) -> Result<(), End> {
        let Some(listening) = self.listening.as_mut() else { return Ok(()) };
        let told = listening.tell(news).await.map_err(|over| match over {
            Over::SignedOut => SIGNED_OUT,
            Over::Failed => FAILED,
        })?;
        match told {
            Some(told) => self.send(Message::text(message::state_change(told))).await,
            None => Ok(()),
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        let idle = self.listening.is_none() && self.running.is_empty() && self.asked.elapsed() > IDLE;
        if idle {
            return Err(Some((close_code::AWAY, "nothing was asked for long")));
        }
        if self.unanswered >= 2 {
            return Err(GONE);
        }
        self.unanswered += 1;
        self.send(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(GONE),
        }
    }
}

async fn news(listening: Option<&mut Listening>) -> Option<News> {
    match listening {
        Some(listening) => listening.news().await,
        None => std::future::pending().await,
    }
}

async fn answer(
    shared: Shared,
    signed_in: SignedIn,
    id: Option<RequestId>,
    request: jmap::Request,
    (turn, mut held, class): (Turn, Held, Class),
) -> Answer {
    let turn = Arc::new(turn);
    let answered = async {
        let place = shared.admission.enter(&signed_in.account, class, &shared.relay.metrics).await?;
        let user = api::user(&shared, signed_in).await?;
        let permit = Arc::new((Arc::clone(&turn), place));
        Ok::<_, Fault>(crate::jmap::respond(&shared.relay, user, request, permit, &mut held).await)
    };
    let answer = match answered.await {
        Ok(answer) => message::response(id, &answer),
        Err(fault) => message::refusal(id, fault.into_problem()),
    };
    held.grow(answer.len()).ok();
    (answer, (turn, held))
}
