//! Settings and help.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::keys::SHORTCUTS;
use crate::page::prefs::{Prefs, Theme};
use crate::page::shell::Frame;
use crate::page::text::Language;
use crate::page::texts;
use crate::protocol::{Reply, Request, Secret};
use crate::web::dom;

/// The settings.
#[component]
pub(crate) fn Settings() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let frame = expect_context::<Frame>();
    let prefs = expect_context::<Prefs>();
    let texts = texts();
    let languages = [Language::English, Language::Chinese].map(|language| {
        let chosen = move || (prefs.language() == language).to_string();
        view! {
            <button type="button" lang=language.tag() aria-pressed=chosen on:click=move |_| prefs.set_language(language)>
                {language.name()}
            </button>
        }
    });
    let themes = [
        (Theme::System, texts.theme_system),
        (Theme::Light, texts.theme_light),
        (Theme::Dark, texts.theme_dark),
    ];
    let themes = themes.map(|(theme, name)| {
        let chosen = move || (prefs.theme() == theme).to_string();
        view! {
            <button type="button" aria-pressed=chosen on:click=move |_| prefs.set_theme(theme)>{name}</button>
        }
    });
    view! {
        <div class="settings">
            <header class="bar">
                <a class="icon-button only-narrow" href="/mail/inbox" aria-label=texts.back><Icon glyph=Glyph::Back /></a>
                <h1>{texts.settings}</h1>
            </header>
            <div class="column">
                <section aria-labelledby="account-title">
                    <h2 id="account-title">{texts.account}</h2>
                    {desk.account().map(|account| view! { <p>{account.name} " · " {account.address}</p> })}
                    <button type="button" class="button own" on:click=move |_| desk.sign_out()>
                        <Icon glyph=Glyph::Leave />
                        {texts.sign_out}
                    </button>
                </section>
                <section aria-labelledby="language-title">
                    <h2 id="language-title">{texts.language_title}</h2>
                    <div class="segments" role="group" aria-labelledby="language-title">{languages}</div>
                </section>
                <section aria-labelledby="theme-title">
                    <h2 id="theme-title">{texts.theme_title}</h2>
                    <div class="segments" role="group" aria-labelledby="theme-title">{themes}</div>
                </section>
                <Recovery />
                <section aria-labelledby="shortcuts-title">
                    <h2 id="shortcuts-title">{texts.shortcuts}</h2>
                    <button type="button" class="button own" on:click=move |_| frame.help.set(true)>{texts.shortcuts} " (?)"</button>
                </section>
            </div>
        </div>
    }
}

#[component]
fn Recovery() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    // The code lives with this screen and goes with it.
    let code = RwSignal::new(None::<Secret>);
    let busy = RwSignal::new(false);
    let make = move |_| {
        busy.set(true);
        spawn_local(async move {
            match desk.call(Request::RecoveryCode).await {
                Ok(Reply::RecoveryCode(made)) => {
                    code.try_set(Some(made));
                }
                Ok(_) => {}
                Err(failure) => desk.notices.fail(&failure),
            }
            busy.try_set(false);
        });
    };
    let shown = move || {
        code.get().map(|made| {
            let copied = made.clone();
            let copy = move |_| {
                dom::copy(copied.expose());
                desk.notices.say(texts.copied);
            };
            view! {
                <div class="recovery-code" role="status">
                    <output aria-label=texts.recovery_code>{made.expose().to_owned()}</output>
                    <p>{texts.recovery_keep}</p>
                    <div class="choices">
                        <button type="button" class="button" on:click=copy>{texts.copy}</button>
                    </div>
                </div>
            }
        })
    };
    view! {
        <section aria-labelledby="recovery-title">
            <h2 id="recovery-title">{texts.recovery_title}</h2>
            <p>{texts.recovery_lead}</p>
            {shown}
            <button type="button" class="button own" disabled=move || busy.get() on:click=make>{texts.recovery_make}</button>
        </section>
    }
}

/// The keyboard shortcuts, over everything.
#[component]
pub(crate) fn Help(open: RwSignal<bool>) -> impl IntoView {
    let texts = texts();
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = node.get() else { return };
        if open.get() && !dialog.open() {
            // It fails only where the dialog is open already.
            let _ = dialog.show_modal();
        } else if !open.get() {
            dialog.close();
        }
    });
    let rows = SHORTCUTS.iter().zip(texts.shortcut_names).map(|((key, _), name)| {
        view! { <dt><kbd>{*key}</kbd></dt><dd>{name}</dd> }
    });
    view! {
        <dialog class="dialog" node_ref=node aria-labelledby="help" on:close=move |_| open.set(false)>
            <div class="inner">
                <header class="bar">
                    <h2 class="push" id="help">{texts.shortcuts}</h2>
                    <button type="button" class="icon-button" aria-label=texts.close on:click=move |_| open.set(false)>
                        <Icon glyph=Glyph::Close />
                    </button>
                </header>
                <dl>{rows.collect_view()}</dl>
            </div>
        </dialog>
    }
}
