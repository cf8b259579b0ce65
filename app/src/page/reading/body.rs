//! The text of a message, in a frame without scripts or network.

use leptos::html;
use leptos::prelude::*;

use crate::page::texts;
use crate::protocol::Body;
use crate::web::{dom, frame};

/// How mail looks where its sender did not say otherwise.
const STYLE: &str = include_str!("body.css");

/// The sheet with the text.
#[component]
pub(super) fn Sheet(body: Body) -> impl IntoView {
    let texts = texts();
    let coloured = names_colours(&body.html);
    // In a frame the reader's preference is the page's theme, whenever that changes.
    let style = format!("{STYLE}:root {{ color-scheme: light{}; }}", if coloured { "" } else { " dark" });
    let node = NodeRef::<html::Iframe>::new();
    let cut = body.cut.then(|| view! { <p class="hint">{texts.text_cut}</p> });
    let removed = body.remote_removed.then(|| view! { <p class="hint">{texts.remote_removed}</p> });
    if body.text.trim().is_empty() && !body.html.contains("<img") {
        return view! { <div class="sheet"><p class="nothing">{texts.no_text}</p></div> }.into_any();
    }
    let show = move |_| {
        let Some(node) = node.get_untracked() else { return };
        if frame::show(&node, &body.html).is_ok() {
            dom::dress(&node, &style);
            dom::fit(&node);
        }
    };
    view! {
        {cut}
        <div class="sheet" class:light=coloured>
            <iframe node_ref=node title=texts.body_frame src="/frame.html"
                sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox" on:load=show></iframe>
        </div>
        {removed}
    }
    .into_any()
}

/// Whether mail has colours of its own. Those were chosen for white paper, so it is given that.
fn names_colours(html: &str) -> bool {
    let html = html.to_ascii_lowercase();
    ["color", "background", "<img"].iter().any(|word| html.contains(word))
}

#[cfg(test)]
mod tests {
    use super::names_colours;

    #[test]
    fn only_mail_without_colours_follows_the_theme() {
        assert!(!names_colours("<p>Hello <b>you</b></p>"));
        assert!(names_colours("<p style=\"COLOR: red\">Hello</p>"));
        assert!(names_colours("<table bgcolor=\"#fff\"></table>"));
    }
}
