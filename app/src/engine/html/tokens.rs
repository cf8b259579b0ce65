//! The tags of a markup, found as an HTML parser finds them (WHATWG HTML 13.2.5), in one pass.

/// Elements whose content is text to a parser, except inside SVG or MathML, where it is markup.
const RAW: [&str; 9] =
    ["iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"];

/// A piece of markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text, with its character references.
    Text(&'a str),
    /// A start tag.
    Open {
        /// The element, in any case.
        name: &'a str,
        /// How many attributes it has.
        attributes: usize,
        /// False if its content is text to one parser and markup to another.
        clear: bool,
    },
    /// An end tag.
    Close(&'a str),
    /// What is text or markup depending on what is open.
    Unclear,
}

/// Goes through a markup.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Self { rest: html }
    }

    /// Goes to the end tag of an element, or to the end of the markup, and gives what lies between.
    pub(super) fn skip_to_end_of(&mut self, name: &str) -> &'a str {
        let (content, rest) = end_tag(self.rest, name).unwrap_or((self.rest, ""));
        self.rest = rest;
        content
    }

    fn open(&mut self, inner: &'a str) -> Token<'a> {
        let (name, rest) = cut(inner, |c| is_space(c) || matches!(c, '/' | '>'));
        let (attributes, rest) = attributes(rest);
        self.rest = rest;
        let raw = RAW.iter().any(|raw| name.eq_ignore_ascii_case(raw));
        let clear = !name.eq_ignore_ascii_case("plaintext") && (!raw || reads_the_same(rest, name));
        Token::Open { name, attributes, clear }
    }

    fn close(&mut self, inner: &'a str) -> Token<'a> {
        let (name, rest) = cut(inner, |c| is_space(c) || matches!(c, '/' | '>'));
        self.rest = attributes(rest).1;
        Token::Close(name)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let inner = match self.rest.strip_prefix('<') {
                None if self.rest.is_empty() => return None,
                None => {
                    let (text, rest) = cut(self.rest, |c| c == '<');
                    self.rest = rest;
                    return Some(Token::Text(text));
                }
                Some(inner) => inner,
            };
            let is_name = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
            if is_name(inner) {
                return Some(self.open(inner));
            }
            match inner.strip_prefix('/') {
                Some(name) if is_name(name) => return Some(self.close(name)),
                _ => {}
            }
            if inner.starts_with("![CDATA[") {
                self.rest = inner;
                return Some(Token::Unclear);
            }
            if let Some(comment) = inner.strip_prefix("!--") {
                self.rest = after_comment(comment);
            } else if inner.starts_with(['!', '?', '/']) {
                self.rest = inner.split_once('>').map_or("", |(_, after)| after);
            } else {
                self.rest = inner;
                return Some(Token::Text("<"));
            }
        }
    }
}

/// Counts attributes up to the end of a tag, and gives what follows it.
fn attributes(mut rest: &str) -> (usize, &str) {
    let mut count = 0;
    loop {
        rest = rest.trim_start_matches(|c| is_space(c) || c == '/');
        let mut letters = rest.chars();
        match letters.next() {
            None => return (count, ""),
            Some('>') => return (count, letters.as_str()),
            // Whatever else comes first belongs to the name.
            Some(_) => count += 1,
        }
        (_, rest) = cut(letters.as_str(), |c| is_space(c) || matches!(c, '/' | '>' | '='));
        let Some(value) = rest.trim_start_matches(is_space).strip_prefix('=') else { continue };
        let value = value.trim_start_matches(is_space);
        let quoted = ['"', '\''].iter().find_map(|quote| Some((*quote, value.strip_prefix(*quote)?)));
        rest = match quoted {
            Some((quote, value)) => value.split_once(quote).map_or("", |(_, after)| after),
            None => cut(value, |c| is_space(c) || c == '>').1,
        };
    }
}

fn after_comment(comment: &str) -> &str {
    if let Some(rest) = comment.strip_prefix('>').or_else(|| comment.strip_prefix("->")) {
        return rest;
    }
    let ends = comment.match_indices("--").map(|(at, _)| comment.get(at + 2..).unwrap_or_default());
    // Of a row of dashes only the last two count.
    let mut ends = ends.map(|after| after.trim_start_matches('-'));
    ends.find_map(|after| after.strip_prefix('>').or_else(|| after.strip_prefix("!>"))).unwrap_or_default()
}

/// Whether the content of such an element has the same end as text and as markup.
fn reads_the_same(content: &str, name: &str) -> bool {
    let Some((content, _)) = end_tag(content, name) else { return false };
    let Some((before, comment)) = content.split_once("<!--") else { return !content.contains('<') };
    // Style sheets stand in one comment by old custom.
    let closed = comment.split_once("-->").is_some_and(|(within, after)| {
        !within.contains("--!>") && !within.starts_with(['>', '-']) && !after.contains('<')
    });
    closed && !before.contains('<')
}

/// What comes before the end tag of an element, and what begins with it.
fn end_tag<'a>(html: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    html.match_indices("</").map(|(at, _)| html.split_at(at)).find(|(_, from)| {
        let end = from.get(2..).and_then(|from| from.split_at_checked(name.len()));
        end.is_some_and(|(found, after)| {
            found.eq_ignore_ascii_case(name)
                && !after.starts_with(|c| !is_space(c) && !matches!(c, '/' | '>'))
        })
    })
}

fn cut(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens};

    fn read(html: &str) -> Vec<Token<'_>> {
        Tokens::new(html).collect()
    }

    #[test]
    fn tags_end_where_a_parser_ends_them() {
        let open = |name, attributes| Token::Open { name, attributes, clear: true };
        assert_eq!(
            read("<a x='>' y=\">\"z=1/2 '=>t<!-- <b> --!>u</A >< v"),
            [
                open("a", 4),
                Token::Text("t"),
                Token::Text("u"),
                Token::Close("A"),
                Token::Text("<"),
                Token::Text(" v")
            ]
        );
        assert_eq!(read("<!--><i><!doctype x><?y></ z><b/c/d"), [open("i", 0), open("b", 2)]);
        assert_eq!(read("<b x=\"</b>"), [open("b", 1)]);
    }

    #[test]
    fn what_reads_differently_inside_svg_is_told() {
        assert_eq!(read("<style><!-- p { } --></style>").len(), 2);
        for unclear in ["<style><b>", "<title><b></title>", "<![CDATA[x]]>", "<plaintext>"] {
            let first = read(unclear)[0];
            assert!(matches!(first, Token::Unclear | Token::Open { clear: false, .. }), "{unclear}");
        }
    }
}
