//! Between plain text and markup.

use std::collections::HashSet;

use ammonia::Builder;

/// Deeper quotes are shown at this depth.
const MAX_QUOTES: usize = 6;

/// Plain text as markup: quotes as quotes, addresses as links, all else as it stands.
pub fn html_from_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    let mut depth = 0;
    html.push_str("<div style=\"white-space: pre-wrap\">");
    for line in text.lines() {
        let (level, rest) = quoted(line);
        for _ in depth..level {
            html.push_str("<blockquote>");
        }
        for _ in level..depth {
            html.push_str("</blockquote>");
        }
        depth = level;
        push_linked(&mut html, rest);
        html.push('\n');
    }
    for _ in 0..depth {
        html.push_str("</blockquote>");
    }
    html.push_str("</div>");
    html
}

/// How deep a line is quoted, and the line without its marks.
fn quoted(line: &str) -> (usize, &str) {
    let mut rest = line;
    let mut level = 0;
    while level < MAX_QUOTES
        && let Some(after) = rest.strip_prefix('>')
    {
        level += 1;
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    (level, rest)
}

fn push_linked(html: &mut String, line: &str) {
    let mut rest = line;
    while let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| c.is_whitespace() || "<>\"'，。；：！？）】」』".contains(c));
        let (address, _) = from.split_at(end.unwrap_or(from.len()));
        // Punctuation at its end belongs to the sentence.
        let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        push_escaped(html, before);
        html.push_str("<a href=\"");
        push_escaped(html, address);
        html.push_str("\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">");
        push_escaped(html, address);
        html.push_str("</a>");
        rest = from.get(address.len()..).unwrap_or_default();
    }
    push_escaped(html, rest);
}

fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

/// The words of a markup, for previews and for quoting.
pub fn text_from_html(html: &str) -> String {
    let breaks = HashSet::from(["br", "p", "div", "li", "tr", "h1", "h2", "h3", "blockquote"]);
    let dropped = HashSet::from(["script", "style", "title", "template", "svg", "math"]);
    let flat = Builder::empty().tags(breaks).clean_content_tags(dropped).clean(html).to_string();
    let mut text = String::with_capacity(flat.len());
    let mut rest = flat.as_str();
    while let Some((before, from)) = rest.split_once('<') {
        push_words(&mut text, before);
        let (tag, after) = from.split_once('>').unwrap_or((from, ""));
        if (tag == "br" || tag.starts_with('/')) && !text.ends_with("\n\n") {
            text.push('\n');
        }
        rest = after;
    }
    push_words(&mut text, rest);
    text.trim().to_owned()
}

/// Adds text without the white space that markup does not show.
fn push_words(text: &mut String, escaped: &str) {
    let plain = unescape(escaped);
    if plain.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace) && !text.is_empty() {
        text.push(' ');
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    text.push_str(&words.join(" "));
    if plain.ends_with(char::is_whitespace) && !words.is_empty() {
        text.push(' ');
    }
}

/// The serialiser of the sanitiser writes these entities and no others.
fn unescape(text: &str) -> String {
    text.replace("&nbsp;", "\u{a0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{html_from_text, text_from_html};

    #[test]
    fn text_cannot_become_markup() {
        let html = html_from_text("<img src=x onerror=alert(1)> & \"quotes\" http://x\"onclick=alert(1)");
        assert!(!html.contains("<img"));
        assert!(html.contains("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quotes&quot;"));
        assert!(html.contains("href=\"http://x\""));
    }

    #[test]
    fn addresses_become_links_without_the_sentence_around_them() {
        let html = html_from_text("见 https://example.org/a?b=1&c=2。再见 (http://x.example).");
        assert!(html.contains("<a href=\"https://example.org/a?b=1&amp;c=2\""));
        assert!(html.contains("</a>。再见 ("));
        assert!(html.contains(">http://x.example</a>)."));
    }

    #[test]
    fn quotes_are_nested_as_deep_as_they_were() {
        let html = html_from_text("a\n> b\n>> c\nd");
        assert!(html.contains("a\n<blockquote>b\n<blockquote>c\n</blockquote></blockquote>d"));
    }

    #[test]
    fn markup_gives_its_words() {
        let text =
            text_from_html("<style>x{}</style><p>Hello  <b>World</b> &amp; all</p><p>Second<br>line</p>");
        assert_eq!(text, "Hello World & all\nSecond\nline");
    }
}
