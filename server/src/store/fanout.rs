//! Changes told to the other processes on one PostgreSQL, by LISTEN and NOTIFY.
//!
//! They are told after their transactions are durable, many at once: NOTIFY within a transaction would
//! make all transactions wait for each other's syncs. What a process that dies did not tell, the others
//! make up for when they miss it (see [`crate::processes`]).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::sql::{self, Connection, Session, SqlError};
use crate::config::Database;
use crate::push::{Hub, Notice};

const CHANNEL: &str = "sealpost";
/// PostgreSQL takes less than 8000 octets.
const LONGEST: usize = 7900;
/// Notices in one message, if they fit.
const TOGETHER: usize = 32;
/// How long to wait before a broken connection is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long nothing may be heard before the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(10);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

#[derive(Serialize, Deserialize)]
struct Message {
    from: String,
    notices: Vec<Notice>,
}

/// Tells the other processes until `stopping`, and then what is left.
pub async fn tell(database: Database, process: String, hub: Arc<Hub>, stopping: CancellationToken) {
    let mut notices = hub.notices();
    let mut connection = None;
    loop {
        let first = tokio::select! {
            biased;
            notice = notices.recv() => notice,
            () = stopping.cancelled() => notices.try_recv().ok(),
        };
        let Some(first) = first else { return };
        let mut batch = gather(first, &mut notices);
        if hub.take_untold() {
            batch.push(Notice::Missed);
        }
        let mut waiting = payloads(&process, batch);
        while let Some(payload) = waiting.pop() {
            while notify(&mut connection, &database, &payload).await.is_err() {
                connection = None;
                if stopping.is_cancelled() {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn gather(first: Notice, notices: &mut mpsc::Receiver<Notice>) -> Vec<Notice> {
    let mut batch = vec![first];
    while batch.len() < TOGETHER
        && let Ok(notice) = notices.try_recv()
    {
        batch.push(notice);
    }
    batch
}

/// The messages, last one first; halved until each fits.
fn payloads(process: &str, mut notices: Vec<Notice>) -> Vec<String> {
    let message = Message { from: process.to_owned(), notices };
    let text = serde_json::to_string(&message).unwrap_or_default();
    notices = message.notices;
    if text.len() <= LONGEST {
        return vec![text];
    }
    if notices.len() < 2 {
        return payloads(process, vec![Notice::Missed]);
    }
    let rest = notices.split_off(notices.len() / 2);
    let mut texts = payloads(process, rest);
    texts.extend(payloads(process, notices));
    texts
}

async fn notify(
    connection: &mut Option<Connection>,
    database: &Database,
    payload: &str,
) -> Result<(), SqlError> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::Postgres(Session::connect(database).await?)),
    };
    sql::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(open).await.map(drop)
}

/// Hears what the other processes tell until `stopping`.
pub async fn hear(database: Database, process: String, hub: Arc<Hub>, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        let heard = tokio::select! {
            heard = listen(&database, &process, &hub) => heard,
            () = stopping.cancelled() => return,
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "other processes cannot be heard");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(database: &Database, process: &str, hub: &Hub) -> Result<(), SqlError> {
    let mut listener = soon(PgListener::connect(database.url())).await?;
    // Otherwise it may connect anew while it is asked whether it is there, and what was told meanwhile is lost.
    listener.eager_reconnect(false);
    soon(listener.listen(CHANNEL)).await?;
    // Nobody listened until now.
    hub.missed();
    loop {
        let Ok(heard) = timeout(QUIET, listener.try_recv()).await else {
            soon(sqlx::query("SELECT 1").execute(&mut listener)).await?;
            continue;
        };
        // None: the connection broke, and what was told meanwhile is lost.
        let Some(heard) = heard? else { return Ok(()) };
        match serde_json::from_str::<Message>(heard.payload()) {
            Ok(message) if message.from == process => {}
            Ok(message) => message.notices.into_iter().for_each(|notice| hub.hear(notice)),
            Err(error) => tracing::warn!(%error, "another process told something unknown"),
        }
    }
}

async fn soon<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, SqlError> {
    Ok(timeout(ANSWER, answer).await.map_err(|_| SqlError::Lost)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_one_message_is_told_in_several_and_in_order() {
        let account = |n: usize| format!("{n}{}", "a".repeat(600)).into();
        let notices: Vec<Notice> = (0..40).map(|n| Notice::End(account(n))).collect();
        let mut texts = payloads("p", notices.clone());
        assert!(texts.iter().all(|text| text.len() <= LONGEST));
        texts.reverse();
        let read = texts.iter().flat_map(|text| serde_json::from_str::<Message>(text).unwrap().notices);
        assert_eq!(read.collect::<Vec<_>>(), notices);
    }
}
