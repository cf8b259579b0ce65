//! A line of recipients: chips, completion from the directory, and how each can be reached.

mod chip;
mod suggestions;

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::texts;
use crate::page::writing::sheet::{Line, Sheet};
use crate::page::writing::typed;
use crate::protocol::{Address, Completion, Reply, Request};
use chip::Chip;
use suggestions::Suggestions;

/// Short enough to feel immediate, long enough to spare the directory every key.
const PAUSE: Duration = Duration::from_millis(120);

/// What is being typed on one line, and what the directory offers for it.
#[derive(Clone, Copy)]
pub(super) struct Typing {
    sheet: Sheet,
    place: Line,
    pub line: RwSignal<Vec<Address>>,
    pub typed: RwSignal<String>,
    pub offered: RwSignal<Vec<Completion>>,
    pub marked: RwSignal<usize>,
}

impl Typing {
    /// Takes over what was typed.
    fn commit(self) {
        self.sheet.commit(self.place);
        self.offered.try_set(Vec::new());
    }

    /// Takes over an offer.
    pub(super) fn pick(self, completion: &Completion) {
        let name = Some(completion.name.clone()).filter(|name| !name.is_empty());
        self.sheet.add(self.place, vec![Address { name, email: completion.address.clone() }]);
        self.offered.try_set(Vec::new());
    }
}

/// A labelled line of recipients.
#[component]
pub(super) fn Recipients(
    line: Line,
    sheet: Sheet,
    label: &'static str,
    focus: bool,
    with_cc: RwSignal<bool>,
    with_bcc: RwSignal<bool>,
) -> impl IntoView {
    let texts = texts();
    let typing = Typing {
        sheet,
        place: line,
        line: sheet.line(line),
        typed: sheet.typed(line),
        offered: RwSignal::new(Vec::new()),
        marked: RwSignal::new(0),
    };
    let id = match line {
        Line::To => "to",
        Line::Cc => "cc",
        Line::Bcc => "bcc",
    };
    let chips = move || {
        let line = typing.line.get();
        line.into_iter().map(|address| view! { <Chip address typing sheet /> }).collect_view()
    };
    let more = (line == Line::To).then(|| {
        let button = |shown: RwSignal<bool>, name: &'static str, short: &'static str| {
            view! {
                <button type="button" class="button quiet" aria-label=name hidden=move || shown.get()
                    on:click=move |_| shown.set(true)>{short}</button>
            }
        };
        view! { <div class="more">{button(with_cc, texts.add_cc, texts.cc)} {button(with_bcc, texts.add_bcc, texts.bcc)}</div> }
    });
    view! {
        <div class="recipients">
            <label for=id>{label}</label>
            <ul class="chips">{chips}<li class="entry"><Entry id typing focus /></li></ul>
            {more}
            <Suggestions id typing />
        </div>
    }
}

/// Where addresses are typed.
#[component]
fn Entry(id: &'static str, typing: Typing, focus: bool) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    Effect::new(move || {
        if let (true, Some(input)) = (focus && typing.line.with_untracked(Vec::is_empty), node.get()) {
            // It fails only where the input is gone again.
            let _ = input.focus();
        }
    });
    let ask = complete_when_typing_rests(typing);
    let input = move |event| {
        typing.typed.set(event_target_value(&event));
        if typed::is_complete(&typing.typed.get_untracked()) {
            typing.commit();
        } else {
            ask();
        }
    };
    let leave = move |_| {
        typing.commit();
    };
    let open = move || !typing.offered.with(Vec::is_empty);
    let marked = move || open().then(|| format!("{id}-offer-{}", typing.marked.get()));
    view! {
        <input node_ref=node id=id type="text" role="combobox" autocomplete="off" autocapitalize="none" spellcheck="false"
            inputmode="email" aria-autocomplete="list" aria-controls=format!("{id}-offers")
            aria-expanded=move || open().to_string() aria-activedescendant=marked
            prop:value=move || typing.typed.get() on:input=input on:blur=leave
            on:keydown=move |event| key(&event, typing) />
    }
}

fn complete_when_typing_rests(typing: Typing) -> impl Fn() + Copy {
    let desk = expect_context::<Desk>();
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let ask = move || {
        let text = typing.typed.try_get_untracked().unwrap_or_default();
        spawn_local(async move {
            let text = text.trim().to_owned();
            if text.is_empty() {
                typing.offered.try_set(Vec::new());
                return;
            }
            let Ok(Reply::Completions(list)) = desk.call(Request::Complete { text: text.clone() }).await
            else {
                return;
            };
            // A slow answer must not offer people for a text that is gone.
            if typing.typed.try_get_untracked().is_some_and(|now| now.trim() == text) {
                typing.marked.try_set(0);
                typing.offered.try_set(list);
            }
        });
    };
    move || {
        let next = set_timeout_with_handle(ask, PAUSE).ok();
        if let Some(last) = timer.try_update_value(|timer| std::mem::replace(timer, next)).flatten() {
            last.clear();
        }
    }
}

fn key(event: &KeyboardEvent, typing: Typing) {
    if event.is_composing() {
        return;
    }
    let offers = typing.offered.with_untracked(Vec::len);
    let typed = !typing.typed.with_untracked(|typed| typed.trim().is_empty());
    match event.key().as_str() {
        "ArrowDown" if offers > 0 => typing.marked.update(|marked| *marked = (*marked + 1) % offers),
        "ArrowUp" if offers > 0 => typing.marked.update(|marked| *marked = (*marked + offers - 1) % offers),
        "Enter" | "Tab" if typed && !event.ctrl_key() && !event.meta_key() => take(typing),
        "Enter" if !event.ctrl_key() && !event.meta_key() => {}
        "Escape" if offers > 0 => typing.offered.set(Vec::new()),
        "Backspace" if typing.typed.with_untracked(String::is_empty) => {
            typing.line.update(|line| {
                line.pop();
            });
            return;
        }
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

/// A whole address that was typed is meant as it is; a piece of a name means the marked offer.
fn take(typing: Typing) {
    let typed = typing.typed.get_untracked();
    let offers = typing.offered.get_untracked();
    let exact = offers.iter().find(|offer| offer.address.eq_ignore_ascii_case(typed.trim()));
    let meant = exact.or_else(|| {
        offers.get(typing.marked.get_untracked()).filter(|_| !typed::looks_like_address(typed.trim()))
    });
    match meant {
        Some(offer) => typing.pick(offer),
        None => typing.commit(),
    }
}
