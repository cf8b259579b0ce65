//! A letter as the page holds it, made into one that can be sealed.

use smime::message;

use super::account::Account;
use super::open;
use super::trust::hex;
use crate::protocol::{Address, AttachmentSource, Draft, DraftAttachment, Failure, Stage};
use crate::web::clock;
use crate::web::crypto::random;
use crate::web::worker::Call;

/// All attachments of a letter together, in bytes.
const MAX_ATTACHED: u64 = 26 * 1024 * 1024;

/// Reads the attachments and gives the letter its author, its date and its id.
pub async fn letter(account: &Account, draft: &Draft, call: &Call) -> Result<message::Draft, Failure> {
    let domain = account.who.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let random: [u8; 16] = random().ok_or(Failure::StorageUnavailable)?;
    let own = Address { name: Some(account.who.name.clone()), email: account.who.address.clone() };
    Ok(message::Draft {
        from: address(&own),
        to: draft.to.iter().map(address).collect(),
        cc: draft.cc.iter().map(address).collect(),
        bcc: draft.bcc.iter().map(address).collect(),
        subject: draft.subject.clone(),
        date: clock::now(),
        message_id: format!("{}@{domain}", hex(&random)),
        in_reply_to: draft.in_reply_to.clone(),
        references: draft.references.clone(),
        text: draft.text.clone(),
        html: None,
        attachments: attachments(account, draft, call).await?,
    })
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
        check(bytes)?;
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
            check(before.saturating_add(file.size()))?;
            file.read().await.ok_or_else(unreadable)
        }
        AttachmentSource::Part { email, part } => {
            open::attachment(account, email, part, call).await.map(|(_, _, data)| data)
        }
    }
}

fn check(bytes: u64) -> Result<(), Failure> {
    if bytes > MAX_ATTACHED { Err(Failure::TooLarge { limit: MAX_ATTACHED }) } else { Ok(()) }
}
