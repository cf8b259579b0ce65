//! One row of the list.

use std::sync::Arc;

use leptos::prelude::*;

use crate::page::icon::{Glyph, Icon};
use crate::page::list::Listing;
use crate::page::place::{Folder, MailPlace, Writing};
use crate::page::seal::{Look, Seal};
use crate::page::text::{self, Texts};
use crate::page::texts;
use crate::page::writing::letter::display_name;
use crate::protocol::{Address, EmailId, Role, Row, Status, Summary};
use crate::web::dom;

/// What keeps a row's place on screen while rows come and go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Message(EmailId),
    Gap(usize),
}

/// A row in sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub key: Key,
    pub index: usize,
    pub row: Option<Arc<Row>>,
}

/// A row, kept in the document while it moves or changes, so that the focus stays on it.
#[component]
pub(super) fn RowView(key: Key, slots: Memo<Vec<Slot>>, row_pixels: u32) -> impl IntoView {
    let listing = expect_context::<Listing>();
    let slot = Memo::new(move |_| slots.with(|slots| slots.iter().find(|slot| slot.key == key).cloned()));
    let index = move || slot.with(|slot| slot.as_ref().map_or(0, |slot| slot.index));
    let top = move || format!("{}px", index() * row_pixels as usize);
    let row = Memo::new(move |_| slot.with(|slot| slot.as_ref().and_then(|slot| slot.row.clone())));
    view! {
        <li style:top=top aria-setsize=move || listing.len().to_string() aria-posinset=move || (index() + 1).to_string()>
            {match row.get_untracked() {
                Some(first) => view! { <Link first row index=Signal::derive(index) /> }.into_any(),
                None => view! { <div class="row waiting" aria-hidden="true"><i></i><i></i><i></i></div> }.into_any(),
            }}
        </li>
    }
}

#[component]
fn Link(first: Arc<Row>, row: Memo<Option<Arc<Row>>>, index: Signal<usize>) -> impl IntoView {
    let listing = expect_context::<Listing>();
    let texts = texts();
    // While the row goes away its content is gone already.
    let row = Memo::new(move |last: Option<&Arc<Row>>| {
        row.get().or_else(|| last.cloned()).unwrap_or_else(|| Arc::clone(&first))
    });
    let href = move || {
        let row = row.get();
        let place = MailPlace::folder(listing.folder.get()?).with_email(Some(row.id.clone()));
        Some(place.with_writing(row.draft.then_some(Writing::Draft)).href())
    };
    let sent = move || listing.folder.with(|folder| *folder == Some(Folder::Role(Role::Sent)));
    let current =
        move || listing.open.with(|open| open.as_ref().is_some_and(|open| row.with(|row| row.id == *open)));
    view! {
        <a class="row" class:unread=move || row.with(|row| !row.seen && !row.draft) href=href
            data-index=move || index.get().to_string()
            aria-current=move || current().then_some("true")>
            {move || inside(&row.get(), sent(), texts)}
        </a>
    }
}

fn inside(row: &Row, sent: bool, texts: &'static Texts) -> impl IntoView + use<> {
    let (subject, preview, attachments, status) = told(row, texts);
    let when = text::list_time(texts, dom::local_time(row.received), dom::local_time(dom::now()));
    let status = status.map(|status| {
        view! {
            <Seal look=Look::Of(status) />
            <span class="only-read-aloud">{(texts.status_short)(status)} ". "</span>
        }
    });
    let unread = (!row.seen && !row.draft)
        .then(|| view! { <span class="only-read-aloud">{texts.mark_unread} ". "</span> });
    let mark = |shown: bool, glyph, class, said| {
        shown.then(|| view! { <Icon glyph class /> <span class="only-read-aloud">{said} ". "</span> })
    };
    view! {
        {unread}
        {status}
        <span class="from"><bdi>{people(row, sent, texts)}</bdi></span>
        <span class="when">{when}</span>
        <span class="subject"><bdi>{subject}</bdi></span>
        <span class="marks">
            {mark(row.answered, Glyph::Reply, "small", texts.mark_answered)}
            {mark(attachments, Glyph::Clip, "small", texts.mark_attachment)}
            {mark(row.flagged, Glyph::Flag, "small filled flagged", texts.mark_flagged)}
        </span>
        <span class="preview"><bdi>{preview}</bdi></span>
    }
}

/// Subject, preview, whether there are attachments, and the status where it is known.
fn told(row: &Row, texts: &Texts) -> (String, String, bool, Option<Status>) {
    match &row.summary {
        Summary::Known { subject, preview, attachments, status, receipt } => {
            let subject = match (receipt, subject.trim()) {
                (true, _) => (texts.receipt_for)(subject),
                (false, "") => texts.no_subject.to_owned(),
                (false, _) => subject.clone(),
            };
            // A draft is nobody's signed word yet, so it has no status to show.
            let status = Some(*status).filter(|_| !row.draft);
            (subject, preview.clone(), !attachments.is_empty() && !receipt, status)
        }
        Summary::Sealed => (texts.sealed_row.to_owned(), text::size(row.size), false, None),
        Summary::Closed => (texts.closed_row.to_owned(), String::new(), false, None),
        Summary::Damaged => (texts.damaged_row.to_owned(), String::new(), false, None),
    }
}

/// Who wrote it, or to whom it goes where that is what tells letters apart.
fn people(row: &Row, sent: bool, texts: &Texts) -> String {
    let names =
        |addresses: &[Address]| addresses.iter().map(display_name).collect::<Vec<_>>().join(texts.list_comma);
    match (sent || row.draft, row.to.is_empty()) {
        (true, true) => texts.no_recipient.to_owned(),
        (true, false) => format!("{} {}", texts.to_short, names(&row.to)),
        (false, _) if row.from.is_empty() => texts.no_sender.to_owned(),
        (false, _) => names(&row.from),
    }
}
