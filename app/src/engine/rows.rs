//! Rows of a list, out of what the relay sees of a message and what its owner sealed beside it.

use jmap::{Email, EmailAddress, keyword};

use super::summary::Content;
use super::{in_order, time};
use crate::protocol::{Address, EmailId, Mailbox, MailboxId, Role, Row, Status, Summary, ThreadId, UnixTime};

/// The properties of an email that a row needs.
pub const PROPERTIES: [&str; 10] = [
    "id",
    "blobId",
    "threadId",
    "mailboxIds",
    "keywords",
    "size",
    "receivedAt",
    "from",
    "to",
    "sealedSummary",
];

/// A row; none when the relay left out what makes one.
pub fn row(email: &Email, summary: Summary, content: Option<&Content>) -> Option<Row> {
    let has = |name: &str| {
        email.keywords.as_ref().is_some_and(|keywords| keywords.get(name).copied().unwrap_or(false))
    };
    let outer = |list: &Option<Vec<EmailAddress>>| addresses(list.as_deref().unwrap_or_default());
    // What the summary says was inside the seal; the outer header may say anything.
    let (from, to) = match content {
        Some(content) => (content.from.clone(), content.to.clone()),
        None => (outer(&email.from), outer(&email.to)),
    };
    Some(Row {
        id: EmailId(email.id.as_ref()?.as_str().to_owned()),
        thread: ThreadId(email.thread_id.as_ref()?.as_str().to_owned()),
        mailboxes: mailboxes(email),
        received: received(email),
        size: email.size.unwrap_or(0),
        seen: has(keyword::SEEN),
        flagged: has(keyword::FLAGGED),
        answered: has(keyword::ANSWERED),
        // The relay can set a keyword on what somebody else sealed to the owner.
        draft: has(keyword::DRAFT) && content.is_some_and(|content| content.draft.is_some()),
        from,
        to,
        summary,
    })
}

/// The mailboxes a message lies in.
pub fn mailboxes(email: &Email) -> Vec<MailboxId> {
    let ids = email.mailbox_ids.iter().flatten().filter(|(_, within)| **within);
    ids.map(|(id, _)| MailboxId(id.as_str().to_owned())).collect()
}

/// When the relay got a message; the beginning of time when it does not say.
pub fn received(email: &Email) -> UnixTime {
    email.received_at.as_deref().and_then(time::parse).unwrap_or(UnixTime(0))
}

/// What a list shows of a summary.
pub fn known(content: &Content) -> Summary {
    Summary::Known {
        subject: content.subject.clone(),
        preview: content.preview.clone(),
        attachments: content.attachments.clone(),
        status: content.status,
        receipt: content.receipt,
    }
}

/// Mailboxes as the page shows them: by role, then in the relay's order, then by name.
pub fn mailbox_list(mailboxes: &[jmap::Mailbox]) -> Vec<Mailbox> {
    let sorted = in_order(mailboxes, |mailbox| {
        let role = role(mailbox);
        (role.is_none(), role, mailbox.sort_order, mailbox.name.clone())
    });
    sorted.into_iter().map(mailbox).collect()
}

fn mailbox(mailbox: &jmap::Mailbox) -> Mailbox {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Mailbox {
        id: MailboxId(mailbox.id.as_str().to_owned()),
        name: mailbox.name.clone(),
        role: role(mailbox),
        total: count(mailbox.total_emails),
        unread: count(mailbox.unread_emails),
    }
}

fn role(mailbox: &jmap::Mailbox) -> Option<Role> {
    match mailbox.role? {
        jmap::Role::Inbox => Some(Role::Inbox),
        jmap::Role::Drafts => Some(Role::Drafts),
        jmap::Role::Sent => Some(Role::Sent),
        jmap::Role::Trash => Some(Role::Trash),
        jmap::Role::Junk => Some(Role::Junk),
        jmap::Role::Archive => Some(Role::Archive),
        _ => None,
    }
}

fn addresses(list: &[EmailAddress]) -> Vec<Address> {
    list.iter().map(|one| Address { name: one.name.clone(), email: one.email.clone() }).collect()
}

/// The status of `smime` in the page's terms.
pub fn status(status: smime::message::Status) -> Status {
    match status {
        smime::message::Status::Unprotected => Status::Unprotected,
        smime::message::Status::Verified => Status::Verified,
        smime::message::Status::Confidential => Status::Confidential,
        smime::message::Status::EncryptedUnverified => Status::EncryptedUnverified,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{known, mailbox_list, row};
    use crate::engine::summary::Content;
    use crate::protocol::{Address, Role, Status, Summary};

    fn email() -> jmap::Email {
        serde_json::from_value(json!({
            "id": "E", "threadId": "T", "blobId": "B", "size": 10, "receivedAt": "2026-01-02T03:04:05Z",
            "mailboxIds": {"M": true}, "keywords": {"$seen": true},
            "from": [{"name": "Outer", "email": "outer@x.example"}],
        }))
        .unwrap()
    }

    #[test]
    fn the_sealed_author_replaces_the_outer_one() {
        let author = Address { name: None, email: "inner@x.example".into() };
        let content = Content::new("s", "t", &[], Status::Verified, [std::slice::from_ref(&author), &[]]);
        let row = row(&email(), known(&content), Some(&content)).unwrap();
        assert_eq!(row.from, [author]);
        assert!(row.seen && !row.flagged);
        let bare = super::row(&email(), Summary::Sealed, None).unwrap();
        assert_eq!(bare.from[0].email, "outer@x.example");
    }

    #[test]
    fn only_what_the_owner_wrote_is_a_draft() {
        let mut email = email();
        email.keywords = Some([("$draft".to_owned(), true)].into());
        let mut content = Content::new("s", "t", &[], Status::EncryptedUnverified, [&[], &[]]);
        assert!(!row(&email, known(&content), Some(&content)).unwrap().draft);
        assert!(!row(&email, Summary::Sealed, None).unwrap().draft);
        content.draft = Some("digest".into());
        assert!(row(&email, known(&content), Some(&content)).unwrap().draft);
        email.keywords = None;
        assert!(!row(&email, known(&content), Some(&content)).unwrap().draft);
    }

    #[test]
    fn an_email_without_an_id_makes_no_row() {
        assert_eq!(row(&jmap::Email::default(), Summary::Sealed, None), None);
    }

    #[test]
    fn mailboxes_with_a_role_come_first_in_the_order_of_use() {
        let mailbox = |id: &str, role: Option<&str>| json!({"id": id, "name": id, "role": role});
        let list: Vec<jmap::Mailbox> = serde_json::from_value(json!([
            mailbox("z", None),
            mailbox("t", Some("trash")),
            mailbox("a", None),
            mailbox("i", Some("inbox")),
        ]))
        .unwrap();
        let list = mailbox_list(&list);
        let ids: Vec<_> = list.iter().map(|mailbox| mailbox.id.0.as_str()).collect();
        assert_eq!(ids, ["i", "t", "a", "z"]);
        assert_eq!(list[0].role, Some(Role::Inbox));
    }
}
