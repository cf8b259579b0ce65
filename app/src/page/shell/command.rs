//! What the shortcuts do.

use leptos::prelude::*;

use super::Frame;
use crate::page::keys::Command;
use crate::page::list::Listing;
use crate::page::place::{MailPlace, Writing};
use crate::page::reading::Filing;
use crate::page::way::{Pane, Way};
use crate::protocol::Role;
use crate::web::dom;

/// Runs a command; tells whether it concerned anything.
pub(super) fn run(command: Command, filing: Filing, way: Way, frame: Frame, listing: Listing) -> bool {
    let pane = untrack(|| way.pane());
    match (command, pane) {
        (Command::Help, _) => frame.help.set(true),
        (Command::Escape, pane) => return escape(pane, filing, way, frame),
        (_, Pane::Write(..)) => return false,
        (Command::Write, _) => way.write(Writing::New),
        (Command::Find, Pane::Nothing | Pane::Read(_)) => return dom::focus("#find"),
        (Command::Next, pane) => return listing.step(1, matches!(pane, Pane::Read(_))),
        (Command::Previous, pane) => return listing.step(-1, matches!(pane, Pane::Read(_))),
        // Enter on a row is the link's own; on the row that is open it goes on into the letter.
        (Command::Open, Pane::Read(_)) if dom::focus_within(".row[aria-current=true]") => {
            return dom::focus("#letter");
        }
        (Command::Reply, Pane::Read(_)) => way.write(Writing::Reply),
        (Command::ReplyAll, Pane::Read(_)) => way.write(Writing::ReplyAll),
        (Command::Forward, Pane::Read(_)) => way.write(Writing::Forward),
        (Command::Archive, Pane::Read(email)) => filing.move_to(&email, Role::Archive),
        (Command::Trash, Pane::Read(email)) => filing.move_to(&email, Role::Trash),
        _ => return false,
    }
    true
}

/// Goes one step back: the drawer, then the search, then what is open.
fn escape(pane: Pane, filing: Filing, way: Way, frame: Frame) -> bool {
    if dom::focus_within("dialog") {
        // It closes itself, and nothing behind it.
        return false;
    }
    if frame.drawer.get_untracked() {
        frame.drawer.set(false);
        return true;
    }
    let Some(place) = way.mail_untracked() else {
        way.go(&MailPlace::inbox());
        return true;
    };
    match pane {
        Pane::Write(..) if dom::focus_within(".recipients") => false,
        Pane::Write(..) => {
            way.go(&place.with_writing(None));
            true
        }
        Pane::Read(_) => {
            filing.leave();
            true
        }
        _ if untrack(|| way.find()).is_some() => {
            way.search(String::new());
            true
        }
        _ => false,
    }
}
