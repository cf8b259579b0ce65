//! The composer itself.

use leptos::ev::{DragEvent, KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::seal::{Look, Seal};
use crate::page::texts;
use crate::page::way::Way;
use crate::page::writing::answer::Omitted;
use crate::page::writing::caution::Caution;
use crate::page::writing::enclosures::{self, AttachButton, Enclosures};
use crate::page::writing::keeper::{self, Keeper, Kept};
use crate::page::writing::letter::Letter;
use crate::page::writing::quote::with_address;
use crate::page::writing::recipients::Recipients;
use crate::page::writing::sending::{Sending, Underway, close};
use crate::page::writing::sheet::{self, Line, Sheet};
use crate::protocol::{EmailId, Status};

/// Everything needed to write and send. `kept` is the draft it was; an `answer` begins in the text, and tells
/// what it `omitted`.
#[component]
pub(super) fn Editor(
    title: &'static str,
    letter: Letter,
    kept: Option<EmailId>,
    answer: bool,
    omitted: Omitted,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let way = expect_context::<Way>();
    let texts = texts();
    let (with_cc, with_bcc) = (RwSignal::new(!letter.cc.is_empty()), RwSignal::new(!letter.bcc.is_empty()));
    let attachable = desk.account().map(|account| account.attachable).unwrap_or_default();
    let sheet = Sheet::new(letter, attachable);
    let keeper = Keeper::new(desk, kept);
    let sending = Sending::new(desk, way, sheet, &keeper);
    let (full, dragging) = (RwSignal::new(false), RwSignal::new(false));
    sheet::look_up_as_added(sheet, desk);
    keeper::keep_by_itself(&keeper, sheet);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        sending.send();
    };
    let shortcut = move |event: KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            sending.send();
        }
    };
    let over = move |event: DragEvent| {
        if enclosures::drags_files(&event) {
            event.prevent_default();
            dragging.set(true);
        }
    };
    let dropped = move |event: DragEvent| {
        if enclosures::drags_files(&event) {
            event.prevent_default();
            dragging.set(false);
            enclosures::drop(&event, sheet, full);
        }
    };
    view! {
        <form class="writing" aria-label=title novalidate on:submit=submit on:keydown=shortcut
            on:dragover=over on:dragleave=move |_| dragging.set(false) on:drop=dropped
            on:paste=move |event| if enclosures::paste(&event, sheet, full) { event.prevent_default() }>
            <Top title keeper=keeper.clone() />
            <Fields sheet answer omitted with_cc with_bcc full />
            <Show when=move || sending.failure.get().is_some()>
                <p class="refused" role="alert">{move || sending.failure.get().map(|failure| (texts.failure)(&failure))}</p>
            </Show>
            <div class="foot">
                <button type="submit" class="button primary">
                    <Icon glyph=Glyph::Sent />
                    {texts.send}
                </button>
                <AttachButton sheet full />
                <ReceiptButton sheet />
                <Promise sheet />
            </div>
            <Show when=move || dragging.get()><div class="drop">{texts.drop_here}</div></Show>
            <Underway sending />
        </form>
        <Caution sending sheet />
    }
}

/// Recipients, subject, enclosures and text.
#[component]
fn Fields(
    sheet: Sheet,
    answer: bool,
    omitted: Omitted,
    with_cc: RwSignal<bool>,
    with_bcc: RwSignal<bool>,
    full: RwSignal<bool>,
) -> impl IntoView {
    let texts = texts();
    view! {
        <div class="scroll">
            <div class="page">
                <Recipients line=Line::To sheet label=texts.to focus=!answer with_cc with_bcc />
                <Show when=move || with_cc.get()>
                    <Recipients line=Line::Cc sheet label=texts.cc focus=false with_cc with_bcc />
                </Show>
                <Show when=move || with_bcc.get()>
                    <Recipients line=Line::Bcc sheet label=texts.bcc focus=false with_cc with_bcc />
                </Show>
                <input class="subject" type="text" aria-label=texts.subject placeholder=texts.subject
                    prop:value=move || sheet.subject.get()
                    on:input=move |event| sheet.subject.set(event_target_value(&event)) />
                <Enclosures sheet full />
                <Omissions omitted sheet with_cc />
                <Text sheet focus=answer />
            </div>
        </div>
    }
}

/// What the answer leaves out, and why; addresses are taken in when the writer says so.
#[component]
fn Omissions(omitted: Omitted, sheet: Sheet, with_cc: RwSignal<bool>) -> impl IntoView {
    let texts = texts();
    let addresses = RwSignal::new(omitted.addresses);
    let names = move || {
        addresses.with(|list| list.iter().map(with_address).collect::<Vec<_>>().join(texts.list_comma))
    };
    let add = move |_| {
        with_cc.set(true);
        sheet.add(Line::Cc, std::mem::take(&mut *addresses.write()));
    };
    view! {
        {omitted.quote.map(|why| view! { <p class="omitted">{(texts.not_quoted)(why)}</p> })}
        <Show when=move || !addresses.with(Vec::is_empty)>
            <p class="omitted">
                {texts.outside} " " <bdi>{names}</bdi> " "
                <button type="button" class="link-button" on:click=add>{texts.outside_add}</button>
            </p>
        </Show>
    }
}

/// Title, how the draft stands, and the ways out.
#[component]
fn Top(title: &'static str, keeper: Keeper) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let way = expect_context::<Way>();
    let texts = texts();
    let state = keeper.state;
    let saved = move || match state.get() {
        Kept::Untouched | Kept::Changed => "",
        Kept::Saving => texts.saving,
        Kept::Saved => texts.saved,
        Kept::Failed => texts.not_saved,
    };
    let keeper = StoredValue::new_local(keeper);
    let discard = move |_| {
        let keeper = keeper.get_value();
        spawn_local(async move {
            match keeper.discard().await {
                Ok(()) => desk.notices.say(texts.discarded),
                Err(failure) => desk.notices.fail(&failure),
            }
        });
        close(way);
    };
    view! {
        <header class="bar">
            <h1 class="push">{title}</h1>
            <span class="saved" role="status">{saved}</span>
            <button type="button" class="icon-button" aria-label=texts.discard title=texts.discard on:click=discard>
                <Icon glyph=Glyph::Trash />
            </button>
            <button type="button" class="icon-button" aria-label=texts.close title=texts.close on:click=move |_| close(way)>
                <Icon glyph=Glyph::Close />
            </button>
        </header>
    }
}

/// Asks the readers for a receipt, or not.
#[component]
fn ReceiptButton(sheet: Sheet) -> impl IntoView {
    let texts = texts();
    view! {
        <button type="button" class="button quiet" aria-label=texts.receipt_ask title=texts.receipt_ask_means
            aria-pressed=move || sheet.receipt.get().to_string()
            on:click=move |_| sheet.receipt.update(|asked| *asked = !*asked)>
            <Icon glyph=Glyph::Receipt />
            <span>{texts.receipt}</span>
        </button>
    }
}

#[component]
fn Text(sheet: Sheet, focus: bool) -> impl IntoView {
    let node = NodeRef::<html::Textarea>::new();
    Effect::new(move || {
        let Some(area) = node.get().filter(|_| focus) else { return };
        // Once the text is in it: an answer is written above what it quotes.
        request_animation_frame(move || {
            // It fails only where the area is gone.
            let _ = area.focus();
            let _ = area.set_selection_range(0, 0);
            area.set_scroll_top(0);
        });
    });
    view! {
        <textarea node_ref=node class="text" aria-label=texts().message prop:value=move || sheet.text.get()
            on:input=move |event| sheet.text.set(event_target_value(&event))></textarea>
    }
}

/// What will happen to the letter, as far as is known.
#[component]
fn Promise(sheet: Sheet) -> impl IntoView {
    let texts = texts();
    let outlook = move || {
        let addresses = sheet.addresses();
        if addresses.is_empty() {
            (Status::Confidential, texts.no_one_yet)
        } else if !sheet.unsealable().is_empty() {
            (Status::Unprotected, texts.will_not_seal)
        } else if addresses.iter().any(|address| sheet.kind(address).is_none()) {
            (Status::EncryptedUnverified, texts.checking)
        } else {
            (Status::Confidential, texts.will_seal)
        }
    };
    view! {
        <p class="promise" role="status">
            {move || view! { <Seal look=Look::Of(outlook().0) /> }}
            <span>{move || outlook().1}</span>
        </p>
    }
}
