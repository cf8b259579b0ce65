//! The relay names other authorities than this browser pinned.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Gate;
use crate::page::desk::Desk;
use crate::page::text::grouped;
use crate::page::texts;
use crate::protocol::{Failure, Request};

/// Shows the new fingerprints and accepts them only when the user says they were compared.
#[component]
pub(crate) fn TrustChanged(fingerprints: Vec<String>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let compared = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let shown =
        fingerprints.iter().map(|print| view! { <li><code>{grouped(print)}</code></li> }).collect_view();
    let accept = move |_| {
        let request = Request::AcceptTrust { fingerprints: fingerprints.clone() };
        spawn_local(async move {
            failure.try_set(desk.enter(request).await);
        });
    };
    view! {
        <Gate title=texts.trust_title.to_owned() lead=texts.trust_lead leave=true>
            <section class="way" aria-labelledby="prints">
                <h2 id="prints">{texts.trust_prints}</h2>
                <ul class="prints">{shown}</ul>
                <label class="check">
                    <input type="checkbox" on:change=move |event| compared.set(event_target_checked(&event)) />
                    <span>{texts.trust_confirm}</span>
                </label>
                <p class="complaint" role="alert">{move || failure.get().map(|failure| (texts.failure)(&failure))}</p>
                <button type="button" class="button danger" disabled=move || !compared.get() on:click=accept>
                    {texts.trust_accept}
                </button>
            </section>
        </Gate>
    }
}
