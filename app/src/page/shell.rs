//! The mailbox's three panes, and the keys that work in all of them.

mod command;

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::keys::Command;
use crate::page::later;
use crate::page::list::{ListPane, Listing};
use crate::page::mailboxes::{Mailboxes, mailbox_name};
use crate::page::notice::{Banners, Toasts};
use crate::page::place::{MailPlace, Writing};
use crate::page::reading::{Filing, Nothing, Reading};
use crate::page::seal::{Look, Seal};
use crate::page::settings::{Help, Settings};
use crate::page::texts;
use crate::page::way::{Pane, Way};
use crate::page::writing::{Composer, resume};
use crate::web::dom;

/// What only the frame around the panes has to know.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    /// The mailboxes are drawn over the list, on narrow screens.
    pub drawer: RwSignal<bool>,
    pub help: RwSignal<bool>,
}

/// The mailbox. Its panes follow the URL, which [`Way`] reads, without being built anew.
#[component]
pub(crate) fn Shell() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let way = Way::new();
    let frame = Frame { drawer: RwSignal::new(false), help: RwSignal::new(false) };
    provide_context(way);
    provide_context(frame);
    let listing = Listing::new(desk, way);
    provide_context(listing);
    spawn_local(desk.refresh_mailboxes());
    let pane = Memo::new(move |_| way.pane());
    Effect::new(move || {
        pane.track();
        frame.drawer.set(false);
    });
    resume(desk, way);
    name_the_tab(desk, way);
    listen_for_keys(way, frame, listing);
    let engaged = move || !matches!(pane.get(), Pane::Nothing);
    let alone = move || matches!(pane.get(), Pane::Settings | Pane::Nowhere);
    view! {
        <div class="shell" class:engaged=engaged class:alone=alone class:drawer=move || frame.drawer.get()
            lang=texts.language.tag()>
            <a class="skip" href="#list">{texts.skip_to_list}</a>
            <a class="skip" href="#main">{texts.skip_to_message}</a>
            <Banners />
            <Mailboxes />
            <button type="button" class="veil" aria-label=texts.close_menu on:click=move |_| frame.drawer.set(false)></button>
            <ListPane />
            <main class="main-pane" id="main" tabindex="-1">
                {move || show(pane.get())}
            </main>
            <Show when=move || pane.get() == Pane::Nothing>
                <button type="button" class="button primary compose-float" on:click=move |_| way.write(Writing::New)>
                    <Icon glyph=Glyph::Brush />
                    {texts.new_message}
                </button>
            </Show>
        </div>
        <Arrivals />
        <Toasts />
        <Help open=frame.help />
    }
}

fn show(pane: Pane) -> AnyView {
    match pane {
        Pane::Nothing => view! { <Nothing /> }.into_any(),
        // Apart from the click that leads to it.
        Pane::Read(email) => later::draw(0, move || view! { <Reading email /> }).into_any(),
        Pane::Write(writing, email) => view! { <Composer writing email /> }.into_any(),
        Pane::Settings => view! { <Settings /> }.into_any(),
        Pane::Nowhere => {
            let texts = texts();
            view! {
                <div class="empty">
                    <Seal look=Look::Pale />
                    <p class="lead">{texts.not_found_title}</p>
                    <a class="button" href=MailPlace::inbox().href()>{texts.back}</a>
                </div>
            }
            .into_any()
        }
    }
}

/// Tells a screen reader that mail came; the eye sees it in the list.
#[component]
fn Arrivals() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    view! {
        <p class="only-read-aloud" role="log" aria-live="polite">
            {move || Some(desk.arrived.get()).filter(|new| *new > 0).map(texts.new_mail)}
        </p>
    }
}

fn name_the_tab(desk: Desk, way: Way) {
    let texts = texts();
    Effect::new(move || {
        let place = match (way.pane(), way.mail()) {
            (Pane::Write(writing, _), _) => texts.writing_title(writing).to_owned(),
            (Pane::Nowhere, _) => texts.not_found_title.to_owned(),
            (_, Some(place)) => desk
                .mail
                .with(|mail| mail.mailbox(&place.folder).map(|mailbox| mailbox_name(mailbox, texts)))
                .unwrap_or_else(|| texts.mailboxes.to_owned()),
            (_, None) => texts.settings.to_owned(),
        };
        let unread =
            desk.mail.with(|mail| mail.role(crate::protocol::Role::Inbox).map_or(0, |inbox| inbox.unread));
        dom::set_title(&(texts.tab_title)(unread, &place));
    });
}

fn listen_for_keys(way: Way, frame: Frame, listing: Listing) {
    let filing = Filing::here();
    let handle = window_event_listener(ev::keydown, move |event| {
        if event.default_prevented() || event.is_composing() {
            return;
        }
        let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
        let Some(command) = Command::of(&event.key(), dom::is_typing(&event), modified) else { return };
        if command::run(command, filing, way, frame, listing) {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}
