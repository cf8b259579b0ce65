use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use jmap::{Delivered, DeliveryStatus, Displayed};

use super::{open, say};
use crate::clock::{now, utc_date};
use crate::delivery::{self, DeliverError};
use crate::outbound::{self, Fate, Reason, Trouble};
use crate::relay::Relay;
use crate::store::{self, Act, Destination, StoreError, Waiting};

/// How many entries are listed.
const LISTED: i64 = 1000;

/// What to do with mail that waits to be sent elsewhere; none of it shows what a message says.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// List what waits, one line each: id, state, attempts, when it is tried next, octets, domain, reason.
    List {
        /// Only what is for this domain.
        #[arg(long)]
        domain: Option<String>,
    },
    /// List the domains that something waits for: entries, held ones, since when, and what keeps them.
    Domains,
    /// Show one entry: who sends it to whom, and what the other server said last.
    Show {
        /// Its id.
        id: String,
    },
    /// Have an entry tried now, also where its domain is paused.
    Retry(Which),
    /// Keep an entry back.
    Hold(Which),
    /// Let an entry go on that was kept back.
    Release(Which),
    /// Take an entry out; its sender is told, and its client shows that it was not sent.
    Remove(Which),
}

/// Entries that are not being sent now.
#[derive(Debug, Args)]
pub struct Which {
    /// Its id.
    #[arg(required_unless_present = "domain", conflicts_with = "domain")]
    id: Option<String>,
    /// All that is for this domain.
    #[arg(long)]
    domain: Option<String>,
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
        QueueCommand::List { domain } => list(relay, domain.as_deref()).await,
        QueueCommand::Domains => domains(relay).await,
        QueueCommand::Show { id } => show(relay, &id).await,
        QueueCommand::Retry(which) => each(relay, which, |id| act(relay, id, Act::Retry)).await,
        QueueCommand::Hold(which) => each(relay, which, |id| act(relay, id, Act::Hold)).await,
        QueueCommand::Release(which) => each(relay, which, |id| act(relay, id, Act::Release)).await,
        QueueCommand::Remove(which) => each(relay, which, |id| remove(relay, id)).await,
    }
}

fn state(entry: &Waiting) -> &'static str {
    match (entry.is_leased, entry.is_held) {
        (true, _) => "sending",
        (false, true) => "held",
        (false, false) => "waiting",
    }
}

async fn list(relay: &Relay, domain: Option<&str>) -> Result<()> {
    let mut connection = relay.store.read().await?;
    for entry in store::waiting(&mut connection, domain, LISTED).await? {
        let Waiting { id, attempts, next_at, size, domain, reason, .. } = &entry;
        let (state, next, size) = (state(&entry), utc_date(*next_at), size.unwrap_or_default());
        let reason = reason.as_deref().unwrap_or("-");
        say(&format!("{id} {state:<7} {attempts:>3} {next} {size:>9} {domain} {reason}"))?;
    }
    Ok(())
}

async fn domains(relay: &Relay) -> Result<()> {
    let mut connection = relay.store.read().await?;
    for Destination { domain, entries, held, oldest, paused } in
        store::waiting_by_domain(&mut connection, LISTED).await?
    {
        let until = |(reason, until)| format!("{reason} until {}", utc_date(until));
        let paused = paused.map_or_else(|| "-".to_owned(), until);
        say(&format!("{entries:>7} {held:>7} {} {domain} {paused}", utc_date(oldest)))?;
    }
    Ok(())
}

/// Acts on one entry, or on all for a domain and tells how many these were.
async fn each<F>(relay: &Relay, which: Which, act: impl Fn(String) -> F) -> Result<()>
where
    F: Future<Output = Result<bool>>,
{
    if let Some(id) = which.id {
        let done = act(id.clone()).await?;
        return if done { Ok(()) } else { bail!("there is no entry {id}, or it is being sent now") };
    }
    let domain = which.domain.unwrap_or_default();
    let (mut done, mut last) = (0, String::new());
    loop {
        let mut connection = relay.store.read().await?;
        let ids = store::waiting_ids(&mut connection, &domain, &last, LISTED).await?;
        drop(connection);
        let Some(next) = ids.last().cloned() else { return say(&done.to_string()) };
        last = next;
        for id in ids {
            done += i64::from(act(id).await?);
        }
    }
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
        ("priority", entry.priority.to_string()),
        ("reason", entry.reason.clone().unwrap_or_default()),
        ("server", entry.host.clone().unwrap_or_default()),
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

async fn act(relay: &Relay, id: String, act: Act) -> Result<bool> {
    let done = relay.store.write(move |tx| Box::pin(async move { store::act_on(tx, &id, act, now()).await }));
    let done: Result<bool, StoreError> = done.await;
    Ok(done?)
}

async fn remove(relay: &Relay, id: String) -> Result<bool> {
    let mut connection = relay.store.read().await?;
    let Some(queued) = store::queued_entry(&mut connection, &id).await? else { return Ok(false) };
    drop(connection);
    let message = relay.blobs.read_any(&relay.store, &queued.outgoing.blob).await.unwrap_or_default();
    let trouble = Trouble::from(Reason::Operator);
    let told = outbound::report(relay, &queued, Fate::Failed(&trouble), &message).await?;
    let status = DeliveryStatus {
        smtp_reply: trouble.reply.clone(),
        delivered: Delivered::No,
        displayed: Displayed::Unknown,
    };
    let done = relay.store.write(move |tx| {
        Box::pin(async move {
            store::lock_accounts(tx, [&queued.outgoing.account]).await?;
            let Some(queued) = store::remove_waiting(tx, &id).await? else { return Ok(false) };
            outbound::tell(tx, &[(queued.clone(), status)]).await?;
            outbound::file(tx, &queued, &told).await?;
            delivery::keep(tx, told).await?;
            Ok::<_, DeliverError>(true)
        })
    });
    Ok(done.await?)
}
