use std::collections::{BTreeMap, BTreeSet};

use jmap::{
    EmailAddress, EmailId, Id, Identity, IdentityId, MAIL, MailboxId, Mdn, MethodError, MethodErrorType,
    Patch, SetError, SetErrorType, keyword,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{MOST, read, supported, write};
use crate::blobs::Prepared as Blob;
use crate::clock::now;
use crate::delivery::{self, DeliverError, Sealed, off_thread};
use crate::jmap::Call;
use crate::jmap::answer::{Answer, answer, arguments, failed};
use crate::jmap::email::{Fields, Known, apply};
use crate::parts::{self, ReadError};
use crate::report::{self, Report};
use crate::store::{self, Account, EmailRow, Hold, Outgoing};
use crate::{address, outbound};

/// Who may be told of one email: whoever asks for more wants others to be bothered.
const MOST_RECIPIENTS: usize = 10;
/// The text of a notification whose client wrote none.
const TEXT: &str = "This notification tells what became of your message. It does not tell whether it was read or understood.";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    identity_id: IdentityId,
    send: BTreeMap<String, Map<String, Value>>,
    on_success_update_email: Option<BTreeMap<Id, Patch>>,
}

/// `MDN/send` (RFC 9007 2.1).
pub async fn send(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    // It implies a call of Email/set.
    if !call.uses(MAIL) {
        return Err(MethodErrorType::UnknownMethod.into());
    }
    supported(call)?;
    let Arguments { identity_id, send, on_success_update_email } = arguments(given)?;
    if send.len() > MOST {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let identity = identity(call, &identity_id).await?;
    let (mut sent, mut not_sent, mut updates) = (BTreeMap::new(), BTreeMap::new(), Map::new());
    for (creation, properties) in send {
        let patch =
            on_success_update_email.as_ref().and_then(|all| all.get(&Id::from(format!("#{creation}"))));
        match one(call, &identity, &properties, patch).await? {
            Ok((mdn, email)) => {
                updates.extend(patch.map(|patch| (email.to_string(), json!(patch))));
                sent.insert(creation, made(&mdn, &properties)?);
            }
            Err(error) => drop(not_sent.insert(creation, error)),
        }
    }
    let then = (!updates.is_empty())
        .then(|| ("Email/set".to_owned(), json!({"accountId": call.account.id, "update": updates})));
    let told = json!({
        "accountId": call.account.id,
        "sent": (!sent.is_empty()).then_some(sent),
        "notSent": (!not_sent.is_empty()).then_some(not_sent),
    });
    Ok(Answer { then, ..answer(&told)? })
}

async fn identity(call: &Call, id: &IdentityId) -> Result<Identity, MethodError> {
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let all = store::identities(&mut connection, &call.account.id).await.map_err(failed)?;
    let found = all.into_iter().find(|identity| identity.id == *id);
    found.ok_or_else(|| MethodError::new(MethodErrorType::InvalidArguments, "there is no such identity"))
}

/// The properties that the client did not set.
fn made(mdn: &Mdn, given: &Map<String, Value>) -> Result<Value, MethodError> {
    let mut made = serde_json::to_value(mdn).map_err(|_| MethodErrorType::ServerFail)?;
    if let Some(map) = made.as_object_mut() {
        map.retain(|name, _| given.get(name).is_none_or(Value::is_null));
    }
    Ok(made)
}

/// Sends one notification; gives it with the email that it is about.
async fn one(
    call: &Call,
    identity: &Identity,
    properties: &Map<String, Value>,
    patch: Option<&Patch>,
) -> Result<Result<(Mdn, EmailId), SetError>, MethodError> {
    let mdn = match read::read(properties) {
        Ok(mdn) => mdn,
        Err(error) => return Ok(Err(error)),
    };
    let row = match email(call, &mdn, patch).await? {
        Ok(row) => row,
        Err(error) => return Ok(Err(error)),
    };
    let (message, _held) = match call.message(&row).await {
        Ok(message) => message.into_parts(),
        // Of this one alone: those before it have left.
        Err(ReadError::Busy) => return Ok(Err(SetErrorType::RateLimit.into())),
        Err(error) => return Err(error.into()),
    };
    let (account, identity, host) =
        (call.account.clone(), identity.clone(), call.relay.config.host().to_owned());
    let largest = call.relay.limits.max_size_upload;
    let outer = row.outer.message_id.first().cloned();
    let composed = off_thread(move || compose(mdn, &account, &identity, outer, message, (&host, largest)));
    let (mdn, to, text) = match composed.await.map_err(failed)? {
        Ok(composed) => composed,
        Err(error) => return Ok(Err(error)),
    };
    Ok(dispatch(call, &row, to, text).await?.map(|()| (mdn, row.id)))
}

/// The email, of which nothing may have been told yet, and which the patch marks.
async fn email(
    call: &Call,
    mdn: &Mdn,
    patch: Option<&Patch>,
) -> Result<Result<EmailRow, SetError>, MethodError> {
    let id = mdn.for_email_id.as_ref().and_then(|id| call.resolve(id.as_str())).map(EmailId::from);
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let ids: Vec<EmailId> = id.into_iter().collect();
    let found = store::emails(&mut connection, &call.account.id, &ids).await.map_err(failed)?.pop();
    let Some(row) = found else { return Ok(Err(SetErrorType::NotFound.into())) };
    if row.keywords.contains(keyword::MDN_SENT) {
        return Ok(Err(SetErrorType::MdnAlreadySent.into()));
    }
    let rows = store::mailboxes(&mut connection, &call.account.id).await.map_err(failed)?;
    let mailboxes: BTreeSet<MailboxId> = rows.into_iter().map(|row| row.id).collect();
    let known = Known { mailboxes: &mailboxes, created: &call.created };
    // RFC 9007 2.1: one that would not end in the keyword is refused; 1.2: which is in lower case.
    let marks = patch.is_some_and(|patch| {
        let names_it = patch.contains_key("keywords/$mdnsent")
            || patch.get("keywords").is_some_and(|all| all.get(keyword::MDN_SENT).is_some());
        names_it && apply(&row, patch, known).is_ok_and(|new| new.keywords.contains(keyword::MDN_SENT))
    });
    if marks { Ok(Ok(row)) } else { Ok(Err(SetError::invalid_properties(["onSuccessUpdateEmail"]))) }
}

type Composed = (Mdn, Vec<EmailAddress>, Vec<u8>);

fn compose(
    mut mdn: Mdn,
    account: &Account,
    identity: &Identity,
    message_id: Option<String>,
    message: Vec<u8>,
    (host, largest): (&str, usize),
) -> Result<Composed, SetError> {
    let (to, original_recipient) = asked(&message)?;
    let kind = if account.address.is_ascii() { "rfc822" } else { "utf-8" };
    let own = format!("{kind}; {}", account.address);
    if mdn.final_recipient.as_deref().is_some_and(|given| !is_own(given, account)) {
        return Err(SetError::new(
            SetErrorType::ForbiddenFrom,
            "the final recipient is not the account's own",
        ));
    }
    mdn.final_recipient.get_or_insert(own);
    mdn.subject.get_or_insert("Disposition notification".to_owned());
    mdn.text_body.get_or_insert(TEXT.to_owned());
    mdn.original_recipient = original_recipient;
    mdn.original_message_id = message_id.map(|id| format!("<{id}>"));
    let original = mdn.include_original_message.then_some(message);
    let text = write::write(&mdn, identity, &to, original, host);
    let text = text.ok_or_else(|| SetError::from(SetErrorType::InvalidProperties))?;
    if text.len() > largest {
        return Err(SetError { max_size: u64::try_from(largest).ok(), ..SetErrorType::TooLarge.into() });
    }
    Ok((mdn, to, text))
}

/// Who asks to be told, and the recipient as they wrote it.
fn asked(message: &[u8]) -> Result<(Vec<EmailAddress>, Option<String>), SetError> {
    // RFC 8098 2.1: nothing is told about what itself tells such a thing.
    if report::notification(message).is_some() {
        return Err(SetError::new(SetErrorType::Forbidden, "the message is a notification itself"));
    }
    let parsed = parts::parse(message);
    let field = |name: &str| {
        let fields = parsed.as_ref().map(|message| Fields::of(message, message.headers()));
        fields.and_then(|fields| fields.property(name).ok()).unwrap_or_default()
    };
    let to = Vec::<EmailAddress>::deserialize(field("header:Disposition-Notification-To:asAddresses"));
    let mut to = to.unwrap_or_default();
    to.retain(|one| address::domain(&one.email).is_some());
    to.sort_by(|one, other| one.email.cmp(&other.email));
    to.dedup_by(|one, other| one.email == other.email);
    if to.is_empty() {
        return Err(SetError::new(SetErrorType::NotFound, "the message asks for no notification"));
    }
    if to.len() > MOST_RECIPIENTS {
        return Err(SetError::new(SetErrorType::Forbidden, "the message asks to tell too many"));
    }
    let recipient = field("header:Original-Recipient:asText").as_str().map(str::trim).map(str::to_owned);
    Ok((
        to,
        recipient.filter(|text| text.contains(';') && text.len() <= 900 && !text.contains(char::is_control)),
    ))
}

fn is_own(recipient: &str, account: &Account) -> bool {
    let address = recipient.split_once(';').map_or(recipient, |(_, address)| address);
    address.trim().eq_ignore_ascii_case(&account.address)
}

/// Delivers it to those here and queues it for those elsewhere, without a return path (RFC 8098 3).
async fn dispatch(
    call: &Call,
    row: &EmailRow,
    to: Vec<EmailAddress>,
    text: Vec<u8>,
) -> Result<Result<(), SetError>, MethodError> {
    let (here, away) = split(call, to).await?;
    if here.is_empty() && away.is_empty() {
        return Ok(Err(SetError::new(SetErrorType::NotFound, "who asks for a notification is nobody here")));
    }
    for account in &here {
        if !delivery::has_room(&call.relay, account, text.len()).await.map_err(failed)? {
            return Ok(Err(SetErrorType::OverQuota.into()));
        }
    }
    if !call.relay.sending.take(&call.account.id, here.len() + away.len(), now()) {
        return Ok(Err(SetErrorType::RateLimit.into()));
    }
    // The author's own relay vouches for him.
    let report = outbound::hear(&text, true);
    let relay = &call.relay;
    let mail = delivery::prepare(relay, &here, text.clone()).await.map_err(failed)?;
    let blob = match away.is_empty() {
        true => None,
        false => Some(relay.blobs.prepare(&relay.store, text).await.map_err(failed)?),
    };
    let outgoing = Notice { account: call.account.clone(), email: row.id.clone(), mail, away, blob, report };
    let write = relay.store.write(move |tx| Box::pin(async move { outgoing.keep(tx).await }));
    let is_first = write.await.map_err(failed)?;
    relay.queue_bell.notify_one();
    if is_first { Ok(Ok(())) } else { Ok(Err(SetErrorType::MdnAlreadySent.into())) }
}

/// Accounts here, and addresses elsewhere.
async fn split(call: &Call, to: Vec<EmailAddress>) -> Result<(Vec<Account>, Vec<String>), MethodError> {
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let (mut here, mut away) = (Vec::new(), Vec::new());
    let addresses: BTreeSet<String> = to.iter().map(|one| call.relay.canonical(&one.email)).collect();
    for address in addresses {
        if !call.relay.is_local(&address) {
            away.push(address);
            continue;
        }
        here.extend(store::account_by_address(&mut connection, &address).await.map_err(failed)?);
    }
    Ok((here, away))
}

/// A notification that is ready to be kept.
#[derive(Clone)]
struct Notice {
    account: Account,
    email: EmailId,
    mail: Vec<Sealed>,
    away: Vec<String>,
    blob: Option<Blob>,
    report: Option<Report>,
}

impl Notice {
    /// Keeps it; false when another request was earlier.
    async fn keep(self, tx: &mut store::Tx) -> Result<bool, DeliverError> {
        let own = &self.account.id;
        // The accounts before their blobs, as everybody does.
        store::lock_accounts(tx, self.mail.iter().map(Sealed::account).chain([own])).await?;
        let at = now();
        if !store::claim_sending(tx, own, &format!("mdn {}", self.email), "", at).await? {
            return Ok(false);
        }
        let told: Vec<_> = self.mail.iter().map(|one| (one.account().clone(), one.blob().clone())).collect();
        delivery::keep(tx, self.mail).await?;
        for (account, blob) in &told {
            if let Some(report) = &self.report {
                outbound::note(tx, account, report, blob).await?;
            }
        }
        if let Some(blob) = self.blob {
            store::put_blob(tx, own, blob.blob(), Hold::Sending).await?;
            for recipient in self.away {
                let outgoing = Outgoing::new(own.clone(), String::new(), recipient, blob.blob().id.clone());
                store::enqueue(tx, &outgoing, at).await?;
            }
        }
        Ok(true)
    }
}
