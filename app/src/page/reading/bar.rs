//! The buttons over an open message.

use leptos::prelude::*;

use super::actions::Filing;
use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::mail::Change;
use crate::page::place::{Folder, Writing};
use crate::page::texts;
use crate::page::way::Way;
use crate::protocol::{EmailId, Failure, Reply, Role, Row};

type Opened = RwSignal<Option<Result<Reply, Failure>>>;

/// Answering on the left, filing on the right.
#[component]
pub(super) fn Bar(email: EmailId, opened: Opened) -> impl IntoView {
    let way = expect_context::<Way>();
    let filing = Filing::here();
    let texts = texts();
    let readable = move || opened.with(|opened| matches!(opened, Some(Ok(Reply::Message(_)))));
    let answer = move |writing, glyph, name: &'static str| {
        view! {
            <button type="button" class="button quiet answer" disabled=move || !readable() title=name
                on:click=move |_| way.write(writing)>
                <Icon glyph />
                <span>{name}</span>
            </button>
        }
    };
    view! {
        <div class="bar" role="toolbar" aria-label=texts.message_actions>
            <button type="button" class="icon-button only-narrow" aria-label=texts.back title=texts.back
                on:click=move |_| filing.leave()>
                <Icon glyph=Glyph::Back />
            </button>
            {answer(Writing::Reply, Glyph::Reply, texts.reply)}
            {answer(Writing::ReplyAll, Glyph::ReplyAll, texts.reply_all)}
            {answer(Writing::Forward, Glyph::Forward, texts.forward)}
            <span class="push"></span>
            <Marks email=email.clone() opened />
            <Places email />
        </div>
    }
}

#[component]
fn Marks(email: EmailId, opened: Opened) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let filing = Filing::here();
    let texts = texts();
    let flagged = {
        let email = email.clone();
        Memo::new(move |_| {
            let known = desk.mail.with(|mail| mail.row(&email).map(|row: &std::sync::Arc<Row>| row.flagged));
            known.unwrap_or_else(|| {
                opened.with(|opened| matches!(opened, Some(Ok(Reply::Message(it))) if it.flagged))
            })
        })
    };
    let flag = {
        let emails = vec![email.clone()];
        move |_| {
            desk.change(Change::Flagged { emails: emails.clone(), flagged: !flagged.get_untracked() });
        }
    };
    let unread = move |_| filing.mark_unread(&email);
    let flag_name = move || if flagged.get() { texts.unflag } else { texts.flag };
    view! {
        <button type="button" class="icon-button" class:chosen=move || flagged.get() aria-label=flag_name
            title=flag_name on:click=flag>
            <Icon glyph=Glyph::Flag />
        </button>
        <button type="button" class="icon-button" aria-label=texts.as_unread title=texts.as_unread on:click=unread>
            <Icon glyph=Glyph::Unread />
        </button>
    }
}

#[component]
fn Places(email: EmailId) -> impl IntoView {
    let way = expect_context::<Way>();
    let filing = Filing::here();
    let texts = texts();
    let role = move || match way.mail().map(|place| place.folder) {
        Some(Folder::Role(role)) => Some(role),
        _ => None,
    };
    let email = StoredValue::new(email);
    let button = move |to: Role, glyph, name: &'static str| {
        view! {
            <button type="button" class="icon-button" aria-label=name title=name
                on:click=move |_| email.with_value(|email| filing.move_to(email, to))>
                <Icon glyph />
            </button>
        }
    };
    move || {
        match role() {
        Some(Role::Trash | Role::Junk) => {
            view! { {button(Role::Inbox, Glyph::Inbox, texts.to_inbox)} <Destroy email /> }.into_any()
        }
        Some(Role::Archive) => {
            view! { {button(Role::Inbox, Glyph::Inbox, texts.to_inbox)} {button(Role::Trash, Glyph::Trash, texts.trash)} }
                .into_any()
        }
        Some(Role::Sent | Role::Drafts) => button(Role::Trash, Glyph::Trash, texts.trash).into_any(),
        _ => {
            view! { {button(Role::Archive, Glyph::Archive, texts.archive)} {button(Role::Trash, Glyph::Trash, texts.trash)} }
                .into_any()
        }
    }
    }
}

/// Deleting for good asks once more, in its own place.
#[component]
fn Destroy(email: StoredValue<EmailId>) -> impl IntoView {
    let filing = Filing::here();
    let texts = texts();
    let asked = RwSignal::new(false);
    move || {
        if asked.get() {
            view! {
                <span class="sure" role="alert">{texts.destroy_confirm}</span>
                <button type="button" class="button danger"
                    on:click=move |_| email.with_value(|email| filing.destroy(email))>
                    {texts.destroy}
                </button>
                <button type="button" class="button quiet" on:click=move |_| asked.set(false)>{texts.cancel}</button>
            }
            .into_any()
        } else {
            view! {
                <button type="button" class="icon-button" aria-label=texts.destroy title=texts.destroy
                    on:click=move |_| asked.set(true)>
                    <Icon glyph=Glyph::Trash />
                </button>
            }
            .into_any()
        }
    }
}
