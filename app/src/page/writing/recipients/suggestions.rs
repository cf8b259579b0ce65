//! What the directory offers for what is typed.

use leptos::prelude::*;

use super::Typing;
use crate::page::reading::monogram;
use crate::page::texts;
use crate::protocol::Completion;

/// The offers, below the line.
#[component]
pub(super) fn Suggestions(id: &'static str, typing: Typing) -> impl IntoView {
    let texts = texts();
    let offers = move || {
        let offers = typing.offered.get().into_iter().enumerate();
        offers.map(|(index, completion)| view! { <Offer id index completion typing /> }).collect_view()
    };
    view! {
        <ul class="suggestions" role="listbox" id=format!("{id}-offers") aria-label=texts.suggestions
            hidden=move || typing.offered.with(Vec::is_empty)>
            {offers}
        </ul>
    }
}

#[component]
fn Offer(id: &'static str, index: usize, completion: Completion, typing: Typing) -> impl IntoView {
    let texts = texts();
    let open = (!completion.sealable).then(|| view! { <span class="hint">{texts.suggestion_open}</span> });
    let below = match &completion.organisation {
        Some(organisation) if !organisation.is_empty() => format!("{} · {organisation}", completion.address),
        _ => completion.address.clone(),
    };
    let (mark, name) = (monogram(&completion.name), completion.name.clone());
    // Before the input loses the focus, which would take over what was typed.
    let pick = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        typing.pick(&completion);
    };
    view! {
        <li role="option" id=format!("{id}-offer-{index}") aria-selected=move || (typing.marked.get() == index).to_string()
            on:mousedown=pick>
            <span class="monogram" aria-hidden="true">{mark}</span>
            <span class="who"><b>{name}</b><span>{below}</span></span>
            {open}
        </li>
    }
}
