//! What an entity is: a layer, and of which kind, or what layers enclose.

use const_oid::ObjectIdentifier;
use zeroize::Zeroizing;

use crate::{
    ber,
    cms::{DATA, signed::SignedData},
    is_enveloped,
    message::{compressed, entity::Entity, transfer::decode_base64},
};

/// One step inwards.
pub(super) enum Step {
    Enveloped(Vec<u8>),
    Compressed(Vec<u8>),
    Opaque(Vec<u8>),
    Detached { content: std::ops::Range<usize>, cms: Vec<u8> },
    Payload,
}

/// What the entity, which is `whole`, is a layer of.
pub(super) fn step(entity: &Entity<'_>, whole: &[u8]) -> Step {
    if let Some((content, cms)) = detached(entity, whole) {
        return Step::Detached { content, cms };
    }
    if !is_cms(entity) {
        return Step::Payload;
    }
    let cms = object(entity);
    // The object says what it is; smime-type is a hint that gateways drop (RFC 8551 3.2.2).
    if is_enveloped(&cms) {
        return Step::Enveloped(cms);
    }
    match compressed::content(&cms) {
        Some(content) => Step::Compressed(content),
        None => Step::Opaque(cms),
    }
}

/// Whether an entity is a CMS object, by its type or, where that was lost, by its file name (RFC 8551 3.2.1).
pub(crate) fn is_cms(entity: &Entity<'_>) -> bool {
    match entity.media_type() {
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => true,
        "application/octet-stream" => {
            entity.file_name().is_some_and(|name| name.to_ascii_lowercase().ends_with(".p7m"))
        }
        _ => false,
    }
}

/// The CMS object of such an entity.
fn object(entity: &Entity<'_>) -> Vec<u8> {
    let body = entity.decoded_body();
    // Some gateways lose the transfer encoding; a CMS object in binary begins with a SEQUENCE.
    if body.first() == Some(&0x30) { body.into_owned() } else { decode_base64(&body) }
}

/// The mail inside an opaque signature outside of the envelope, which nobody asks whether it holds. A signed file
/// (`contract.pdf.p7m`) is none, and stays the file that it is.
pub(crate) fn errant(entity: &Entity<'_>) -> Option<Zeroizing<Vec<u8>>> {
    if !is_cms(entity) || entity.media_type() == "application/octet-stream" {
        return None;
    }
    let cms = Zeroizing::new(object(entity));
    let der = ber::to_der(&cms).ok()?;
    let signed = SignedData::read(&der).ok()?;
    let content = signed.content.filter(|_| is_layer(signed.signers.len(), signed.content_type))?;
    Entity::parse(content).ok()?.field("Content-Type")?;
    Some(Zeroizing::new(content.to_vec()))
}

/// Without signers it is no layer; without id-data there is no mail inside.
pub(super) fn is_layer(signers: usize, content_type: ObjectIdentifier) -> bool {
    signers > 0 && content_type == DATA
}

/// The signed part and the signature of a well-formed multipart/signed (RFC 1847 2.1, RFC 8551 3.5.3).
fn detached(entity: &Entity<'_>, whole: &[u8]) -> Option<(std::ops::Range<usize>, Vec<u8>)> {
    let is_signature = |name: &str| {
        name.eq_ignore_ascii_case("application/pkcs7-signature")
            || name.eq_ignore_ascii_case("application/x-pkcs7-signature")
    };
    if entity.media_type() != "multipart/signed" {
        return None;
    }
    let children = entity.children()?;
    let [content, signature] = children.as_slice() else { return None };
    let signature = Entity::parse(signature).ok().filter(|part| is_signature(part.media_type()))?;
    let start = offset_in(whole, content)?;
    Some((start..start + content.len(), signature.decoded_body().into_owned()))
}

/// Where `part` lies in `whole`, of which it is a slice.
fn offset_in(whole: &[u8], part: &[u8]) -> Option<usize> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (start + part.len() <= whole.len()).then_some(start)
}
