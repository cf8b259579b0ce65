//! What can be done with a message.

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::list::Listing;
use crate::page::mail::Change;
use crate::page::text::Texts;
use crate::page::texts;
use crate::page::way::Way;
use crate::protocol::{EmailId, Role};

/// Files messages away. Made where the contexts are, used in what happens later.
#[derive(Clone, Copy)]
pub(crate) struct Filing {
    desk: Desk,
    way: Way,
    listing: Listing,
    texts: &'static Texts,
}

impl Filing {
    /// Takes the contexts of the calling component.
    pub(crate) fn here() -> Self {
        Self { desk: expect_context(), way: expect_context(), listing: expect_context(), texts: texts() }
    }

    /// Moves a message to the mailbox of a role, offers to take it back, and goes back to the list.
    pub(crate) fn move_to(self, email: &EmailId, role: Role) {
        let mailboxes = self.desk.mail.with_untracked(|mail| {
            let here = mail.row(email).map(|row| row.mailboxes.clone()).unwrap_or_default();
            mail.role(role).map(|mailbox| (mailbox.id.clone(), here))
        });
        let Some((to, here)) = mailboxes else { return };
        if here.contains(&to) {
            return;
        }
        let said = match role {
            Role::Archive => (self.texts.archived)(1),
            Role::Trash => (self.texts.trashed)(1),
            _ => (self.texts.moved)(1),
        };
        self.leave();
        let undo = self.desk.change(Change::Moved { emails: vec![email.clone()], to });
        // A message that no list holds has no place that undoing could give back.
        let undo = undo.filter(|undo| *undo != Change::Restored(Vec::new()));
        self.desk.notices.offer_undo(said, undo);
    }

    /// Removes a message for good.
    pub(crate) fn destroy(self, email: &EmailId) {
        self.leave();
        self.desk.change(Change::Destroyed(vec![email.clone()]));
        self.desk.notices.say((self.texts.destroyed)(1));
    }

    /// Marks a message as unread. It is left first, because a message that is open counts as read.
    pub(crate) fn mark_unread(self, email: &EmailId) {
        self.leave();
        self.desk.change(Change::Seen { emails: vec![email.clone()], seen: false });
    }

    /// Goes back to the list; the focus stays where the message was.
    pub(crate) fn leave(self) {
        let index = untrack(|| self.listing.current());
        if let Some(place) = self.way.mail_untracked() {
            self.way.go(&place.with_email(None));
        }
        if let Some(index) = index {
            self.listing.focus(index);
        }
    }
}
