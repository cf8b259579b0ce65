//! jmap-client (crates.io) against a relay: lists, imports, reads, changes, sends and follows push, by EventSource
//! and over WebSocket.
//!
//! Usage: with-jmap-client SESSION_URL USERNAME PASSWORD MESSAGE RECIPIENT

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{Stream, StreamExt};
use jmap_client::client::Client;
use jmap_client::client_ws::WebSocketMessage;
use jmap_client::core::query::Filter;
use jmap_client::event_source::PushNotification;
use jmap_client::mailbox::{self, Role};
use jmap_client::{DataType, PushObject, email};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [session, username, password, message, recipient] = arguments.as_slice() else {
        bail!("five arguments")
    };
    let base = session.strip_suffix("/.well-known/jmap").context("the session is elsewhere")?;
    let client = Client::new().credentials((username.as_str(), password.as_str())).connect(base).await?;
    let message = std::fs::read(message)?;

    let inbox = lists(&client).await?;
    let state = state(&client).await?;
    let mut events = client.event_source(Some([DataType::Email]), false, Some(60), None).await?;
    let email = client.email_import(message.clone(), [&inbox], Some(["$seen"]), None).await?.take_id();
    hears_event(&client, &mut events).await?;
    reads(&client, &inbox, &email, (username, &message)).await?;
    changes(&client, &inbox, &email, &state).await?;
    follows_over_websocket(&client, &email).await?;
    sends(&client, &email, (username, recipient)).await?;
    println!(
        "jmap-client: listed, imported, read, changed, moved, sent, followed push by EventSource and WebSocket"
    );
    Ok(())
}

async fn lists(client: &Client) -> Result<String> {
    let filter = mailbox::query::Filter::role(Role::Inbox);
    let sort = None::<Vec<jmap_client::core::query::Comparator<mailbox::query::Comparator>>>;
    let found = client.mailbox_query(Some(filter), sort).await?.take_ids();
    let [inbox] = found.as_slice() else { bail!("inboxes: {found:?}") };
    let mailbox = client.mailbox_get(inbox, None::<Vec<_>>).await?.context("the inbox is gone")?;
    ensure!(
        mailbox.role() == Role::Inbox && mailbox.my_rights().is_some_and(|rights| rights.may_add_items())
    );
    Ok(inbox.clone())
}

async fn state(client: &Client) -> Result<String> {
    let mut request = client.build();
    request.get_email().ids([""; 0]);
    Ok(request.send_get_email().await?.take_state())
}

async fn hears_event(
    client: &Client,
    events: &mut (impl Stream<Item = jmap_client::Result<PushNotification>> + Unpin),
) -> Result<()> {
    let event =
        tokio::time::timeout(Duration::from_secs(20), events.next()).await?.context("the stream ended")??;
    let PushNotification::StateChange(change) = event else { bail!("{event:?}") };
    let account = client.default_account_id();
    let types = change.changes(account).context("another account's")?.map(|(kind, _)| kind);
    ensure!(types.collect::<Vec<_>>() == [&DataType::Email], "{change:?}");
    Ok(())
}

async fn reads(client: &Client, inbox: &str, id: &str, (from, message): (&str, &[u8])) -> Result<()> {
    let filter: Filter<email::query::Filter> = email::query::Filter::in_mailbox(inbox).into();
    let sort = [email::query::Comparator::received_at()];
    let found = client.email_query(Some(filter), Some(sort)).await?.take_ids();
    ensure!(found.iter().any(|one| one == id), "{id} is not in {found:?}");
    let email = client.email_get(id, None::<Vec<_>>).await?.context("the email is gone")?;
    ensure!(email.from().is_some_and(|list| list.iter().any(|one| one.email() == from)));
    ensure!(email.mailbox_ids() == [inbox] && email.keywords() == ["$seen"]);
    let blob = email.blob_id().context("the email has no blob")?;
    ensure!(client.download(blob).await? == message, "the bytes are others");
    Ok(())
}

async fn changes(client: &Client, inbox: &str, id: &str, since: &str) -> Result<()> {
    client.email_set_keyword(id, "$flagged", true).await?;
    client.email_set_keyword(id, "$seen", false).await?;
    let folder = client.mailbox_create("jmap-client", None::<&str>, Role::None).await?.take_id();
    client.email_set_mailbox(id, &folder, true).await?;
    client.email_set_mailbox(id, inbox, false).await?;
    let email = client.email_get(id, None::<Vec<_>>).await?.context("the email is gone")?;
    ensure!(email.mailbox_ids() == [folder.as_str()] && email.keywords() == ["$flagged"]);
    client.email_set_mailboxes(id, [inbox]).await?;
    client.mailbox_rename(&folder, "jmap-client's").await?;
    client.mailbox_destroy(&folder, false).await?;
    let changed = client.email_changes(since, None).await?;
    ensure!(changed.created().iter().any(|one| one == id), "{id} is not told of");
    Ok(())
}

async fn follows_over_websocket(client: &Client, id: &str) -> Result<()> {
    let mut messages = client.connect_ws().await?;
    client.enable_push_ws(Some([DataType::Email]), None::<&str>).await?;
    let mut request = client.build();
    request.get_email().ids([id]);
    let asked = request.send_ws().await?;
    let mut next = async || -> Result<WebSocketMessage> {
        Ok(tokio::time::timeout(Duration::from_secs(20), messages.next())
            .await?
            .context("the socket ended")??)
    };
    let WebSocketMessage::Response(mut answer) = next().await? else { bail!("no answer") };
    ensure!(answer.request_id() == Some(asked.as_str()));
    let got = answer.pop_method_response().context("nothing is answered")?.unwrap_get_email()?;
    ensure!(got.list().first().is_some_and(|email| email.id() == Some(id)));
    client.email_set_keywords(id, ["$seen"]).await?;
    let told = next().await?;
    let WebSocketMessage::PushNotification(PushObject::StateChange { changed }) = told else {
        bail!("{told:?}")
    };
    ensure!(changed.contains_key(client.default_account_id()), "{changed:?}");
    Ok(())
}

async fn sends(client: &Client, id: &str, (from, to): (&str, &str)) -> Result<()> {
    let mut request = client.build();
    request.get_identity();
    let identities = request.send_get_identity().await?.take_list();
    let own = identities.iter().find(|one| one.email() == Some(from)).and_then(|one| one.id());
    let own = own.context("no identity has the address")?;
    let made = client.email_submission_create_envelope(id, own, from, [to]).await?.take_id();
    let sent = client.email_submission_get(&made, None).await?.context("the submission is gone")?;
    ensure!(
        sent.email_id() == Some(id)
            && sent.rcpt_to().is_some_and(|list| list.iter().any(|one| one.email() == to))
    );
    ensure!(sent.send_at().is_some() && sent.undo_status().is_some());
    Ok(())
}
