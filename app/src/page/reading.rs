//! The message that is open.

mod actions;
mod attachments;
mod bar;
mod body;
mod details;
mod head;
mod label;
mod more;
mod receipt;
mod status;

use std::sync::Arc;

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::later;
use crate::page::list::Listing;
use crate::page::mail::{Change, Mail};
use crate::page::seal::{Look, Seal};
use crate::page::texts;
use crate::protocol::{EmailId, Failure, MailboxId, Message, Receipt, Reply, Request, Summary};
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
    let opened = desk.read(Request::Open { email: email.clone(), whole: false });
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
                    let (email, seen) = (message.id.clone(), message.seen);
                    let mailbox = listing.mailbox.get_untracked();
                    // Also where it is left before that.
                    later::surely(4, move || mark_seen(desk, mailbox, email, seen));
                    view! { <Letter message=Arc::new(*message) /> }.into_any()
                }
                Some(Ok(_)) => view! { <Closed failure=Failure::EngineLost /> }.into_any(),
                Some(Err(failure)) => view! { <Closed failure /> }.into_any(),
            }}
            <p class="only-read-aloud" role="status">{move || opened.with(Option::is_none).then_some(texts.opening)}</p>
        </div>
    }
}

/// The letter, from the top down: each part in a task of its own.
#[component]
fn Letter(message: Arc<Message>) -> impl IntoView {
    // Where the list gives way to the letter, the focus goes along.
    if dom::matches_media("(max-width: 46rem)") {
        request_animation_frame(|| {
            dom::focus("#letter");
        });
    }
    let (sheet, enclosed) = (Arc::clone(&message), Arc::clone(&message));
    let sheet = move || match &sheet.receipt {
        Receipt::For(proof) => view! { <receipt::ProofOf proof=proof.clone() /> }.into_any(),
        _ => view! { <body::Sheet body=sheet.body.clone() /> }.into_any(),
    };
    let attachments = move || view! { <attachments::Attachments message=&*enclosed /> };
    let message = &message;
    view! {
            <status::Protection message=Arc::clone(message) />
            <label::Marking label=message.label.clone() />
            <receipt::Receipts message />
            // Without anything to focus in it, the keyboard could not scroll it.
            <div class="scroll" tabindex="0">
                <article class="letter" aria-labelledby="letter">
                    <head::Head message />
                    {later::draw(1, sheet)}
                    {later::draw(2, attachments)}
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

fn mark_seen(desk: Desk, mailbox: Option<MailboxId>, email: EmailId, seen: bool) {
    let row = |mail: &Mail| mail.row(&email).map(|row| (row.seen, row.summary == Summary::Sealed));
    let (seen, sealed) = desk.mail.with_untracked(row).unwrap_or((seen, false));
    if !seen {
        desk.change(Change::Seen { emails: vec![email], seen: true });
    } else if let Some(mailbox) = mailbox.filter(|_| sealed) {
        // Opening taught the engine the subject of a row that had been closed.
        desk.mail.update(|mail| {
            mail.apply(Change::Stale(vec![mailbox]));
        });
    }
}
