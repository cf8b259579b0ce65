//! Random MIME trees, and what each leaf holds by construction: no parser of ours is asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A part, or several.
#[derive(Clone, Debug)]
pub enum Tree {
    Leaf(Leaf),
    Several { subtype: &'static str, number: u32, parts: Vec<Tree> },
}

#[derive(Clone, Debug)]
pub struct Leaf {
    media_type: &'static str,
    encoding: Encoding,
    name: Option<String>,
    data: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    None,
    Base64,
    QuotedPrintable,
}

impl Tree {
    /// Media type, name and octets of each leaf, in order.
    pub fn leaves(&self) -> Vec<(String, Option<String>, Vec<u8>)> {
        match self {
            Self::Leaf(leaf) => vec![(leaf.media_type.to_owned(), leaf.name.clone(), leaf.data.clone())],
            Self::Several { parts, .. } => parts.iter().flat_map(Self::leaves).collect(),
        }
    }

    /// The entity: its fields, an empty line, its body.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Leaf(leaf) => leaf.write(out),
            Self::Several { subtype, number, parts } => {
                let boundary = format!("=_{number}");
                let head = format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\r\n\r\n");
                out.extend_from_slice(head.as_bytes());
                for part in parts {
                    out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                    part.write(out);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            }
        }
    }
}

impl Leaf {
    fn write(&self, out: &mut Vec<u8>) {
        let mut head = format!("Content-Type: {}", self.media_type);
        if self.media_type.starts_with("text/") {
            head.push_str("; charset=utf-8");
        }
        if let Some(name) = &self.name {
            let word = STANDARD.encode(name);
            head.push_str(&format!(
                "\r\nContent-Disposition: attachment;\r\n filename=\"=?utf-8?b?{word}?=\""
            ));
        }
        let (encoding, body) = match self.encoding {
            Encoding::None => ("8bit", self.data.clone()),
            Encoding::Base64 => ("base64", lines(&STANDARD.encode(&self.data))),
            Encoding::QuotedPrintable => ("quoted-printable", quoted(&self.data)),
        };
        head.push_str(&format!("\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"));
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&body);
    }
}

fn lines(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..])
}

/// Every octet escaped, with soft line breaks: the dullest way there is (RFC 2045 6.7).
fn quoted(data: &[u8]) -> Vec<u8> {
    let escaped: String = data.iter().map(|octet| format!("={octet:02X}")).collect();
    escaped.as_bytes().chunks(60).collect::<Vec<_>>().join(&b"=\r\n"[..])
}

/// Lines that need no encoding, and cannot be taken for a boundary.
fn plain() -> impl Strategy<Value = Vec<u8>> {
    let line = "[a-z =.?\u{4e00}-\u{4e20}\u{1f600}]{0,60}";
    vec(line, 0..6).prop_map(|lines| lines.join("\r\n").into_bytes())
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let name = proptest::option::of("[a-zA-Z\u{4e00}-\u{4e20}]{1,12}\\.[a-z]{3}");
    let encoded = select(vec![Encoding::Base64, Encoding::QuotedPrintable]);
    prop_oneof![
        (select(vec!["text/plain", "text/html"]), plain(), name.clone()).prop_map(
            |(media_type, data, name)| { Leaf { media_type, encoding: Encoding::None, name, data } }
        ),
        (select(vec!["application/pdf", "image/png", "text/csv"]), vec(any::<u8>(), 0..400), name, encoded)
            .prop_map(|(media_type, data, name, encoding)| Leaf { media_type, encoding, name, data }),
    ]
}

/// A leaf, or up to 24 of them, five deep.
pub fn trees() -> impl Strategy<Value = Tree> {
    leaf().prop_map(Tree::Leaf).prop_recursive(5, 24, 4, several)
}

fn several(part: impl Strategy<Value = Tree>) -> impl Strategy<Value = Tree> {
    let subtype = select(vec!["mixed", "related", "alternative", "x-unknown"]);
    (subtype, any::<u32>(), vec(part, 1..4)).prop_map(|(subtype, number, parts)| Tree::Several {
        subtype,
        number,
        parts,
    })
}
