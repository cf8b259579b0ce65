//! The list of messages.

mod listing;
mod row;
mod window;

use std::collections::HashSet;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::mailboxes::mailbox_name;
use crate::page::seal::{Look, Seal};
use crate::page::shell::Frame;
use crate::page::texts;
use crate::page::way::Way;
use crate::protocol::{MailboxId, Row};
use crate::web::dom;

pub(crate) use listing::Listing;
use row::{Key, RowView, Slot};

/// Used where the style is not there yet.
const ROW_PIXELS: u32 = 84;

/// A list that is hidden measures nothing; drawing this much then has it ready when it is shown.
const LEAST_HEIGHT: u32 = 1000;

/// The middle pane.
#[component]
pub(crate) fn ListPane() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let way = expect_context::<Way>();
    let frame = expect_context::<Frame>();
    let texts = texts();
    let mailbox = Memo::new(move |_| {
        way.mail().and_then(|place| desk.mail.with(|mail| mail.mailbox(&place.folder).cloned()))
    });
    let name = move || mailbox.get().map(|mailbox| mailbox_name(&mailbox, texts));
    let count = move || mailbox.get().map(|mailbox| (texts.message_count)(mailbox.total));
    view! {
        <section class="list-pane" id="list" tabindex="-1" aria-label=texts.messages>
            <header class="bar">
                <button type="button" class="icon-button only-narrow" aria-label=texts.menu
                    aria-expanded=move || frame.drawer.get().to_string()
                    on:click=move |_| frame.drawer.update(|open| *open = !*open)>
                    <Icon glyph=Glyph::Menu />
                </button>
                <h1 class="push">{name}</h1>
                <span class="count">{count}</span>
            </header>
            <Find />
            <Rows />
        </section>
    }
}

#[component]
fn Find() -> impl IntoView {
    let way = expect_context::<Way>();
    let listing = expect_context::<Listing>();
    let texts = texts();
    let value = move || way.find().unwrap_or_default();
    let find = move |event| way.search(event_target_value(&event));
    let outcome = move || {
        let found = listing.found.with(|found| found.as_ref().map(Vec::len))?;
        let (known, total) = listing.coverage();
        if known < total {
            return Some(texts.finding.to_owned());
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Some((texts.found)(count(found), count(total)))
    };
    view! {
        <div class="find" role="search">
            <Icon glyph=Glyph::Search class="small" />
            <input id="find" class="input" type="search" autocomplete="off" spellcheck="false"
                aria-label=texts.find placeholder=texts.find prop:value=value on:input=find />
        </div>
        <p class="found" role="status" hidden=move || outcome().is_none()>{outcome}</p>
    }
}

#[component]
fn Rows() -> impl IntoView {
    let listing = expect_context::<Listing>();
    let row_pixels = dom::token_pixels("--row").unwrap_or(ROW_PIXELS);
    let scrolled = RwSignal::new((0, LEAST_HEIGHT));
    let measure = move || {
        if let Some(view) = listing.view.get_untracked() {
            let pixels = |length: i32| u32::try_from(length).unwrap_or(0);
            scrolled.set((pixels(view.scroll_top()), pixels(view.client_height()).max(LEAST_HEIGHT)));
        }
    };
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    // Another mailbox or search begins at its top.
    Effect::new(move || {
        listing.mailbox.track();
        listing.find.track();
        if let Some(view) = listing.view.get() {
            view.set_scroll_top(0);
        }
        measure();
    });
    let range = Memo::new(move |_| {
        let (top, height) = scrolled.get();
        window::visible(top, height, row_pixels, listing.len())
    });
    load_what_is_missing(listing, range);
    let slots = Memo::new(move |_| slots(&listing.slots(&range.get()), range.get().start));
    let height = move || format!("{}px", listing.len() * row_pixels as usize);
    view! {
        <div class="rows" node_ref=listing.view on:scroll=move |_| measure()>
            <ul style:height=height hidden=move || listing.is_empty()>
                <For each=move || slots.get() key=|slot| slot.key.clone() let:slot>
                    <RowView key=slot.key slots row_pixels />
                </For>
            </ul>
            <Show when=move || listing.is_empty()>
                <Empty />
            </Show>
        </div>
    }
}

/// Names each slot by its message, or by its place where that is not known or known twice.
fn slots(rows: &[Option<Arc<Row>>], start: usize) -> Vec<Slot> {
    let mut seen = HashSet::new();
    let mut slots = Vec::with_capacity(rows.len());
    for (offset, row) in rows.iter().enumerate() {
        let index = start + offset;
        let row = row.clone().filter(|row| seen.insert(row.id.clone()));
        let key = row.as_ref().map_or(Key::Gap(index), |row| Key::Message(row.id.clone()));
        slots.push(Slot { key, index, row });
    }
    slots
}

fn load_what_is_missing(listing: Listing, range: Memo<std::ops::Range<usize>>) {
    /// More at once would only make the first of them later.
    const AT_ONCE: usize = 3;
    let desk = expect_context::<Desk>();
    let asked = StoredValue::new(HashSet::<(MailboxId, u32)>::new());
    Effect::new(move || {
        let Some(mailbox) = listing.mailbox.get() else { return };
        for page in listing.missing(&range.get()).into_iter().take(AT_ONCE) {
            let key = (mailbox.clone(), page);
            if asked.try_update_value(|asked| asked.insert(key.clone())) != Some(true) {
                continue;
            }
            spawn_local(async move {
                desk.load(key.0.clone(), page).await;
                asked.try_update_value(|asked| asked.remove(&key));
            });
        }
    });
}

#[component]
fn Empty() -> impl IntoView {
    let way = expect_context::<Way>();
    let desk = expect_context::<Desk>();
    let listing = expect_context::<Listing>();
    let texts = texts();
    let words = move || {
        if listing.find.get().is_some() {
            return texts.nothing_found;
        }
        let mailbox =
            way.mail().and_then(|place| desk.mail.with(|mail| mail.mailbox(&place.folder).cloned()));
        (texts.empty_mailbox)(mailbox.and_then(|mailbox| mailbox.role))
    };
    view! {
        <div class="empty">
            <Seal look=Look::Pale />
            <p>{words}</p>
        </div>
    }
}
