use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jmap::{EmailId, EmailSubmission, Envelope, EnvelopeAddress, MethodError, SetError, SetErrorType};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Prepared, asked, hold};
use crate::blobs::Prepared as Blob;
use crate::clock::now;
use crate::delivery::{self, Sealed};
use crate::directory;
use crate::jmap::Call;
use crate::jmap::answer::failed;
use crate::outbound::Parameters;
use crate::outer;
use crate::store::{self, Account, EmailRow, StoreError};
use crate::vacation::Question;

/// The greatest number of recipients of one submission.
const MOST_RECIPIENTS: usize = 1000;

/// The priority of mail for many (RFC 6710).
const BULK: i8 = -4;

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
    let email = match find(call, &submission).await.map_err(failed)? {
        Ok(email) => email,
        Err(error) => return Ok(Err(error)),
    };
    let (message, _held) = call.message(&email).await?.into_parts();
    let message = Arc::new(message);
    let sealed = delivery::is_sealed(Arc::clone(&message)).await.map_err(failed)?;
    if call.account.kind.is_sealed() && !sealed {
        let why = "the message is not sealed: mail in clear goes through the clear door";
        return Ok(Err(SetError::new(SetErrorType::ForbiddenToSend, why)));
    }
    let author = outer::sole_author(&message);
    let checked = envelope(&call.account, &email, author, submission.envelope.clone());
    let canonical = |address: &str| relay.canonical(address);
    let checked = checked.and_then(|envelope| {
        Ok((hold::until(&envelope)?, asked::parameters(&envelope, canonical)?, envelope))
    });
    let (send_at, mut asked, envelope) = match checked {
        Ok(checked) => checked,
        Err(error) => return Ok(Err(error)),
    };
    rank(&mut asked, relay.config.outbound.bulk_recipients);
    let goes_in_clear = !sealed && send_at.is_none();
    let Split { local, remote, closed } = match split(call, &envelope, goes_in_clear).await.map_err(failed)? {
        Ok(split) => split,
        Err(error) => return Ok(Err(error)),
    };
    let Some(counted) = relay.sending.count(&call.account.id, local.len() + remote.len(), now()) else {
        let why = "too many recipients within an hour";
        return Ok(Err(SetError::new(SetErrorType::RateLimit, why)));
    };
    let question = send_at.is_none().then(|| Question::of(&envelope.mail_from.email, &local, &message));
    let question = question.flatten();
    let (mut mail, mut away) = (Vec::new(), None);
    if goes_in_clear {
        (mail, away) = in_clear(call, &local, &message).await?;
    }
    let counted = Some(Arc::new(counted));
    Ok(Ok(Prepared {
        submission,
        envelope,
        email,
        local,
        remote,
        closed,
        mail,
        away,
        send_at,
        asked,
        question,
        counted,
    }))
}

/// The email to send, where there are it and the identity.
async fn find(call: &Call, submission: &EmailSubmission) -> Result<Result<EmailRow, SetError>, StoreError> {
    let mut connection = call.relay.store.read().await?;
    let ids = [submission.email_id.clone()];
    let found = store::emails(&mut connection, &call.account.id, &ids).await?.pop();
    let identities = store::identities(&mut connection, &call.account.id).await?;
    if !identities.iter().any(|identity| identity.id == submission.identity_id) {
        return Ok(Err(SetError::invalid_properties(["identityId"])));
    }
    Ok(found.ok_or_else(|| SetError::invalid_properties(["emailId"])))
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

/// Recipients, each once.
#[derive(Default)]
struct Split {
    local: Vec<Account>,
    remote: Vec<String>,
    closed: Vec<String>,
}

/// The recipients here, of whom those are `closed` whom mail in clear cannot be sealed to, and the recipients elsewhere.
async fn split(
    call: &Call,
    envelope: &Envelope,
    goes_in_clear: bool,
) -> Result<Result<Split, SetError>, StoreError> {
    let mut connection = call.relay.store.read().await?;
    let addresses: BTreeSet<String> =
        envelope.rcpt_to.iter().map(|to| call.relay.canonical(&to.email)).collect();
    let (mut split, mut unknown) = (Split::default(), Vec::new());
    for address in addresses {
        if !call.relay.is_local(&address) {
            split.remote.push(address);
            continue;
        }
        match store::account_by_address(&mut connection, &address).await? {
            Some(account) if goes_in_clear && directory::lacks_key(&mut connection, &account).await? => {
                split.closed.push(account.address);
            }
            Some(account) => split.local.push(account),
            None => unknown.push(address),
        }
    }
    if split.local.is_empty() && split.remote.is_empty() {
        unknown.extend(split.closed.iter().cloned());
    }
    Ok(invalid_recipients(unknown).map(|()| split))
}
