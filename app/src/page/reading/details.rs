//! How a message is built, for whoever wants to see it: its layers, signers and parts as a tree.

use leptos::prelude::*;

use super::more::more;
use crate::page::text::{self, Texts, grouped};
use crate::page::texts;
use crate::protocol::{Message, Node, NodeKind, Signer};
use crate::web::dom;

/// More parts of one layer than this are drawn when they are asked for.
const AT_ONCE: usize = 200;

/// The technical details, closed at first.
#[component]
pub(super) fn Technical<'a>(message: &'a Message) -> impl IntoView + use<> {
    let texts = texts();
    let tree = branch(&message.tree, &message.signers, texts);
    view! {
        <details class="technical">
            <summary>{texts.technical}</summary>
            <ul class="tree">{tree}</ul>
        </details>
    }
}

fn branch(node: &Node, signers: &[Signer], texts: &'static Texts) -> AnyView {
    let (said, doubtful) = named(node, texts);
    let by = match &node.kind {
        NodeKind::Signed { signers: places, .. } => places.as_slice(),
        _ => &[],
    };
    let by = by.iter().filter_map(|place| signers.get(usize::try_from(*place).ok()?));
    let by = by.map(|signer| facts(signer, texts)).collect_view();
    let inside = (!node.children.is_empty()).then(|| inside(&node.children, signers, texts));
    view! {
        <li>
            <p class:doubtful=doubtful>{said} " " <span class="size">{text::size(node.size)}</span></p>
            {by}
            {inside}
        </li>
    }
    .into_any()
}

fn inside(children: &[Node], signers: &[Signer], texts: &'static Texts) -> impl IntoView + use<> {
    let branches = move |children: &[Node], signers: &[Signer]| {
        let branches = children.iter().map(|child| branch(child, signers, texts)).collect_view();
        view! { <ul>{branches}</ul> }
    };
    let (shown, others) = children.split_at(children.len().min(AT_ONCE));
    let others = (!others.is_empty()).then(|| {
        let (others, signers) = (others.to_vec(), signers.to_vec());
        more(others.len(), move || branches(&others, &signers))
    });
    view! { {branches(shown, signers)} {others} }
}

/// What a layer or part is, and whether it is less than it seems.
fn named(node: &Node, texts: &Texts) -> (String, bool) {
    match &node.kind {
        NodeKind::Encrypted { cipher, weak, recipients } => {
            ((texts.layer_encrypted)(cipher, *recipients, *weak), *weak)
        }
        NodeKind::Signed { detached: true, .. } => (texts.layer_signed_clear.to_owned(), false),
        NodeKind::Signed { detached: false, .. } => (texts.layer_signed_opaque.to_owned(), false),
        NodeKind::Compressed => (texts.layer_compressed.to_owned(), false),
        NodeKind::SealedAtDoor => (texts.layer_door.to_owned(), false),
        NodeKind::Part { media_type, errant: true } => ((texts.layer_errant)(media_type), true),
        NodeKind::Part { media_type, errant: false } => (media_type.clone(), false),
    }
}

/// The signer's certificate and what the signature is worth.
fn facts(signer: &Signer, texts: &'static Texts) -> impl IntoView + use<> {
    let time = |time| text::full_time(texts, dom::local_time(time));
    let outcome = match &signer.problem {
        None => texts.signature_holds.to_owned(),
        Some(problem) => (texts.signer_problem)(problem),
    };
    let shown = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let stamp = signer.timestamp.as_ref().map(|stamp| (texts.stamped)(&time(stamp.time), &stamp.authority));
    let rows = [
        (texts.signature, Some(outcome)),
        (texts.certificate_of, shown(&signer.subject)),
        (texts.certificate_issuer, shown(&signer.issuer)),
        (texts.certificate_key, signer.key.clone()),
        (
            texts.certificate_validity,
            signer.validity.map(|(from, to)| format!("{} – {}", time(from), time(to))),
        ),
        (texts.signed_at, signer.signed_at.map(time)),
        (texts.proven_at, stamp.or_else(|| Some(texts.not_stamped.to_owned()))),
        (texts.fingerprint, shown(&grouped(&signer.fingerprint))),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| {
        value.map(|value| view! { <div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div> })
    });
    view! { <dl>{rows.collect_view()}</dl> }
}
