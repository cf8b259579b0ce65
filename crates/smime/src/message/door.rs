//! The door: mail that comes in readable is sealed in memory before anything of it is stored.

use rand_core::CryptoRng;

use super::{
    address::parse_addresses,
    compose::cms_entity,
    draft::{WrittenField, parse_ids, rfc5322_date},
    encode::{unstructured, write_field},
    entity::Entity,
    field::{Field, first},
    headers::Headers,
    layers::{Envelope, is_cms},
    protection::{OBSCURED_SUBJECT, join_addresses},
    report::Layer,
    seal::{SealError, smime_type},
};
use crate::{Certificate, ContentEncryption, Provider, encrypt, is_enveloped};

/// The Content-Type parameter that marks a wrapper made at the door; its value is `clear`.
pub(crate) const PARAMETER: &str = "sealpost-door";

/// Seals a message as it came in to its recipient, so that nothing readable of it is stored.
///
/// The original stays as it is, byte for byte, inside: what was signed in clear can still be verified.
/// Outside stand only From, To, Cc, Date, the ids and an obscured subject. `auth_results` is the value
/// of an Authentication-Results field (RFC 8601) and goes inside as well, beside the original.
pub async fn seal_at_door(
    provider: &impl Provider,
    rng: &mut impl CryptoRng,
    original: &[u8],
    recipient: &Certificate,
    auth_results: Option<&str>,
) -> Result<Vec<u8>, SealError> {
    let entity = Entity::parse(original).map_err(|_| SealError::HeaderTooLarge)?;
    let mut wrapper = Vec::with_capacity(original.len() + 512);
    write_field(&mut wrapper, "Content-Type", &format!("message/rfc822; {PARAMETER}=clear"));
    write_field(&mut wrapper, "Content-Transfer-Encoding", "binary");
    if let Some(results) = auth_results {
        write_field(&mut wrapper, "Authentication-Results", &unstructured(results));
    }
    wrapper.extend_from_slice(b"\r\n");
    wrapper.extend_from_slice(original);
    let cipher = ContentEncryption::Aes256Gcm;
    let cms = encrypt(provider, rng, wrapper, std::slice::from_ref(recipient), cipher).await?;
    Ok(cms_entity(&outer_fields(&entity.fields), smime_type(cipher), cms))
}

/// The fields that a relay needs, written anew: nothing of the original's wording gets through.
fn outer_fields(fields: &[Field<'_>]) -> Vec<WrittenField> {
    let mut outer: Vec<WrittenField> = Vec::new();
    for name in ["From", "To", "Cc"] {
        let addresses = fields.iter().filter(|field| field.is(name)).flat_map(parse_addresses);
        let writable: Vec<_> = addresses.filter(super::Address::is_writable).collect();
        if let Some(value) = join_addresses(&writable) {
            outer.push((name.into(), value));
        }
    }
    outer.push(("Subject".into(), OBSCURED_SUBJECT.to_owned()));
    let date = first(fields, "Date").map(|field| Headers::date_of(&field.unfolded()));
    if let Some(date) = date.flatten().and_then(|date| rfc5322_date(date).ok()) {
        outer.push(("Date".into(), date));
    }
    for name in ["Message-ID", "In-Reply-To", "References"] {
        let ids = first(fields, name).map(parse_ids).unwrap_or_default();
        if !ids.is_empty() {
            let ids: Vec<String> = ids.into_iter().map(|id| format!("<{id}>")).collect();
            outer.push((name.into(), ids.join(" ")));
        }
    }
    outer
}

/// Whether a message must be sealed at the door before it may be stored.
///
/// False only for a CMS-enveloped message whose header shows nothing but what carries it:
/// structural and trace fields, addresses, date, ids, and a subject that is obscured or absent.
pub fn needs_door(message: &[u8]) -> bool {
    let Ok(entity) = Entity::parse(message) else { return true };
    if !is_cms(&entity) || !entity.fields.iter().all(is_harmless) {
        return true;
    }
    let base64 = entity
        .field("Content-Transfer-Encoding")
        .is_some_and(|field| field.unfolded().eq_ignore_ascii_case("base64"));
    // Anything beside the object, before or after it, would be stored as it stands.
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    !(base64 && entity.body.iter().all(alphabet) && is_enveloped(&entity.decoded_body()))
}

fn is_harmless(field: &Field<'_>) -> bool {
    const CARRYING: [&str; 22] = [
        "from",
        "to",
        "cc",
        "sender",
        "reply-to",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "content-transfer-encoding",
        "received",
        "return-path",
        "delivered-to",
        "x-original-to",
        "received-spf",
        "authentication-results",
        "dkim-signature",
        "arc-seal",
        "arc-message-signature",
        "arc-authentication-results",
        "content-length",
    ];
    let name = field.name.to_ascii_lowercase();
    match name.as_str() {
        "subject" => matches!(field.unfolded().as_str(), "" | "[...]" | "..." | "[…]"),
        "content-type" | "content-disposition" => has_usual_parameters(field),
        // RFC 8689 3: it tells the servers on the way what they need to know.
        "tls-required" => field.unfolded().eq_ignore_ascii_case("no"),
        "content-description" => field.unfolded() == "S/MIME Encrypted Message",
        name => CARRYING.contains(&name),
    }
}

/// A file name could tell what the message is about; only the usual ones tell nothing.
fn has_usual_parameters(field: &Field<'_>) -> bool {
    let value = field.unfolded().to_ascii_lowercase();
    let mut pieces = value.split(';').map(str::trim);
    let kind = pieces.next().unwrap_or_default();
    let known_kind =
        ["application/pkcs7-mime", "application/x-pkcs7-mime", "attachment", "inline"].contains(&kind);
    known_kind
        && pieces.filter(|piece| !piece.is_empty()).all(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            match (name.trim(), value.trim().trim_matches('"')) {
                ("name" | "filename", file) => file == "smime.p7m",
                ("smime-type", kind) => matches!(kind, "enveloped-data" | "authenveloped-data"),
                _ => false,
            }
        })
}

/// The message in the wrapper that another turned out to be, one encryption around a marked message/rfc822, and
/// what the wrapper says of its origin.
pub(crate) fn unwrap<'e>(envelope: &'e Envelope<'_>) -> Option<(&'e [u8], Option<String>)> {
    let [Layer::Encrypted { .. }] = envelope.layers.as_slice() else { return None };
    let wrapper = Entity::parse(&envelope.payload).ok()?;
    let marked = wrapper.content_type.parameter(PARAMETER) == Some("clear");
    if !marked || wrapper.media_type() != "message/rfc822" {
        return None;
    }
    let results = wrapper.field("Authentication-Results").map(Field::unfolded);
    Some((wrapper.body, results))
}
