//! One message to the servers of one destination.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::destination::{Destination, Wanted};
use super::message::Message;
use super::parameters::Parameters;
use super::reason::{Reason, Trouble};
use super::route::Route;
use super::transaction;
use crate::relay::Relay;

/// How long one server may take until it waits for the message, and a second more for each recipient.
const HOST: Duration = Duration::from_secs(180);
/// How long all servers of a destination may take for that, one after the other, and as much more.
const HOSTS: Duration = Duration::from_secs(300);

/// From whom to whom.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The return path; empty for a bounce.
    pub mail_from: &'a str,
    /// The recipients, which all go the same way.
    pub recipients: &'a [Recipient],
    /// What holds for the whole message.
    pub parameters: &'a Parameters,
}

/// A recipient, and what is asked for it alone.
#[derive(Debug, Clone, Default)]
pub struct Recipient {
    /// Its address.
    pub address: String,
    /// When its fate is reported (RFC 3461 4.1).
    pub notify: Option<String>,
    /// How it was first written (RFC 3461 4.2).
    pub orcpt: Option<String>,
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The next server has it.
    Delivered(Accepted),
    /// The next server will never take it.
    Refused(Trouble),
    /// It may work later.
    Deferred(Trouble),
}

/// Who took a message, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What the server said.
    pub reply: String,
    /// Its name.
    pub host: String,
    /// Whether it reports what becomes of the message (RFC 3461).
    pub reports: bool,
}

impl Outcome {
    /// What a trouble means for the message.
    pub fn of(trouble: Trouble) -> Self {
        if trouble.is_permanent() { Self::Refused(trouble) } else { Self::Deferred(trouble) }
    }
}

/// Hands a message to the next server; one outcome for each recipient, in their order.
pub async fn send(relay: &Relay, route: &Route, envelope: Envelope<'_>, message: &Message) -> Vec<Outcome> {
    attempt(relay, route, envelope, message)
        .await
        .unwrap_or_else(|trouble| vec![Outcome::of(trouble); envelope.recipients.len()])
}

async fn attempt(
    relay: &Relay,
    route: &Route,
    envelope: Envelope<'_>,
    message: &Message,
) -> Result<Vec<Outcome>, Trouble> {
    let sender = &relay.sender;
    let wanted = Wanted::of(envelope.parameters, message.text());
    let more = Duration::from_secs(u64::try_from(envelope.recipients.len()).unwrap_or_default());
    let end = Instant::now() + HOSTS + more;
    if let Some(open) = sender.idle.take(route, wanted == Wanted::Proof) {
        // A server may have hung up meanwhile.
        let until = Instant::now() + HOST + more;
        message.sign(relay).await?;
        if let Ok((outcomes, open)) = transaction::run(open, envelope, message, until).await {
            sender.idle.put(route, open);
            return Ok(outcomes);
        }
    }
    let destination = Destination::find(relay, route).await?;
    let mut trouble: Option<Trouble> = None;
    for (host, port) in &destination.hosts {
        let now = Instant::now();
        if now >= end {
            break;
        }
        let until = end.min(now + HOST + more);
        let talk = async {
            let open = destination.open(relay, host, *port, wanted);
            let open = timeout_at(until, open).await.map_err(|_| Reason::Late)??;
            // Only where a server is there to take it.
            message.sign(relay).await?;
            transaction::run(open, envelope, message, until).await
        };
        match talk.await {
            Ok((outcomes, open)) => {
                sender.idle.put(route, open);
                return Ok(outcomes);
            }
            // What may pass at one host counts for more than what another will never do.
            Err(other) if trouble.is_none() || !other.is_permanent() => trouble = Some(other.at(host)),
            Err(_) => {}
        }
    }
    Err(trouble.unwrap_or_else(|| Reason::Unreachable.into()))
}
