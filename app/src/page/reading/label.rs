//! The security label of a letter (RFC 2634 section 3), beside its status and never hidden.

use leptos::prelude::*;

use crate::page::icon::{Glyph, Icon};
use crate::page::texts;
use crate::protocol::Label;

/// What the label says; nothing where there is none.
#[component]
pub(super) fn Marking(label: Label) -> impl IntoView {
    let texts = texts();
    let (policy, classification, mark, categories) = match label {
        Label::None => return ().into_any(),
        Label::Unreadable => return warning(texts.label_unreadable),
        Label::Conflict => return warning(texts.label_conflict),
        Label::Marked { policy, classification, privacy_mark, categories } => {
            (policy, classification, privacy_mark, categories)
        }
    };
    let class = classification.map(|class| view! { <b class="class">{(texts.classification)(class)}</b> });
    let mark = mark.map(|mark| view! { <span class="mark"><bdi>{mark}</bdi></span> });
    let categories = (!categories.is_empty())
        .then(|| view! { <span class="policy">{(texts.label_categories)(&categories.join(texts.list_comma))}</span> });
    view! {
        <p class="strip label">
            <span class="only-read-aloud">{texts.label} ": "</span>
            {class} {mark} <span class="policy">{(texts.label_policy)(&policy)}</span> {categories}
        </p>
    }
    .into_any()
}

fn warning(text: &'static str) -> AnyView {
    view! { <p class="strip label doubtful"><Icon glyph=Glyph::Warning class="small" /> <span>{text}</span></p> }
        .into_any()
}
