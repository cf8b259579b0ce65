//! The list in sight, whole or searched.

use std::ops::Range;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::mail::List;
use crate::page::place::Folder;
use crate::page::way::Way;
use crate::protocol::{EmailId, MailboxId, Row, Summary};
use crate::web::dom;
use crate::web::letters::lower;

/// The list that the URL names, or what was found in it. Provided once, for the list itself and for the shortcuts.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    pub mailbox: Memo<Option<MailboxId>>,
    /// The mailbox as the URL names it. Rows follow this and not the place, which changes with every message.
    pub folder: Memo<Option<Folder>>,
    /// The message that is open.
    pub open: Memo<Option<EmailId>>,
    pub find: Memo<Option<String>>,
    /// The messages found, while something is searched for.
    pub found: Memo<Option<Vec<Arc<Row>>>>,
    pub view: NodeRef<html::Div>,
    desk: Desk,
    way: Way,
}

impl Listing {
    pub(crate) fn new(desk: Desk, way: Way) -> Self {
        let mailbox = Memo::new(move |_| {
            let place = way.mail()?;
            desk.mail.with(|mail| mail.mailbox(&place.folder).map(|mailbox| mailbox.id.clone()))
        });
        let folder = Memo::new(move |_| way.mail().map(|place| place.folder));
        let open = Memo::new(move |_| way.mail()?.email);
        let find = Memo::new(move |_| way.find().filter(|text| !text.trim().is_empty()));
        let found = Memo::new(move |_| {
            let find = lower(&find.get()?);
            let id = mailbox.get()?;
            let rows = desk.mail.with(|mail| mail.list(&id).map(|list| matching(list, &find)));
            Some(rows.unwrap_or_default())
        });
        Self { mailbox, folder, open, find, found, view: NodeRef::new(), desk, way }
    }

    /// How many rows it has.
    pub(crate) fn len(self) -> usize {
        match self.found.with(|found| found.as_ref().map(Vec::len)) {
            Some(found) => found,
            // Before the first answer there is room for what is to come.
            None => self.with_list(|list| list.map_or(8, |list| list.rows().len())),
        }
    }

    /// Whether it is known to have no rows.
    pub(crate) fn is_empty(self) -> bool {
        let (known, total) = self.coverage();
        match self.found.with(|found| found.as_ref().map(Vec::len)) {
            Some(found) => found == 0 && known == total,
            None => self.with_list(|list| list.is_some_and(|list| list.rows().is_empty())),
        }
    }

    /// How many messages of the mailbox are known, and how many there are.
    pub(crate) fn coverage(self) -> (usize, usize) {
        self.with_list(|list| {
            list.map_or((0, 1), |list| (list.rows().iter().flatten().count(), list.rows().len()))
        })
    }

    /// The rows of a range; those not known yet are none.
    pub(crate) fn slots(self, range: &Range<usize>) -> Vec<Option<Arc<Row>>> {
        let pick = |rows: &mut dyn Iterator<Item = Option<Arc<Row>>>| {
            rows.skip(range.start).take(range.len()).collect()
        };
        if let Some(slots) =
            self.found.with(|found| found.as_ref().map(|rows| pick(&mut rows.iter().cloned().map(Some))))
        {
            return slots;
        }
        self.with_list(|list| match list {
            Some(list) => pick(&mut list.rows().iter().cloned()),
            None => vec![None; range.len()],
        })
    }

    /// The pages to ask for; a search wants all of them.
    pub(crate) fn missing(self, range: &Range<usize>) -> Vec<u32> {
        let range = if self.find.get().is_some() { 0..usize::MAX } else { range.clone() };
        let Some(id) = self.mailbox.get() else { return Vec::new() };
        self.desk.mail.with(|mail| match mail.list(&id) {
            _ if !mail.trusts(mail.ask()) => Vec::new(),
            Some(list) => list.missing(&range),
            None => vec![0],
        })
    }

    /// Goes to the next or previous message; opens it where one is open, or else only moves the focus.
    pub(crate) fn step(self, by: isize, open: bool) -> bool {
        let current = dom::focused_number("index").or_else(|| untrack(|| self.current()));
        let index = match current {
            Some(current) => current.saturating_add_signed(by),
            None => 0,
        };
        let Some(row) = untrack(|| self.slots(&(index..index + 1))).into_iter().flatten().next() else {
            return false;
        };
        self.focus(index);
        if let (true, Some(place)) = (open && !row.draft, self.way.mail_untracked()) {
            self.way.replace(&place.with_email(Some(row.id.clone())));
        }
        true
    }

    /// Moves the focus to a row: at once where it is drawn, so that the next key already finds it.
    pub(crate) fn focus(self, index: usize) {
        if let Some(view) = self.view.get_untracked() {
            let row = dom::token_pixels("--row").unwrap_or(super::ROW_PIXELS);
            let top =
                i32::try_from(index).unwrap_or(i32::MAX).saturating_mul(i32::try_from(row).unwrap_or(0));
            let bottom = top.saturating_add(i32::try_from(row).unwrap_or(0));
            if top < view.scroll_top() {
                view.set_scroll_top(top);
            } else if bottom > view.scroll_top() + view.client_height() {
                view.set_scroll_top(bottom - view.client_height());
            }
        }
        let row = format!(".row[data-index=\"{index}\"]");
        if !dom::focus(&row) {
            request_animation_frame(move || {
                dom::focus(&row);
            });
        }
    }

    /// Where the message that is open lies.
    pub(crate) fn current(self) -> Option<usize> {
        let email = self.open.get()?;
        self.position(&email)
    }

    fn position(self, email: &EmailId) -> Option<usize> {
        let in_found =
            self.found.with(|found| found.as_ref().map(|rows| rows.iter().position(|row| row.id == *email)));
        in_found.unwrap_or_else(|| self.with_list(|list| list.and_then(|list| list.position(email))))
    }

    fn with_list<T>(self, read: impl FnOnce(Option<&List>) -> T) -> T {
        let id = self.mailbox.get();
        self.desk.mail.with(|mail| read(id.and_then(|id| mail.list(&id))))
    }
}

fn matching(list: &List, find: &str) -> Vec<Arc<Row>> {
    list.rows().iter().flatten().filter(|row| matches(row, find)).cloned().collect()
}

/// Whether all words of a search occur in what a row shows.
fn matches(row: &Row, find: &str) -> bool {
    let mut text = String::new();
    for address in row.from.iter().chain(&row.to) {
        text.push_str(address.name.as_deref().unwrap_or_default());
        text.push(' ');
        text.push_str(&address.email);
        text.push(' ');
    }
    if let Summary::Known { subject, preview, attachments, .. } = &row.summary {
        text.push_str(subject);
        text.push(' ');
        text.push_str(preview);
        for name in attachments {
            text.push(' ');
            text.push_str(name);
        }
    }
    let text = lower(&text);
    find.split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::matches;
    use crate::page::mail::list_tests::row;
    use crate::protocol::{Address, Status, Summary};

    #[test]
    fn a_search_finds_every_word_wherever_it_is_shown() {
        let mut row = row("a", 1);
        row.from = vec![Address { name: Some("林爱".into()), email: "alice@example.org".into() }];
        row.summary = Summary::Known {
            subject: "Building Permit".into(),
            preview: "attached".into(),
            attachments: vec!["plan.pdf".into()],
            status: Status::Confidential,
            receipt: false,
        };
        for find in ["permit", "林爱", "alice plan", "permit attached"] {
            assert!(matches(&row, find), "{find}");
        }
        assert!(!matches(&row, "permit bob"));
    }
}
