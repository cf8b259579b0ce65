//! A letter as the page holds it, made into one that can be sealed.

use smime::message;

use super::account::Account;
use super::open;
use super::trust::hex;
use crate::protocol::{Address, AttachmentSource, Draft, DraftAttachment, Failure, Stage};
use crate::web::clock;
use crate::web::crypto::random;
use crate::web::worker::Call;

/// Reads the attachments and gives the letter its author, its date and its id.
pub async fn letter(account: &Account, draft: &Draft, call: &Call) -> Result<message::Draft, Failure> {
    let random: [u8; 16] = random().ok_or(Failure::StorageUnavailable)?;
    let own = Address { name: Some(account.who.name.clone()), email: account.who.address.clone() };
    Ok(message::Draft {
        from: address(&own),
        to: draft.to.iter().map(address).collect(),
        cc: draft.cc.iter().map(address).collect(),
        bcc: draft.bcc.iter().map(address).collect(),
        subject: draft.subject.clone(),
        date: clock::now(),
        message_id: message_id(draft.letter.as_deref(), &account.who.address, random),
        in_reply_to: draft.in_reply_to.clone(),
        references: draft.references.clone(),
        text: draft.text.clone(),
        html: None,
        attachments: attachments(account, draft, call).await?,
    })
}

/// A Message-ID: the same for every attempt to keep or send a letter.
pub fn message_id(letter: Option<&str>, sender: &str, random: [u8; 16]) -> String {
    let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let is_name = |letter: &&str| {
        (16..=64).contains(&letter.len()) && letter.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match letter.filter(is_name) {
        Some(letter) => format!("{letter}@{domain}"),
        None => format!("{}@{domain}", hex(&random)),
    }
}

fn address(address: &Address) -> message::Address {
    message::Address { name: address.name.clone(), email: address.email.clone() }
}

async fn attachments(
    account: &Account,
    draft: &Draft,
    call: &Call,
) -> Result<Vec<message::Attachment>, Failure> {
    let mut read = Vec::with_capacity(draft.attachments.len());
    let mut bytes = 0;
    for attachment in &draft.attachments {
        let data = data(account, attachment, bytes, call).await?;
        bytes += u64::try_from(data.len()).unwrap_or(u64::MAX);
        check(account, bytes)?;
        call.report(Stage::Reading, bytes, 0);
        read.push(message::Attachment {
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
            content_id: None,
            data,
        });
    }
    Ok(read)
}

async fn data(
    account: &Account,
    one: &DraftAttachment,
    before: u64,
    call: &Call,
) -> Result<Vec<u8>, Failure> {
    match &one.source {
        AttachmentSource::File(index) => {
            let unreadable = || Failure::FileUnreadable { name: one.name.clone() };
            let index = usize::try_from(*index).map_err(|_| unreadable())?;
            let file = call.files.get(index).ok_or_else(unreadable)?;
            // Before it is read: it may be larger than memory.
            check(account, before.saturating_add(file.size()))?;
            file.read().await.ok_or_else(unreadable)
        }
        AttachmentSource::Part { email, part } => {
            open::attachment(account, email, part, call).await.map(|(_, _, data)| data)
        }
    }
}

fn check(account: &Account, bytes: u64) -> Result<(), Failure> {
    let limit = account.who.attachable;
    if bytes > limit { Err(Failure::TooLarge { limit: Some(limit) }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::message_id;

    #[test]
    fn a_letter_keeps_its_id_however_often_it_is_sent() {
        let letter = "0123456789abcdef";
        let first = message_id(Some(letter), "a@x.example", [1; 16]);
        assert_eq!(first, message_id(Some(letter), "a@x.example", [2; 16]));
        assert_eq!(first, "0123456789abcdef@x.example");
    }

    #[test]
    fn a_name_that_could_break_the_field_or_is_guessed_easily_is_not_taken() {
        for bad in [None, Some(""), Some("1"), Some("0123456789abcdef>\r\nBcc: x"), Some("0123456789 abcdef")]
        {
            assert_eq!(message_id(bad, "a@x.example", [1; 16]), format!("{}@x.example", "01".repeat(16)));
        }
    }
}
