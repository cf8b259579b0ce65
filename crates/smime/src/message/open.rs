//! Opening a message: unwrap its layers, read its header and parts, and judge it once (RFC 9787).

use super::{
    address::{Address, same_mailbox},
    door,
    entity::Entity,
    field::Field,
    headers::{
        FieldProtection, FromMismatch, HeaderField, Headers, contains_field, header_sets, non_structural,
        same_authors,
    },
    layers::{Context, Envelope, Signature},
    parts::{Decoration, Part, parts_of},
    report::{Layer, SignerFault, SignerReport, Status, TimestampReport},
};
use crate::{Certificate, DecryptError, DecryptionKey, Keyring, Provider, SignerVerdict, Trust, UnixTime};

/// A message that was opened, and what it is worth. Only [`open`] makes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// What a reader may rely on.
    pub status: Status,
    /// Who signed, and whether that counts.
    pub signers: Vec<SignerReport>,
    /// True if a relay sealed what had come in readable: its encryption is not the author's.
    pub sealed_at_door: bool,
    /// What the relay noted when the message came in (RFC 8601). A hint: anyone can make a wrapper.
    pub authentication_results: Option<String>,
    /// True if some layer is encrypted too weakly to be called so.
    pub weak: bool,
    /// The header, from inside the protection where there is one.
    pub headers: Headers,
    /// The parts, in order.
    pub parts: Vec<Part>,
    /// Certificates that came with the message: known, not trusted.
    pub certificates: Vec<Certificate>,
    /// The layers, outermost first.
    pub layers: Vec<Layer>,
}

/// Why a message could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is encrypted, and was not decrypted.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// Its header is longer than any real one.
    #[error("the header of the message is too large")]
    HeaderTooLarge,
    /// It is wrapped more often than any real one.
    #[error("the message is wrapped in too many layers")]
    TooManyLayers,
}

impl Opened {
    /// The text, from the plain-text body parts.
    pub fn text(&self) -> Option<String> {
        self.body("text/plain")
    }

    /// The HTML form of the text, unsanitised.
    pub fn html(&self) -> Option<String> {
        self.body("text/html")
    }

    /// The part with that id.
    pub fn part(&self, id: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.id == id)
    }

    /// The parts that are no body: files, pictures, messages.
    pub fn attachments(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.is_body)
    }

    fn body(&self, media_type: &str) -> Option<String> {
        let body = self.parts.iter().find(|part| part.is_body && part.media_type == media_type);
        body.map(Part::text)
    }
}

/// Opens a whole message (RFC 5322): decrypts, verifies, reads.
///
/// A message that is readable always opens, whatever its signatures are worth: a wrong one counts as
/// none. `now` is when a signer's certificate must be valid, unless a timestamp proves an earlier time.
pub async fn open(
    provider: &impl Provider,
    keyring: &impl Keyring,
    keys: &[DecryptionKey],
    trust: &Trust,
    message: &[u8],
    now: UnixTime,
) -> Result<Opened, OpenError> {
    let context = Context { provider, keyring, keys, trust, now };
    let envelope = Envelope::open(&context, message).await?;
    let Some(wrapped) = door::unwrap(&envelope) else {
        return judge(message, &envelope);
    };
    // The relay's layer proves nothing about the author: the original is judged as if it lay here bare.
    let inner = Envelope::open(&context, wrapped.original).await?;
    let mut opened = judge(wrapped.original, &inner)?;
    let mut layers = envelope.layers.clone();
    layers.push(Layer::SealedAtDoor);
    layers.append(&mut opened.layers);
    opened.layers = layers;
    opened.sealed_at_door = true;
    opened.authentication_results = wrapped.authentication_results;
    Ok(opened)
}

/// The outcome for a message and its unwrapped envelope.
fn judge(message: &[u8], envelope: &Envelope<'_>) -> Result<Opened, OpenError> {
    let outside = Entity::parse(message).map_err(|_| OpenError::HeaderTooLarge)?;
    let payload = Entity::parse(&envelope.payload).map_err(|_| OpenError::HeaderTooLarge)?;
    let encrypted = envelope.layers.iter().any(|layer| matches!(layer, Layer::Encrypted { weak: false, .. }));
    let weak = envelope.layers.iter().any(|layer| matches!(layer, Layer::Encrypted { weak: true, .. }));
    let scheme = Scheme::of(&payload, &outside.fields, !envelope.layers.is_empty());
    let mut headers = scheme.headers(&payload, &outside.fields);
    let innermost_encryption =
        envelope.layers.iter().rposition(|layer| matches!(layer, Layer::Encrypted { .. }));
    let signers: Vec<SignerReport> = envelope
        .signatures
        .iter()
        .map(|signature| report(signature, &headers, innermost_encryption))
        .collect();
    let signed = signers.iter().any(|signer| signer.valid);
    protect_fields(&mut headers, signed, encrypted);
    settle_from(&mut headers, &outside.fields, &signers);
    let decoration = Decoration {
        elements: headers.protected && (encrypted || weak),
        old_parts: matches!(scheme, Scheme::Old),
    };
    let parts = match scheme.body(&payload) {
        Some(message) => parts_of(&message, decoration),
        None => parts_of(&payload, decoration),
    };
    let status = match (signed, encrypted) {
        (true, true) => Status::Confidential,
        (true, false) => Status::Verified,
        (false, true) => Status::EncryptedUnverified,
        (false, false) => Status::Unprotected,
    };
    Ok(Opened {
        status,
        signers,
        sealed_at_door: false,
        authentication_results: None,
        weak,
        headers,
        parts,
        certificates: envelope.certificates.clone(),
        layers: envelope.layers.clone(),
    })
}

/// How the header of a message is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
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
    fn of(payload: &Entity<'_>, outside: &[Field<'_>], layered: bool) -> Self {
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
    fn body<'p>(self, payload: &Entity<'p>) -> Option<Entity<'p>> {
        if self == Self::Rfc8551 { Entity::parse(payload.body).ok() } else { None }
    }

    /// The header to be shown, each field not yet protected but for being confidential or not.
    fn headers(self, payload: &Entity<'_>, outside: &[Field<'_>]) -> Headers {
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
        let fields = protected.into_iter().map(|(name, value)| {
            let encrypted = cipher && !contains_field(&recorded, &name, &value);
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
    let layered = super::layers::is_cms(&inner) || inner.media_type() == "multipart/signed";
    let marked = inner.content_type.parameter("hp").is_some();
    let author = |fields: &[Field<'_>]| {
        let from = fields.iter().filter(|field| field.is("From"));
        from.flat_map(super::address::parse_addresses).collect::<Vec<Address>>()
    };
    let (inside, outside) = (author(&inner.fields), author(outside));
    !layered && !marked && !inside.is_empty() && same_authors(&inside, &outside)
}

/// HeaderFieldProtection (RFC 9788 4.3.1).
fn protect_fields(headers: &mut Headers, signed: bool, encrypted: bool) {
    for field in &mut headers.fields {
        let meant = field.protection;
        let protected = headers.protected;
        field.protection = FieldProtection {
            signed: protected && signed,
            encrypted: protected && encrypted && meant.encrypted,
        };
    }
}

/// RFC 9788 4.4: without a signature that settles it, the author outside is shown when he differs.
fn settle_from(headers: &mut Headers, outside: &[Field<'_>], signers: &[SignerReport]) {
    if headers.protected {
        let fields = outside.iter().filter(|field| field.is("From"));
        let outer: Vec<Address> = fields.flat_map(super::address::parse_addresses).collect();
        let bound = signers.iter().any(|signer| signer.valid);
        if !bound && !outer.is_empty() && !same_authors(&outer, &headers.from) {
            let inner = std::mem::replace(&mut headers.from, outer.clone());
            headers.from_mismatch = Some(FromMismatch { outer, inner });
        }
    }
    // RFC 8550 3 lets the Sender sign; then the Sender is who a reader must be shown.
    let signs = |as_sender| signers.iter().any(|signer| signer.valid && signer.as_sender == as_sender);
    if signs(true)
        && !signs(false)
        && let Some(sender) = headers.sender.clone()
    {
        headers.on_behalf_of = std::mem::replace(&mut headers.from, vec![sender]);
    }
}

fn report(signature: &Signature, headers: &Headers, innermost_encryption: Option<usize>) -> SignerReport {
    let verdict = match &signature.verdict {
        Ok(verdict) => verdict,
        Err(error) => return SignerReport::unreadable(*error),
    };
    let outside = innermost_encryption.is_some_and(|encryption| signature.layer < encryption);
    let role = match &verdict.verdict {
        Err(error) => Err(SignerFault::Signature(error.clone())),
        Ok(_) if outside => Err(SignerFault::OutsideEncryption),
        Ok(_) => role(verdict, headers),
    };
    let timestamp = verdict.timestamp.as_ref().map(TimestampReport::new);
    let stamped = timestamp.as_ref().and_then(|stamp| stamp.time);
    let certificate = verdict.certificate.clone();
    SignerReport {
        emails: verdict.emails.clone(),
        subject: certificate.as_ref().map(Certificate::subject).unwrap_or_default(),
        name: certificate.as_ref().and_then(Certificate::common_name),
        issuer: certificate.as_ref().map(Certificate::issuer).unwrap_or_default(),
        valid: role.is_ok(),
        as_sender: role == Ok(Role::Sender),
        reason: role.err(),
        signed_at: stamped.or(verdict.signing_time),
        timestamp,
        certificate,
        encryption: verdict.encryption.clone(),
        capabilities: verdict.capabilities.clone(),
    }
}

/// Whom a signer is to the message (RFC 5322 3.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Author,
    Sender,
}

/// What ties the signer's certificate to the message (RFC 8550 3).
///
/// RFC 8550 accepts a certificate without addresses too; here nothing would tie it to the author.
fn role(verdict: &SignerVerdict, headers: &Headers) -> Result<Role, SignerFault> {
    if verdict.emails.is_empty() {
        return Err(SignerFault::NoAddress);
    }
    if headers.from.is_empty() || headers.count("From") != 1 || headers.count("Sender") > 1 {
        return Err(SignerFault::FromAmbiguous);
    }
    let is_signers =
        |address: &Address| verdict.emails.iter().any(|email| same_mailbox(email, &address.email));
    match headers.sender.as_ref().is_some_and(is_signers) {
        _ if headers.from.iter().all(is_signers) => Ok(Role::Author),
        true => Ok(Role::Sender),
        false => Err(SignerFault::FromMismatch),
    }
}

impl SignerReport {
    fn unreadable(error: crate::VerifyError) -> Self {
        Self {
            emails: Vec::new(),
            subject: String::new(),
            name: None,
            issuer: String::new(),
            valid: false,
            reason: Some(SignerFault::Unreadable(error)),
            signed_at: None,
            timestamp: None,
            certificate: None,
            encryption: None,
            capabilities: Vec::new(),
            as_sender: false,
        }
    }
}
