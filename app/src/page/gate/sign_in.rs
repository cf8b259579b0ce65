//! Signing in.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Gate;
use crate::page::desk::Desk;
use crate::page::texts;
use crate::protocol::{Failure, Request, Secret};

/// Asks for address and password.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let (username, password) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    Effect::new(move || {
        if let Some(input) = username.get() {
            // It fails only where the input is gone again.
            let _ = input.focus();
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(name), Some(input)) = (username.get(), password.get()) else { return };
        if busy.get() || name.value().trim().is_empty() {
            return;
        }
        let request = Request::SignIn {
            username: name.value().trim().to_owned(),
            password: Secret::new(input.value()),
        };
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let refused = desk.enter(request).await;
            if refused == Some(Failure::WrongPassword) {
                input.set_value("");
                let _ = input.focus();
            }
            failure.try_set(refused);
            busy.try_set(false);
        });
    };
    view! {
        <Gate title=texts.sign_in_title.to_owned() lead=texts.sign_in_lead>
            <form on:submit=submit>
                <div class="field">
                    <label for="username">{texts.username}</label>
                    <input node_ref=username id="username" class="input" type="email" name="username"
                        autocomplete="username" autocapitalize="none" spellcheck="false" required />
                </div>
                <div class="field">
                    <label for="password">{texts.password}</label>
                    <input node_ref=password id="password" class="input" type="password" name="password"
                        autocomplete="current-password" required />
                </div>
                <p class="complaint" role="alert">{move || failure.get().map(|failure| (texts.failure)(&failure))}</p>
                <button type="submit" class="button primary" aria-disabled=move || busy.get().to_string()>
                    {move || if busy.get() { texts.signing_in } else { texts.sign_in }}
                </button>
            </form>
        </Gate>
    }
}
