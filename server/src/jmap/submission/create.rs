mod asked;
mod hold;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jmap::{
    AccountId, Delivered, DeliveryStatus, Displayed, EmailId, EmailSubmission, Envelope, EnvelopeAddress,
    MethodError, SetError, SetErrorType, SubmissionId,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::blobs::Prepared as Blob;
use crate::clock::{Millis, now, utc_date};
use crate::delivery::{self, Sealed};
use crate::jmap::Call;
use crate::jmap::answer::failed;
use crate::jmap::set::Deliveries;
use crate::outbound::Parameters;
use crate::outer;
use crate::random;
use crate::store::{self, Account, EmailRow, Ledger, NewSubmission, Outgoing, StoreError, Tx};
use crate::vacation::Question;

/// The greatest number of recipients of one submission.
const MOST_RECIPIENTS: usize = 1000;

/// The priority of mail for many (RFC 6710).
const BULK: i8 = -4;

/// A submission whose message, sender and recipients were checked.
#[derive(Debug)]
pub struct Prepared {
    submission: EmailSubmission,
    envelope: Envelope,
    email: EmailRow,
    local: Vec<Account>,
    remote: Vec<String>,
    /// The mail for each recipient here, where that is not the email itself.
    mail: Vec<Sealed>,
    /// The bytes for elsewhere, where they are not the email's own.
    away: Option<Blob>,
    send_at: Option<Millis>,
    /// By recipient: what the servers on the way are asked for.
    asked: BTreeMap<String, Parameters>,
    /// What may be answered once it is delivered; that of held mail is asked later.
    question: Option<Question>,
}

impl Prepared {
    /// What may be answered once the submission is kept.
    pub fn take_question(&mut self) -> Option<Question> {
        self.question.take()
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

/// Checks a submission; the bytes that go out are those that the browser made.
pub async fn prepare(
    call: &Call,
    properties: Map<String, Value>,
) -> Result<Result<Prepared, SetError>, MethodError> {
    let submission = match read(call, properties) {
        Ok(submission) => submission,
        Err(error) => return Ok(Err(error)),
    };
    let relay = &call.relay;
    let mut connection = relay.store.read().await.map_err(failed)?;
    let ids = [submission.email_id.clone()];
    let found = store::emails(&mut connection, &call.account.id, &ids).await.map_err(failed)?.pop();
    let identities = store::identities(&mut connection, &call.account.id).await.map_err(failed)?;
    drop(connection);
    if !identities.iter().any(|identity| identity.id == submission.identity_id) {
        return Ok(Err(SetError::invalid_properties(["identityId"])));
    }
    let Some(email) = found else { return Ok(Err(SetError::invalid_properties(["emailId"]))) };
    let (message, _held) = call.message(&email).await?.into_parts();
    let message = Arc::new(message);
    let sealed = delivery::is_sealed(Arc::clone(&message)).await.map_err(failed)?;
    if call.account.kind.is_sealed() && !sealed {
        let why = "the message is not sealed: mail in clear goes through the clear door";
        return Ok(Err(SetError::new(SetErrorType::ForbiddenToSend, why)));
    }
    let author = outer::sole_author(&message);
    let checked = envelope(&call.account, &email, author, submission.envelope.clone());
    let checked =
        checked.and_then(|envelope| Ok((hold::until(&envelope)?, asked::parameters(&envelope)?, envelope)));
    let (send_at, mut asked, envelope) = match checked {
        Ok(checked) => checked,
        Err(error) => return Ok(Err(error)),
    };
    rank(&mut asked, relay.config.outbound.bulk_recipients);
    let (local, remote) = match split(call, &envelope).await.map_err(failed)? {
        Ok(split) => split,
        Err(error) => return Ok(Err(error)),
    };
    if !relay.sending.take(&call.account.id, local.len() + remote.len(), now()) {
        let why = "too many recipients within an hour";
        return Ok(Err(SetError::new(SetErrorType::RateLimit, why)));
    }
    let question = send_at.is_none().then(|| Question::of(&envelope.mail_from.email, &local, &message));
    let question = question.flatten();
    let (mut mail, mut away) = (Vec::new(), None);
    if !sealed && send_at.is_none() {
        (mail, away) = in_clear(call, &local, &message).await?;
    }
    Ok(Ok(Prepared { submission, envelope, email, local, remote, mail, away, send_at, asked, question }))
}

/// What of a public account's message goes to whom: sealed to those here who keep sealed mail only, and
/// without Bcc to all.
async fn in_clear(
    call: &Call,
    local: &[Account],
    message: &[u8],
) -> Result<(Vec<Sealed>, Option<Blob>), MethodError> {
    let bare = outer::without_bcc(message);
    let away = match &bare {
        Some(bare) => Some(call.relay.blobs.prepare(&call.relay.store, bare.clone()).await.map_err(failed)?),
        None => None,
    };
    let message = bare.unwrap_or_else(|| message.to_vec());
    Ok((delivery::prepare(&call.relay, local, message).await.map_err(failed)?, away))
}

/// Mail for many goes behind mail for few, unless the client chose for itself.
fn rank(asked: &mut BTreeMap<String, Parameters>, many: usize) {
    if asked.len() >= many {
        asked.values_mut().for_each(|one| one.priority = one.priority.or(Some(BULK)));
    }
}

fn read(call: &Call, properties: Map<String, Value>) -> Result<EmailSubmission, SetError> {
    const SETTABLE: [&str; 3] = ["identityId", "emailId", "envelope"];
    let unknown: Vec<&String> = properties.keys().filter(|key| !SETTABLE.contains(&key.as_str())).collect();
    if !unknown.is_empty() {
        return Err(SetError::invalid_properties(unknown));
    }
    let parsed = EmailSubmission::deserialize(Value::Object(properties));
    let mut submission = parsed.map_err(|error| SetError {
        description: Some(error.to_string()),
        ..SetError::invalid_properties(["emailId"])
    })?;
    let resolved = call.resolve(submission.email_id.as_str()).map(EmailId::from);
    submission.email_id = resolved.ok_or_else(|| SetError::invalid_properties(["emailId"]))?;
    Ok(submission)
}

/// RFC 8621 7: the client's envelope, or one made from the header; the sender is the account itself.
fn envelope(
    account: &Account,
    email: &EmailRow,
    author: Option<String>,
    given: Option<Envelope>,
) -> Result<Envelope, SetError> {
    let own = |address: &str| address.eq_ignore_ascii_case(&account.address);
    if !author.is_some_and(|author| own(&author)) {
        return Err(SetErrorType::ForbiddenFrom.into());
    }
    let envelope = given.unwrap_or_else(|| Envelope {
        mail_from: account.address.clone().into(),
        rcpt_to: email.outer.recipients().map(|address| EnvelopeAddress::from(address.to_owned())).collect(),
    });
    if !own(&envelope.mail_from.email) {
        return Err(SetErrorType::ForbiddenMailFrom.into());
    }
    if envelope.rcpt_to.is_empty() {
        return Err(SetErrorType::NoRecipients.into());
    }
    if envelope.rcpt_to.len() > MOST_RECIPIENTS {
        let max_recipients = u64::try_from(MOST_RECIPIENTS).ok();
        return Err(SetError { max_recipients, ..SetErrorType::TooManyRecipients.into() });
    }
    let wrong: Vec<String> = envelope
        .rcpt_to
        .iter()
        .filter(|to| crate::address::domain(&to.email).is_none())
        .map(|to| to.email.clone())
        .collect();
    invalid_recipients(wrong)?;
    Ok(envelope)
}

fn invalid_recipients(wrong: Vec<String>) -> Result<(), SetError> {
    if wrong.is_empty() {
        return Ok(());
    }
    Err(SetError { invalid_recipients: Some(wrong), ..SetErrorType::InvalidRecipients.into() })
}

type Split = (Vec<Account>, Vec<String>);

/// The recipients here and the recipients elsewhere, each once.
async fn split(call: &Call, envelope: &Envelope) -> Result<Result<Split, SetError>, StoreError> {
    let mut connection = call.relay.store.read().await?;
    let addresses: BTreeSet<String> =
        envelope.rcpt_to.iter().map(|to| crate::address::canonical(&to.email)).collect();
    let (mut here, mut elsewhere, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for address in addresses {
        if !call.relay.is_local(&address) {
            elsewhere.push(address);
            continue;
        }
        match store::account_by_address(&mut connection, &address).await? {
            Some(account) => here.push(account),
            None => unknown.push(address),
        }
    }
    Ok(invalid_recipients(unknown).map(|()| (here, elsewhere)))
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
        store::put_blob(tx, ledger.account(), away.blob(), false).await?;
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
    here.chain(elsewhere).collect()
}
