//! Between plain text and markup.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::runs::Runs;
use super::tokens::{Token, Tokens};

/// Deeper quotes are shown at this depth.
const MAX_QUOTES: usize = 6;
/// More quotes and links than this stand as text.
const MAX_ELEMENTS: usize = 4_000;
/// A block of lines ends after so many octets: a browser lays out each by itself.
const BLOCK: usize = 2_000;
/// Of a text longer than this, a browser lays out the blocks that are looked at.
const SHORT: usize = 16 * 1024;
/// About the octets of a line, from which the height of a block is guessed before it is laid out.
const LINE: usize = 80;
/// A line ends within a paragraph that has more runs, or a word in which more joins: no text of people does.
const MAX_RUNS: usize = 1_000;
const MAX_JOINED: usize = 500;

/// Plain text as markup: quotes as quotes, addresses as links, all else as it stands.
pub fn html_from_text(text: &str) -> String {
    let mut markup = Markup { is_long: text.len() > SHORT, ..Markup::default() };
    markup.html.push_str("<div style=\"white-space: pre-wrap\">");
    for line in text.lines() {
        let (level, rest) = if markup.elements < MAX_ELEMENTS { quoted(line) } else { (0, line) };
        markup.quote(level);
        for (at, piece) in pieces(rest).enumerate() {
            if at > 0 {
                markup.end_block();
            }
            markup.line(piece);
        }
    }
    markup.quote(0);
    markup.end_block();
    markup.html.push_str("</div>");
    markup.html
}

#[derive(Default)]
struct Markup {
    html: String,
    is_long: bool,
    depth: usize,
    elements: usize,
    /// The lines of the block that is not written yet, how long and how many they are.
    block: String,
    octets: usize,
    lines: usize,
}

impl Markup {
    fn quote(&mut self, level: usize) {
        if level == self.depth {
            return;
        }
        self.end_block();
        self.elements += level.abs_diff(self.depth);
        for _ in self.depth..level {
            self.html.push_str("<blockquote>");
        }
        for _ in level..self.depth {
            self.html.push_str("</blockquote>");
        }
        self.depth = level;
    }

    fn line(&mut self, line: &str) {
        push_linked(&mut self.block, line, &mut self.elements);
        self.block.push('\n');
        self.octets += line.len() + 1;
        self.lines += 1 + line.len() / LINE;
        if self.octets >= BLOCK {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        if self.octets == 0 {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        if self.is_long {
            let _ =
                write!(self.html, "<div class=\"lines\" style=\"contain-intrinsic-height: auto {lines}lh\">");
        } else {
            self.html.push_str("<div>");
        }
        self.html.push_str(&std::mem::take(&mut self.block));
        self.html.push_str("</div>");
        self.octets = 0;
    }
}

/// A text to be written on, with line ends wherever [`html_from_text`] begins a block within a line.
pub fn broken(text: &str) -> String {
    text.lines().flat_map(pieces).collect::<Vec<_>>().join("\n")
}

/// A line, cut up only where laying it out as one would stop the reader.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let mut runs = Runs::default();
        let end = line.char_indices().find(|(_, c)| {
            if c.is_whitespace() {
                runs.end_word();
            }
            runs.takes(*c);
            runs.count > MAX_RUNS || runs.joined > MAX_JOINED
        });
        let (piece, after) = line.split_at(end.map_or(line.len(), |(at, _)| at));
        rest = (!after.is_empty()).then_some(after);
        Some(piece)
    })
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

fn push_linked(html: &mut String, line: &str, elements: &mut usize) {
    let mut rest = line;
    // Each place is looked at once, however many schemes the line names.
    while *elements < MAX_ELEMENTS
        && let Some(start) = rest.match_indices("http").map(|(at, _)| at).find(|at| {
            rest.get(at + 4..).is_some_and(|after| after.starts_with("://") || after.starts_with("s://"))
        })
    {
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
        *elements += 1;
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

/// Elements that stand on lines of their own.
const LINES: [&str; 14] =
    ["address", "blockquote", "br", "div", "dt", "h1", "h2", "h3", "h4", "hr", "li", "p", "table", "tr"];
/// Elements that hold no words of the letter.
const WORDLESS: [&str; 14] = [
    "iframe",
    "math",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "xmp",
];

/// The words of a markup, for previews and for quoting, in one pass: markup from outside is parsed only
/// where it is shown.
pub fn text_from_html(html: &str) -> String {
    let is = |name: &str, list: &[&str]| list.iter().any(|one| name.eq_ignore_ascii_case(one));
    let mut text = String::new();
    let mut tokens = Tokens::new(html);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(words) => push_words(&mut text, words),
            Token::Open { name, .. } if is(name, &WORDLESS) => {
                tokens.skip_to_end_of(name);
            }
            Token::Open { name, .. } if name.eq_ignore_ascii_case("br") => push_line(&mut text, 2),
            Token::Open { name, .. } if is(name, &LINES) => push_line(&mut text, 1),
            Token::Close(name) if is(name, &LINES) => push_line(&mut text, 1),
            Token::Open { name, .. } if is(name, &["td", "th"]) => push_words(&mut text, " "),
            Token::Open { .. } | Token::Close(_) | Token::Unclear => {}
        }
    }
    text.trim().to_owned()
}

/// Ends a line, unless that would leave more than so many line ends in a row.
fn push_line(text: &mut String, most: usize) {
    text.truncate(text.trim_end_matches(' ').len());
    let there = text.bytes().rev().take(most).take_while(|byte| *byte == b'\n').count();
    if there < most && !text.is_empty() {
        text.push('\n');
    }
}

/// Adds text without the white space that markup does not show.
fn push_words(text: &mut String, escaped: &str) {
    let plain = unescape(escaped);
    if plain.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace) && !text.is_empty() {
        text.push(' ');
    }
    let mut words = plain.split_whitespace().peekable();
    let any = words.peek().is_some();
    while let Some(word) = words.next() {
        text.push_str(word);
        if words.peek().is_some() {
            text.push(' ');
        }
    }
    if any && plain.ends_with(char::is_whitespace) {
        text.push(' ');
    }
}

/// The longest character reference that is looked for.
const MAX_REFERENCE: usize = 10;

/// Resolves the character references that letters are written with; others stay as they are.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('&') {
        plain.push_str(before);
        let end = from.bytes().take(MAX_REFERENCE).position(|byte| byte == b';');
        let reference = end.and_then(|end| from.split_at_checked(end));
        let resolved = reference.and_then(|(name, after)| Some((character(name)?, after.get(1..)?)));
        let (character, after) = resolved.unwrap_or(('&', from));
        plain.push(character);
        rest = after;
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() || c.is_whitespace());
    }
    let named = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("ensp", '\u{2002}'),
        ("emsp", '\u{2003}'),
        ("shy", '\u{ad}'),
        ("ndash", '–'),
        ("mdash", '—'),
        ("lsquo", '‘'),
        ("rsquo", '’'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("laquo", '«'),
        ("raquo", '»'),
        ("hellip", '…'),
        ("bull", '•'),
        ("middot", '·'),
        ("copy", '©'),
        ("reg", '®'),
        ("trade", '™'),
        ("deg", '°'),
        ("times", '×'),
        ("euro", '€'),
        ("yen", '¥'),
    ];
    named.iter().find(|(known, _)| *known == name).map(|(_, character)| *character)
}

#[cfg(test)]
mod tests {
    use super::{MAX_RUNS, broken, html_from_text, text_from_html};

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
        assert_eq!(
            html,
            "<div style=\"white-space: pre-wrap\"><div>a\n</div><blockquote><div>b\n</div><blockquote><div>c\n\
             </div></blockquote></blockquote><div>d\n</div></div>"
        );
    }

    #[test]
    fn a_long_text_is_laid_out_block_by_block_and_loses_nothing() {
        let text = "A line of a letter.\n\n".repeat(5_000);
        let html = html_from_text(&text);
        let start = "<div class=\"lines\" style=\"contain-intrinsic-height: auto ";
        assert!(html.matches(start).count() > 40);
        let words: String = html.split('<').filter_map(|piece| Some(piece.split_once('>')?.1)).collect();
        assert_eq!(words, text);
    }

    #[test]
    fn no_text_makes_a_paragraph_that_stops_the_reader_or_markup_many_times_as_long() {
        for (hostile, blocks) in [
            ("a\u{5d0}".repeat(20_000), 40),
            (format!("a{}", "\u{301}".repeat(40_000)), 80),
            ("\u{1f44d}\u{1f3fb}".repeat(40_000), 80),
        ] {
            assert!(html_from_text(&hostile).matches("</div>").count() >= blocks, "{}", hostile.len());
        }
        assert_eq!(
            html_from_text(&"word ".repeat(20_000)).matches("</div>").count(),
            2,
            "no need to cut this"
        );
        for hostile in [">>>>>>a\nb\n", "http://a "] {
            let text = hostile.repeat(200_000);
            assert!(html_from_text(&text).len() < text.len() * 3 + 1_000_000, "{hostile}");
        }
    }

    #[test]
    fn a_text_to_be_written_on_has_no_line_that_stops_its_writer_and_loses_nothing() {
        let hostile = "a\u{5d0}".repeat(20_000);
        let text = broken(&format!("Dear Bob,\r\n\r\n{hostile}\r\nEnd"));
        assert!(text.lines().all(|line| line.chars().count() <= 2 * MAX_RUNS));
        assert_eq!(text.replace('\n', ""), format!("Dear Bob,{hostile}End"));
        let plain = format!("{}\n\n> old", "word ".repeat(20_000));
        assert_eq!(broken(&plain), plain);
    }

    #[test]
    fn markup_gives_its_words() {
        let text =
            text_from_html("<style>x{}</style><p>Hello  <b>World</b> &amp; all</p><p>Second<br>line</p>");
        assert_eq!(text, "Hello World & all\nSecond\nline");
        let text =
            text_from_html("a<p>b<p>c&#x4f60;&unknown;&hellip; 1 < 2<br><br>d<script>x</script ><td>e");
        assert_eq!(text, "a\nb\nc你&unknown;… 1 < 2\n\nd e");
    }

    #[test]
    fn words_are_found_in_one_pass_whatever_the_markup() {
        let fonts: String = (0..2000).map(|at| format!("<b x={at:x}>")).collect();
        let hostile = format!("<p>{fonts}{}", "<p>x".repeat(4000));
        // Parsed as HTML this makes eight million elements.
        assert_eq!(text_from_html(&hostile).lines().count(), 4000);
        for hostile in ["<style>", "<a x=\"<a y='", "<!--", "</", "&", "<svg></svg", "<a<a"] {
            text_from_html(&hostile.repeat(200_000));
        }
    }
}
