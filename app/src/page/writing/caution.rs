//! The question before anything leaves unsealed.

use leptos::html;
use leptos::prelude::*;

use crate::page::texts;
use crate::page::writing::sending::Sending;
use crate::page::writing::sheet::Sheet;
use crate::protocol::RecipientKind;

/// Names who cannot receive sealed mail, and sends in clear only when that is ticked and pressed.
#[component]
pub(super) fn Caution(sending: Sending, sheet: Sheet) -> impl IntoView {
    let texts = texts();
    let node = NodeRef::<html::Dialog>::new();
    let agreed = RwSignal::new(false);
    Effect::new(move || {
        let Some(dialog) = node.get() else { return };
        let open = sending.asking.with(|asking| !asking.is_empty());
        if open && !dialog.open() {
            agreed.set(false);
            // It fails only where the dialog is open already.
            let _ = dialog.show_modal();
        } else if !open {
            dialog.close();
        }
    });
    let addresses = move || {
        let addresses = sending.asking.get();
        let item = |address: String| {
            let why = match sheet.kind(&address) {
                Some(RecipientKind::Unfit(why)) => Some(why),
                _ => None,
            };
            view! { <li>{address} <span class="why">{(texts.no_certificate)(why)}</span></li> }
        };
        addresses.into_iter().map(item).collect_view()
    };
    let title = move || (texts.caution_title)(sending.asking.with(Vec::len));
    let cancel = move || {
        sending.asking.try_set(Vec::new());
    };
    let remove = move |_| {
        sheet.remove(&sending.asking.get_untracked());
        sending.asking.set(Vec::new());
    };
    view! {
        <dialog class="dialog" role="alertdialog" node_ref=node aria-labelledby="caution" aria-describedby="caution-means"
            on:close=move |_| cancel()>
            <div class="inner caution">
                <h2 id="caution">{title}</h2>
                <ul>{addresses}</ul>
                <p id="caution-means">
                    {texts.caution_means}
                    {sheet.repeats_sealed().then(|| view! { " " <strong>{texts.caution_repeats}</strong> })}
                </p>
                <label>
                    <input type="checkbox" prop:checked=move || agreed.get()
                        on:change=move |event| agreed.set(event_target_checked(&event)) />
                    <span>{texts.caution_confirm}</span>
                </label>
                <div class="choices">
                    <button type="button" class="button" autofocus on:click=move |_| cancel()>{texts.cancel}</button>
                    <button type="button" class="button" on:click=remove>{texts.caution_remove}</button>
                    <button type="button" class="button danger" disabled=move || !agreed.get()
                        on:click=move |_| sending.send_clear()>{texts.send_clear}</button>
                </div>
            </div>
        </dialog>
    }
}
