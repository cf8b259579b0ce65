//! A browser without the keys: bring them here, or start afresh.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Gate;
use crate::page::desk::Desk;
use crate::page::texts;
use crate::protocol::{Account, Failure, Request, Secret};

/// Asks for the recovery code, and tells what starting afresh means.
#[component]
pub(crate) fn KeysElsewhere(account: Account) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let code = NodeRef::<html::Input>::new();
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let ask = move |request: Request| {
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let refused = desk.enter(request).await;
            failure.try_set(refused);
            busy.try_set(false);
        });
    };
    let recover = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = code.get() else { return };
        if !busy.get() && !input.value().trim().is_empty() {
            ask(Request::Recover { code: Secret::new(input.value()) });
        }
    };
    view! {
        <Gate title=texts.elsewhere_title.to_owned() lead=texts.elsewhere_lead leave=true>
            <form on:submit=recover>
                <div class="field">
                    <label for="code">{texts.recovery_code}</label>
                    <input node_ref=code id="code" class="input code" type="text" autocomplete="off"
                        autocapitalize="characters" spellcheck="false" aria-describedby="code-hint" required />
                    <span class="hint" id="code-hint">{texts.recovery_hint}</span>
                </div>
                <p class="complaint" role="alert">{move || failure.get().map(|failure| (texts.failure)(&failure))}</p>
                <button type="submit" class="button primary" disabled=move || busy.get()>{texts.recover}</button>
            </form>
            <Afresh busy on_confirm=move || ask(Request::StartAfresh) />
            <p class="hint">{account.address}</p>
        </Gate>
    }
}

#[component]
fn Afresh(busy: RwSignal<bool>, on_confirm: impl Fn() + 'static) -> impl IntoView {
    let texts = texts();
    let understood = RwSignal::new(false);
    let means = texts.afresh_means.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    view! {
        <section class="way">
            <h2>{texts.afresh_title}</h2>
            <ul>{means}</ul>
            <label class="check">
                <input type="checkbox" on:change=move |event| understood.set(event_target_checked(&event)) />
                <span>{texts.afresh_confirm}</span>
            </label>
            <button type="button" class="button" disabled=move || busy.get() || !understood.get()
                on:click=move |_| on_confirm()>{texts.afresh}</button>
        </section>
    }
}
