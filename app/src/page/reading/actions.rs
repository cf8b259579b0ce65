//! What can be done with a message.

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::list::Listing;
use crate::page::mail::Change;
use crate::page::texts;
use crate::page::way::Way;
use crate::protocol::{EmailId, Role};

/// Moves a message to the mailbox of a role, offers to take it back, and goes back to the list.
pub(crate) fn move_to(desk: Desk, way: Way, listing: Listing, email: &EmailId, role: Role) {
    let texts = texts();
    let mailboxes = desk.mail.with_untracked(|mail| {
        let here = mail.row(email).map(|row| row.mailboxes.clone()).unwrap_or_default();
        mail.role(role).map(|mailbox| (mailbox.id.clone(), here))
    });
    let Some((to, here)) = mailboxes else { return };
    if here.contains(&to) {
        return;
    }
    let said = match role {
        Role::Archive => (texts.archived)(1),
        Role::Trash => (texts.trashed)(1),
        _ => (texts.moved)(1),
    };
    leave(way, listing);
    let undo = desk.change(Change::Moved { emails: vec![email.clone()], to });
    // A message that no list holds has no place that undoing could give back.
    let undo = undo.filter(|undo| *undo != Change::Restored(Vec::new()));
    desk.notices.offer_undo(said, undo);
}

/// Removes a message for good.
pub(crate) fn destroy(desk: Desk, way: Way, listing: Listing, email: &EmailId) {
    leave(way, listing);
    desk.change(Change::Destroyed(vec![email.clone()]));
    desk.notices.say((texts().destroyed)(1));
}

/// Goes back to the list; the focus stays where the message was.
fn leave(way: Way, listing: Listing) {
    let index = untrack(|| listing.current());
    if let Some(place) = way.mail_untracked() {
        way.go(&place.with_email(None));
    }
    if let Some(index) = index {
        listing.focus(index);
    }
}
