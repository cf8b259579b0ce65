//! A message on its way in.

use std::borrow::Cow;

use super::{
    entity::Entity,
    field::split_header,
    layers::is_cms,
    transfer::{self, Base64, decoded_len},
};
use crate::is_enveloped;

/// So many bytes tell what a message is. A shorter one is kept as it is.
const BEGINNING: usize = 16 * 1024;

/// A whole message (RFC 5322), at once or as it comes in, for [`super::open()`].
///
/// Of one that comes in piece by piece and is encrypted, the object is decoded at once: its base64, a third longer, is
/// never in memory as a whole.
#[derive(Debug, Default)]
pub struct Incoming<'m> {
    /// The message, or its header alone where there is an object.
    pub(super) octets: Cow<'m, [u8]>,
    /// The encrypted object.
    pub(super) object: Option<Base64>,
    /// Whether it was looked for.
    looked: bool,
    /// How long the message will be, as far as that is known.
    expected: usize,
}

impl Incoming<'_> {
    /// A message of which nothing came in yet; it is said to have so many bytes, for which there is room then.
    pub fn expecting(length: usize) -> Self {
        Self { expected: length, ..Self::default() }
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if let Some(object) = &mut self.object {
            return object.push(piece);
        }
        let octets = self.octets.to_mut();
        octets.extend_from_slice(piece);
        if self.looked || octets.len() < BEGINNING {
            return;
        }
        self.looked = true;
        self.object = object(octets, decoded_len(self.expected));
        if self.object.is_none() {
            // What was expected may be wrong, and then there is no such room.
            let _ = octets.try_reserve_exact(self.expected.saturating_sub(octets.len()));
        }
    }
}

impl<'m> From<&'m [u8]> for Incoming<'m> {
    fn from(message: &'m [u8]) -> Self {
        Self { octets: Cow::Borrowed(message), ..Self::default() }
    }
}

impl<'m> From<&'m Vec<u8>> for Incoming<'m> {
    fn from(message: &'m Vec<u8>) -> Self {
        Self::from(message.as_slice())
    }
}

impl From<Vec<u8>> for Incoming<'_> {
    fn from(message: Vec<u8>) -> Self {
        Self { octets: Cow::Owned(message), ..Self::default() }
    }
}

/// Takes the encrypted object out of a message that begins with these bytes, if it is one.
fn object(beginning: &mut Vec<u8>, room: usize) -> Option<Base64> {
    let entity = Entity::parse(beginning).ok()?;
    let encoding = entity.field("Content-Transfer-Encoding")?.unfolded();
    if !is_cms(&entity) || !transfer::is_base64(&encoding) {
        return None;
    }
    let mut object = Base64::default();
    object.out.try_reserve_exact(room).ok()?;
    object.push(entity.body);
    if !is_enveloped(&object.out) {
        return None;
    }
    let (_, body) = split_header(beginning).ok()?;
    // Without its blank line the header is not whole yet: where the network cut it would decide what the body is.
    if !beginning.get(..body).is_some_and(|header| header.ends_with(b"\n\r\n") || header.ends_with(b"\n\n")) {
        return None;
    }
    beginning.truncate(body);
    Some(object)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::{BEGINNING, Incoming};

    #[test]
    fn a_header_that_is_cut_within_a_name_has_no_body_yet() {
        // The name of the last field is the base64 of what OpenSSL encrypted.
        let name = STANDARD.encode(include_bytes!("../../doc/password.p7m"));
        let name = name.trim_end_matches('=');
        let filler = "x".repeat(BEGINNING);
        let head = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\nX: ";
        let message = format!("{head}{filler}\r\n{name}: 1\r\n\r\n{name}\r\n");
        let within = message.find(name).unwrap() + name.len();
        let cut_at = |at: usize| {
            let mut incoming = Incoming::expecting(message.len());
            incoming.push(&message.as_bytes()[..at]);
            incoming.push(&message.as_bytes()[at..]);
            incoming
        };
        let within = cut_at(within);
        assert!(within.object.is_none());
        assert_eq!(&*within.octets, message.as_bytes());
        assert!(cut_at(message.len()).object.is_some());
    }
}
