//! What reading and laying out a markup costs. A parser repeats open formatting elements in every paragraph and looks
//! through everything open at many tags, so that a small markup can take it minutes and gigabytes.

use super::plain::unescape;
use super::runs::Runs;
use super::tokens::{Token, Tokens};

/// Shorter markup is cheap whatever it holds.
const SMALL: usize = 2048;
/// Tags and stretches of text.
const MAX_PIECES: usize = 20_000;
const MAX_DEPTH: usize = 400;
/// A parser compares each attribute of a tag with the others.
const MAX_ATTRIBUTES: usize = 200;
/// Formatting elements that a parser may have to make anew, over all tags.
const MAX_REPEATED: usize = 200_000;

/// The sum of the squares of the runs of each paragraph, and of what joins in each word (fivefold): about a tenth of a
/// second.
const MAX_LAYOUT: usize = 100_000_000;
/// Runs in all: what ends a paragraph by its name need not by its style.
const MAX_RUNS: usize = 25_000;

/// Elements that go on in the next paragraph if they are not closed (WHATWG HTML 13.2.4.3).
const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Elements that end a paragraph.
const BLOCKS: [&str; 20] = [
    "address",
    "blockquote",
    "caption",
    "center",
    "dd",
    "div",
    "dt",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "p",
    "pre",
    "table",
    "td",
    "th",
];
/// End tags of other elements do not reach out of these.
const SCOPES: [&str; 13] = [
    "applet",
    "button",
    "caption",
    "marquee",
    "math",
    "object",
    "select",
    "svg",
    "table",
    "td",
    "template",
    "th",
    "foreignobject",
];
/// Parts of tables end inside every one of these but a table.
const CELLS: [&str; 8] = ["caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"];
/// Such an element ends the one of its kind before it.
const SELF_ENDING: [&str; 8] = ["dd", "dt", "li", "option", "p", "td", "th", "tr"];

/// Whether a parser might take unreasonably long; when in doubt, it might.
pub(super) fn is_costly(html: &str) -> bool {
    if html.len() <= SMALL {
        return false;
    }
    let mut parser = Parser::default();
    Tokens::new(html).any(|token| !parser.takes(token))
}

/// Never thinks less open than a parser has open.
#[derive(Default)]
struct Parser<'a> {
    open: Vec<&'a str>,
    formatting: usize,
    pieces: usize,
    repeated: usize,
    runs: Runs,
    all_runs: usize,
    layout: usize,
}

impl<'a> Parser<'a> {
    fn takes(&mut self, token: Token<'a>) -> bool {
        match token {
            Token::Text(text) => unescape(text).chars().for_each(|c| self.lay_out(c)),
            Token::Open { attributes, clear, .. } if attributes > MAX_ATTRIBUTES || !clear => return false,
            Token::Open { name, .. } => self.begin(name),
            Token::Close(name) => self.end(name),
            Token::Unclear => return false,
        }
        self.pieces += 1;
        self.repeated += self.formatting;
        self.pieces <= MAX_PIECES
            && self.open.len() <= MAX_DEPTH
            && self.repeated <= MAX_REPEATED
            && self.all_runs + self.runs.count <= MAX_RUNS
            && self.layout.saturating_add(self.runs.cost()) <= MAX_LAYOUT
    }

    fn lay_out(&mut self, c: char) {
        if c.is_whitespace() {
            self.layout = self.layout.saturating_add(self.runs.end_word());
        }
        // A reference that is not resolved here may be any character.
        self.runs.takes(if c == '&' { '\u{200f}' } else { c });
    }

    fn begin(&mut self, name: &'a str) {
        self.end_paragraph(name);
        if is(name, &VOID) {
            return;
        }
        if is(name, &SELF_ENDING) && self.open.last().is_some_and(|last| last.eq_ignore_ascii_case(name)) {
            self.open.pop();
        }
        if is(name, &FORMATTING) {
            self.formatting += 1;
        }
        self.open.push(name);
    }

    fn end_paragraph(&mut self, name: &str) {
        if is(name, &BLOCKS) {
            let runs = std::mem::take(&mut self.runs);
            self.all_runs += runs.count;
            self.layout = self.layout.saturating_add(runs.cost());
        }
    }

    fn end(&mut self, name: &str) {
        self.end_paragraph(name);
        if is(name, &FORMATTING) {
            // Closed across others, it comes back.
            if self.open.last().is_some_and(|last| last.eq_ignore_ascii_case(name)) {
                self.open.pop();
                self.formatting = self.formatting.saturating_sub(1);
            }
            return;
        }
        let cell = is(name, &CELLS);
        for (at, open) in self.open.iter().enumerate().rev() {
            if open.eq_ignore_ascii_case(name) {
                self.open.truncate(at);
                return;
            }
            if is(open, &SCOPES) && !(cell && is(open, &CELLS) && !open.eq_ignore_ascii_case("table")) {
                return;
            }
        }
    }
}

fn is(name: &str, list: &[&str]) -> bool {
    list.iter().any(|one| name.eq_ignore_ascii_case(one))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::is_costly;

    fn repeat(count: usize, piece: impl Fn(usize) -> String) -> String {
        (0..count).map(piece).collect()
    }

    #[test]
    fn markup_that_a_parser_multiplies_is_costly() {
        let fonts = repeat(2000, |at| format!("<b x={at:x}>"));
        for hostile in [
            format!("<p>{fonts}{}", "<p>x".repeat(4000)),
            // None of these end tags takes the element out of the parser's list.
            format!("<p>{}{}", repeat(2000, |at| format!("<b x={at}><p></b>")), "<p>x".repeat(4000)),
            repeat(2000, |at| format!("<b x={at}><table></b>")) + &"<p>x".repeat(4000),
            repeat(2000, |at| format!("<b x={at} y='</b>'><!-- </b> -->")) + &"<p>x".repeat(4000),
            format!("<svg><style>{fonts}</style>{}", "<p>x".repeat(4000)),
            "<div>".repeat(50_000),
            "<div><table></div>".repeat(5_000),
            format!("<b{}>", " a".repeat(100_000)),
            format!("<b{}", repeat(5_000, |at| format!("/x{at}"))),
            format!("<table>{}", "<br>".repeat(100_000)),
            "a\u{5d0}".repeat(10_000),
            "<b>a</b>&#x5d0;".repeat(6_000),
            format!("{}</div>", "a\u{5d0}".repeat(200)).repeat(200),
            format!("a{}", "\u{301}".repeat(6_000)),
            "\u{1f44d}\u{1f3fb}".repeat(6_000),
            format!("<p>{}</p> ", "\u{e01}\u{e49}".repeat(600)).repeat(20),
        ] {
            let start: String = hostile.chars().take(60).collect();
            assert!(is_costly(&hostile), "{start}");
        }
    }

    #[test]
    fn letters_as_programs_write_them_are_not_costly() {
        let mut letter =
            String::from("<html><head><style><!-- p { margin: 0 } --></style></head><body><table>");
        for row in 0..700 {
            let _ = write!(
                letter,
                "<tr><td align=\"left\"><p><font size=2><b>{row}</b> <a href=\"https://x.example/?a=1&b=2\">\
                 go<br></a></font><p><i>then</i><ul><li>a<li>b</ul></td></tr>"
            );
        }
        letter.push_str("</table></body></html>");
        assert!(!is_costly(&letter));
        let arabic = format!("<p>{}</p>\n", "\u{627}\u{644}\u{633}\u{644}\u{627}\u{645} hello ".repeat(100));
        let japanese = format!("<p>{}</p>\n", "日本語とEnglishの手紙です。".repeat(20));
        let thai = format!("<p>{}</p>\n", "\u{e2a}\u{e27}\u{e31}\u{e2a}\u{e14}\u{e35}".repeat(20));
        for paragraph in [arabic, japanese, thai] {
            assert!(!is_costly(&paragraph.repeat(120)), "{paragraph}");
        }
    }
}
