//! Address lists (RFC 5322 3.4 and the obsolete forms of 4.4), read the same way wherever they count:
//! what a reader is shown is what a certificate is compared with.

use super::{
    address::Address,
    field::{split_header, without_controls},
    lookalike::shown_address,
    words::decode_words,
};

/// More addresses than this are not read, in one field or in all of one name.
pub(crate) const MAX_ADDRESSES: usize = 10_000;

/// The addresses in all From fields of a message as it lies here, read as [`super::open()`] reads them: whoever decides
/// about a message by its authors, and shows it, must not read two ways. None where the header is too large to be opened.
///
/// ```
/// let message = b"From: Alice <alice@x.example>\r\n\r\nFrom: nobody\r\n";
/// assert_eq!(smime::message::authors(message), ["alice@x.example"]);
/// ```
pub fn authors(message: &[u8]) -> Vec<String> {
    let fields = split_header(message).map(|(fields, _)| fields).unwrap_or_default();
    let from = fields.iter().filter(|field| field.is("From"));
    let all = from.flat_map(|field| parse_address_list(&field.unfolded())).take(MAX_ADDRESSES);
    all.map(|author| author.email).collect()
}

/// The mailboxes of an unfolded address-list value, groups flattened.
pub(crate) fn parse_address_list(value: &str) -> Vec<Address> {
    let mut reader = Reader::default();
    for c in value.chars() {
        if reader.list.len() >= MAX_ADDRESSES {
            break;
        }
        reader.take(c);
    }
    reader.end_mailbox();
    reader.list
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Phrase,
    Quoted,
    Angle,
    QuotedInAngle,
}

#[derive(Default)]
struct Reader {
    list: Vec<Address>,
    place: Place,
    /// Depth of nested comments, in which everything else is text.
    comments: u32,
    escaped: bool,
    phrase: String,
    /// The phrase as it was written, with its quotes: it may turn out to be the address.
    bare: String,
    angle: Option<String>,
    comment: String,
}

impl Reader {
    fn take(&mut self, c: char) {
        if self.escaped {
            self.escaped = false;
            return self.text(c, true);
        }
        match (c, self.place) {
            ('\\', place) if self.comments > 0 || matches!(place, Place::Quoted | Place::QuotedInAngle) => {
                self.escaped = true;
            }
            ('(', Place::Phrase | Place::Angle) => {
                self.comments += 1;
                if self.comments > 1 {
                    self.comment.push(c);
                }
            }
            (')', _) if self.comments > 0 => {
                self.comments -= 1;
                self.comment.push(if self.comments > 0 { c } else { ' ' });
            }
            _ if self.comments > 0 => self.comment.push(c),
            ('"', place) => self.quote(place),
            (',' | ';', Place::Phrase) => self.end_mailbox(),
            (':', Place::Phrase) => self.start_group(),
            ('<', Place::Phrase) if self.angle.is_none() => {
                self.angle = Some(String::new());
                self.place = Place::Angle;
            }
            ('>', Place::Angle) => self.place = Place::Phrase,
            _ => self.text(c, false),
        }
    }

    fn quote(&mut self, place: Place) {
        match place {
            Place::Phrase | Place::Quoted => self.bare.push('"'),
            Place::Angle | Place::QuotedInAngle => self.angle.get_or_insert_default().push('"'),
        }
        self.place = match place {
            Place::Phrase => Place::Quoted,
            Place::Quoted => Place::Phrase,
            Place::Angle => Place::QuotedInAngle,
            Place::QuotedInAngle => Place::Angle,
        };
    }

    fn text(&mut self, c: char, escaped: bool) {
        match self.place {
            _ if self.comments > 0 => self.comment.push(c),
            Place::Phrase | Place::Quoted => {
                self.phrase.push(c);
                if escaped {
                    self.bare.push('\\');
                }
                self.bare.push(c);
            }
            Place::Angle if c.is_whitespace() => {}
            Place::Angle | Place::QuotedInAngle => {
                let angle = self.angle.get_or_insert_default();
                if escaped {
                    angle.push('\\');
                }
                angle.push(c);
            }
        }
    }

    /// What came before the colon was the group's name.
    fn start_group(&mut self) {
        // A colon after an address is a mistake that many programs make, and no group.
        if self.angle.is_none() {
            self.reset();
        }
    }

    fn end_mailbox(&mut self) {
        let comment = clean(&self.comment);
        let address = match self.angle.take() {
            Some(angle) => Some(named(clean(&self.phrase), comment, without_route(&angle))),
            None => self.bare_address(comment),
        };
        let known = address.filter(|address| !address.email.is_empty() || address.name.is_some());
        self.list.extend(known);
        self.reset();
    }

    /// An address without angle brackets, or a name without an address.
    fn bare_address(&self, comment: String) -> Option<Address> {
        let bare = self.bare.trim();
        let quoted = bare.starts_with('"');
        match bare.rsplit_once(char::is_whitespace).filter(|_| !quoted) {
            // A name and an address that lost its brackets.
            Some((name, email)) if email.contains('@') && !name.trim_end().ends_with(['@', '.']) => {
                Some(named(clean(name), comment, email.to_owned()))
            }
            _ if bare.contains('@') => {
                let email = bare.chars().filter(|c| quoted || !c.is_whitespace()).collect();
                Some(named(String::new(), comment, email))
            }
            None if !quoted && !bare.is_empty() => Some(named(String::new(), comment, bare.to_owned())),
            _ if bare.is_empty() => None,
            _ => Some(named(clean(&self.phrase), String::new(), String::new())),
        }
    }

    fn reset(&mut self) {
        let list = std::mem::take(&mut self.list);
        *self = Self { list, ..Self::default() };
    }
}

fn named(name: String, comment: String, email: String) -> Address {
    let name = if name.is_empty() { comment } else { name };
    Address { name: (!name.is_empty()).then_some(name), email: shown_address(&email) }
}

/// RFC 5322 4.4: a route before the address is obsolete and ignored.
fn without_route(angle: &str) -> String {
    match angle.split_once(':') {
        Some((route, address)) if route.starts_with('@') => address.to_owned(),
        _ => angle.to_owned(),
    }
}

fn clean(phrase: &str) -> String {
    let words: Vec<&str> = phrase.split_whitespace().collect();
    without_controls(&decode_words(&words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::parse_address_list;

    fn read(value: &str) -> Vec<(String, String)> {
        let list = parse_address_list(value);
        list.into_iter().map(|address| (address.name.unwrap_or_default(), address.email)).collect()
    }

    fn pair(name: &str, email: &str) -> (String, String) {
        (name.to_owned(), email.to_owned())
    }

    #[test]
    fn the_examples_of_rfc_5322_are_read() {
        assert_eq!(
            read("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"),
            [pair("Pete", "pete@silly.test")]
        );
        assert_eq!(
            read(
                "A Group(Some people)\n :Chris Jones <c@(Chris's host.)public.example>,\n joe@example.org,\n John <jdoe@one.test> (my dear friend); (the end of the group)"
            ),
            [
                pair("Chris Jones", "c@public.example"),
                pair("", "joe@example.org"),
                pair("John", "jdoe@one.test")
            ]
        );
        assert_eq!(
            read("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example"),
            [pair("Mary Smith", "mary@example.net"), pair("", "jdoe@test.example")]
        );
        assert_eq!(
            read("\"Joe Q. Public\" <john.q.public@example.com>"),
            [pair("Joe Q. Public", "john.q.public@example.com")]
        );
    }

    #[test]
    fn names_without_brackets_and_comments_are_read() {
        assert_eq!(read("joe@example.org (Joe)"), [pair("Joe", "joe@example.org")]);
        assert_eq!(read("Joe Public joe@example.org"), [pair("Joe Public", "joe@example.org")]);
        assert_eq!(read("root"), [pair("", "root")]);
        assert_eq!(read("Nobody Here"), [pair("Nobody Here", "")]);
        assert_eq!(read("\"odd one\"@x.example"), [pair("", "\"odd one\"@x.example")]);
    }

    #[test]
    fn a_name_never_becomes_the_address() {
        assert_eq!(
            read("alice@good.example <mallory@evil.example>"),
            [pair("alice@good.example", "mallory@evil.example")]
        );
        assert_eq!(
            read("\"a@b, c <d@e>\" <mallory@evil.example>"),
            [pair("a@b, c <d@e>", "mallory@evil.example")]
        );
        assert_eq!(
            read("mallory@evil.example (alice@good.example)"),
            [pair("alice@good.example", "mallory@evil.example")]
        );
        assert_eq!(
            read("=?utf-8?q?a=40b_=3Cc=40d=3E=2C?= <mallory@evil.example>"),
            [pair("a@b <c@d>,", "mallory@evil.example")]
        );
    }

    #[test]
    fn unfinished_lists_end_with_the_value() {
        assert_eq!(read("Joe <joe@example.org"), [pair("Joe", "joe@example.org")]);
        assert_eq!(read("\"Joe"), [pair("Joe", "")]);
        assert_eq!(read("(("), []);
        assert_eq!(read("undisclosed-recipients:;"), []);
    }
}
