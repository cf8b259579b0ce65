use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::client::{Client, Features, Stream};
use super::route::Route;

/// How long a conversation waits for more mail.
const REST: Duration = Duration::from_secs(20);
/// How many conversations with one destination wait.
const MOST_ALIKE: usize = 4;
/// And with all.
const MOST: usize = 64;
/// How long a server may take to part.
const GOODBYE: Duration = Duration::from_secs(5);

/// A conversation that can carry another message.
pub struct Open {
    /// The conversation.
    pub client: Client<Box<dyn Stream>>,
    /// What the server can do.
    pub features: Features,
    /// Its name.
    pub host: String,
    /// Whether it proved its name.
    pub is_proved: bool,
    /// Whether it had to prove less than another message may ask for.
    pub is_lax: bool,
    /// Whether a message went over it before.
    pub is_used: bool,
}

/// Conversations that wait for more mail for the same destination.
#[derive(Default)]
pub struct Idle(Mutex<HashMap<Route, Vec<(Instant, Open)>>>);

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idle(..)")
    }
}

impl Idle {
    /// A conversation with a server of this route.
    ///
    /// What the servers of a route must prove does not change within so short a time, but for what a
    /// single message asks for.
    pub fn take(&self, route: &Route, needs_proof: bool) -> Option<Open> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = idle.get_mut(route)?;
        let place = alike
            .iter()
            .rposition(|(since, open)| since.elapsed() < REST && (open.is_proved || !needs_proof))?;
        Some(alike.remove(place).1)
    }

    /// Keeps a conversation that can go on, unless there are enough.
    pub fn put(&self, route: &Route, open: Option<Open>) {
        let Some(open) = open.map(|open| Open { is_used: true, ..open }) else { return };
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = idle.values().map(Vec::len).sum();
        let alike = idle.entry(route.clone()).or_default();
        if all < MOST && alike.len() < MOST_ALIKE && !open.is_lax {
            alike.push((Instant::now(), open));
        } else {
            tokio::spawn(part(open));
        }
    }

    /// Parts from the servers for which there was no more mail.
    pub async fn close_old(&self) {
        let mut old = Vec::new();
        {
            let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for alike in idle.values_mut() {
                let (gone, stay) =
                    std::mem::take(alike).into_iter().partition(|(since, _)| since.elapsed() >= REST);
                *alike = stay;
                let gone: Vec<(Instant, Open)> = gone;
                old.extend(gone.into_iter().map(|(_, open)| open));
            }
            idle.retain(|_, alike| !alike.is_empty());
        }
        futures::future::join_all(old.into_iter().map(part)).await;
    }
}

async fn part(mut open: Open) {
    // What became of the mail is known: a server that is slow to part changes nothing.
    tokio::time::timeout(GOODBYE, open.client.command("QUIT\r\n")).await.ok();
}
