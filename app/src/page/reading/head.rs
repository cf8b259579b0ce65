//! Subject, people and time of an open message.

use leptos::prelude::*;

use super::more::more;
use crate::page::text::{self, Texts, isolated};
use crate::page::texts;
use crate::page::writing::letter::display_name;
use crate::page::writing::quote::with_address;
use crate::protocol::{Address, Message, Proof, Receipt, Says, Status};
use crate::web::dom;

/// More authors than this have no line each, and are shown when asked for.
const AUTHORS: usize = 20;

/// The head of a letter.
#[component]
pub(super) fn Head<'a>(message: &'a Message) -> impl IntoView + use<> {
    let texts = texts();
    let subject = match &message.receipt {
        Receipt::For(Proof::Opened { subject, .. }) => (texts.receipt_for)(subject),
        Receipt::For(_) => (texts.receipt_for)(""),
        _ if message.subject.trim().is_empty() => texts.no_subject.to_owned(),
        _ => message.subject.clone(),
    };
    let name = |author: &Address| proven_name(message, author).unwrap_or_else(|| display_name(author));
    let first = message.from.first().map_or_else(|| texts.no_sender.to_owned(), name);
    let mark = monogram(&first);
    let authors = match message.from.as_slice() {
        [] => view! { <p class="from"><b>{first}</b></p> }.into_any(),
        authors => {
            let (shown, others) = authors.split_at(authors.len().min(AUTHORS));
            let count = others.len();
            let others = others.iter().map(with_address).collect::<Vec<_>>().join(texts.list_comma);
            let others = more(count, move || view! { <bdi>{others.clone()}</bdi> });
            let others = others.map(|others| view! { <p class="from">{others}</p> });
            view! {
                {shown.iter().map(|author| by(message, author, texts)).collect_view()}
                {others}
            }
            .into_any()
        }
    };
    let unclear = (message.from.len() > 1 && !is_signed(message))
        .then(|| view! { <p class="claimed" role="note">{texts.several_authors}</p> });
    let written = dom::local_time(message.date.unwrap_or(message.received));
    let when = text::day_and_time(texts, written, dom::local_time(dom::now()));
    let claimed = message.claimed_from.iter().map(with_address).collect::<Vec<_>>().join(texts.list_comma);
    let claimed = (!claimed.is_empty())
        .then(|| view! { <p class="claimed" role="note">{(texts.claimed_from)(&isolated(&claimed))}</p> });
    let domain = message.domain.as_ref().map(|domain| {
        let class = if domain.says == Says::Denied { "claimed" } else { "domain" };
        view! { <p class=class role="note">{(texts.domain)(&isolated(&domain.name), domain.says)}</p> }
    });
    let line = |label: &'static str, addresses: &[Address]| {
        let people = addresses.iter().map(with_address).collect::<Vec<_>>().join(texts.list_comma);
        (!people.is_empty()).then(|| view! { <p class="to">{label} ": " <bdi>{people}</bdi></p> })
    };
    view! {
        <header class="letter-head">
            <h1 id="letter" tabindex="-1"><bdi>{subject}</bdi></h1>
            {unclear}
            <div class="people">
                <span class="monogram" aria-hidden="true">{mark}</span>
                {authors}
                <time class="when" title=text::full_time(texts, written)>{when}</time>
                {line(texts.on_behalf_of, &message.on_behalf_of)}
                {line(texts.to, &message.to)}
                {line(texts.cc, &message.cc)}
                {line(texts.bcc, &message.bcc)}
            </div>
            {claimed} {domain}
        </header>
    }
}

/// One author: the name, the address, and beside a seal also the name that the sender gave, if it is another.
fn by(message: &Message, author: &Address, texts: &'static Texts) -> impl IntoView + use<> {
    let given = display_name(author);
    let proven = proven_name(message, author);
    // A seal beside a name stands for the name in the certificate alone.
    let apart = proven.as_ref().is_some_and(|proven| given != author.email && !same_name(&given, proven));
    let name = proven.unwrap_or_else(|| given.clone());
    let address = (author.email != name).then(|| author.email.clone());
    let given =
        apart.then(|| view! { " " <span class="address"><bdi>{given}</bdi> " " {texts.name_given}</span> });
    view! { <p class="from"><b><bdi>{name}</bdi></b> " " <span class="address">{address}</span> {given}</p> }
}

fn is_signed(message: &Message) -> bool {
    matches!(message.status, Status::Verified | Status::Confidential)
}

/// What the certificate of a signed message calls the author; the address where it has no name.
fn proven_name(message: &Message, author: &Address) -> Option<String> {
    if !is_signed(message) {
        return None;
    }
    let mut signers = message.signers.iter().filter(|signer| signer.problem.is_none());
    let signer = signers.find(|signer| signer.emails.iter().any(|it| it.eq_ignore_ascii_case(&author.email)));
    let name = signer.and_then(|signer| signer.name.clone()).filter(|name| !name.trim().is_empty());
    Some(name.unwrap_or_else(|| author.email.clone()))
}

fn same_name(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

/// The first character of a name, for a mark beside it, where it stands as a capital.
pub(crate) fn monogram(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{monogram, proven_name, same_name};
    use crate::page::writing::quote::tests::message;
    use crate::protocol::{Address, Signer, SignerProblem, Status};

    #[test]
    fn beside_a_seal_stands_the_name_in_the_certificate() {
        let mut message = message();
        let author = Address { name: Some("Tax Office".into()), email: "Mallory@x.example".into() };
        let signer = Signer {
            name: Some("Mallory".into()),
            emails: vec!["mallory@x.example".into()],
            subject: "CN=Mallory".into(),
            issuer: String::new(),
            fingerprint: String::new(),
            key: None,
            revocation_known: true,
            validity: None,
            problem: None,
            signed_at: None,
            timestamp: None,
        };
        (message.status, message.signers) = (Status::Confidential, vec![signer]);
        assert_eq!(proven_name(&message, &author).as_deref(), Some("Mallory"));
        message.signers[0].problem = Some(SignerProblem::BadSignature);
        assert_eq!(proven_name(&message, &author).as_deref(), Some("Mallory@x.example"));
        message.status = Status::EncryptedUnverified;
        assert_eq!(proven_name(&message, &author), None);
        assert!(same_name("Alice  Lin", " Alice Lin") && !same_name("Alice Lin", "Alice Lim"));
    }

    #[test]
    fn monograms_skip_quotes_and_know_chinese() {
        for (name, mark) in [("\"alice\"", "a"), ("林爱", "林"), ("élan", "é"), ("…", "")] {
            assert_eq!(monogram(name), mark);
        }
    }
}
