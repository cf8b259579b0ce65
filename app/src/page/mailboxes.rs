//! The mailboxes with their unread counts, and the account.

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::place::{Folder, MailPlace, Writing};
use crate::page::seal::{Look, Seal};
use crate::page::text::Texts;
use crate::page::texts;
use crate::page::way::Way;
use crate::protocol::{Mailbox, MailboxId, Role};

/// The name of a mailbox in the reader's language.
pub(crate) fn mailbox_name(mailbox: &Mailbox, texts: &Texts) -> String {
    mailbox.role.map_or_else(|| mailbox.name.clone(), |role| (texts.role)(role).to_owned())
}

/// The side of the page.
#[component]
pub(crate) fn Mailboxes() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let way = expect_context::<Way>();
    let texts = texts();
    let ids = Memo::new(move |_| {
        desk.mail.with(|mail| mail.mailboxes().iter().map(|mailbox| mailbox.id.clone()).collect::<Vec<_>>())
    });
    view! {
        <header class="side">
            <a class="brand" href="/mail/inbox" lang=texts.language.tag() aria-label=texts.brand>
                <Seal look=Look::Brand />
                <span class="word">{texts.brand} <small>{texts.brand_small}</small></span>
            </a>
            <button type="button" class="button primary" aria-label=texts.new_message
                on:click=move |_| way.write(Writing::New)>
                <Icon glyph=Glyph::Brush />
                <span class="label">{texts.new_message}</span>
            </button>
            <nav class="mailboxes" aria-label=texts.mailboxes>
                <For each=move || ids.get() key=Clone::clone let:id>
                    <Entry id />
                </For>
            </nav>
            <Owner />
        </header>
    }
}

#[component]
fn Entry(id: MailboxId) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let way = expect_context::<Way>();
    let texts = texts();
    let mailbox = Memo::new(move |_| {
        desk.mail.with(|mail| mail.mailboxes().iter().find(|mailbox| mailbox.id == id).cloned())
    });
    let current = Memo::new(move |_| {
        let place = way.mail();
        place.is_some_and(|place| {
            mailbox.with(|mailbox| mailbox.as_ref().is_some_and(|it| place.folder.is(it)))
        })
    });
    move || {
        let mailbox = mailbox.get()?;
        let href = MailPlace::folder(Folder::of(&mailbox)).href();
        let name = mailbox_name(&mailbox, texts);
        // Of drafts it matters how many there are; of what was sent or thrown away, nothing.
        let (count, plain) = match mailbox.role {
            Some(Role::Drafts) => (mailbox.total, true),
            Some(Role::Sent | Role::Trash | Role::Junk) => (0, true),
            _ => (mailbox.unread, mailbox.role != Some(Role::Inbox)),
        };
        let said = if mailbox.role == Some(Role::Drafts) {
            (texts.message_count)(count)
        } else {
            (texts.unread)(count)
        };
        let badge = (count > 0).then(|| {
            view! {
                <span class="unread" class:plain=plain aria-hidden="true">{count}</span>
                <span class="only-read-aloud">", " {said}</span>
            }
        });
        Some(view! {
            <a class="mailbox" href=href title=name.clone() aria-current=move || current.get().then_some("page")
                on:click=move |_| way.search(String::new())>
                <Icon glyph=glyph(mailbox.role) />
                <span class="name">{name.clone()}</span>
                {badge}
            </a>
        })
    }
}

fn glyph(role: Option<Role>) -> Glyph {
    match role {
        Some(Role::Inbox) => Glyph::Inbox,
        Some(Role::Drafts) => Glyph::Drafts,
        Some(Role::Sent) => Glyph::Sent,
        Some(Role::Archive) => Glyph::Archive,
        Some(Role::Junk) => Glyph::Junk,
        Some(Role::Trash) => Glyph::Trash,
        None => Glyph::Folder,
    }
}

#[component]
fn Owner() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    desk.account().map(|account| {
        view! {
            <div class="account">
                <div class="who">
                    <b>{account.name}</b>
                    <span>{account.address}</span>
                </div>
                <a class="icon-button" href="/settings" aria-label=texts.settings title=texts.settings>
                    <Icon glyph=Glyph::Settings />
                </a>
                <button type="button" class="icon-button sign-out" aria-label=texts.sign_out title=texts.sign_out
                    on:click=move |_| desk.sign_out()>
                    <Icon glyph=Glyph::Leave />
                </button>
            </div>
        }
    })
}
