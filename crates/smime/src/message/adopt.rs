//! Taking a message that already exists as the Cryptographic Payload, its body left as it is.

use super::{
    address::{Address, parse_addresses},
    draft::{ComposeError, WrittenField},
    encode::{canonical, has_long_word, parameter, quoted_parameter, unstructured, write_field},
    entity::Entity,
    field::Field,
    layers::is_cms,
    protection::{Protection, join_addresses},
    typed::Typed,
};

/// Fields that belong to the transport or to an earlier protection, not to the author.
const DROPPED: [&str; 14] = [
    "bcc",
    "x-bcc",
    "apparently-to",
    "hp-outer",
    "received",
    "return-path",
    "delivered-to",
    "x-original-to",
    "dkim-signature",
    "authentication-results",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "received-spf",
];

/// The message as the entity to be signed and encrypted, and the fields for the outside.
pub(crate) fn adopt(
    original: &[u8],
    protection: &Protection,
) -> Result<(Vec<u8>, Vec<WrittenField>), ComposeError> {
    let entity = Entity::parse(original).map_err(|_| ComposeError::HeaderTooLarge)?;
    if is_cms(&entity) || entity.media_type() == "multipart/signed" {
        return Err(ComposeError::AlreadyProtected);
    }
    let header: Vec<WrittenField> = entity.fields.iter().filter_map(authors_field).collect();
    let mut out = Vec::with_capacity(original.len() + original.len() / 16 + 4096);
    write_field(&mut out, "MIME-Version", "1.0");
    for (name, value) in &header {
        write_field(&mut out, name, value);
    }
    for (name, value) in protection.recorded_outer(&header) {
        write_field(&mut out, "HP-Outer", &format!("{name}: {value}"));
    }
    for field in entity.fields.iter().filter(|field| is_structural(field) && !field.is("Content-Type")) {
        write_field(&mut out, field.name, &structural(field));
    }
    write_field(&mut out, "Content-Type", &content_type(&entity, protection));
    out.extend_from_slice(b"\r\n");
    let binary = entity
        .field("Content-Transfer-Encoding")
        .is_some_and(|field| field.unfolded().eq_ignore_ascii_case("binary"));
    // RFC 8551 3.1.1: binary content has no line ends to be made canonical.
    if binary {
        out.extend_from_slice(entity.body)
    } else {
        out.extend(canonical(entity.body))
    }
    Ok((out, protection.outer(&header)))
}

fn is_structural(field: &Field<'_>) -> bool {
    field.name.to_ascii_lowercase().starts_with("content-")
}

/// A field of the body's in 7 bits and short lines. One that is so already stays as it is: encoded words in a
/// file name, which writers put there against RFC 2047 5, would be taken apart.
fn structural(field: &Field<'_>) -> String {
    let value = field.unfolded();
    if is_plain(&value) && !has_long_word(&value) {
        return value.replace('\t', " ");
    }
    if field.is("Content-Disposition") {
        let typed = Typed::parse(field.raw);
        // RFC 2183 2.8: what is not known is an attachment.
        let disposition = if is_token(&typed.value) { typed.value.as_str() } else { "attachment" };
        let parameters = typed.parameters().filter(|(name, _)| is_token(name));
        let parameters = parameters.map(|(name, text)| format!("; {}", parameter(name, text)));
        return parameters.fold(disposition.to_owned(), |value, parameter| value + &parameter);
    }
    unstructured(&value)
}

/// A token (RFC 2045 5.1), no longer than any in use.
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=*'%".contains(&byte);
    (1..=60).contains(&text.len()) && text.bytes().all(fits)
}

fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
}

/// A field of the author's in 7 bits, or `None` for one that does not go inside.
fn authors_field(field: &Field<'_>) -> Option<WrittenField> {
    let name = field.name.to_ascii_lowercase();
    if is_structural(field) || name == "mime-version" || DROPPED.contains(&name.as_str()) {
        return None;
    }
    // RFC 5322 3.6.6: who sent it on before, hidden recipients included.
    if name.starts_with("resent-") {
        return None;
    }
    let value = field.unfolded();
    let plain = is_plain(&value);
    let addresses = ["from", "to", "cc", "sender", "reply-to"].contains(&name.as_str());
    let written = match (plain, addresses) {
        (true, _) => value.replace('\t', " "),
        (false, true) => {
            let writable: Vec<Address> =
                parse_addresses(field).into_iter().filter(Address::is_writable).collect();
            join_addresses(&writable)?
        }
        (false, false) => unstructured(&field.text()),
    };
    (!written.is_empty()).then(|| (canonical_name(field.name).into(), written))
}

/// The spelling that the policies know.
fn canonical_name(name: &str) -> String {
    const KNOWN: [&str; 12] = [
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Sender",
        "Reply-To",
        "Comments",
        "Keywords",
    ];
    KNOWN
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .map_or_else(|| name.to_owned(), |known| (*known).to_owned())
}

fn content_type(entity: &Entity<'_>, protection: &Protection) -> String {
    let mut value = entity.media_type().to_owned();
    if !value.split('/').all(is_token) {
        // RFC 2046 4: what is not known is a file.
        "application/octet-stream".clone_into(&mut value);
    }
    // Marks of an earlier protection would speak for this one.
    let stale = ["hp", "protected-headers", "hp-legacy-display"];
    let kept = |(name, _): &(&str, &str)| !stale.contains(name) && is_token(name);
    for (name, text) in entity.content_type.parameters().filter(kept) {
        value.push_str("; ");
        // Few programs read a boundary in the form of RFC 2231.
        value.push_str(&if name == "boundary" {
            quoted_parameter(name, text)
        } else {
            parameter(name, text)
        });
    }
    value + protection.parameter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_has_seven_bits_and_short_lines_whatever_came_in() {
        let long = "x".repeat(2000);
        for (name, field, expected) in [
            (
                "disposition",
                "anhängen; größe=3; filename=\"ü.pdf\"".to_owned(),
                "attachment; filename*=utf-8''%C3%BC.pdf",
            ),
            ("disposition", "inline; filename=a.pdf".to_owned(), "inline; filename=a.pdf"),
            ("disposition", format!("attachment; filename={long}"), "attachment; filename*0*=utf-8''xxxx"),
            ("description", long.clone(), "=?utf-8?B?"),
            ("type", "Größe/x; größe=3; name=a".to_owned(), "application/octet-stream; name=\"a\""),
        ] {
            let original = format!("From: a@b.example\r\nContent-{name}: {field}\r\n\r\nText\r\n");
            let (out, _) = adopt(original.as_bytes(), &Protection::default()).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 998), "{text}");
            let unfolded = text.replace("\r\n ", " ");
            assert!(unfolded.contains(&format!(": {expected}")), "{unfolded}");
        }
    }
}
