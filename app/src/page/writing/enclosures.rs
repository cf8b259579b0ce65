//! What is enclosed with a letter.

use leptos::ev::{ClipboardEvent, DragEvent, Event};
use leptos::html;
use leptos::prelude::*;

use crate::page::icon::{Glyph, Icon};
use crate::page::text;
use crate::page::texts;
use crate::page::writing::sheet::Sheet;
use crate::web::files::LocalFile;

/// The list of what is enclosed, and how much room is left.
#[component]
pub(super) fn Enclosures(sheet: Sheet, full: RwSignal<bool>) -> impl IntoView {
    let texts = texts();
    let entries = move || {
        let list = sheet.enclosures.get().into_iter().enumerate();
        list.map(|(index, enclosure)| {
            let remove = move |_| {
                full.set(false);
                sheet.enclosures.update(|list| {
                    if index < list.len() {
                        list.remove(index);
                    }
                });
            };
            let name = (texts.remove)(&enclosure.name);
            view! {
                <li class="attachment">
                    <Icon glyph=Glyph::File />
                    <span class="file">
                        <b title=enclosure.name.clone()>{enclosure.name.clone()}</b>
                        <span>{text::size(enclosure.size)}</span>
                    </span>
                    <button type="button" class="icon-button" aria-label=name.clone() title=name on:click=remove>
                        <Icon glyph=Glyph::Close class="small" />
                    </button>
                </li>
            }
        })
        .collect_view()
    };
    view! {
        <Show when=move || full.get()>
            <p class="complaint" role="alert">{(texts.too_large)(&text::size(sheet.attachable))}</p>
        </Show>
        <ul class="attachments" aria-label=texts.attachments hidden=move || sheet.enclosures.with(Vec::is_empty)>{entries}</ul>
    }
}

/// The button that opens the browser's own choice of files.
#[component]
pub(super) fn AttachButton(sheet: Sheet, full: RwSignal<bool>) -> impl IntoView {
    let texts = texts();
    let input = NodeRef::<html::Input>::new();
    let chosen = move |_: Event| {
        let Some(input) = input.get_untracked() else { return };
        if let Some(files) = input.files() {
            full.set(!sheet.enclose(LocalFile::list(&files)));
        }
        // The same file may be chosen again after it was removed.
        input.set_value("");
    };
    let open = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    view! {
        <input node_ref=input type="file" multiple hidden tabindex="-1" aria-hidden="true" on:change=chosen />
        <button type="button" class="button quiet" aria-label=texts.attach title=texts.attach on:click=open>
            <Icon glyph=Glyph::Clip />
            <span class="label">{texts.attach}</span>
        </button>
    }
}

/// Encloses files that are dropped.
pub(super) fn drop(event: &DragEvent, sheet: Sheet, full: RwSignal<bool>) {
    if let Some(files) = event.data_transfer().and_then(|data| data.files()) {
        full.set(!sheet.enclose(LocalFile::list(&files)));
    }
}

/// Encloses files that are pasted; tells whether there were any.
pub(super) fn paste(event: &ClipboardEvent, sheet: Sheet, full: RwSignal<bool>) -> bool {
    let files = event.clipboard_data().and_then(|data| data.files()).map(|files| LocalFile::list(&files));
    match files {
        Some(files) if !files.is_empty() => {
            full.set(!sheet.enclose(files));
            true
        }
        _ => false,
    }
}

/// Whether files are being dragged, rather than text.
pub(super) fn drags_files(event: &DragEvent) -> bool {
    event
        .data_transfer()
        .is_some_and(|data| data.types().iter().any(|kind| kind.as_string().as_deref() == Some("Files")))
}
