//! The rooms before the mailbox.

mod elsewhere;
mod enrol;
mod sign_in;
mod trust;

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::prefs::Prefs;
use crate::page::seal::{Look, Seal};
use crate::page::text::Language;
use crate::page::texts;
use crate::protocol::Failure;
use crate::web::dom;

pub(crate) use elsewhere::KeysElsewhere;
pub(crate) use enrol::Enrol;
pub(crate) use sign_in::SignIn;
pub(crate) use trust::TrustChanged;

/// The frame of these rooms: a sheet, and the choice of language below it.
#[component]
fn Gate(
    title: String,
    lead: &'static str,
    #[prop(optional)] leave: bool,
    children: Children,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    dom::set_title(&(texts.tab_title)(0, &title));
    let sign_out = leave.then(|| {
        view! {
            <button type="button" class="link-button" on:click=move |_| desk.sign_out()>{texts.sign_out}</button>
        }
    });
    view! {
        <div class="gate" class:wide=leave lang=texts.language.tag()>
            <main>
                <div class="head">
                    <Seal look=Look::Brand />
                    <h1 tabindex="-1">{title}</h1>
                    <p class="lead">{lead}</p>
                </div>
                {children()}
            </main>
            <footer>
                <span>{texts.brand} " · " {texts.brand_small}</span>
                <OtherLanguage />
                {sign_out}
            </footer>
        </div>
    }
}

#[component]
fn OtherLanguage() -> impl IntoView {
    let prefs = expect_context::<Prefs>();
    let other = match texts().language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    };
    view! {
        <button type="button" class="link-button" lang=other.tag() on:click=move |_| prefs.set_language(other)>
            {other.name()}
        </button>
    }
}

/// While the engine starts.
#[component]
pub(crate) fn Starting() -> impl IntoView {
    let texts = texts();
    dom::set_title(&(texts.tab_title)(0, texts.starting));
    view! {
        <div class="gate starting">
            <main role="status" aria-busy="true">
                <Seal look=Look::Brand />
                <p class="lead">{texts.starting}</p>
            </main>
        </div>
    }
}

/// When the engine did not come up.
#[component]
pub(crate) fn Lost(failure: Failure) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    // A lost engine needs a new page; anything else may have passed.
    let reload = matches!(failure, Failure::EngineLost | Failure::StorageNewer);
    let again = move |_| if reload { dom::reload() } else { desk.restart() };
    view! {
        <Gate title=texts.brand.to_owned() lead="">
            <p class="complaint" role="alert">{(texts.failure)(&failure)}</p>
            <button type="button" class="button primary" on:click=again>
                {if reload { texts.reload } else { texts.try_again }}
            </button>
        </Gate>
    }
}
