//! From a draft to a MIME tree (RFC 2046) in canonical form: CRLF, 7 bits, nothing a relay would touch.

use std::borrow::Cow;

use super::{
    draft::{Attachment, ComposeError, Draft, WrittenField},
    encode::{
        base64_in_place, encoded_len, parameter, unstructured, write_base64, write_field,
        write_quoted_printable,
    },
    protection::{Protection, legacy_html, legacy_text},
};

/// The class of a leaf's content, which decides its transfer encoding.
enum Content<'a> {
    Text(String),
    File(&'a Attachment),
    Parts(Vec<Node<'a>>),
}

/// Room for signature, certificates and recipients.
const CMS: usize = 8192;

/// One node of the tree, written only once.
struct Node<'a> {
    content_type: String,
    fields: Vec<WrittenField>,
    content: Content<'a>,
}

/// Writes the draft as the MIME entity that is signed and encrypted, its header inside it (RFC 9788 5.2).
///
/// `Bcc` is written only when the protection keeps it, which is for drafts and the sender's own copy. A draft that
/// is handed over is written in the buffer of its largest file: see [`Attachment::room`].
pub fn compose<'d>(
    draft: impl Into<Cow<'d, Draft>>,
    protection: &Protection,
) -> Result<Vec<u8>, ComposeError> {
    let mut draft = draft.into();
    let header = draft.header(protection.keep_bcc)?;
    let (largest, data) = take_largest(&mut draft).unzip();
    let largest = largest.and_then(|index| draft.attachments.get(index));
    let mut root = tree(&draft, protection, &header);
    root.content_type.push_str(protection.parameter());
    let mut fields: Vec<WrittenField> = vec![("MIME-Version".into(), "1.0".to_owned())];
    fields.extend(header.iter().cloned());
    for (name, value) in protection.recorded_outer(&header) {
        fields.push(("HP-Outer".into(), format!("{name}: {value}")));
    }
    fields.append(&mut root.fields);
    root.fields = fields;
    let mut to = Writer { out: Vec::with_capacity(room(&draft)), boundaries: 0, largest, place: 0 };
    root.write(&mut to);
    let Writer { out, place, .. } = to;
    drop(draft);
    Ok(match data {
        Some(data) => around(data, &out, place),
        None => out,
    })
}

/// Where a tree is written.
struct Writer<'a> {
    out: Vec<u8>,
    boundaries: u32,
    /// The file whose bytes were taken, and where they belong.
    largest: Option<&'a Attachment>,
    place: usize,
}

/// The bytes of the largest file, if there is one and they may be taken, and which file it is.
fn take_largest(draft: &mut Cow<'_, Draft>) -> Option<(usize, Vec<u8>)> {
    let Cow::Owned(draft) = draft else { return None };
    let files = draft.attachments.iter_mut().enumerate();
    files.max_by_key(|(_, file)| file.data.len()).map(|(index, file)| (index, std::mem::take(&mut file.data)))
}

/// Encodes a file in its own buffer, with what is around it.
fn around(mut file: Vec<u8>, out: &[u8], place: usize) -> Vec<u8> {
    let (before, after) = out.split_at_checked(place).unwrap_or((out, &[]));
    let entity = before.len() + encoded_len(file.len()) + after.len();
    file.reserve_exact((encoded_len(entity) + CMS).saturating_sub(file.len()));
    base64_in_place(&mut file, before);
    file.extend_from_slice(after);
    file
}

impl Attachment {
    /// How many bytes a buffer should hold for a file of so many, so that the letter is composed, signed, encrypted
    /// and encoded in it: an estimate, and what is longer costs a copy.
    pub const fn room(length: usize) -> usize {
        // Text, headers and small files.
        const REST: usize = 65536;
        encoded_len(encoded_len(length) + REST) + CMS
    }
}

/// Room for all that becomes of the draft, so that it is signed, encrypted and encoded in the same buffer: an
/// estimate, and what is longer costs a copy.
fn room(draft: &Draft) -> usize {
    // The header of a part, and the header of the message.
    const PART: usize = 1024;
    const HEADER: usize = 4096;
    let files = draft.attachments.iter().map(|file| encoded_len(file.data.len()) + PART).sum::<usize>();
    let text = draft.text.len() + draft.html.as_ref().map_or(0, String::len);
    // Text is quoted-printable, which at worst is three times as long, and with some letters beyond ASCII twice.
    encoded_len(files + text * 2 + HEADER) + CMS
}

fn tree<'a>(draft: &'a Draft, protection: &Protection, header: &[WrittenField]) -> Node<'a> {
    let hidden = protection.legacy_display(header);
    let mark = if hidden.is_empty() { "" } else { "; hp-legacy-display=\"1\"" };
    let text = Node::text("plain", mark, legacy_text(&hidden) + &draft.text);
    let (inline, attached): (Vec<_>, Vec<_>) =
        draft.attachments.iter().partition(|file| draft.html.is_some() && file.content_id.is_some());
    let body = match &draft.html {
        None => text,
        Some(html) => {
            let html = related(Node::text("html", mark, legacy_html(&hidden, html)), inline);
            Node::multipart("alternative", vec![text, html])
        }
    };
    if attached.is_empty() {
        return body;
    }
    let files = attached.into_iter().map(|file| Node::file(file, "attachment"));
    Node::multipart("mixed", std::iter::once(body).chain(files).collect())
}

fn related<'a>(html: Node<'a>, inline: Vec<&'a Attachment>) -> Node<'a> {
    if inline.is_empty() {
        return html;
    }
    let files = inline.into_iter().map(|file| Node::file(file, "inline"));
    let mut node = Node::multipart("related", std::iter::once(html).chain(files).collect());
    node.content_type.push_str("; type=\"text/html\"");
    node
}

impl<'a> Node<'a> {
    fn text(subtype: &str, mark: &str, text: String) -> Self {
        let content_type = format!("text/{subtype}; charset=\"utf-8\"{mark}");
        let fields = vec![("Content-Transfer-Encoding".into(), "quoted-printable".to_owned())];
        Self { content_type, fields, content: Content::Text(text) }
    }

    fn file(file: &'a Attachment, disposition: &str) -> Self {
        let name = if file.name.trim().is_empty() { "attachment" } else { file.name.trim() };
        let mut fields: Vec<WrittenField> = vec![
            ("Content-Transfer-Encoding".into(), "base64".to_owned()),
            ("Content-Disposition".into(), format!("{disposition}; {}", parameter("filename", name))),
        ];
        if let Some(id) = file.content_id.as_deref().and_then(super::draft::bare_id) {
            fields.push(("Content-ID".into(), format!("<{id}>")));
        }
        let content_type = format!("{}; {}", media_type(&file.media_type), parameter("name", name));
        Self { content_type, fields, content: Content::File(file) }
    }

    fn multipart(subtype: &str, parts: Vec<Self>) -> Self {
        let content_type = format!("multipart/{subtype}");
        Self { content_type, fields: Vec::new(), content: Content::Parts(parts) }
    }

    fn write(&self, to: &mut Writer<'_>) {
        let mut content_type = self.content_type.clone();
        let boundary = boundary(to.boundaries);
        if matches!(self.content, Content::Parts(_)) {
            to.boundaries += 1;
            content_type.push_str(&format!("; boundary=\"{boundary}\""));
        }
        for (name, value) in &self.fields {
            write_field(&mut to.out, name, value);
        }
        write_field(&mut to.out, "Content-Type", &content_type);
        to.out.extend_from_slice(b"\r\n");
        match &self.content {
            Content::Text(text) => write_quoted_printable(&mut to.out, text),
            Content::File(file) => {
                if to.largest.is_some_and(|largest| std::ptr::eq(largest, *file)) {
                    to.place = to.out.len();
                }
                write_base64(&mut to.out, &file.data);
            }
            Content::Parts(parts) => {
                for part in parts {
                    to.out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                    part.write(to);
                }
                to.out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            }
        }
    }
}

/// A delimiter that no body can contain: neither base64 nor quoted-printable produces `=_` (RFC 2045 6.7).
pub(crate) fn boundary(index: u32) -> String {
    format!("=_sealpost_{index:04}")
}

/// The media type as given if it is one, without parameters.
///
/// A message or multipart may not be base64 (RFC 2045 6.4), so those travel as plain files.
fn media_type(given: &str) -> String {
    let given = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |token: &str| {
        !token.is_empty()
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let valid = given.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    if !valid || given.starts_with("multipart/") || given.starts_with("message/") {
        return "application/octet-stream".to_owned();
    }
    given
}

/// Wraps a CMS object as a whole entity: `fields`, then the S/MIME structural fields (RFC 8551 3.2).
///
/// The object is encoded in its own buffer.
pub(crate) fn cms_entity(fields: &[WrittenField], smime_type: &str, mut cms: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        write_field(&mut out, name, value);
    }
    write_field(&mut out, "MIME-Version", "1.0");
    write_field(
        &mut out,
        "Content-Type",
        &format!("application/pkcs7-mime; smime-type={smime_type}; name=\"smime.p7m\""),
    );
    write_field(&mut out, "Content-Transfer-Encoding", "base64");
    write_field(&mut out, "Content-Disposition", "attachment; filename=\"smime.p7m\"");
    out.extend_from_slice(b"\r\n");
    base64_in_place(&mut cms, &out);
    cms
}

/// Joins an entity and its detached signature (RFC 8551 3.5.3); `entity` must be canonical.
///
/// They are joined in the entity's own buffer.
pub(crate) fn multipart_signed(
    fields: &[WrittenField],
    mut entity: Vec<u8>,
    micalg: &str,
    cms: &[u8],
) -> Vec<u8> {
    // The entity is 7-bit and its own delimiters are numbered, so this name is free.
    let boundary = "=_sealpost_signed";
    let mut out = Vec::new();
    for (name, value) in fields {
        write_field(&mut out, name, value);
    }
    write_field(&mut out, "MIME-Version", "1.0");
    let protocol = "protocol=\"application/pkcs7-signature\"";
    let content_type = format!("multipart/signed; {protocol}; micalg={micalg}; boundary=\"{boundary}\"");
    write_field(&mut out, "Content-Type", &content_type);
    out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
    entity.splice(..0, out);
    let mut out = entity;
    out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
    write_field(&mut out, "Content-Type", "application/pkcs7-signature; name=\"smime.p7s\"");
    write_field(&mut out, "Content-Transfer-Encoding", "base64");
    write_field(&mut out, "Content-Disposition", "attachment; filename=\"smime.p7s\"");
    write_field(&mut out, "Content-Description", &unstructured("S/MIME Cryptographic Signature"));
    out.extend_from_slice(b"\r\n");
    write_base64(&mut out, cms);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}
