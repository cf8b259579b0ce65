//! The message that is open.

mod actions;
mod attachments;
mod bar;
mod body;
mod details;
mod head;
mod label;
mod receipt;
mod status;

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::list::Listing;
use crate::page::mail::Change;
use crate::page::seal::{Look, Seal};
use crate::page::texts;
use crate::protocol::{EmailId, Failure, Message, Receipt, Reply, Request, Summary};
use crate::web::dom;

pub(crate) use actions::Filing;
pub(crate) use head::monogram;

/// Nothing is open.
#[component]
pub(crate) fn Nothing() -> impl IntoView {
    let texts = texts();
    view! {
        <div class="empty">
            <Seal look=Look::Pale />
            <p class="lead">{texts.choose_message}</p>
            <p>{texts.shortcuts_hint}</p>
        </div>
    }
}

/// Opens a message and shows it.
#[component]
pub(crate) fn Reading(email: EmailId) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let listing = expect_context::<Listing>();
    let opened = desk.read(Request::Open { email: email.clone() });
    let texts = texts();
    // What the list knows of the subject is shown while the seal is being opened.
    let expected = desk.mail.with_untracked(|mail| {
        mail.row(&email).and_then(|row| match &row.summary {
            Summary::Known { subject, .. } => Some(subject.clone()),
            _ => None,
        })
    });
    let bar_for = email.clone();
    view! {
        <div class="reading">
            <bar::Bar email=bar_for opened />
            {move || match opened.get() {
                None => view! { <Waiting title=expected.clone() /> }.into_any(),
                Some(Ok(Reply::Message(message))) => {
                    mark_seen(desk, listing, &message);
                    view! { <Letter message=*message /> }.into_any()
                }
                Some(Ok(_)) => view! { <Closed failure=Failure::EngineLost /> }.into_any(),
                Some(Err(failure)) => view! { <Closed failure /> }.into_any(),
            }}
            <p class="only-read-aloud" role="status">{move || opened.with(Option::is_none).then_some(texts.opening)}</p>
        </div>
    }
}

#[component]
fn Letter(message: Message) -> impl IntoView {
    // Where the list gives way to the letter, the focus goes along.
    if dom::matches_media("(max-width: 46rem)") {
        request_animation_frame(|| {
            dom::focus("#letter");
        });
    }
    let message = &message;
    view! {
            <status::Protection message />
            <label::Marking label=message.label.clone() />
            <receipt::Receipts message />
            // Without anything to focus in it, the keyboard could not scroll it.
            <div class="scroll" tabindex="0">
                <article class="letter" aria-labelledby="letter">
                    <head::Head message />
                    {match &message.receipt {
                        Receipt::For(proof) => view! { <receipt::ProofOf proof=proof.clone() /> }.into_any(),
                        _ => view! { <body::Sheet body=message.body.clone() /> }.into_any(),
                    }}
                    <attachments::Attachments message />
                </article>
            </div>
    }
}

#[component]
fn Waiting(title: Option<String>) -> impl IntoView {
    let title = match title {
        Some(title) => view! { <h1 class="letter-title"><bdi>{title}</bdi></h1> }.into_any(),
        None => view! { <i></i> }.into_any(),
    };
    view! {
        <div class="scroll" aria-busy="true">
            <div class="letter loading">{title}<i></i><i></i></div>
        </div>
    }
}

/// A message that cannot be opened: why, and what to do.
#[component]
fn Closed(failure: Failure) -> impl IntoView {
    let texts = texts();
    view! {
        <div class="scroll">
            <div class="letter">
                <section class="explain" role="alert">
                    <h2>{texts.cannot_open_title}</h2>
                    <p>{(texts.failure)(&failure)}</p>
                </section>
            </div>
        </div>
    }
}

fn mark_seen(desk: Desk, listing: Listing, message: &Message) {
    let seen = desk.mail.with_untracked(|mail| mail.row(&message.id).map_or(message.seen, |row| row.seen));
    if !seen {
        desk.change(Change::Seen { emails: vec![message.id.clone()], seen: true });
    } else if let Some(mailbox) = listing.mailbox.get_untracked() {
        // Opening taught the engine the subject of a row that had been closed.
        let sealed = desk
            .mail
            .with_untracked(|mail| mail.row(&message.id).is_some_and(|row| row.summary == Summary::Sealed));
        if sealed {
            desk.mail.update(|mail| {
                mail.apply(Change::Stale(vec![mailbox]));
            });
        }
    }
}
