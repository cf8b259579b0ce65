mod asked;
mod hold;
mod prepare;

use std::collections::BTreeMap;
use std::sync::Arc;

use jmap::{
    AccountId, Delivered, DeliveryStatus, Displayed, EmailId, EmailSubmission, Envelope, SetError,
    SetErrorType, SubmissionId,
};
use serde_json::{Map, Value, json};

use crate::allowance::Counted;
use crate::blobs::Prepared as Blob;
use crate::clock::{Millis, now, utc_date};
use crate::delivery::{self, Sealed};
use crate::jmap::set::Deliveries;
use crate::outbound::Parameters;
use crate::random;
use crate::store::{self, Account, EmailRow, Hold, Ledger, NewSubmission, Outgoing, StoreError, Tx};
use crate::vacation::Question;
pub use prepare::prepare;

/// A submission whose message, sender and recipients were checked.
#[derive(Debug, Clone)]
pub struct Prepared {
    submission: EmailSubmission,
    envelope: Envelope,
    email: EmailRow,
    local: Vec<Account>,
    remote: Vec<String>,
    /// Recipients here for whom mail in clear has to wait, so that it goes to the others alone.
    closed: Vec<String>,
    /// The mail for each recipient here, where that is not the email itself.
    mail: Vec<Sealed>,
    /// The bytes for elsewhere, where they are not the email's own.
    away: Option<Blob>,
    send_at: Option<Millis>,
    /// By recipient: what the servers on the way are asked for.
    asked: BTreeMap<String, Parameters>,
    /// What may be answered once it is delivered; that of held mail is asked later.
    question: Option<Question>,
    /// What of the account's allowance it takes; counted once, however often it is tried to keep it.
    counted: Option<Arc<Counted>>,
}

impl Prepared {
    /// What may be answered once the submission is kept.
    pub fn take_question(&mut self) -> Option<Question> {
        self.question.take()
    }

    /// Takes its recipients from what the account may send within an hour; how many these are.
    pub fn spend(&mut self) -> usize {
        self.counted.take().and_then(Arc::into_inner).map_or(0, Counted::spend)
    }

    /// The recipients here.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        self.local.iter().map(|account| &account.id)
    }

    /// The email that is sent.
    pub fn email_id(&self) -> &EmailId {
        &self.submission.email_id
    }
}

/// Remembers the submission and queues it for the recipients elsewhere.
///
/// The mail for the recipients here is put into `local`, to be delivered once the ledger is closed.
pub async fn keep(
    tx: &mut Tx,
    ledger: &mut Ledger,
    mut prepared: Prepared,
    local: &mut Deliveries,
) -> Result<Result<Map<String, Value>, SetError>, StoreError> {
    let id = SubmissionId::from(random::id('s'));
    let at = now();
    // The email may have gone, and its bytes with it, since it was looked at.
    let ids = [prepared.email.id.clone()];
    if store::emails(tx.connection(), ledger.account(), &ids).await?.is_empty() {
        return Ok(Err(SetError::invalid_properties(["emailId"])));
    }
    if let Err(error) = check_recipients(tx, &prepared, local).await? {
        return Ok(Err(error));
    }
    let delivery = status(&prepared);
    if let Err(error) = once(tx, ledger, &mut prepared, at).await? {
        return Ok(Err(error));
    }
    let corrupt = |_| StoreError::Corrupt("submission");
    let envelope = serde_json::to_string(&prepared.envelope).map_err(corrupt)?;
    let states = serde_json::to_string(&delivery).map_err(corrupt)?;
    let send_at = prepared.send_at.unwrap_or(at);
    let undo_status = if prepared.send_at.is_some() { "pending" } else { "final" };
    let submission = NewSubmission {
        id: &id,
        identity_id: &prepared.submission.identity_id,
        email_id: &prepared.submission.email_id,
        thread_id: &prepared.email.thread_id,
        envelope,
        delivery: states,
        send_at,
        undo_status,
    };
    store::add_submission(tx, ledger, submission).await?;
    let made = json!({
        "id": id,
        "threadId": prepared.email.thread_id,
        "envelope": prepared.envelope,
        "sendAt": utc_date(send_at),
        "undoStatus": undo_status,
        "deliveryStatus": delivery,
        "dsnBlobIds": [],
        "mdnBlobIds": [],
    });
    match prepared.send_at {
        Some(send_at) => hold::keep(tx, ledger, id, prepared, send_at).await?,
        None => send(tx, ledger, id, prepared, local).await?,
    }
    Ok(Ok(made.as_object().cloned().unwrap_or_default()))
}

/// Queues the message for the recipients elsewhere, and puts the mail for those here into `local`.
async fn send(
    tx: &mut Tx,
    ledger: &mut Ledger,
    id: SubmissionId,
    prepared: Prepared,
    local: &mut Deliveries,
) -> Result<(), StoreError> {
    let at = now();
    let mut blob = prepared.email.blob_id.clone();
    if let Some(away) = &prepared.away {
        store::put_blob(tx, ledger.account(), away.blob(), Hold::Sending).await?;
        blob = away.blob().id.clone();
    }
    let mail_from = &prepared.envelope.mail_from.email;
    for recipient in prepared.remote {
        let asked = prepared.asked.get(&recipient).cloned().unwrap_or_default();
        let outgoing = Outgoing {
            submission: Some(id.clone()),
            priority: asked.priority.map_or(0, i64::from),
            parameters: asked.to_json(),
            ..Outgoing::new(ledger.account().clone(), mail_from.clone(), recipient, blob.clone())
        };
        store::enqueue(tx, &outgoing, at).await?;
    }
    if prepared.mail.is_empty() {
        local.extend(delivery::kept(&prepared.email, prepared.local));
    } else {
        let fresh = |mail: &Sealed| prepared.local.iter().any(|account| account.id == *mail.account());
        local.extend(prepared.mail.into_iter().filter(fresh));
    }
    Ok(())
}

/// Refuses mail for somebody here who keeps as much as they may, counted with what waits in `local`.
async fn check_recipients(
    tx: &mut Tx,
    prepared: &Prepared,
    local: &Deliveries,
) -> Result<Result<(), SetError>, StoreError> {
    for account in &prepared.local {
        let waiting: i64 = local.iter().filter(|mail| *mail.account() == account.id).map(Sealed::size).sum();
        if store::room(tx, &account.id).await? <= waiting {
            let why = format!("the mailbox of {} is full", account.address);
            return Ok(Err(SetError::new(SetErrorType::OverQuota, why)));
        }
    }
    Ok(Ok(()))
}

/// Takes out whom the message went to before: a client that never saw the answer submits again.
async fn once(
    tx: &mut Tx,
    ledger: &Ledger,
    prepared: &mut Prepared,
    at: Millis,
) -> Result<Result<(), SetError>, StoreError> {
    let Some(message) = prepared.email.outer.message_id.first() else { return Ok(Ok(())) };
    let (mut local, mut remote) = (Vec::new(), Vec::new());
    for account in std::mem::take(&mut prepared.local) {
        if store::claim_sending(tx, ledger.account(), message, &account.address, at).await? {
            local.push(account);
        }
    }
    for address in std::mem::take(&mut prepared.remote) {
        if store::claim_sending(tx, ledger.account(), message, &address, at).await? {
            remote.push(address);
        }
    }
    if local.is_empty() && remote.is_empty() {
        let why = "the message was sent to these recipients within a day";
        return Ok(Err(SetError::new(SetErrorType::AlreadyExists, why)));
    }
    (prepared.local, prepared.remote) = (local, remote);
    Ok(Ok(()))
}

fn status(prepared: &Prepared) -> BTreeMap<String, DeliveryStatus> {
    const HELD: &str = "250 2.0.0 Held";
    const NO_KEY: &str = "550 5.2.1 the mailbox has no key at the moment";
    let held = prepared.send_at.is_some();
    let status = |smtp_reply: &str, delivered| DeliveryStatus {
        smtp_reply: smtp_reply.to_owned(),
        delivered,
        displayed: Displayed::Unknown,
    };
    let here = prepared.local.iter().map(|account| {
        (
            account.address.clone(),
            if held {
                status(HELD, Delivered::Queued)
            } else {
                status("250 2.0.0 Delivered", Delivered::Yes)
            },
        )
    });
    let elsewhere = prepared.remote.iter().map(|address| {
        (address.clone(), status(if held { HELD } else { "250 2.0.0 Queued" }, Delivered::Queued))
    });
    let closed = prepared.closed.iter().map(|address| (address.clone(), status(NO_KEY, Delivered::No)));
    here.chain(elsewhere).chain(closed).collect()
}
