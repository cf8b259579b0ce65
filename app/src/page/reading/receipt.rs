//! Receipts (RFC 2634 section 2): the question whether to send one, those that came, and one that is open.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::place::{Folder, MailPlace};
use crate::page::seal::{Look, Seal};
use crate::page::text::{self, Texts, isolated};
use crate::page::texts;
use crate::page::writing::quote::with_address;
use crate::protocol::{Address, EmailId, Given, Message, Proof, Receipt, Reply, Request, Role, Status};
use crate::web::dom;

/// What a letter has to do with receipts, in the page's own frame.
#[component]
pub(super) fn Receipts<'a>(message: &'a Message) -> impl IntoView + use<> {
    let texts = texts();
    match &message.receipt {
        Receipt::Wanted { to, given } => {
            view! { <Question email=message.id.clone() to=to.clone() given=*given /> }.into_any()
        }
        Receipt::Asked { .. } if message.draft => ().into_any(),
        Receipt::Asked { given, more } => {
            let mut said: Vec<_> = given.iter().map(|one| opened_by(one, given, texts)).collect();
            said.extend((*more > 0).then(|| (texts.receipt_more)(*more)));
            let said = match said.as_slice() {
                [] => texts.receipt_none_yet.to_owned(),
                said => said.join(texts.list_comma),
            };
            view! { <p class="strip"><Icon glyph=Glyph::Receipt class="small" /><span>{said}</span></p> }
                .into_any()
        }
        Receipt::None | Receipt::For(_) => ().into_any(),
    }
}

/// By whom and when; with the address where another of `all` bears the same name.
fn opened_by(given: &Given, all: &[Given], texts: &Texts) -> String {
    let is_shared = all.iter().filter(|one| one.who == given.who).count() > 1;
    let (name, email) = (Some(given.who.clone()), given.email.clone());
    let who = if is_shared { with_address(&Address { name, email }) } else { given.who.clone() };
    let time = |time| text::full_time(texts, dom::local_time(time));
    (texts.receipt_opened)(&isolated(&who), given.at.map(time).as_deref(), given.stamped)
}

/// Asks the reader, who is free to decide; once.
#[component]
fn Question(email: EmailId, to: Vec<String>, given: Option<bool>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let (given, busy) = (RwSignal::new(given), RwSignal::new(false));
    let to = to.join(texts.list_comma);
    let answer = move |give: bool| {
        let email = email.clone();
        busy.set(true);
        spawn_local(async move {
            match desk.call(Request::Receipt { email, give }).await {
                Ok(Reply::Receipt { given: one }) => {
                    given.try_set(Some(one));
                }
                Ok(_) => {}
                Err(failure) => desk.notices.fail(&failure),
            }
            busy.try_set(false);
        });
    };
    let answer = StoredValue::new_local(answer);
    let said = move || match given.get() {
        None => (texts.receipt_wanted)(&to),
        Some(true) => texts.receipt_given.to_owned(),
        Some(false) => texts.receipt_refused.to_owned(),
    };
    let press = move |give: bool| answer.with_value(|answer| answer(give));
    view! {
        <div class="strip">
            <Icon glyph=Glyph::Receipt class="small" />
            <span role="status">{said}</span>
            <Show when=move || given.get().is_none()>
                <span class="choices">
                    <button type="button" class="button" disabled=move || busy.get() on:click=move |_| press(true)>{texts.receipt_give}</button>
                    <button type="button" class="button quiet" disabled=move || busy.get() on:click=move |_| press(false)>{texts.receipt_refuse}</button>
                </span>
            </Show>
        </div>
    }
}

/// What a receipt that is open proves, in place of a text.
#[component]
pub(super) fn ProofOf(proof: Proof) -> impl IntoView {
    let texts = texts();
    let (look, said, letter) = match proof {
        Proof::Opened { email, subject, given } => {
            (Status::Confidential, opened_by(&given, &[], texts), Some((email, subject)))
        }
        Proof::UnknownLetter => (Status::EncryptedUnverified, texts.receipt_unknown.to_owned(), None),
        Proof::NotWhatWasSent => (Status::Unprotected, texts.receipt_other.to_owned(), None),
        Proof::NotSigned(problem) => {
            (Status::Unprotected, (texts.receipt_unsigned)((texts.signer_problem)(&problem)), None)
        }
    };
    let letter = letter.map(|(email, subject)| {
        let href = MailPlace::folder(Folder::Role(Role::Sent)).with_email(Some(email)).href();
        let subject = if subject.trim().is_empty() { texts.no_subject.to_owned() } else { subject };
        view! { <p>{texts.receipt_letter} ": " <a href=href><bdi>{subject}</bdi></a></p> }
    });
    view! {
        <section class="explain proof">
            <Seal look=Look::Of(look) />
            <div><h2>{said}</h2>{letter}</div>
        </section>
    }
}
