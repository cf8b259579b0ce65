//! The markup of mail: nothing that runs, and nothing from the network, gets through.
#![no_main]

use fuzz::bounded;
use fuzz::html::{Picture, sanitise, text_from_html};
use libfuzzer_sys::fuzz_target;

/// Elements that a document may run or fetch something by.
const NEVER: [&str; 24] = [
    "<script",
    "<style",
    "<iframe",
    "<frame",
    "<object",
    "<embed",
    "<svg",
    "<math",
    "<form",
    "<input",
    "<button",
    "<meta",
    "<link",
    "<base",
    "<template",
    "<noscript",
    "<video",
    "<audio",
    "<source",
    "<applet",
    "<textarea",
    "<select",
    "<!--",
    "<title",
];

/// The attributes of all tags; text has no `<`, and values have no `"` or `<`, that is not escaped.
fn attributes(html: &str) -> impl Iterator<Item = (&str, &str)> {
    let tags = html.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag));
    tags.flat_map(|tag| {
        let mut rest = tag;
        std::iter::from_fn(move || {
            let (before, after) = rest.split_once("=\"")?;
            let (value, after) = after.split_once('"')?;
            rest = after;
            Some((before.rsplit(' ').next().unwrap_or_default(), value))
        })
    })
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let pictures = [Picture { content_id: "c@x", media_type: "image/png", data: &[1, 2, 3] }];
    let _ = bounded(data, 200, 1 << 20, || text_from_html(&text).len());
    let Some(shown) = bounded(data, 2000, 4 << 20, || sanitise(&text, &pictures)) else { return };
    let lower = shown.html.to_ascii_lowercase();
    for never in NEVER {
        assert!(!lower.contains(never), "{never} got through: {}", shown.html);
    }
    for (name, value) in attributes(&lower) {
        assert!(!name.starts_with("on"), "{name} got through: {}", shown.html);
        let remote = match name {
            "src" => !value.starts_with("data:image/png;base64,"),
            "href" => {
                !["http:", "https:", "mailto:"].iter().any(|scheme| value.trim_start().starts_with(scheme))
            }
            "style" => ["url(", "@import", "expression(", "\\"].iter().any(|word| value.contains(word)),
            _ => value.contains("javascript:") && name != "alt" && name != "title",
        };
        assert!(!remote, "{name}={value:?} got through: {}", shown.html);
    }
    // Seen once more, it is as harmless.
    if let Some(again) = sanitise(&shown.html, &[]) {
        assert!(!again.html.to_ascii_lowercase().contains("<script"));
    }
});
