//! How a message protects its header: RFC 9788, or one of the schemes before it.

use super::{
    address::{Address, parse_addresses},
    door,
    entity::Entity,
    field::Field,
    headers::{FieldProtection, FieldSet, HeaderField, Headers, header_sets, non_structural, same_authors},
    layers::is_cms,
};

/// How the header of a message is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Not at all.
    None,
    /// RFC 9788; `cipher` if the author meant it to be confidential.
    Hp { cipher: bool },
    /// The older `protected-headers="v1"`.
    Old,
    /// RFC 8551's message/rfc822 payload (RFC 9788 4.10).
    Rfc8551,
}

impl Scheme {
    pub(crate) fn of(payload: &Entity<'_>, outside: &[Field<'_>], layered: bool) -> Self {
        if !layered {
            return Self::None;
        }
        match payload.content_type.parameter("hp") {
            Some("cipher") => return Self::Hp { cipher: true },
            Some("clear") => return Self::Hp { cipher: false },
            _ => {}
        }
        if payload.content_type.parameter("protected-headers") == Some("v1") {
            return Self::Old;
        }
        if is_rfc8551_payload(payload, outside) { Self::Rfc8551 } else { Self::None }
    }

    /// The message inside an RFC 8551 payload, whose body is the one to be shown.
    pub(crate) fn body<'p>(self, payload: &Entity<'p>) -> Option<Entity<'p>> {
        if self == Self::Rfc8551 { Entity::parse(payload.body).ok() } else { None }
    }

    /// The header to be shown, each field not yet protected but for being confidential or not.
    pub(crate) fn headers(self, payload: &Entity<'_>, outside: &[Field<'_>]) -> Headers {
        let outer = non_structural(outside);
        let (protected, recorded) = match self {
            Self::None => (outer, Vec::new()),
            Self::Hp { .. } => header_sets(non_structural(&payload.fields)),
            Self::Old => (header_sets(non_structural(&payload.fields)).0, outer),
            Self::Rfc8551 => {
                let inner = self.body(payload).map(|inner| non_structural(&inner.fields));
                (inner.unwrap_or_default(), outer)
            }
        };
        let cipher = matches!(self, Self::Hp { cipher: true } | Self::Old | Self::Rfc8551);
        let shown_outside = FieldSet::new(&recorded);
        let fields = protected.into_iter().map(|(name, value)| {
            let encrypted = cipher && !shown_outside.contains(&name, &value);
            HeaderField { protection: FieldProtection { signed: true, encrypted }, name, value }
        });
        let mut headers = Headers::from_fields(fields.collect());
        headers.protected = self != Self::None;
        headers.outer = recorded;
        headers
    }
}

/// RFC 9788 4.10.1, and a little stricter: the message inside is the author's own.
///
/// Otherwise a message that forwards another and says nothing would be taken for the other.
fn is_rfc8551_payload(payload: &Entity<'_>, outside: &[Field<'_>]) -> bool {
    if payload.media_type() != "message/rfc822" || payload.content_type.parameter(door::PARAMETER).is_some() {
        return false;
    }
    let Ok(inner) = Entity::parse(payload.body) else { return false };
    let layered = is_cms(&inner) || inner.media_type() == "multipart/signed";
    let marked = [payload, &inner].iter().any(|one| one.content_type.parameter("hp").is_some());
    let author = |fields: &[Field<'_>]| {
        let from = fields.iter().filter(|field| field.is("From"));
        from.flat_map(parse_addresses).collect::<Vec<Address>>()
    };
    let (inside, outside) = (author(&inner.fields), author(outside));
    !layered && !marked && !inside.is_empty() && same_authors(&inside, &outside)
}
