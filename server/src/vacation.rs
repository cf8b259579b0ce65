//! Vacation responses (RFC 8621 8), sent as RFC 3834 wants it of programs that answer.
//!
//! Only public accounts have one. It goes to elsewhere through the queue like all mail, with no return path;
//! to people here it is delivered sealed.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_parser::Message;

use crate::address;
use crate::blobs;
use crate::clock::{Millis, now};
use crate::delivery::{self, DeliverError, Sealed};
use crate::outer::OuterHeader;
use crate::parts;
use crate::random;
use crate::relay::Relay;
use crate::store::{self, Account, Hold, Outgoing, Vacation};

/// Each sender is answered once within this time; RFC 5230 4.1 takes seven days too.
const PAUSE: Millis = 7 * 24 * 60 * 60 * 1000;
/// The greatest number of references that an answer carries on.
const REFERENCES: usize = 20;
/// The greatest number of characters that an answer repeats of a subject.
const SUBJECT: usize = 200;
/// What is said where the owner wrote nothing.
const DEFAULT: &str = "Your message has arrived. It will be read later: nobody is there at present.\r\n";

/// A letter to public accounts that a person sent to them by name.
#[derive(Debug, Clone)]
pub struct Question {
    sender: String,
    asked: Vec<Account>,
    message_id: Option<String>,
    references: Vec<String>,
    subject: Option<String>,
}

impl Question {
    /// What of a letter may be answered; none when nobody public got it, or no person wants an answer.
    pub fn of(mail_from: &str, recipients: &[Account], message: &[u8]) -> Option<Self> {
        let public = recipients.iter().filter(|account| !account.kind.is_sealed());
        let public: Vec<&Account> = public.filter(|account| !is(mail_from, account)).collect();
        if public.is_empty() || address::domain(mail_from).is_none() || is_program(mail_from) {
            return None;
        }
        let parsed = parts::header(message)?;
        if is_automatic(&parsed) {
            return None;
        }
        let outer = OuterHeader::parse(message);
        let named =
            |account: &&&Account| outer.to.iter().chain(&outer.cc).any(|address| is(&address.email, account));
        let asked: Vec<Account> = public.iter().filter(named).map(|account| (*account).clone()).collect();
        let before = if outer.references.is_empty() { outer.in_reply_to } else { outer.references };
        let question = Self {
            sender: address::canonical(mail_from),
            asked,
            message_id: outer.message_id.into_iter().next().filter(|id| is_plain(id)),
            references: before.into_iter().filter(|id| is_plain(id)).collect(),
            subject: parsed.subject().map(|subject| subject.chars().take(SUBJECT).collect()),
        };
        (!question.asked.is_empty()).then_some(question)
    }
}

fn is(address: &str, account: &Account) -> bool {
    address.eq_ignore_ascii_case(&account.address)
}

fn is_plain(id: &str) -> bool {
    !id.chars().any(|c| c.is_control() || c.is_whitespace() || "<>".contains(c))
}

/// Senders that are no persons (RFC 3834 2, RFC 5230 4.6).
fn is_program(address: &str) -> bool {
    const PROGRAMS: [&str; 4] = ["mailer-daemon", "listserv", "majordomo", "postmaster"];
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local).to_lowercase();
    PROGRAMS.contains(&local.as_str()) || local.starts_with("owner-") || local.ends_with("-request")
}

/// Whether a program sent the message, or a list passed it on (RFC 3834 2).
fn is_automatic(message: &Message<'_>) -> bool {
    message.headers_raw().any(|(name, value)| {
        let value = value.trim().to_ascii_lowercase();
        match name.to_ascii_lowercase().as_str() {
            "auto-submitted" => value.split(';').next().is_none_or(|kind| kind.trim() != "no"),
            "precedence" => ["bulk", "list", "junk"].contains(&value.as_str()),
            name => name.starts_with("list-"),
        }
    })
}

/// Answers for those who are away; mail is delivered whether that works or not, so failures are logged only.
pub async fn answer(relay: &Relay, question: Option<Question>) {
    let Some(question) = question else { return };
    for account in &question.asked {
        match answer_for(relay, account, &question).await {
            Ok(true) => tracing::info!(account = account.id.as_str(), "a vacation response is sent"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "a vacation response could not be sent"),
        }
    }
}

/// Whether an answer is on its way: noted and kept in one transaction.
async fn answer_for(relay: &Relay, account: &Account, question: &Question) -> Result<bool, DeliverError> {
    let mut connection = relay.store.read().await?;
    let vacation = store::vacation(&mut connection, &account.id).await?;
    let at = now();
    if !is_away(&vacation, at) {
        return Ok(false);
    }
    let local = relay.is_local(&question.sender);
    let here = if local { store::account_by_address(&mut connection, &question.sender).await? } else { None };
    drop(connection);
    if local && here.is_none() {
        return Ok(false);
    }
    // Of its own, and only for what really goes out: whoever writes must not take what the owner may send.
    let Some(counted) = relay.answering.count(&account.id, 1, at) else { return Ok(false) };
    let Some(text) = write(&vacation, account, question, relay.config.host()) else { return Ok(false) };
    let mail = match here {
        Some(sender) if !delivery::has_room(relay, &sender, text.len()).await? => return Ok(false),
        Some(sender) => Way::Here(delivery::prepare(relay, &[sender], text).await?),
        None => Way::Away(relay.blobs.prepare(&relay.store, text).await?),
    };
    let (account, sender) = (account.id.clone(), question.sender.clone());
    let send = relay.store.write(move |tx| {
        Box::pin(async move {
            // The accounts before their blobs, as everybody does.
            let here = if let Way::Here(mail) = &mail { mail.as_slice() } else { &[] };
            store::lock_accounts(tx, here.iter().map(Sealed::account).chain([&account])).await?;
            // Whoever varies the case of his address gets no more answers for that.
            if !store::claim_answer(tx, &account, &sender.to_lowercase(), (at, PAUSE)).await? {
                return Ok(false);
            }
            match mail {
                Way::Here(mail) => delivery::keep(tx, mail).await?,
                Way::Away(blob) => {
                    store::put_blob(tx, &account, blob.blob(), Hold::Sending).await?;
                    store::enqueue(tx, &outgoing(account, sender, blob.blob().id.clone()), at).await?;
                }
            }
            Ok::<_, DeliverError>(true)
        })
    });
    let sent = send.await?;
    if sent {
        counted.spend();
        relay.queue_bell.notify_one();
    }
    Ok(sent)
}

/// Where an answer goes.
#[derive(Clone)]
enum Way {
    Here(Vec<Sealed>),
    Away(blobs::Prepared),
}

fn outgoing(account: jmap::AccountId, recipient: String, blob: jmap::BlobId) -> Outgoing {
    // RFC 3834 3.3: without a return path, so that no answer meets an answer.
    Outgoing { priority: -2, ..Outgoing::new(account, String::new(), recipient, blob) }
}

/// RFC 8621 8: from the one date on, and before the other.
fn is_away(vacation: &Vacation, at: Millis) -> bool {
    vacation.is_enabled
        && vacation.from_date.is_none_or(|from| from <= at)
        && vacation.to_date.is_none_or(|to| at < to)
}

fn write(vacation: &Vacation, account: &Account, question: &Question, host: &str) -> Option<Vec<u8>> {
    // RFC 3834 3.1.5.
    let asked = || format!("Auto: {}", question.subject.as_deref().unwrap_or("your message"));
    let mut message = MessageBuilder::new()
        .from(Address::new_address(Some(account.name.as_str()), account.address.as_str()))
        .to(question.sender.as_str())
        .subject(vacation.subject.clone().unwrap_or_else(asked))
        .message_id(format!("{}@{host}", random::id('v')))
        .header("Auto-Submitted", Raw::new("auto-replied"));
    if let Some(id) = &question.message_id {
        let skip = question.references.len().saturating_sub(REFERENCES);
        let thread = question.references.iter().skip(skip).chain([id]).map(String::as_str);
        message = message.in_reply_to(id.as_str()).references(MessageId::new_list(thread));
    }
    message = match (&vacation.text_body, &vacation.html_body) {
        (None, Some(html)) => message.html_body(html.as_str()),
        (text, None) => message.text_body(text.as_deref().unwrap_or(DEFAULT)),
        (Some(text), Some(html)) => message.text_body(text.as_str()).html_body(html.as_str()),
    };
    message.write_to_vec().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AccountKind;

    fn asked(mail_from: &str, fields: &str) -> Option<Question> {
        let office = Account {
            id: "a1".into(),
            address: "news@a.example".into(),
            name: "News".into(),
            kind: AccountKind::Public,
            organisation: None,
            password: String::new(),
        };
        let message =
            format!("From: <p@b.example>\r\nSubject: Hi\r\nMessage-ID: <1@b>\r\n{fields}\r\nbody\r\n");
        Question::of(mail_from, &[office], message.as_bytes())
    }

    #[test]
    fn only_a_person_who_wrote_to_the_account_by_name_is_answered() {
        const TO: &str = "To: News <News@A.example>\r\n";
        for fields in [TO, "To: x@b.example\r\nCc: news@a.example\r\n"] {
            assert!(asked("p@b.example", fields).is_some(), "{fields}");
        }
        assert!(asked("p@b.example", &format!("{TO}Auto-Submitted: no\r\nPrecedence: first\r\n")).is_some());
        assert!(asked("p@b.example", "To: everybody@b.example\r\n").is_none());
        for sender in
            ["", "news@a.example", "MAILER-DAEMON@b.example", "owner-x@b.example", "x-request@b.example"]
        {
            assert!(asked(sender, TO).is_none(), "{sender}");
        }
        for field in [
            "Auto-Submitted: auto-replied",
            "AUTO-SUBMITTED:\r\n auto-generated; x=y",
            "Precedence: Bulk",
            "Precedence: list",
            "List-Id: <x.b.example>",
            "list-unsubscribe: <https://b.example>",
        ] {
            assert!(asked("p@b.example", &format!("{TO}{field}\r\n")).is_none(), "{field}");
        }
    }

    #[test]
    fn one_is_away_from_the_one_date_until_the_other() {
        let away =
            Vacation { is_enabled: true, from_date: Some(10), to_date: Some(20), ..Vacation::default() };
        for (at, expected) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(is_away(&away, at), expected, "{at}");
        }
        assert!(!is_away(&Vacation { is_enabled: false, ..away }, 15));
    }
}
