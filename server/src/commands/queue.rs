use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Subcommand;
use jmap::{Delivered, DeliveryStatus, Displayed};

use super::{open, say};
use crate::clock::{now, utc_date};
use crate::outbound;
use crate::relay::Relay;
use crate::store::{self, Act, StoreError, Waiting};

/// How many entries are listed.
const LISTED: i64 = 1000;

/// What to do with mail that waits to be sent elsewhere; none of it shows what a message says.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List what waits, one line each: id, state, attempts, when it is tried next, octets, domain.
    List,
    /// Show one entry: who sends it to whom, and what the other server said last.
    Show {
        /// Its id.
        id: String,
    },
    /// Have an entry tried now.
    Retry {
        /// Its id.
        id: String,
    },
    /// Keep an entry back.
    Hold {
        /// Its id.
        id: String,
    },
    /// Let an entry go on that was kept back.
    Release {
        /// Its id.
        id: String,
    },
    /// Take an entry out; its sender's client shows that it was not sent.
    Remove {
        /// Its id.
        id: String,
    },
}

/// `sealpost queue`.
pub async fn queue(command: QueueCommand, config: Option<PathBuf>) -> Result<()> {
    let relay = open(config.as_deref()).await?;
    let done = perform(&relay, command).await;
    relay.close().await;
    done
}

async fn perform(relay: &Relay, command: QueueCommand) -> Result<()> {
    match command {
        QueueCommand::List => list(relay).await,
        QueueCommand::Show { id } => show(relay, &id).await,
        QueueCommand::Retry { id } => act(relay, id, Act::Retry).await,
        QueueCommand::Hold { id } => act(relay, id, Act::Hold).await,
        QueueCommand::Release { id } => act(relay, id, Act::Release).await,
        QueueCommand::Remove { id } => remove(relay, id).await,
    }
}

fn state(entry: &Waiting) -> &'static str {
    match (entry.is_leased, entry.is_held) {
        (true, _) => "sending",
        (false, true) => "held",
        (false, false) => "waiting",
    }
}

async fn list(relay: &Relay) -> Result<()> {
    let mut connection = relay.store.read().await?;
    for entry in store::waiting(&mut connection, LISTED).await? {
        let Waiting { id, attempts, next_at, size, domain, .. } = &entry;
        let (state, next, size) = (state(&entry), utc_date(*next_at), size.unwrap_or_default());
        say(&format!("{id} {state:<7} {attempts:>3} {next} {size:>9} {domain}"))?;
    }
    Ok(())
}

async fn show(relay: &Relay, id: &str) -> Result<()> {
    let mut connection = relay.store.read().await?;
    let Some(entry) = store::waiting_entry(&mut connection, id).await? else {
        bail!("there is no entry {id}")
    };
    let size = entry.size.map_or_else(|| "lost".to_owned(), |size| size.to_string());
    for (name, value) in [
        ("id", entry.id.clone()),
        ("state", state(&entry).to_owned()),
        ("account", entry.account.clone()),
        ("from", entry.mail_from.clone()),
        ("to", entry.recipient.clone()),
        ("octets", size),
        ("attempts", entry.attempts.to_string()),
        ("queued", utc_date(entry.queued_at)),
        ("next", utc_date(entry.next_at)),
        ("reply", entry.reply.clone().unwrap_or_default()),
    ] {
        say(&format!("{name:<8} {}", one_line(&value)))?;
    }
    Ok(())
}

/// What another server said must not steer a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

async fn act(relay: &Relay, id: String, act: Act) -> Result<()> {
    let entry = id.clone();
    let done =
        relay.store.write(move |tx| Box::pin(async move { store::act_on(tx, &entry, act, now()).await }));
    let done: Result<bool, StoreError> = done.await;
    if done? { Ok(()) } else { bail!("there is no entry {id}, or it is being sent now") }
}

async fn remove(relay: &Relay, id: String) -> Result<()> {
    let entry = id.clone();
    let status = DeliveryStatus {
        smtp_reply: "554 5.7.0 an operator took the message out".to_owned(),
        delivered: Delivered::No,
        displayed: Displayed::Unknown,
    };
    let done = relay.store.write(move |tx| {
        Box::pin(async move {
            let Some(queued) = store::remove_waiting(tx, &entry).await? else { return Ok(false) };
            outbound::tell(tx, &queued, status).await?;
            Ok(true)
        })
    });
    let done: Result<bool, StoreError> = done.await;
    if done? { Ok(()) } else { bail!("there is no entry {id}, or it is being sent now") }
}
