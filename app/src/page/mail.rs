//! The mail that the page knows: one plain state, changed only by [`Mail::apply`].

mod change;
mod list;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::page::place::Folder;
use crate::protocol::{EmailId, Mailbox, MailboxId, Role, Row};

pub(crate) use change::Change;
#[cfg(test)]
pub(crate) use list::tests as list_tests;
pub(crate) use list::{List, PAGE};

/// Mailboxes and the parts of their lists that were loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    mailboxes: Vec<Mailbox>,
    lists: BTreeMap<MailboxId, List>,
    /// Rises with everything that makes an answer on its way out of date.
    clock: u64,
    /// Changes that the relay has not confirmed yet.
    unsettled: u32,
}

/// The state of the mail when a list was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked(u64);

impl Mail {
    /// All mailboxes, in their order.
    pub(crate) fn mailboxes(&self) -> &[Mailbox] {
        &self.mailboxes
    }

    /// The mailbox that a folder of the URL names.
    pub(crate) fn mailbox(&self, folder: &Folder) -> Option<&Mailbox> {
        self.mailboxes.iter().find(|mailbox| folder.is(mailbox))
    }

    /// The mailbox of a role.
    pub(crate) fn role(&self, role: Role) -> Option<&Mailbox> {
        self.mailbox(&Folder::Role(role))
    }

    /// The list of a mailbox, once any of it was loaded.
    pub(crate) fn list(&self, mailbox: &MailboxId) -> Option<&List> {
        self.lists.get(mailbox)
    }

    /// A message, where any list holds it.
    pub(crate) fn row(&self, email: &EmailId) -> Option<&Arc<Row>> {
        self.lists.values().find_map(|list| list.row(email))
    }

    /// Marks the moment at which a list is asked for.
    pub(crate) fn ask(&self) -> Asked {
        Asked(self.clock)
    }

    /// Whether an answer to what was asked then still tells the truth.
    ///
    /// | since it was asked | an answer |
    /// |---|---|
    /// | nothing happened | is taken |
    /// | the user changed something, the relay has not confirmed | would undo it on screen: dropped |
    /// | the user changed something, the relay confirmed or refused | may be from before: dropped |
    /// | the relay told of a change | may be from before: dropped |
    /// | the user changed something before, still unconfirmed | may be from before: dropped |
    ///
    /// A dropped answer is asked for again, because each of these makes the list stale or settles it.
    pub(crate) fn trusts(&self, asked: Asked) -> bool {
        self.unsettled == 0 && asked.0 == self.clock
    }

    /// Notes that a change is on its way to the relay.
    pub(crate) fn unsettle(&mut self) {
        self.unsettled += 1;
        self.clock += 1;
    }

    /// Notes that the relay confirmed or refused a change.
    pub(crate) fn settle(&mut self) {
        self.unsettled = self.unsettled.saturating_sub(1);
        self.clock += 1;
    }

    /// Makes a change and tells what would take it back.
    pub(crate) fn apply(&mut self, change: Change) -> Option<Change> {
        match change {
            Change::Mailboxes(mailboxes) => {
                self.mailboxes = mailboxes;
                None
            }
            Change::Listed { mailbox, position, rows, total, asked } => {
                if self.trusts(asked) {
                    self.lists.entry(mailbox).or_default().fill(position, rows, total);
                }
                None
            }
            Change::Stale(mailboxes) => {
                self.clock += 1;
                for (id, list) in &mut self.lists {
                    if mailboxes.is_empty() || mailboxes.contains(id) {
                        list.make_stale();
                    }
                }
                None
            }
            Change::Seen { emails, seen } => self.edit(&emails, |row| row.seen = seen),
            Change::Flagged { emails, flagged } => self.edit(&emails, |row| row.flagged = flagged),
            Change::Moved { emails, to } => self.edit(&emails, |row| row.mailboxes = vec![to.clone()]),
            Change::Restored(rows) => {
                let before = rows.iter().filter_map(|row| self.put(&row.id, Some(Arc::clone(row)))).collect();
                Some(Change::Restored(before))
            }
            Change::Destroyed(emails) => {
                let before = emails.iter().filter_map(|email| self.put(email, None)).collect();
                Some(Change::Restored(before))
            }
        }
    }

    fn edit(&mut self, emails: &[EmailId], edit: impl Fn(&mut Row)) -> Option<Change> {
        let mut before = Vec::with_capacity(emails.len());
        for email in emails {
            let Some(row) = self.row(email) else { continue };
            let mut row = Row::clone(row);
            edit(&mut row);
            before.extend(self.put(email, Some(Arc::new(row))));
        }
        Some(Change::Restored(before))
    }

    /// Puts a message where its row says, and nowhere else; gives the row it had.
    fn put(&mut self, email: &EmailId, row: Option<Arc<Row>>) -> Option<Arc<Row>> {
        let before = self.row(email).cloned();
        for (id, list) in &mut self.lists {
            list.put(email, row.as_ref().filter(|row| row.mailboxes.contains(id)));
        }
        for mailbox in &mut self.mailboxes {
            let was = before.as_ref().filter(|row| row.mailboxes.contains(&mailbox.id));
            let is = row.as_ref().filter(|row| row.mailboxes.contains(&mailbox.id));
            mailbox.total = shifted(mailbox.total, was.is_some(), is.is_some());
            let unread = |row: Option<&Arc<Row>>| row.is_some_and(|row| !row.seen);
            mailbox.unread = shifted(mailbox.unread, unread(was), unread(is));
        }
        before
    }
}

fn shifted(count: u32, was: bool, is: bool) -> u32 {
    match (was, is) {
        (true, false) => count.saturating_sub(1),
        (false, true) => count.saturating_add(1),
        _ => count,
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Mail};
    use crate::page::mail::list::tests::row;
    use crate::protocol::{EmailId, Mailbox, MailboxId, Role};

    fn mailbox(id: &str, role: Role, total: u32, unread: u32) -> Mailbox {
        Mailbox { id: MailboxId(id.into()), name: id.into(), role: Some(role), total, unread }
    }

    /// An inbox with `a`, `b`, `c` (newest first, all unread) and an empty trash.
    fn mail() -> Mail {
        let mut mail = Mail::default();
        mail.apply(Change::Mailboxes(vec![
            mailbox("in", Role::Inbox, 3, 3),
            mailbox("trash", Role::Trash, 0, 0),
        ]));
        let rows = vec![row("a", 30), row("b", 20), row("c", 10)];
        listed(&mut mail, "in", rows);
        listed(&mut mail, "trash", vec![]);
        mail
    }

    fn listed(mail: &mut Mail, id: &str, rows: Vec<crate::protocol::Row>) {
        let (mailbox, asked) = (MailboxId(id.into()), mail.ask());
        let total = u32::try_from(rows.len()).unwrap();
        mail.apply(Change::Listed { mailbox, position: 0, rows, total, asked });
    }

    fn ids(mail: &Mail, id: &str) -> Vec<String> {
        let list = mail.list(&MailboxId(id.into())).unwrap();
        list.rows().iter().flatten().map(|row| row.id.0.clone()).collect()
    }

    fn emails(ids: &[&str]) -> Vec<EmailId> {
        ids.iter().map(|id| EmailId((*id).into())).collect()
    }

    #[test]
    fn every_change_returns_what_takes_it_back() {
        let trash = MailboxId("trash".into());
        for change in [
            Change::Seen { emails: emails(&["a", "c"]), seen: true },
            Change::Flagged { emails: emails(&["b"]), flagged: true },
            Change::Moved { emails: emails(&["b", "a"]), to: trash },
            Change::Destroyed(emails(&["b"])),
        ] {
            let mut mail = mail();
            let undo = mail.apply(change.clone()).unwrap();
            assert_ne!(mail, self::mail(), "{change:?} changed nothing");
            mail.apply(undo);
            assert_eq!(mail, self::mail(), "{change:?} was not taken back");
        }
    }

    #[test]
    fn moving_moves_the_counts_too() {
        let mut mail = mail();
        mail.apply(Change::Moved { emails: emails(&["b"]), to: MailboxId("trash".into()) });
        assert_eq!((ids(&mail, "in"), ids(&mail, "trash")), (vec!["a".into(), "c".into()], vec!["b".into()]));
        let counts: Vec<_> = mail.mailboxes().iter().map(|mailbox| (mailbox.total, mailbox.unread)).collect();
        assert_eq!(counts, [(2, 2), (1, 1)]);
    }

    #[test]
    fn an_answer_from_before_a_change_is_dropped() {
        let mut mail = mail();
        let asked = mail.ask();
        mail.unsettle();
        mail.apply(Change::Destroyed(emails(&["a"])));
        let old = Change::Listed {
            mailbox: MailboxId("in".into()),
            position: 0,
            rows: vec![row("a", 30), row("b", 20), row("c", 10)],
            total: 3,
            asked,
        };
        mail.apply(old.clone());
        assert_eq!(ids(&mail, "in"), ["b", "c"]);
        mail.settle();
        mail.apply(old);
        assert_eq!(ids(&mail, "in"), ["b", "c"]);
        assert!(mail.trusts(mail.ask()));
    }

    #[test]
    fn nothing_is_trusted_while_a_change_is_unconfirmed() {
        let mut mail = mail();
        mail.unsettle();
        assert!(!mail.trusts(mail.ask()));
        mail.settle();
        assert!(mail.trusts(mail.ask()));
        let asked = mail.ask();
        mail.apply(Change::Stale(vec![]));
        assert!(!mail.trusts(asked));
    }
}
