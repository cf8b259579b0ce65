//! The parts of a message that a reader is shown or offered, within fixed bounds.

use super::{
    entity::Entity,
    layers::{self, is_cms},
    legacy,
    transfer::decode_charset,
    tree::{Node, NodeKind},
    typed::Typed,
};

/// Multiparts nested deeper than this stay whole, as a file.
const MAX_DEPTH: usize = 32;
/// A message has at most this many parts; what follows is not read.
const MAX_PARTS: usize = 2000;

/// Stray signatures within each other are looked into as often as lists and gateways make them: what each encloses is held
/// while its parts are read.
const MAX_STRAYS: usize = 2;

/// Where a part belongs (RFC 2183).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// It says nothing, or something unknown.
    Unsaid,
    /// To be shown with the text.
    Inline,
    /// A file.
    Attachment,
}

/// One leaf of the MIME tree. A message inside a message is one part, to be opened on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its place in the tree, numbered as in IMAP: `1`, `2.1`. A stray signature counts as a multipart of one part.
    pub id: String,
    /// The media type in lower case, without parameters. A multipart in which no parts are found is one part.
    pub media_type: String,
    /// The charset that a text part names.
    pub charset: Option<String>,
    /// The file name, decoded, exactly as the sender wrote it: not safe as a path.
    pub name: Option<String>,
    /// Where it belongs.
    pub disposition: Disposition,
    /// The id by which HTML refers to it, without brackets.
    pub content_id: Option<String>,
    /// The bytes, transfer encoding undone.
    pub data: Vec<u8>,
    /// True for a Main Body Part (RFC 9787 7.1): the text itself, in one of its forms.
    pub is_body: bool,
}

impl Part {
    /// The data as text in the part's charset.
    pub fn text(&self) -> String {
        decode_charset(self.charset.as_deref(), &self.data)
    }
}

/// Which marks of header protection are to be honoured while reading the parts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoration {
    /// `hp-legacy-display="1"` marks a Legacy Display Element (RFC 9788 4.5.3).
    pub(crate) elements: bool,
    /// `protected-headers="v1"` marks a legacy display part of the older scheme.
    pub(crate) old_parts: bool,
}

struct Walk {
    parts: Vec<Part>,
    /// The stray signatures around what is visited.
    strays: usize,
    decoration: Decoration,
}

/// Reads every leaf below `root`, and how they hang together.
pub(crate) fn parts_of(root: &Entity<'_>, decoration: Decoration) -> (Vec<Part>, Node) {
    let mut walk = Walk { parts: Vec::new(), strays: 0, decoration };
    let tree = walk.visit(root, &mut Vec::new(), true);
    (walk.parts, tree)
}

impl Walk {
    fn visit(&mut self, entity: &Entity<'_>, path: &mut Vec<usize>, main: bool) -> Node {
        let children = if path.len() < MAX_DEPTH { entity.children() } else { None };
        let mut node = node(entity);
        // RFC 9787 6.2.1: in place of a stray signature stands what it encloses.
        let looks = !path.is_empty() && path.len() < MAX_DEPTH && self.strays < MAX_STRAYS;
        let enclosed = if looks { layers::errant(entity) } else { None };
        if let Some(Ok(enclosed)) = enclosed.as_deref().map(|octets| Entity::parse(octets)) {
            path.push(1);
            self.strays += 1;
            node.children.push(self.visit(&enclosed, path, main));
            self.strays -= 1;
            path.pop();
            return node;
        }
        let Some(children) = children else {
            node.size = self.leaf(entity, path, main);
            return node;
        };
        let alternative = entity.media_type() == "multipart/alternative";
        let mut first = true;
        for (index, bytes) in children.into_iter().enumerate() {
            if self.parts.len() >= MAX_PARTS {
                break;
            }
            // A header section too large to be read is no reason to lose the rest.
            let Ok(child) = Entity::parse_with_default(bytes, entity.default_child_type()) else { continue };
            if self.decoration.old_parts
                && path.is_empty()
                && index == 0
                && legacy::is_old_display_part(&child)
            {
                continue;
            }
            path.push(index + 1);
            // RFC 9787 7.1: the main body is every alternative, and otherwise the first part.
            node.children.push(self.visit(&child, path, main && (alternative || first)));
            path.pop();
            first = false;
        }
        node
    }

    /// Reads one leaf; gives its size.
    fn leaf(&mut self, entity: &Entity<'_>, path: &[usize], main: bool) -> usize {
        let disposition = disposition(entity.disposition().as_ref());
        let media_type = entity.media_type();
        let unsplit = media_type.starts_with("multipart/");
        let is_text = matches!(media_type, "text/plain" | "text/html");
        let mut part = Part {
            id: part_id(path),
            media_type: media_type.to_owned(),
            charset: entity.content_type.parameter("charset").map(str::to_owned),
            name: entity.file_name(),
            disposition,
            content_id: entity.field("Content-ID").map(|field| bare(&field.unfolded())),
            data: entity.decoded_body().into_owned(),
            is_body: main && (is_text || unsplit) && disposition != Disposition::Attachment,
        };
        // RFC 9788 4.5.3: in the main body only; a file stays what it is.
        if self.decoration.elements
            && is_text
            && part.is_body
            && entity.content_type.parameter("hp-legacy-display") == Some("1")
        {
            legacy::remove_element(&mut part);
        }
        let size = part.data.len();
        self.parts.push(part);
        size
    }
}

/// An entity without what lies inside. Whatever is cryptographic here lies outside of the envelope.
fn node(entity: &Entity<'_>) -> Node {
    let media_type = entity.media_type().to_owned();
    let errant = is_cms(entity) || matches!(media_type.as_str(), "multipart/signed" | "multipart/encrypted");
    Node { kind: NodeKind::Part { media_type, errant }, size: entity.body.len(), children: Vec::new() }
}

fn disposition(typed: Option<&Typed>) -> Disposition {
    match typed.map(|typed| typed.value.as_str()) {
        Some("inline") => Disposition::Inline,
        Some("attachment") => Disposition::Attachment,
        _ => Disposition::Unsaid,
    }
}

fn part_id(path: &[usize]) -> String {
    if path.is_empty() {
        return "1".to_owned();
    }
    path.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
}

fn bare(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}
