//! Subject, people and time of an open message.

use leptos::prelude::*;

use crate::page::text;
use crate::page::texts;
use crate::page::writing::letter::display_name;
use crate::page::writing::quote::with_address;
use crate::protocol::{Address, Message};
use crate::web::dom;

/// The head of a letter.
#[component]
pub(super) fn Head<'a>(message: &'a Message) -> impl IntoView + use<> {
    let texts = texts();
    let subject =
        if message.subject.trim().is_empty() { texts.no_subject.to_owned() } else { message.subject.clone() };
    let from = message.from.first();
    let name = from.map_or_else(|| texts.no_sender.to_owned(), display_name);
    let address = from.map(|from| from.email.clone()).filter(|address| *address != name);
    let written = dom::local_time(message.date.unwrap_or(message.received));
    let when = text::day_and_time(texts, written, dom::local_time(dom::now()));
    let claimed = message.claimed_from.iter().map(with_address).collect::<Vec<_>>().join(", ");
    let claimed = (!claimed.is_empty())
        .then(|| view! { <p class="claimed" role="note">{(texts.claimed_from)(&claimed)}</p> });
    let line = |label: &'static str, addresses: &[Address]| {
        let people = addresses.iter().map(with_address).collect::<Vec<_>>().join(", ");
        (!people.is_empty()).then(|| view! { <p class="to">{label} ": " {people}</p> })
    };
    view! {
        <header class="letter-head">
            <h1 id="letter" tabindex="-1">{subject}</h1>
            <div class="people">
                <span class="monogram" aria-hidden="true">{monogram(&name)}</span>
                <p class="from"><b>{name}</b> " " <span class="address">{address}</span></p>
                <time class="when" title=text::full_time(texts, written)>{when}</time>
                {line(texts.on_behalf_of, &message.on_behalf_of)}
                {line(texts.to, &message.to)}
                {line(texts.cc, &message.cc)}
                {line(texts.bcc, &message.bcc)}
            </div>
            {claimed}
        </header>
    }
}

/// The first character of a name, for a mark beside it.
pub(crate) fn monogram(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    first.map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::monogram;

    #[test]
    fn monograms_skip_quotes_and_know_chinese() {
        for (name, mark) in [("\"alice\"", "A"), ("林爱", "林"), ("élan", "É"), ("…", "")] {
            assert_eq!(monogram(name), mark);
        }
    }
}
