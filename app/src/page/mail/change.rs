//! What can happen to the mail on screen.

use std::sync::Arc;

use super::Asked;
use crate::protocol::{self, EmailId, Mailbox, MailboxId, Request, Row};

/// Something that happens to [`super::Mail`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The relay named the mailboxes.
    Mailboxes(Vec<Mailbox>),
    /// The relay answered with a slice of a list.
    Listed { mailbox: MailboxId, position: u32, rows: Vec<Row>, total: u32, asked: Asked },
    /// The relay told that these lists changed; all of them when empty.
    Stale(Vec<MailboxId>),
    /// Read or not.
    Seen { emails: Vec<EmailId>, seen: bool },
    /// Flagged or not.
    Flagged { emails: Vec<EmailId>, flagged: bool },
    /// Taken out of every mailbox and put into this one.
    Moved { emails: Vec<EmailId>, to: MailboxId },
    /// As these rows say; what undoing gives.
    Restored(Vec<Arc<Row>>),
    /// Removed for good.
    Destroyed(Vec<EmailId>),
}

impl Change {
    /// What the relay has to be asked for.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let update = |emails: &[EmailId], change| Request::Update { emails: emails.to_vec(), change };
        match self {
            Self::Mailboxes(_) | Self::Listed { .. } | Self::Stale(_) => Vec::new(),
            Self::Seen { emails, seen } => vec![update(emails, protocol::Change::Seen(*seen))],
            Self::Flagged { emails, flagged } => vec![update(emails, protocol::Change::Flagged(*flagged))],
            Self::Moved { emails, to } => {
                vec![update(emails, protocol::Change::Move { mailbox: to.clone() })]
            }
            Self::Destroyed(emails) => vec![update(emails, protocol::Change::Destroy)],
            // Moves are what a user takes back; each message returns to where it was.
            Self::Restored(rows) => rows
                .iter()
                .filter_map(|row| {
                    let mailbox = row.mailboxes.first()?.clone();
                    Some(update(std::slice::from_ref(&row.id), protocol::Change::Move { mailbox }))
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Change;
    use crate::page::mail::list::tests::row;
    use crate::protocol::{self, Request};

    #[test]
    fn taking_a_move_back_asks_for_the_mailbox_it_was_in() {
        let requests = Change::Restored(vec![Arc::new(row("a", 1))]).requests();
        let [Request::Update { emails, change: protocol::Change::Move { mailbox } }] = requests.as_slice()
        else {
            panic!("{requests:?}")
        };
        assert_eq!((emails[0].0.as_str(), mailbox.0.as_str()), ("a", "in"));
    }
}
