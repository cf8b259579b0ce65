//! Opening a message: unwrap its layers, read its header and parts, and judge it once (RFC 9787).

use super::{
    address::{Address, parse_addresses},
    door,
    entity::Entity,
    field::{Field, split_header},
    headers::{FieldProtection, FromMismatch, Headers, same_authors},
    incoming::Incoming,
    layers::{Context, Envelope},
    parts::{Decoration, Part, parts_of},
    report::{Layer, Role, SignerFault, SignerReport, Status},
    scheme::Scheme,
    signers::{report, show_signer},
    tree::Node,
};
use crate::ess::{LabelError, ListExpansion, Receipt, RequestedReceipt, SecurityLabel};
use crate::path::Budget;
use crate::{Certificate, DecryptError, DecryptionKey, Keyring, Provider, Trust, UnixTime};

/// A message that was opened, and what it is worth. Only [`open()`] makes one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// What a reader may rely on.
    pub status: Status,
    /// Who signed, and whether that counts.
    pub signers: Vec<SignerReport>,
    /// True if a relay sealed what had come in readable: its encryption is not the author's.
    ///
    /// A message that its author encrypted, and a relay wrapped because of its header, is not meant.
    pub sealed_at_door: bool,
    /// What the wrapper says of where the message came from: the value of an Authentication-Results field (RFC 8601).
    ///
    /// Anybody can make a wrapper. Only who knows otherwise that the reader's own relay made this one may heed it.
    pub door_results: Option<String>,
    /// True if some layer is encrypted too weakly to be called so.
    pub weak: bool,
    /// The header, from inside the protection where there is one.
    pub headers: Headers,
    /// The parts, in order.
    pub parts: Vec<Part>,
    /// What the message is for.
    pub kind: Kind,
    /// Certificates that came with the message: known, not trusted.
    pub certificates: Vec<Certificate>,
    /// The layers, outermost first.
    pub layers: Vec<Layer>,
    /// The same with all parts, errant layers among them: how the message is built.
    pub tree: Node,
}

/// What a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// To be read: a letter.
    Letter,
    /// To carry [`Opened::certificates`] and nothing else (`smime-type=certs-only`, RFC 8551 3.8).
    ///
    /// The object itself is the only part.
    Certificates,
    /// To say that another message was received (RFC 2634 2.4).
    ///
    /// The object itself is the only part; [`crate::ess::RequestedReceipt::check`] holds it against what was
    /// sent.
    Receipt(Receipt),
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
    /// The text, from the plain-text body, or what stands where a multipart has no parts.
    pub fn text(&self) -> Option<String> {
        self.body("text/plain").or_else(|| self.body("multipart/"))
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

    /// The label that the author's signature puts on the message (RFC 2634 3).
    ///
    /// # Errors
    /// If it cannot be read, or two good signatures differ: then the message is not to be shown as if it had none.
    pub fn label(&self) -> Result<Option<&SecurityLabel>, LabelError> {
        let mut label = None;
        for signer in self.signers.iter().filter(|signer| signer.valid) {
            match (label, signer.services.label.as_ref().map_err(|error| *error)?) {
                (Some(known), Some(other)) if known != other => return Err(LabelError::Conflict),
                (None, found) => label = found.as_ref(),
                _ => {}
            }
        }
        Ok(label)
    }

    /// The receipt that the author asks for; none if two good signatures ask for different ones.
    pub fn requested_receipt(&self) -> Option<&RequestedReceipt> {
        let valid = self.signers.iter().filter(|signer| signer.valid);
        let mut requests = valid.filter_map(|signer| signer.services.requested_receipt.as_ref());
        let first = requests.next()?;
        requests.all(|other| first.is_same_request(other)).then_some(first)
    }

    /// The mailing lists that the message went through, which decide about receipts: those of the outermost
    /// signature, whoever's it is (RFC 2634 4.4). `None` if it does not hold: what they want is not known.
    pub fn lists(&self) -> Option<&[ListExpansion]> {
        let outermost = self.signers.iter().map(|signer| signer.layer).min()?;
        let holds = |signer: &&SignerReport| {
            let broken =
                matches!(signer.reason, Some(SignerFault::Signature(_) | SignerFault::Unreadable(_)));
            signer.layer == outermost && !broken
        };
        let lists = self.signers.iter().filter(holds).map(|signer| signer.services.lists.as_slice());
        lists.max_by_key(|lists| lists.len())
    }

    fn body(&self, media_type: &str) -> Option<String> {
        let body = self.parts.iter().find(|part| part.is_body && part.media_type.starts_with(media_type));
        body.map(Part::text)
    }
}

/// Opens a whole message (RFC 5322): decrypts, verifies, reads.
///
/// A message that is readable always opens, whatever its signatures are worth: a wrong one counts as
/// none. `now` is when a signer's certificate must be valid, unless a timestamp proves an earlier time.
/// What is handed over is let go of before it is decrypted.
pub async fn open<'m>(
    provider: &impl Provider,
    keyring: &impl Keyring,
    keys: &[DecryptionKey],
    trust: &Trust,
    message: impl Into<Incoming<'m>>,
    now: UnixTime,
) -> Result<Opened, OpenError> {
    let context = Context { provider, keyring, keys, trust, now };
    let message = message.into();
    let (_, body) = split_header(&message.octets).map_err(|_| OpenError::HeaderTooLarge)?;
    let header = message.octets.get(..body).unwrap_or(&message.octets).to_vec();
    let envelope = Envelope::open(&context, message, Budget::default()).await?;
    let Some((original, results)) = door::unwrap(&envelope) else {
        return judge(&header, &envelope);
    };
    // The relay's layer proves nothing about the author: the original is judged as if it lay here bare.
    let inner = Envelope::open(&context, original.into(), envelope.budget.clone()).await?;
    let mut opened = judge(original, &inner)?;
    let mut layers = envelope.layers.clone();
    layers.push(Layer::SealedAtDoor);
    layers.append(&mut opened.layers);
    opened.layers = layers;
    let outer = envelope.layers.iter().cloned().chain([Layer::SealedAtDoor]);
    opened.tree = Node::around(opened.tree, &outer.collect::<Vec<_>>(), &[]);
    opened.sealed_at_door = !inner.has_encryption(false);
    opened.door_results = results;
    compare_wrapper(&mut opened, &header)?;
    Ok(opened)
}

/// The outcome for a message and its unwrapped envelope.
fn judge(message: &[u8], envelope: &Envelope<'_>) -> Result<Opened, OpenError> {
    let outside = Entity::parse(message).map_err(|_| OpenError::HeaderTooLarge)?;
    let payload = Entity::parse(&envelope.payload).map_err(|_| OpenError::HeaderTooLarge)?;
    let (encrypted, weak) = (envelope.has_encryption(false), envelope.has_encryption(true));
    // The header beside a receipt's own object is outside of its signature.
    let layered = envelope.has_encryption(false) || envelope.has_encryption(true) || !envelope.is_receipt();
    let scheme = Scheme::of(&payload, &outside.fields, layered && envelope.is_protected());
    let mut headers = scheme.headers(&payload, &outside.fields);
    let innermost = envelope.layers.iter().rposition(|layer| matches!(layer, Layer::Encrypted { .. }));
    let signers: Vec<SignerReport> =
        envelope.signatures.iter().map(|signature| report(signature, &headers, innermost)).collect();
    let signed = signers.iter().any(|signer| signer.valid);
    protect_fields(&mut headers, signed, encrypted);
    settle_from(&mut headers, &outside.fields, &signers);
    if (signed || encrypted || weak) && !headers.protected {
        headers.reply_to.clear();
        headers.recipients_unprotected = encrypted || weak;
    }
    let decoration =
        Decoration { elements: headers.protected && (encrypted || weak), old_parts: scheme == Scheme::Old };
    let body = scheme.body(&payload);
    let (parts, tree) = parts_of(body.as_ref().unwrap_or(&payload), decoration);
    Ok(Opened {
        status: Status::of(signed, encrypted),
        sealed_at_door: false,
        door_results: None,
        weak,
        headers,
        parts,
        kind: envelope.kind.clone(),
        tree: Node::around(tree, &envelope.layers, &signers),
        signers,
        certificates: envelope.certificates.clone(),
        layers: envelope.layers.clone(),
    })
}

/// A relay repeats the author outside of its wrapper. Anybody can make a wrapper, so one that says
/// otherwise, or nothing, shows an author who is not to be believed.
fn compare_wrapper(opened: &mut Opened, message: &[u8]) -> Result<(), OpenError> {
    let wrapper = Entity::parse(message).map_err(|_| OpenError::HeaderTooLarge)?;
    let fields = wrapper.fields.iter().filter(|field| field.is("From"));
    let outer: Vec<Address> = fields.flat_map(parse_addresses).collect();
    let headers = &mut opened.headers;
    let claimed: Vec<Address> = headers.from.iter().filter(|one| one.is_writable()).cloned().collect();
    let signed = opened.signers.iter().any(|signer| signer.valid);
    if !signed && headers.from_mismatch.is_none() && !same_authors(&outer, &claimed) {
        let inner = std::mem::replace(&mut headers.from, outer.clone());
        headers.from_mismatch = Some(FromMismatch { outer, inner });
    }
    Ok(())
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
        let outer: Vec<Address> = fields.flat_map(parse_addresses).collect();
        // The sender's signature tells nothing about the author (RFC 9788 4.4.1.2).
        let bound = signers.iter().any(|signer| signer.role == Some(Role::Author));
        if !bound && !outer.is_empty() && !same_authors(&outer, &headers.from) {
            let inner = std::mem::replace(&mut headers.from, outer.clone());
            headers.from_mismatch = Some(FromMismatch { outer, inner });
        }
    }
    show_signer(headers, signers);
}
