//! Writing a letter.

pub(crate) mod answer;
mod caution;
mod editor;
mod enclosures;
mod keeper;
pub(crate) mod letter;
pub(crate) mod quote;
mod recipients;
mod sending;
mod sheet;
mod typed;

use leptos::prelude::*;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::place::Writing;
use crate::page::text;
use crate::page::texts;
use crate::page::way::Way;
use crate::protocol::{EmailId, Message, Reply, Request};
use crate::web::dom;

use answer::Omitted;
use editor::Editor;
pub(crate) use keeper::resume;
use letter::Letter;

/// Writes a new letter, or one that begins from the message that is open.
#[component]
pub(crate) fn Composer(writing: Writing, email: Option<EmailId>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let title = texts.writing_title(writing);
    let (Some(email), false) = (email, writing == Writing::New) else {
        return view! { <Editor title letter=Letter::default() kept=None answer=false omitted=Omitted::default() /> }.into_any();
    };
    let whole = matches!(writing, Writing::Draft | Writing::Forward);
    let opened = desk.read(Request::Open { email: email.clone(), whole });
    let from = move || match opened.get() {
        None => view! { <div class="letter loading"><i></i><i></i><i></i></div> }.into_any(),
        // What somebody else sealed to the reader is never taken up as the reader's own words.
        Some(Ok(Reply::Message(message))) if writing == Writing::Draft && !message.draft => {
            view! { <Missing reason=texts.not_found_title.to_owned() /> }.into_any()
        }
        Some(Ok(Reply::Message(message))) => {
            let kept = (writing == Writing::Draft).then(|| email.clone());
            let letter = begin(desk, writing, &message);
            let answer = matches!(writing, Writing::Reply | Writing::ReplyAll);
            let omitted = omitted(desk, writing, &message);
            view! { <Editor title letter kept answer omitted /> }.into_any()
        }
        Some(Ok(_)) => view! { <Missing reason=texts.not_found_title.to_owned() /> }.into_any(),
        Some(Err(failure)) => view! { <Missing reason=(texts.failure)(&failure) /> }.into_any(),
    };
    from.into_any()
}

fn begin(desk: Desk, writing: Writing, message: &Message) -> Letter {
    let texts = texts();
    let when = text::full_time(texts, dom::local_time(message.date.unwrap_or(message.received)));
    match (writing, desk.account()) {
        (Writing::Draft, _) => Letter::draft(message),
        (Writing::Forward, _) => Letter::forward(message, texts, &when),
        (Writing::Reply | Writing::ReplyAll, Some(me)) => {
            Letter::reply(message, &me, writing == Writing::ReplyAll, texts, &when)
        }
        _ => Letter::default(),
    }
}

fn omitted(desk: Desk, writing: Writing, message: &Message) -> Omitted {
    match (writing, desk.account()) {
        (Writing::Reply | Writing::ReplyAll, Some(me)) => {
            Omitted::new(message, &me, writing == Writing::ReplyAll)
        }
        _ => Omitted::default(),
    }
}

/// The message to begin from cannot be opened.
#[component]
fn Missing(reason: String) -> impl IntoView {
    let way = expect_context::<Way>();
    let texts = texts();
    let close = move |_| {
        if let Some(place) = way.mail_untracked() {
            way.go(&place.with_email(None));
        }
    };
    view! {
        <div class="letter">
            <section class="explain" role="alert">
                <h2>{texts.cannot_open_title}</h2>
                <p>{reason}</p>
                <button type="button" class="button own" on:click=close><Icon glyph=Glyph::Back />{texts.back}</button>
            </section>
        </div>
    }
}
