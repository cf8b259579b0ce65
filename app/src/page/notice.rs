//! What the page tells in passing: toasts with their undo, and banners.

use std::time::Duration;

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::mail::Change;
use crate::page::text;
use crate::page::texts;
use crate::protocol::{Failure, UnixTime};
use crate::web::dom;

/// Long enough to read a sentence and reach the button.
const SHOWN_FOR: Duration = Duration::from_secs(9);

const HOUR: Duration = Duration::from_secs(3600);
/// Before an account's id: the day on which the end of its certificates was put away.
const PUT_AWAY: &str = "ending-put-away";

/// Something told in passing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    id: u32,
    message: Words,
    undo: Option<Change>,
}

/// The words of a notice; a failure is put into words where it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Words {
    Said(String),
    Failed(Failure),
}

/// The notices on screen.
#[derive(Clone, Copy)]
pub(crate) struct Notices {
    shown: RwSignal<Vec<Notice>>,
    next: StoredValue<u32>,
}

impl Notices {
    pub(crate) fn new() -> Self {
        Self { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
    }

    /// Tells something.
    pub(crate) fn say(self, text: impl Into<String>) {
        self.show(Words::Said(text.into()), None);
    }

    /// Tells what was done and offers to take it back.
    pub(crate) fn offer_undo(self, text: impl Into<String>, undo: Option<Change>) {
        self.show(Words::Said(text.into()), undo);
    }

    /// Tells what went wrong; withdrawing a request is nothing wrong.
    pub(crate) fn fail(self, failure: &Failure) {
        if *failure != Failure::Cancelled {
            self.show(Words::Failed(failure.clone()), None);
        }
    }

    pub(crate) fn clear(self) {
        self.shown.set(Vec::new());
    }

    fn show(self, message: Words, undo: Option<Change>) {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.shown.update(|shown| {
            // The same words twice are one notice, and a second undo would undo another thing.
            shown.retain(|notice| notice.message != message && (undo.is_none() || notice.undo.is_none()));
            shown.push(Notice { id, message, undo });
        });
        set_timeout(move || self.dismiss(id), SHOWN_FOR);
    }

    fn dismiss(self, id: u32) {
        self.shown.update(|shown| shown.retain(|notice| notice.id != id));
    }
}

/// The notices, where a screen reader hears them too.
#[component]
pub(crate) fn Toasts() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || desk.notices.shown.get() key=|notice| notice.id let:notice>
                <Toast notice />
            </For>
        </div>
    }
}

#[component]
fn Toast(notice: Notice) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let text = match notice.message {
        Words::Said(text) => text,
        Words::Failed(failure) => (texts.failure)(&failure),
    };
    let id = notice.id;
    let undo = notice.undo.map(|undo| {
        let take_back = move |_| {
            desk.notices.dismiss(id);
            desk.change(undo.clone());
        };
        view! { <button type="button" on:click=take_back>{texts.undo}</button> }
    });
    view! {
        <div class="toast">
            <span>{text}</span>
            {undo}
            <button type="button" aria-label=texts.dismiss title=texts.dismiss on:click=move |_| desk.notices.dismiss(id)>
                <Icon glyph=Glyph::Close class="small" />
            </button>
        </div>
    }
}

/// What concerns everything, above everything.
#[component]
pub(crate) fn Banners() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let ending = desk.account().and_then(|account| Some((account.ending?, account.id)));
    view! {
        <div class="notices">
            <Show when=move || desk.offline.get()>
                <div class="banner" role="alert"><span>{texts.offline}</span></div>
            </Show>
            {ending.map(|(end, account)| view! { <Ending end account /> })}
        </div>
    }
}

/// That one's certificates end or have ended, until it is put away for the day.
#[component]
fn Ending(end: UnixTime, account: String) -> impl IntoView {
    let texts = texts();
    let now = RwSignal::new(dom::now());
    // A page may stay open for weeks.
    if let Ok(hours) = set_interval_with_handle(move || now.set(dom::now()), HOUR) {
        on_cleanup(move || hours.clear());
    }
    let name = StoredValue::new(format!("{PUT_AWAY} {account}"));
    let put_away = RwSignal::new(name.with_value(|name| dom::recall(name)));
    let today = move || dom::local_time(now.get()).day_number.to_string();
    let shown = move || put_away.get() != Some(today());
    let put_off = move |_| {
        name.with_value(|name| dom::remember(name, &today()));
        put_away.set(Some(today()));
    };
    let day = text::dated(texts, dom::local_time(end));
    let said = move || if end < now.get() { (texts.ended)(&day) } else { (texts.ending)(&day) };
    view! {
        <div role="status">
            <Show when=shown>
                <div class="banner">
                    <span>{said.clone()}</span>
                    <button type="button" class="button" on:click=put_off>{texts.put_off}</button>
                </div>
            </Show>
        </div>
    }
}
