//! The attachments of an open message.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::more::more;
use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::text;
use crate::page::texts;
use crate::protocol::{Attachment, EmailId, Message, Progress, Reply, Request};

/// More attachments than this are drawn when they are asked for.
const AT_ONCE: usize = 200;
/// Kinds of files that can run something when they are opened.
const RISKY: [&str; 65] = [
    "apk",
    "app",
    "appinstaller",
    "application",
    "bat",
    "chm",
    "cmd",
    "com",
    "command",
    "cpl",
    "deb",
    "desktop",
    "dmg",
    "docm",
    "dotm",
    "exe",
    "hta",
    "htm",
    "html",
    "img",
    "iso",
    "jar",
    "jnlp",
    "js",
    "jse",
    "library-ms",
    "lnk",
    "mht",
    "mhtml",
    "msc",
    "msi",
    "msix",
    "msp",
    "mst",
    "one",
    "pif",
    "pkg",
    "potm",
    "ppam",
    "pptm",
    "ps1",
    "psm1",
    "py",
    "rdp",
    "reg",
    "rpm",
    "scf",
    "scr",
    "search-ms",
    "settingcontent-ms",
    "sh",
    "svg",
    "url",
    "vbe",
    "vbs",
    "vhd",
    "vhdx",
    "wsf",
    "wsh",
    "xhtml",
    "xlam",
    "xll",
    "xlsb",
    "xlsm",
    "xltm",
];

/// All attachments; each is fetched, opened and saved at a click.
#[component]
pub(super) fn Attachments<'a>(message: &'a Message) -> impl IntoView + use<> {
    let texts = texts();
    let risky = message.attachments.iter().any(|attachment| is_risky(&attachment.name));
    let (shown, others) = message.attachments.split_at(message.attachments.len().min(AT_ONCE));
    let (count, others, email) = (others.len(), others.to_vec(), message.id.clone());
    let others = more(count, move || view! { <ul class="attachments">{entries(&email, &others)}</ul> });
    (!shown.is_empty()).then(|| {
        view! {
            <section aria-label=texts.attachments>
                <ul class="attachments">{entries(&message.id, shown)}</ul>
                {others}
                {risky.then(|| view! { <p class="hint">{texts.risky_file}</p> })}
            </section>
        }
    })
}

fn entries(email: &EmailId, attachments: &[Attachment]) -> impl IntoView + use<> {
    let entry = |attachment: &Attachment| {
        view! { <li><Entry email=email.clone() attachment=attachment.clone() /></li> }
    };
    attachments.iter().map(entry).collect_view()
}

#[component]
fn Entry(email: EmailId, attachment: Attachment) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let progress = RwSignal::new(None::<Progress>);
    let busy = RwSignal::new(false);
    let request = Request::Attachment { email, part: attachment.part.clone() };
    let fetch = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let call = desk.client().begin(request.clone()).on_progress(move |at| {
            progress.try_set(Some(at));
        });
        spawn_local(async move {
            match call.answer().await {
                Ok(answer) => {
                    if let (Reply::Attachment { name, .. }, Some(bytes)) =
                        (&answer.reply, answer.bytes.first())
                    {
                        // Where a browser refuses to save, it says so itself.
                        let _ = bytes.save(name);
                    }
                }
                Err(failure) => {
                    desk.note(&failure);
                    desk.notices.fail(&failure);
                }
            }
            busy.try_set(false);
            progress.try_set(None);
        });
    };
    let bar = move || {
        progress.get().filter(|at| at.total > 0).map(|at| {
            view! { <progress max=at.total.to_string() value=at.done.to_string()></progress> }
        })
    };
    view! {
        <button type="button" class="attachment" aria-label=(texts.download)(&attachment.name)
            title=attachment.name.clone() aria-busy=move || busy.get().to_string() on:click=fetch>
            <Icon glyph=Glyph::File />
            <span class="file">
                <b>{attachment.name.clone()}</b>
                <span>{text::size(attachment.size)}</span>
            </span>
            <Icon glyph=Glyph::Download class="small" />
            {bar}
        </button>
    }
}

/// Whether opening a file of this name can run something.
fn is_risky(name: &str) -> bool {
    // A mark that turns the reading direction can make `exe.fdp` look like `.pdf`.
    if name.chars().any(smime::message::is_bidi_control) {
        return true;
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.trim().to_ascii_lowercase());
    extension.is_some_and(|extension| RISKY.contains(&extension.as_str()))
}

#[cfg(test)]
mod tests {
    use super::is_risky;

    #[test]
    fn programs_are_risky_even_in_disguise() {
        for name in
            ["a.exe", "Bill.pdf.JS", "plan\u{202e}fdp.docx", "x.scr ", "Bill.url", "x.Library-MS", "disk.img"]
        {
            assert!(is_risky(name), "{name}");
        }
        for name in ["a.pdf", "exe", "notes.txt", "照片.jpg"] {
            assert!(!is_risky(name), "{name}");
        }
    }
}
