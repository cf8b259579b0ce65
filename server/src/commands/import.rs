mod mbox;
mod source;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};

use super::{Form, Outcome, open, say};
use crate::clock::{now, parse_date};
use crate::delivery::{self, DeliverError, Place};
use crate::outer::{OuterHeader, is_message};
use crate::progress::Progress;
use crate::relay::Relay;
use crate::store::{self, Account, MailboxRow};
use source::{Found, Refusal, Source};

/// Messages on their way into the store at once, so that they share syncs.
const AT_ONCE: usize = 16;

#[derive(Debug, Default)]
struct Tally {
    kept: usize,
    known: usize,
    refused: usize,
}

/// `sealpost import`: messages into one account, while the relay serves or not.
///
/// A message that the account has already is left out, so that a run which was broken off can be made
/// again. A sealed account takes sealed messages only: what is in clear is named and refused, for sealing it
/// here would hide that somebody could read it.
pub async fn import(
    address: &str,
    form: Form,
    from: &Path,
    mailbox: &str,
    config: Option<&Path>,
) -> Result<Outcome> {
    let relay = open(config).await?;
    let done = take_in(&relay, address, mailbox, form, from).await;
    relay.close().await;
    let Tally { kept, known, refused } = done?;
    say(&format!("{kept} messages came, {known} were there already, {refused} were refused."))?;
    Ok(if refused == 0 { Outcome::Well } else { Outcome::Unwell })
}

async fn take_in(relay: &Arc<Relay>, address: &str, mailbox: &str, form: Form, from: &Path) -> Result<Tally> {
    let mut connection = relay.store.read().await?;
    let account = store::account_by_address(&mut connection, address).await?;
    let account = account.context("there is no such account")?;
    let named = |row: &MailboxRow| row.role.as_deref() == Some(mailbox) || row.name == mailbox;
    let mailbox = store::mailboxes(&mut connection, &account.id).await?.into_iter().find(named);
    let mailbox = mailbox.context("the account has no such mailbox")?.id;
    drop(connection);
    let source = Source::open(form, from, relay.config.max_message_size);
    let source = source.with_context(|| format!("{} cannot be read", from.display()))?;
    let place = Place { mailbox: Some(mailbox), ..Place::default() };
    let mut outcomes = futures::stream::iter(source)
        .map(|found| one(relay, &account, place.clone(), found))
        .buffered(AT_ONCE);
    let (mut tally, progress) = (Tally::default(), Progress::on_terminal());
    while let Some((name, outcome)) = outcomes.try_next().await? {
        match outcome {
            Ok(true) => tally.kept += 1,
            Ok(false) => tally.known += 1,
            Err(refusal) => {
                tally.refused += 1;
                say(&format!("{name}: {refusal}"))?;
            }
        }
        progress.show("messages", tally.kept + tally.known + tally.refused, 0);
    }
    progress.end();
    Ok(tally)
}

/// Keeps one message; tells its name and whether it was new, or why it was refused.
async fn one(
    relay: &Arc<Relay>,
    account: &Account,
    place: Place,
    found: Found,
) -> Result<(String, Result<bool, Refusal>)> {
    let Found { name, bytes, keywords, received_at } = found;
    let bytes = match bytes {
        Ok(bytes) if is_message(&bytes) => Arc::new(bytes),
        Ok(_) => return Ok((name, Err(Refusal::NoMessage))),
        Err(refusal) => return Ok((name, Err(refusal))),
    };
    if account.kind.is_sealed() && !delivery::is_sealed(Arc::clone(&bytes)).await? {
        return Ok((name, Err(Refusal::NotSealed)));
    }
    let sent_at = || OuterHeader::parse(&bytes).sent_at.and_then(|at| parse_date(&at));
    let received_at = received_at.or_else(sent_at).unwrap_or_else(now);
    let place = Place { keywords, received_at: Some(received_at), ..place };
    let bytes = Arc::try_unwrap(bytes).unwrap_or_else(|shared| shared.to_vec());
    let mail = delivery::prepare(relay, std::slice::from_ref(account), bytes).await?;
    let file = relay.store.write(move |tx| Box::pin(delivery::file(tx, mail, place)));
    Ok((name, Ok(file.await.map_err(|error: DeliverError| error)?)))
}
